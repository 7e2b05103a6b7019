"""The raw layout of Cityscapes (fine annotations).

ROOT/leftImg8bit/SPLIT/CITY/CITY_SEQ_FRAME_leftImg8bit.png
ROOT/gtFine/SPLIT/CITY/CITY_SEQ_FRAME_gtFine_labelIds.png
"""

import math
from pathlib import Path

import numpy as np

from i2i_keras.data.records import Dataset, Record, Splits, pair, read_ids
from i2i_keras.errors import DataError


def official(root: Path) -> Splits:
    """Train (2,975), val (500) and test (1,525 frames).

    The labels of the true test set are withheld: its files ignore every
    pixel, so that it cannot be scored.
    """
    return {split: _records(root, split) for split in ("train", "val", "test")}


def val_as_test(root: Path) -> Splits:
    """Train, no validation, and the official val for the test.

    The usual protocol where Cityscapes is the target.
    """
    return {"train": _records(root, "train"), "val": [], "test": _records(root, "val")}


def report(root: Path) -> Splits:
    """The report's 2,082 / 500 / 893 frames (section 5.1).

    Its numbers are those of the official train frames parted 70 : 30, the
    smaller part rounded up, with the official val kept for validation. Which
    frames were drawn it does not say; here they are shuffled by seed 0.
    """
    records = _records(root, "train")
    order = np.random.default_rng(0).permutation(len(records))
    num_test = math.ceil(0.3 * len(records))
    test, train = sorted(order[:num_test]), sorted(order[num_test:])
    return {
        "train": [records[i] for i in train],
        "val": _records(root, "val"),
        "test": [records[i] for i in test],
    }


DATASET = Dataset({"official": official, "val_as_test": val_as_test, "report": report}, read_ids)


def _records(root: Path, split: str) -> list[Record]:
    if not (root / "leftImg8bit").is_dir():
        raise DataError(f"{root} has no folder leftImg8bit; give the root of Cityscapes.")
    found = (root / "leftImg8bit" / split).glob("*/*_leftImg8bit.png")
    # macOS leaves a hidden `._NAME` beside each file on foreign disks.
    images = sorted(path for path in found if not path.name.startswith("."))
    return pair(images, _core_name, lambda image: _label(root, split, image))


def _core_name(image: Path) -> str:
    """CITY_SEQ_FRAME, which an image and its labels share."""
    return image.name.removesuffix("_leftImg8bit.png")


def _label(root: Path, split: str, image: Path) -> Path:
    name = f"{_core_name(image)}_gtFine_labelIds.png"
    return root / "gtFine" / split / image.parent.name / name
