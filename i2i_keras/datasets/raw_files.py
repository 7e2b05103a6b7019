"""Finds the files of a raw tree, and which label goes with which image."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from i2i_keras.data.records import Record
from i2i_keras.errors import DataError

Name = TypeVar("Name", str, int)


def named(folder: Path, ending: str, pattern: str = "*") -> dict[str, Path]:
    """Files by what stands before the ending of their name.

    Args:
        folder: where to look; one that is not there has none.
        ending: how the names end, in upper or lower case.
        pattern: glob of the files within the folder.

    Raises:
        DataError: two files have one name.
    """
    return by_name(
        (path.name[: -len(ending)], path)
        for path in sorted(folder.glob(pattern))
        # macOS leaves a hidden `._NAME` beside each file on foreign disks.
        if path.name.lower().endswith(ending.lower()) and not path.name.startswith(".")
    )


def by_name(files: Iterable[tuple[Name, Path]]) -> dict[Name, Path]:
    """Makes a dict of files, each of which must have a name of its own.

    Raises:
        DataError: two files have one name.
    """
    found: dict[Name, Path] = {}
    for name, path in files:
        if name in found:
            raise DataError(f"{found[name]} and {path} would both be {name!r}; rename one.")
        found[name] = path
    return found


def pair(
    images: Mapping[str, Path],
    labels: Mapping[str, Path],
    place: Callable[[str], tuple[Path, Path]],
) -> list[Record]:
    """Joins images with their labels by name.

    Args:
        images: the images of one split.
        labels: its labels.
        place: from a name to where its image and its label should be.

    Returns:
        Records by name. Without any label the set is an unlabelled one; else
        what is missing is named where it should be, for the audit to find.
    """
    if not labels:
        return [Record(name, path, None) for name, path in sorted(images.items())]
    return [
        Record(name, images.get(name, place(name)[0]), labels.get(name, place(name)[1]))
        for name in sorted(images.keys() | labels.keys())
    ]
