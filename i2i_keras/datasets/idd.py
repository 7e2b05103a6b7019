"""The raw layout of IDD Lite (India Driving Dataset, level 1).

    ROOT/leftImg8bit/SPLIT/DRIVE/FRAME_image.jpg
    ROOT/gtFine/SPLIT/DRIVE/FRAME_label.png       0 to 6, 255 = void
    ROOT/gtFine/SPLIT/DRIVE/FRAME_inst_label.png  not read

Reference:
    Varma et al., 2019; Mishra et al., 2019 (IDD Lite);
    http://idd.insaan.iiit.ac.in
"""

from pathlib import Path

from i2i_keras.data.labels import IGNORE
from i2i_keras.data.records import SPLITS, Record, Splits
from i2i_keras.datasets.dataset import Coding, Dataset, RawClass
from i2i_keras.datasets.raw_files import by_name, named, pair
from i2i_keras.errors import DataError

_IMAGE, _LABEL = "_image.jpg", "_label.png"


def official(root: Path, encoding: str = "ids") -> Splits:
    """Train (1,403), val (204) and test (404 frames, without labels)."""
    if not (root / "leftImg8bit").is_dir():
        raise DataError(f"{root} has no folder leftImg8bit; give the root of IDD Lite.")
    return {split: _records(root, split) for split in SPLITS}


def val_as_test(root: Path, encoding: str = "ids") -> Splits:
    """Train, no validation, and the official val for the test."""
    splits = official(root, encoding)
    return {"train": splits["train"], "val": [], "test": splits["val"]}


def recognize(root: Path) -> str | None:
    """Whether it is this data set, see `Dataset`."""
    return "" if any((root / "leftImg8bit").glob(f"*/*/*{_IMAGE}")) else None


# Name, color, and the classes of Cityscapes that are part of it. Borders are
# drawn a little differently here, which is part of what a domain shift is.
_CLASSES = (
    ("drivable", (128, 64, 128), ["road"]),
    ("non-drivable", (244, 35, 232), ["sidewalk", "terrain"]),
    ("living things", (220, 20, 60), ["person", "rider"]),
    ("vehicles", (0, 0, 142), ["car", "truck", "bus", "train", "motorcycle", "bicycle"]),
    (
        "roadside objects",
        (220, 220, 0),
        ["wall", "fence", "pole", "traffic light", "traffic sign"],
    ),
    ("far objects", (107, 142, 35), ["building", "vegetation"]),
    ("sky", (70, 130, 180), ["sky"]),
)
DATASET = Dataset(
    "IDD Lite",
    splits={"official": official, "val_as_test": val_as_test},
    coding=Coding("idd", tuple(RawClass(name, i) for i, (name, *_) in enumerate(_CLASSES))),
    numbers=(*range(7), IGNORE),
    recognize=recognize,
    spaces={
        "idd7": [
            {"name": name, "color": color, "cityscapes": parts, "idd": [name]}
            for name, color, parts in _CLASSES
        ]
    },
)


def _records(root: Path, split: str) -> list[Record]:
    images, labels = root / "leftImg8bit" / split, root / "gtFine" / split

    def place(name: str) -> tuple[Path, Path]:
        drive, _, frame = name.partition("_")
        return images / drive / f"{frame}{_IMAGE}", labels / drive / f"{frame}{_LABEL}"

    return pair(_by_drive(images, _IMAGE), _by_drive(labels, _LABEL), place)


def _by_drive(folder: Path, ending: str) -> dict[str, Path]:
    """Files by DRIVE_FRAME: two drives may have frames of one number."""
    drives = (drive for drive in sorted(folder.glob("*")) if drive.is_dir())
    return by_name(
        (f"{drive.name}_{frame}", path)
        for drive in drives
        for frame, path in named(drive, ending).items()
        if not frame.endswith("_inst")
    )
