"""The raw layout of Cityscapes.

    ROOT/leftImg8bit/SPLIT/CITY/CITY_SEQ_FRAME_leftImg8bit.png
    ROOT/gtFine/SPLIT/CITY/CITY_SEQ_FRAME_gtFine_labelIds.png
    ROOT/gtCoarse/SPLIT/CITY/CITY_SEQ_FRAME_gtCoarse_labelIds.png

Reference:
    Cordts et al., 2016; https://github.com/mcordts/cityscapesScripts
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from i2i_keras.data.encodings import numbers_by_color
from i2i_keras.data.labels import CLASSES, IGNORE, StreetClass
from i2i_keras.data.records import Record, Splits
from i2i_keras.datasets.dataset import CITYSCAPES, Dataset
from i2i_keras.datasets.raw_files import named, pair
from i2i_keras.errors import DataError

# What the label files of an encoding are called.
_KINDS = {"ids": "labelIds", "train_ids": "labelTrainIds", "colors": "color"}


def official(root: Path, encoding: str = "ids") -> Splits:
    """Train (2,975), val (500) and test (1,525 frames), finely labelled.

    The labels of the true test set are withheld: its files ignore every
    pixel, so that it cannot be scored.
    """
    return {split: _records(root, split, "gtFine", encoding) for split in ("train", "val", "test")}


def val_as_test(root: Path, encoding: str = "ids") -> Splits:
    """Train, no validation, and the official val for the test.

    The usual protocol where Cityscapes is the target.
    """
    splits = official(root, encoding)
    return {"train": splits["train"], "val": [], "test": splits["val"]}


def report(root: Path, encoding: str = "ids") -> Splits:
    """The student report's 2,082 / 500 / 893 frames (section 5.1).

    Its numbers are those of the official train frames parted 70 : 30, the
    smaller part rounded up, with the official val kept for validation. Which
    frames were drawn it does not say; here they are shuffled by seed 0.
    """
    splits = official(root, encoding)
    records = splits["train"]
    order = np.random.default_rng(0).permutation(len(records))
    num_test = math.ceil(0.3 * len(records))
    test, train = sorted(order[:num_test]), sorted(order[num_test:])
    return {
        "train": [records[i] for i in train],
        "val": splits["val"],
        "test": [records[i] for i in test],
    }


def coarse(root: Path, encoding: str = "ids") -> Splits:
    """Train, coarsely labelled; the finely labelled val for the test."""
    train = _records(root, "train", "gtCoarse", encoding)
    return {"train": train, "val": [], "test": _records(root, "val", "gtFine", encoding)}


def train_extra(root: Path, encoding: str = "ids") -> Splits:
    """The 19,998 extra frames, coarsely labelled; val for the test."""
    train = _records(root, "train_extra", "gtCoarse", encoding)
    return {"train": train, "val": [], "test": _records(root, "val", "gtFine", encoding)}


def recognize(root: Path) -> str | None:
    """Whether it is this data set, and which label files it has."""
    images = root / "leftImg8bit"
    if not images.is_dir():
        return None
    if any(images.glob("*/*/*")) and not any(images.glob("*/*/*_leftImg8bit.png")):
        return None  # Others name that folder so, too.
    for encoding, kind in _KINDS.items():
        if any((root / "gtFine").glob(f"*/*/*_{kind}.png")):
            return encoding
    return "ids"


def _space(rows: Sequence[StreetClass]) -> list[dict[str, Any]]:
    """A label space of classes as they are."""
    return [{"name": row.name, "color": row.color, "cityscapes": [row.name]} for row in rows]


DATASET = Dataset(
    "Cityscapes",
    splits={
        "official": official,
        "val_as_test": val_as_test,
        "report": report,
        "coarse": coarse,
        "train_extra": train_extra,
    },
    coding=CITYSCAPES,
    numbers=range(34),
    encodings=("ids", "train_ids", "colors"),
    colors=numbers_by_color(row.color for row in CLASSES),
    known={
        "troisdorf_000000_000073": "all black (https://github.com/shahaf1313/ProCST, README)",
    },
    recognize=recognize,
    spaces={
        # The student report's: what a labelIds file can hold. A plate (34) has
        # no counterpart there and is ignored.
        "cityscapes34": _space([row for row in CLASSES if row.id <= 33]),
        "cityscapes19": _space([row for row in CLASSES if row.train_id != IGNORE]),
    },
)


def _records(root: Path, split: str, labels: str, encoding: str) -> list[Record]:
    if not (root / "leftImg8bit").is_dir():
        raise DataError(f"{root} has no folder leftImg8bit; give the root of Cityscapes.")
    images, truth = root / "leftImg8bit" / split, root / labels / split
    ending = f"_{labels}_{_KINDS[encoding]}.png"

    def place(name: str) -> tuple[Path, Path]:
        city = name.split("_")[0]
        return images / city / f"{name}_leftImg8bit.png", truth / city / f"{name}{ending}"

    return pair(named(images, "_leftImg8bit.png", "*/*"), named(truth, ending, "*/*"), place)
