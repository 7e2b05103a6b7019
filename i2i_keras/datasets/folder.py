"""A plain folder of images, with or without labels.

    ROOT/SPLIT/images/NAME.png|jpg    SPLIT: train, val, test
    ROOT/SPLIT/labels/NAME.png        optional: one Cityscapes id a pixel, or
                                      what a TOML file says (`mapping`)

`ROOT/SPLIT/NAME.png`, `ROOT/images/NAME.png` or `ROOT/NAME.png` do for images
without labels; what lies directly in ROOT is for training, unless `split` says
how it is divided.
"""

from pathlib import Path

from i2i_keras.data.encodings import numbers_by_color
from i2i_keras.data.labels import CLASSES, IGNORE
from i2i_keras.data.records import SPLITS, Record, Splits, images_in
from i2i_keras.datasets.dataset import CITYSCAPES, Dataset
from i2i_keras.datasets.raw_files import by_name, named, pair
from i2i_keras.errors import DataError

HOLD_OUT = "hold_out"


def by_folder(root: Path, encoding: str = "ids") -> Splits:
    """Splits as the folders say.

    Raises:
        DataError: there is no image below `root`.
    """
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; give one with images.")
    parted = any((root / split).is_dir() for split in SPLITS)
    splits = {split: _records(root / split) for split in SPLITS}
    if not parted:
        splits["train"] = _records(root)
    if not any(splits.values()):
        raise DataError(f"{root} holds no PNG or JPEG; put images there or into {root}/train.")
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


def _records(folder: Path) -> list[Record]:
    if not folder.is_dir():
        return []
    images = folder / "images" if (folder / "images").is_dir() else folder
    labels = folder / "labels"
    return pair(
        by_name((path.stem, path) for path in images_in(images)),
        named(labels, ".png"),
        lambda name: (images / f"{name}.png", labels / f"{name}.png"),
    )
