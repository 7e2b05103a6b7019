"""The raw layout of Cityscapes.

    ROOT/leftImg8bit/SPLIT/CITY/CITY_SEQ_FRAME_leftImg8bit.png
    ROOT/gtFine/SPLIT/CITY/CITY_SEQ_FRAME_gtFine_labelIds.png
    ROOT/gtCoarse/SPLIT/CITY/CITY_SEQ_FRAME_gtCoarse_labelIds.png

and of Foggy Cityscapes, three images of each frame:

    ROOT/leftImg8bit_foggy/SPLIT/CITY/CITY_SEQ_FRAME_leftImg8bit_foggy_beta_B.png

Reference:
    Cordts et al., 2016; https://github.com/mcordts/cityscapesScripts
    Sakaridis et al., 2018 (Foggy Cityscapes), https://arxiv.org/abs/1708.07819
"""

import functools
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
_IMAGES = "leftImg8bit"
_BETAS = ("0.005", "0.01", "0.02")  # How dense a fog is.


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


def foggy(beta: str, root: Path, encoding: str = "ids") -> Splits:
    """Train and, for the test, val of Foggy Cityscapes, at one density of fog.

    Each frame has one image so, and is in the split that it has in the clear.
    """
    fog = (f"{_IMAGES}_foggy", f"_{_IMAGES}_foggy_beta_{beta}.png")
    train, val = (_records(root, split, "gtFine", encoding, *fog) for split in ("train", "val"))
    return {"train": train, "val": [], "test": val}


def recognize(root: Path) -> str | None:
    """Whether it is this data set, and which label files it has."""
    images = root / _IMAGES
    if not images.is_dir():
        return None
    # Others name that folder so, too, but no file by its city.
    if any(images.glob("*/*/*")) and not any(
        path.name.startswith(f"{path.parent.name}_") for path in images.glob(f"*/*/*_{_IMAGES}.png")
    ):
        return None
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
        **{f"foggy_{beta}": functools.partial(foggy, beta) for beta in _BETAS},
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


def _records(
    root: Path,
    split: str,
    labels: str,
    encoding: str,
    folder: str = _IMAGES,
    image_ending: str = f"_{_IMAGES}.png",
) -> list[Record]:
    if not (root / folder).is_dir():
        raise DataError(f"{root} has no folder {folder}; give the root of Cityscapes.")
    images, truth = root / folder / split, root / labels / split
    ending = f"_{labels}_{_KINDS[encoding]}.png"

    def place(name: str) -> tuple[Path, Path]:
        city = name.split("_")[0]
        return images / city / f"{name}{image_ending}", truth / city / f"{name}{ending}"

    return pair(named(images, image_ending, "*/*"), named(truth, ending, "*/*"), place)
