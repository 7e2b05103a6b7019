"""The raw layout of GTA5, "Playing for Data".

    ROOT/images/NNNNN.png
    ROOT/labels/NNNNN.png    palette PNG, the index is the class id

Reference:
    Richter et al., 2016, https://download.visinf.tu-darmstadt.de/data/from_games
"""

import json
from importlib import resources
from pathlib import Path

from PIL import Image

from i2i_keras.data.encodings import numbers_by_color
from i2i_keras.data.image_files import DECODERS
from i2i_keras.data.labels import CLASSES
from i2i_keras.data.records import Splits, images_in
from i2i_keras.datasets.dataset import CITYSCAPES, Dataset
from i2i_keras.datasets.raw_files import by_name, named, pair
from i2i_keras.errors import DataError

# Frames of the authors' train split whose image is of one color (RobustNet,
# https://github.com/shachoi/RobustNet/issues/21). `gta5_splits.json` comes from
# RobustNet's lists and lacks them; `split.mat` does not.
SOLID_FRAMES = (
    *(12160, 12166, 12167, 12191, 12192, 12193, 12195),
    *(12202, 12203, 12204, 12205, 12206, 12207, 12208, 19993),
)
NUM_FRAMES = 24_966
_DIGITS = 5  # Of a frame's name.
# By id; only `static` has another color than in Cityscapes.
COLORS = tuple((20, 20, 20) if row.name == "static" else row.color for row in CLASSES)


def official_frames() -> dict[str, list[int]]:
    """Frame numbers of the authors' splits (their `split.mat`), in order.

    They are runs of neighboring frames: a random split would put near
    duplicates on both sides. `SOLID_FRAMES` are among those for training.
    """
    file = resources.files("i2i_keras.datasets") / "gta5_splits.json"
    spans = json.loads(file.read_text("utf-8"))
    frames = {
        split: [frame for first, last in spans[split] for frame in range(first, last + 1)]
        for split in ("train", "val", "test")
    }
    return frames | {"train": sorted([*frames["train"], *SOLID_FRAMES])}


def official(root: Path, encoding: str = "ids") -> Splits:
    """The authors' train (12,403), val (6,382) and test (6,181 frames).

    Frames that are not on the disk are left out.
    """
    if not (root / "images").is_dir():
        raise DataError(f"{root} has no folder images; give the root of GTA5.")
    images = by_name((_frame(path), path) for path in images_in(root / "images"))
    labels = by_name((_frame(path), path) for path in named(root / "labels", ".png").values())
    return {
        split: pair(
            {f"{frame:05}": images[frame] for frame in frames if frame in images},
            {f"{frame:05}": labels[frame] for frame in frames if frame in labels},
            lambda name: (root / "images" / f"{name}.png", root / "labels" / f"{name}.png"),
        )
        for split, frames in official_frames().items()
    }


def val_as_test(root: Path, encoding: str = "ids") -> Splits:
    """Train, no validation, and the authors' val for the test.

    For the target role, which needs no labelled validation.
    """
    splits = official(root, encoding)
    return {"train": splits["train"], "val": [], "test": splits["val"]}


def recognize(root: Path) -> str | None:
    """Whether frames have five digits and palette labels, see `Dataset`.

    Others number theirs, too.
    """
    images, labels = root / "images", root / "labels"
    if not images.is_dir() or not labels.is_dir():
        return None
    names = [path.stem for path in images_in(images)]
    if not names or not all(name.isdecimal() and len(name) == _DIGITS for name in names):
        return None
    first = next(iter(sorted(labels.glob("*.png"))), None)
    return "" if first is not None and _mode(first) == "P" else None


_SOLID = "of one color (https://github.com/shachoi/RobustNet/issues/21)"
_BLANK = "black or white though its label is good (left out of LSD-seg's lists)"
DATASET = Dataset(
    "GTA5",
    splits={"official": official, "val_as_test": val_as_test},
    coding=CITYSCAPES,
    numbers=range(35),
    encodings=("ids", "colors"),
    colors=numbers_by_color(COLORS),
    palette=COLORS,
    known={f"{frame:05}": _SOLID for frame in SOLID_FRAMES} | {"15188": _BLANK, "17705": _BLANK},
    recognize=recognize,
)


def _mode(path: Path) -> str:
    with Image.open(path, formats=DECODERS) as image:
        return image.mode


def _frame(path: Path) -> int:
    if not path.stem.isdecimal():
        raise DataError(f"{path} is not a frame of GTA5, whose name is a number; remove it.")
    if not 1 <= int(path.stem) <= NUM_FRAMES:
        raise DataError(f"{path} is not a frame of GTA5, which has 1 to {NUM_FRAMES}; remove it.")
    return int(path.stem)
