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

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from i2i_keras.data.tree import entries, folders_below

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
    if not folder.is_dir():
        return
    if first == "**":
        for path in folders_below(folder):
            below = path.relative_to(folder).as_posix() if path != folder else ""
            yield from _walk(path, rest, place._replace(folders=(*place.folders, below)))
        return
    regex = re.compile(_regex(first), 0 if rest else re.IGNORECASE)
    files, folders = entries(folder)
    for path in folders if rest else files:
        if match := regex.fullmatch(path.name):
            named = place._replace(name=match.groupdict().get("name", place.name))
            if rest:
                yield from _walk(path, rest, named)
            else:
                yield named, path


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
