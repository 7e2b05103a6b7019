"""What the rows of a table of records, and the files they name, have to be."""

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from PIL import Image

from i2i_keras.data.image_files import DECODERS
from i2i_keras.errors import FileError, refuse_special

_ANEW = "prepare the data anew"


def faults(root: Path, rows: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """What is wrong with rows, to be said after the table's name.

    Args:
        root: the run directory.
        rows: with `name`, `image` and `label`, which are paths in it.
    """
    names, inside = set[str](), _Inside(root)
    for row in rows:
        if row["name"] in names:
            yield f"has {row['name']!r} twice"
        names.add(row["name"])
        for place in (row["name"], row["image"], row["label"]):
            if place != "" and not inside.holds(place):
                yield f"has {place!r}, which leads out of the run"
        if not row["name"] or not row["image"]:
            yield "has a row without a name or an image"


def check_pair(image: Path, label: Path | None) -> None:
    """Refuses prepared files that are not as `prepare` writes them.

    Only their heads are read.

    Raises:
        FileError: the image is not RGB, the label not of one channel of 8 bits,
            or of another size.
    """
    size, mode = _head(image)
    if mode != "RGB":
        raise FileError(image, f"holds {mode} pixels, where RGB was prepared", _ANEW)
    if label is None:
        return
    other, mode = _head(label)
    if mode != "L":
        raise FileError(label, f"holds {mode} pixels, not labels", _ANEW)
    if other != size:
        told = [f"{width}x{height}" for width, height in (other, size)]
        raise FileError(label, f"is of {told[0]} pixels, its image of {told[1]}", _ANEW)


def _head(path: Path) -> tuple[tuple[int, int], str]:
    refuse_special(path)
    try:
        with warnings.catch_warnings(), Image.open(path, formats=DECODERS) as image:
            warnings.simplefilter("ignore")
            return image.size, image.mode
    except Exception as error:  # Pillow stumbles over broken files in many ways.
        raise FileError(path, f"cannot be read as an image ({error})", _ANEW) from None


class _Inside:
    """Tells paths that stay in a run from others.

    A stage's own folder may be a link, such as to another disk or to that of
    several trainings; below it nothing leads out.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, bool] = {}

    def holds(self, place: str) -> bool:
        folder, _, name = place.rpartition("/")
        if folder not in self._known:
            self._known[folder] = self._holds_folder(folder)
        if name in ("", ".", "..") or "\0" in name:
            return False
        return self._known[folder] and not (self._root / place).is_symlink()

    def _holds_folder(self, folder: str) -> bool:
        parts = folder.split("/") if folder else []
        if any(part in ("", ".", "..") for part in parts) or "\0" in folder:
            return False
        stage, real = (os.path.realpath(self._root.joinpath(*some)) for some in (parts[:1], parts))
        return real == stage or real.startswith(f"{stage}{os.sep}")
