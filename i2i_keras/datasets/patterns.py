"""Where the files of a data set lie: patterns with {split}, {name} and **.

A pattern is a path below the data set's root, with `/` between folders:

    {split}    the folder of a split
    {name}     the name of a record, within one folder's or file's name
    **         any number of folders, also none; they are part of the name
    *          anything within one folder's or file's name, not part of the name
    {a,b}      one of several words

Hidden files are left out, links to folders are followed, and the last part,
which is the file's, matches in upper and lower case.
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

_SPECIAL = re.compile(r"(\*|\{[^{}]*\})")


class Place(NamedTuple):
    """Where a file lies, as far as its pattern leaves that open.

    Attributes:
        folders: for each `**` the folders that it stands for, with `/`.
        name: what `{name}` stands for.
    """

    folders: tuple[str, ...]
    name: str


def fault(pattern: str) -> str:
    """What is wrong with a pattern; empty = nothing."""
    parts = pattern.split("/")
    if not all(parts) or ".." in parts or "\\" in pattern:
        return "it has to be a path below the root, with single / and without '..'"
    if pattern.count("{name}") != 1:
        return "{name} has to stand in it once"
    if any("**" in part and part != "**" for part in parts) or parts[-1] == "**":
        return "** has to stand for whole folders, as in images/**/{name}.png"
    for word in _SPECIAL.findall(pattern):
        if word not in ("*", "{name}", "{split}") and "," not in word:
            return f"there is no {word}; it may hold {{split}}, {{name}}, **, * and {{a,b}}"
    return ""


def depth(pattern: str) -> int:
    """How many `**` a pattern has."""
    return pattern.split("/").count("**")


def find(root: Path, pattern: str, split: str = "") -> list[tuple[Place, Path]]:
    """The files that match a pattern, in order, each with its place.

    Args:
        root: of the data set.
        pattern: without a `fault`.
        split: what `{split}` stands for.
    """
    parts = pattern.replace("{split}", split).split("/")
    found: dict[Path, Place] = {}
    for place, path in _walk(root, parts, Place((), "")):
        found.setdefault(path, place)  # Two ** can match in several ways.
    return sorted((place, path) for path, place in found.items())


def path_of(root: Path, pattern: str, split: str, place: Place) -> Path:
    """Where the file of a place should be; of several words the first."""
    folders = iter(place.folders)
    parts = pattern.replace("{split}", split).split("/")
    parts = [next(folders) if part == "**" else part for part in parts]
    words = re.compile(r"\{([^{},]*),[^{}]*\}")
    return root.joinpath(*(words.sub(r"\1", part).replace("{name}", place.name) for part in parts))


def _walk(folder: Path, parts: Sequence[str], place: Place) -> Iterator[tuple[Place, Path]]:
    first, *rest = parts
    if first == "**":
        for below, path in _folders(folder, "", ()):
            yield from _walk(path, rest, place._replace(folders=(*place.folders, below)))
        return
    regex = re.compile(_regex(first), 0 if rest else re.IGNORECASE)
    for entry in _entries(folder):
        match = regex.fullmatch(entry.name)
        if not match:
            continue
        name = match.groupdict().get("name", place.name)
        if not rest:
            yield place._replace(name=name), folder / entry.name
        elif entry.is_dir():
            yield from _walk(folder / entry.name, rest, place._replace(name=name))


def _regex(part: str) -> str:
    words = []
    for word in _SPECIAL.split(part):
        if word == "{name}":
            words.append("(?P<name>.+)")
        elif word == "*":
            words.append(".*")
        elif word.startswith("{"):
            words.append(f"(?:{'|'.join(map(re.escape, word[1:-1].split(',')))})")
        else:
            words.append(re.escape(word))
    return "".join(words)


def _folders(folder: Path, below: str, above: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """A folder and all folders in it, each with its place below the first."""
    yield below, folder
    real = os.path.realpath(folder)
    for entry in _entries(folder):
        # A link that leads back would never end.
        if entry.is_dir() and os.path.realpath(entry.path) not in (*above, real):
            deeper = f"{below}/{entry.name}" if below else entry.name
            yield from _folders(folder / entry.name, deeper, (*above, real))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
