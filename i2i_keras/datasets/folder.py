"""A plain folder of images, with or without labels.

    ROOT/SPLIT/images/**/NAME.png    SPLIT: train, val, test; PNG, JPEG, BMP,
                                     TIFF, WebP or GIF
    ROOT/SPLIT/labels/**/NAME.png    optional: one Cityscapes id a pixel, or
                                     what a TOML file says (`mapping`)

`ROOT/SPLIT/**/NAME.png`, `ROOT/images/**/NAME.png` or `ROOT/**/NAME.png` do for
images without labels; what does not lie in a split is for training, unless
`split` says how it is divided. `ROOT/images/SPLIT` with `ROOT/labels/SPLIT` is
right, too, and the folder of labels may be called `masks` or `annotations`.
Folders are walked, links followed; a record's name is its path below `images`,
such as `drive1/0001`.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from i2i_keras.data.encodings import numbers_by_color
from i2i_keras.data.labels import CLASSES, IGNORE
from i2i_keras.data.records import KINDS_READ, SPLITS, Record, Splits, is_image
from i2i_keras.data.tree import by_suffix, entries, files_below
from i2i_keras.datasets.dataset import CITYSCAPES, Dataset
from i2i_keras.datasets.raw_files import by_name, pair
from i2i_keras.errors import DataError

HOLD_OUT = "hold_out"
IMAGES = "images"
LABELS = ("labels", "masks", "annotations")
Named = tuple[str, Path]  # The name of a record, and a file of it.


def by_folder(root: Path, encoding: str = "ids") -> Splits:
    """Splits as the folders say.

    Raises:
        DataError: there is no image below `root`.
    """
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; give one with images.")
    splits: Splits
    if _is_parted(root):
        splits = {split: _records(root / split) for split in SPLITS}
    elif _is_parted(root / IMAGES):
        splits = {split: _records_within(root, split) for split in SPLITS}
    else:
        splits = {"train": _records(root), "val": [], "test": []}
    if not any(splits.values()):
        raise DataError(f"{root} holds no {KINDS_READ}{_instead(root)}.")
    return splits


def hold_out(root: Path, encoding: str = "ids") -> Splits:
    """All images of ROOT, or of ROOT/train, to be divided by `hold_out`."""
    parted = by_folder(root, encoding)
    if others := [split for split in SPLITS[1:] if parted[split]]:
        raise DataError(
            f"{root} has a folder {others[0]} already; use split = 'by_folder', or remove it."
        )
    return parted


def labelled_as_test(root: Path, encoding: str = "ids") -> Splits:
    """The images that have a label for the test, all others for training.

    For a target of which a few images were labelled in order to score on them.

    Raises:
        DataError: a label has no image, or see `hold_out`.
    """
    train, test = list[Record](), list[Record]()
    for record in hold_out(root, encoding)["train"]:
        if record.label is None or not record.label.is_file():
            train.append(record._replace(label=None))
        else:
            test.append(record)
    return {"train": train, "val": [], "test": test}


DATASET = Dataset(
    "a plain folder",
    splits={"by_folder": by_folder, HOLD_OUT: hold_out, "labelled_as_test": labelled_as_test},
    coding=CITYSCAPES,
    numbers=(*range(len(CLASSES)), IGNORE),
    encodings=("ids", "train_ids", "colors"),
    colors=numbers_by_color(row.color for row in CLASSES),
)


def _is_parted(root: Path) -> bool:
    return any((root / split).is_dir() for split in SPLITS)


def _records(folder: Path) -> list[Record]:
    """The records of a folder that holds images and labels."""
    images, labels = list[Named](), list[Named]()
    if folder.is_dir():
        _find(folder, "", frozenset(), images, labels)
    place = folder / IMAGES if (folder / IMAGES).is_dir() else folder
    return _joined(images, labels, place, [folder / kind for kind in LABELS])


def _records_within(root: Path, split: str) -> list[Record]:
    """The records of a split that lies in ROOT/images and ROOT/labels."""
    images, labels = list[Named](), list[Named]()
    if (root / IMAGES / split).is_dir():
        _find(root / IMAGES / split, "", frozenset(), images, labels)
    places = [root / kind / split for kind in LABELS]
    labels += [one for place in places if place.is_dir() for one in _named(place, "")]
    return _joined(images, labels, root / IMAGES / split, places)


def _joined(
    images: list[Named], labels: list[Named], place: Path, places: Sequence[Path]
) -> list[Record]:
    """Images with their labels; what is missing should be in these places."""
    there = next((path for path in places if path.is_dir()), places[0])
    return pair(
        by_name(images),
        by_name(labels),
        lambda name: (place / f"{name}.png", there / f"{name}.png"),
    )


def _find(
    folder: Path, prefix: str, above: frozenset[str], images: list[Named], labels: list[Named]
) -> None:
    """Adds the images and labels below a folder; `prefix` begins their names.

    A folder `images` holds all that are beside it; a folder `labels` beside
    images theirs. `above` are the real paths of the folders that it lies in.
    """
    real = os.path.realpath(folder)
    if real in above:  # By a link.
        return
    files, folders = entries(folder)
    kinds = {path.name.lower(): path for path in folders}
    for kind in LABELS:
        if kind in kinds:
            labels += _named(kinds.pop(kind), prefix)
    if IMAGES in kinds:
        _find(kinds[IMAGES], prefix, above | {real}, images, labels)
        return
    images += [(prefix + path.stem, path) for path in files if is_image(path)]
    for path in kinds.values():
        _find(path, f"{prefix}{path.name}/", above | {real}, images, labels)


def _named(folder: Path, prefix: str) -> list[Named]:
    """The image files below a folder, by their path in it."""
    return [
        (prefix + path.relative_to(folder).with_suffix("").as_posix(), path)
        for path in files_below(folder)
        if is_image(path)
    ]


def _instead(root: Path) -> str:
    """What lies there that is no image, and what to do."""
    todo = f"put images there or into {root}/train"
    there = by_suffix(files_below(root))
    if not there:
        return f"; {todo}"
    return f", but {there}; take frames out of videos, unpack archives, or {todo}"
