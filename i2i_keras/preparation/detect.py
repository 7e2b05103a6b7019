"""Tells which data set a folder is, or how a plain one is laid out."""

import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from i2i_keras.data.encodings import LabelReader
from i2i_keras.data.records import SPLITS, Record, Splits, open_image, spread
from i2i_keras.datasets import DATASETS
from i2i_keras.datasets.folder import HOLD_OUT
from i2i_keras.datasets.readers import build_reader
from i2i_keras.datasets.spaces import LABEL_SPACES
from i2i_keras.errors import DataError, FileError
from i2i_keras.preparation.domains import DomainConfig
from i2i_keras.preparation.wrong_labels import seem_train_ids

_LOOKED_AT = 50  # Label files.
_MOST_CLASSES = 64  # More numbers or colors than that are no classes.
_FIRST_SEEN = 7  # Cityscapes ids below are void, and two of them are rare.

Code = int | tuple[int, int, int]


class Detected(NamedTuple):
    """What a folder holds.

    Attributes:
        config: how to read it; without a `split` where it has none.
        splits: its records.
        codes: numbers or colors of its label files, where they are no
            Cityscapes ids or colors; else empty.
    """

    config: DomainConfig
    splits: Splits
    codes: tuple[Code, ...] = ()

    def labelled(self, split: str) -> int:
        """How many images of a split have a label."""
        return sum(record.label is not None for record in self.splits[split])

    @property
    def records(self) -> list[Record]:
        """Those of all splits."""
        return [record for split in SPLITS for record in self.splits[split]]


def detect(root: Path) -> Detected:
    """Tells how a folder is laid out; opens a few of its labels.

    Raises:
        DataError: it is not there, or holds no image that we would find.
    """
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; give one with images.")
    for name, dataset in DATASETS.items():
        encoding = dataset.recognize(root)
        if encoding is not None:
            undivided = HOLD_OUT if next(iter(dataset.splits)) == HOLD_OUT else ""
            config = DomainConfig(format=name, encoding=encoding, split=undivided)
            return Detected(config, config.find(root))
    return _plain(root)


def _plain(root: Path) -> Detected:
    config = DomainConfig(format="folder")
    splits = config.find(root)
    parted = any(splits[split] for split in SPLITS[1:])
    train = splits["train"]
    missing = [r for r in train if r.label is not None and not r.label.is_file()]
    if not parted and missing and len(missing) < len(train):
        config = config.model_copy(update={"split": "labelled_as_test"})
    elif not parted and train and all(record.label for record in train):
        config = config.model_copy(update={"split": HOLD_OUT})
    splits = config.find(root)
    labels = [record.label for some in splits.values() for record in some if record.label]
    encoding, codes = _of_labels([path for path in labels if path.is_file()])
    return Detected(config.model_copy(update={"encoding": encoding}), splits, codes)


def _of_labels(labels: list[Path]) -> tuple[str, tuple[Code, ...]]:
    """The encoding of label files, or what they hold if it is none of ours."""
    if not labels:
        return "", ()
    chosen, dataset = spread(labels, _LOOKED_AT), DATASETS["folder"]
    space = LABEL_SPACES["cityscapes19"]
    # Train ids could all be ids as well, and any small numbers train ids.
    train_ids = _seem_train_ids(chosen)
    for encoding in ("train_ids",) if train_ids else ("ids", "colors"):
        if _fits(chosen, build_reader(dataset, encoding, space)):
            return encoding, ()
    codes = {code for path in chosen for code in itertools.islice(_codes(path), _MOST_CLASSES + 1)}
    if len(codes) > _MOST_CLASSES:
        raise DataError(
            f"{chosen[0]} and its neighbors hold more than {_MOST_CLASSES} numbers or colors, which"
            " is no label; give PNGs with one number or color for each class."
        )
    return "", tuple(sorted(codes, key=lambda code: (isinstance(code, tuple), code)))


def _seem_train_ids(labels: list[Path]) -> bool:
    """Whether labels hold train ids, by what ids would hardly be together."""
    numbers = {code for path in labels for code in _codes(path) if isinstance(code, int)}
    found = np.array(sorted(numbers), np.uint8)
    return seem_train_ids(found) and (found < _FIRST_SEEN).sum() > 1


def _fits(labels: list[Path], reader: LabelReader) -> bool:
    """Whether all numbers are classes, and not all of them are ignored."""
    counted = False
    for path in labels:
        try:
            numbers = np.unique(reader.numbers(path))
        except FileError:
            return False
        if not reader.valid[numbers].all():
            return False
        counted = counted or bool((reader.labels[numbers] != 255).any())
    return counted


def _codes(path: Path) -> list[Code]:
    """The numbers or colors that a label file holds."""
    with open_image(path) as image:
        if image.mode in ("L", "P"):
            return np.unique(np.asarray(image)).tolist()
        pixels = np.asarray(image.convert("RGB")).astype(np.uint32)
    # One number a color: Pillow's `getcolors` is slow even on a small image.
    found = np.unique((pixels[..., 0] << 16) | (pixels[..., 1] << 8) | pixels[..., 2]).tolist()
    return [(color >> 16, color >> 8 & 255, color & 255) for color in found]
