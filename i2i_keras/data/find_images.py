"""Finds images to make something of: in folders, as files, by patterns."""

import fnmatch
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from i2i_keras.data.each_image import is_made_here
from i2i_keras.data.records import KINDS_READ, Record, is_image
from i2i_keras.data.tree import by_suffix, entries, files_below, folders_below
from i2i_keras.errors import DataError, FileError


class Made(NamedTuple):
    """What became of images.

    Attributes:
        number: how many were made something of, now or before.
        unreadable: what is said of the others.
        others: files that are no images, counted by kind; empty = none.
    """

    number: int
    unreadable: list[FileError]
    others: str


class Images(NamedTuple):
    """Images that were found.

    Attributes:
        records: without labels.
        others: files of the folders that are no images, those in `out` apart.
    """

    records: list[Record]
    others: list[Path]


def find_images(what: Sequence[str], *out: Path) -> Images:
    """Finds images to make something of.

    Folders are walked and patterns such as `photos/**/*.JPG` matched, links
    followed; what was made in `out` before is left out.

    Args:
        what: folders, image files and patterns; `~` is the user's home.
        out: folders that what is made shall go to.

    Returns:
        The images. The name of one is its path below the folder that was
        given, or below that part of a pattern that is none; if several are
        given, after the name of that folder.

    Raises:
        DataError: one of them holds no image, two images would become one
            file, or they lie in `out` themselves.
    """
    given = [*dict.fromkeys(map(os.path.expanduser, what))]
    places: dict[str, Path] = {}
    goals = {goal.resolve() for goal in out}
    found = Images([], [])
    for one in given:
        root, paths = _matching(one)
        images = [path for path in paths if is_image(path) or path == root]
        others = [path for path in paths if not is_image(path) and path != root]
        found.others.extend(path for path in others if not goals & {*path.resolve().parents})
        prefix = "" if len(given) == 1 or root in images else f"{root.resolve().name}/"
        for goal in out:
            images = _without(images, root, goal, prefix)
        if not images:
            raise DataError(f"{one} holds no {KINDS_READ}{_instead(one, paths)}.")
        for path in images:
            name = path.stem if path == root else prefix + _below(path, root)
            # Some file systems make no difference between A.png and a.png.
            other = places.setdefault(name.casefold(), path)
            if other is not path:
                raise DataError(f"{other} and {path} would both become {name}.png; rename one.")
            found.records.append(Record(name, path, None))
    return found


def _matching(what: str) -> tuple[Path, list[Path]]:
    """A folder, and the files in it that are meant; of a file itself twice."""
    path = Path(what)
    if path.is_dir():
        return path, [*files_below(path)]
    if path.is_file():
        return path, [path]
    # A folder may have the sign of a pattern in its name.
    root = next((above for above in path.parents if above.is_dir()), Path())
    parts = path.parts[len(root.parts) :]
    if not any(map(_is_pattern, parts[:1])):
        return root, []
    return root, [path for path in dict.fromkeys(_glob(root, parts)) if is_image(path)]


def _is_pattern(part: str) -> bool:
    return re.search(r"[*?[]", part) is not None


def _glob(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    """Files below a folder whose path matches, part by part."""
    first, *rest = parts
    if first == "**":
        for here in folders_below(folder):
            yield from _glob(here, rest or ["*"])
        return
    files, folders = entries(folder)
    for path in folders if rest else files:
        if fnmatch.fnmatchcase(path.name, first):
            yield from _glob(path, rest) if rest else [path]


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).with_suffix("").as_posix()


def _without(images: list[Path], root: Path, goal: Path, prefix: str) -> list[Path]:
    """Images but for those that were made in a goal within their folder.

    Raises:
        DataError: the goal is their folder, or others lie in it.
    """
    base = root.resolve() if root.is_dir() else root.resolve().parent
    real = goal.resolve()
    at_home = base in (real, real / prefix)
    if not at_home and base not in real.parents:
        return images
    folders = {path.parent: path.parent.resolve() for path in images}
    within = {here for here, there in folders.items() if real in (there, *there.parents)}
    if at_home or not all(is_made_here(path) for path in images if path.parent in within):
        raise DataError(f"{goal} holds the images themselves; give another folder for --out.")
    return [path for path in images if path.parent not in within]


def _instead(what: str, paths: Sequence[Path]) -> str:
    if paths:
        return f", but {by_suffix(paths)}; write them as PNGs, or give others"
    if Path(what).is_dir() or not _is_pattern(what):
        return "; give a folder of images, an image, or a quoted pattern"
    return "; a pattern goes by files, such as 'photos/*.png', or 'photos/**/*' at any depth"
