"""Tells which data set a folder is, or how a plain one is laid out."""

import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from i2i_keras.data.encodings import LabelReader
from i2i_keras.data.labels import IGNORE
from i2i_keras.data.records import SPLITS, Record, Splits, is_labelled, open_image, spread
from i2i_keras.datasets import DATASETS
from i2i_keras.datasets.folder import HOLD_OUT
from i2i_keras.datasets.spaces import LABEL_SPACES
from i2i_keras.errors import DataError, FileError
from i2i_keras.preparation import numberings, whole_set
from i2i_keras.preparation.domains import DomainConfig
from i2i_keras.preparation.wrong_labels import seem_train_ids

_LOOKED_AT = 50  # Label files.
_MOST_CLASSES = 64  # More numbers or colors than that are no classes.
OWN = "own"  # Numbers or colors of classes of one's own.
ENCODINGS = ("ids", "train_ids", "colors", OWN)
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
        return sum(map(is_labelled, self.splits[split]))

    @property
    def records(self) -> list[Record]:
        """Those of all splits."""
        return [record for split in SPLITS for record in self.splits[split]]


def detect(root: Path, encoding: str = "") -> Detected:
    """Tells how a folder is laid out; opens a few of its labels.

    Args:
        root: the folder.
        encoding: what the labels of a plain folder hold, one of `ENCODINGS`;
            empty = what they look like.

    Raises:
        DataError: it is not there, or holds no image that we would find, or it
            cannot be told what its labels hold.
    """
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; give one with images.")
    for name, dataset in DATASETS.items():
        recognized = dataset.recognize(root)
        if recognized is not None:
            undivided = HOLD_OUT if next(iter(dataset.splits)) == HOLD_OUT else ""
            config = DomainConfig(format=name, encoding=recognized, split=undivided)
            return Detected(config, config.find(root))
    return _plain(root, encoding)


def _plain(root: Path, stated: str) -> Detected:
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
    encoding, codes = _encoding_of([path for path in labels if path.is_file()], stated)
    return Detected(config.model_copy(update={"encoding": encoding}), splits, codes)


def _encoding_of(labels: list[Path], stated: str) -> tuple[str, tuple[Code, ...]]:
    """What the user says of label files, or what they look like."""
    if not stated:
        return _of_labels(labels)
    return ("", _all_codes(spread(labels, _LOOKED_AT))) if stated == OWN else (stated, ())


def _of_labels(labels: list[Path]) -> tuple[str, tuple[Code, ...]]:
    """The encoding of label files, or what they hold if it is none of ours.

    Raises:
        DataError: they hold no classes, or it cannot be told what they are.
    """
    if not labels:
        return "", ()
    chosen, space = spread(labels, _LOOKED_AT), LABEL_SPACES["cityscapes19"]
    if _seem_train_ids(chosen):
        return "train_ids", ()
    ids, colors = (
        DomainConfig(format="folder", encoding=encoding).labels(space)
        for encoding in ("ids", "colors")
    )
    if _fits(chosen, ids.reader):
        of_files = numberings.of_files(ids.reader, chosen)
        asked = ids._replace(stated=False)
        for _, what, _, bad in whole_set.judge(asked, numberings.join(of_files), len(of_files)):
            if bad:
                raise DataError(
                    f"{chosen[0].parent} {what}. Say by --source-encoding or --target-encoding"
                    " what they are: ids, train_ids or colors of Cityscapes, or own numbers or"
                    " colors (own)."
                )
        return "ids", ()
    if _fits(chosen, colors.reader):
        return "colors", ()
    return "", _all_codes(chosen)


def _all_codes(labels: list[Path]) -> tuple[Code, ...]:
    """The numbers or colors that label files hold.

    Raises:
        DataError: they are too many for classes.
    """
    codes = {code for path in labels for code in itertools.islice(_codes(path), _MOST_CLASSES + 1)}
    if len(codes) > _MOST_CLASSES:
        raise DataError(
            f"{labels[0]} and its neighbors hold more than {_MOST_CLASSES} numbers or colors, which"
            " is no label; give PNGs with one number or color for each class."
        )
    return tuple(sorted(codes, key=lambda code: (isinstance(code, tuple), code)))


def _seem_train_ids(labels: list[Path]) -> bool:
    """Whether labels hold train ids and could hardly hold ids."""
    reader = DomainConfig(format="folder").labels(LABEL_SPACES["cityscapes19"]).reader
    found = numberings.join(numberings.of_files(reader, labels))
    numbers = np.array(sorted(found), np.uint8)
    if seem_train_ids(numbers) and (numbers < _FIRST_SEEN).sum() > 1:
        return True
    # Labels that ignore every pixel hold no classes of any numbering.
    return bool(found.keys() - {IGNORE}) and numberings.are_surely(numberings.TRAIN_IDS, found)


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
        counted = counted or bool((reader.labels[numbers] != IGNORE).any())
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
