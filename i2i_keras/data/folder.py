"""A plain folder of images, with or without labels.

    ROOT/SPLIT/images/NAME.png|jpg    SPLIT: train, val, test
    ROOT/SPLIT/labels/NAME.png        optional: one Cityscapes id a pixel

`ROOT/SPLIT/NAME.png`, `ROOT/images/NAME.png` or `ROOT/NAME.png` do for images
without labels; what lies directly in ROOT is for training.
"""

from pathlib import Path

from i2i_keras.data.records import SPLITS, Dataset, Record, Splits, images_in, pair, read_ids
from i2i_keras.errors import DataError


def by_folder(root: Path) -> Splits:
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


DATASET = Dataset({"by_folder": by_folder}, read_ids)


def _records(folder: Path) -> list[Record]:
    if not folder.is_dir():
        return []
    images = folder / "images" if (folder / "images").is_dir() else folder
    return pair(
        images_in(images),
        lambda image: image.stem,
        lambda image: folder / "labels" / f"{image.stem}.png",
    )
