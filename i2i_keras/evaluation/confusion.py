"""Pixels by true and predicted class: counted, written and read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from i2i_keras.data.labels import IGNORE
from i2i_keras.errors import DataError
from i2i_keras.run_folder import files
from i2i_keras.run_folder.places import how_to_make


class Confusion(NamedTuple):
    """A confusion matrix.

    Attributes:
        names: of the classes.
        counts: `(classes, classes)` pixels, truth by row.
    """

    names: list[str]
    counts: NDArray[np.int64]


def confusion_matrix(
    truth: NDArray[Any], predicted: NDArray[Any], num_classes: int
) -> NDArray[np.int64]:
    """Counts pixels by true and predicted class.

    Args:
        truth: class indices, 255 = ignored; any shape, any integers.
        predicted: class indices of the same shape.
        num_classes: size of the label space, at most 254.

    Returns:
        `(classes, classes)`, truth by row and prediction by column.

    Raises:
        ValueError: there is an index that is no class.
    """
    truth, predicted = _bytes(truth), _bytes(predicted)
    if predicted.max(initial=0) >= num_classes:
        raise ValueError(f"{predicted.max()} is predicted and none of {num_classes} classes.")
    # 16 bits hold every pair, and ignored ones fall behind all that count:
    # half of the time of wider keys and of a mask.
    pairs = np.multiply(truth, num_classes, dtype=np.uint16)
    pairs += predicted
    counts = np.bincount(pairs.ravel(), minlength=num_classes * 256)
    if counts[num_classes**2 : num_classes * IGNORE].any():
        raise ValueError(f"The truth holds what is none of {num_classes} classes and not {IGNORE}.")
    return counts[: num_classes**2].reshape(num_classes, num_classes).copy()


def write_confusion(path: Path, names: Sequence[str], confusion: NDArray[np.int64]) -> None:
    """Writes a confusion matrix as CSV, truth by row, prediction by column."""
    rows = [
        {"truth": name, **dict(zip(names, map(int, row), strict=True))}
        for name, row in zip(names, confusion, strict=True)
    ]
    files.write_table(path, rows, ["truth", *names])


def read_confusion(path: Path) -> Confusion:
    """Reads what `write_confusion` wrote.

    Raises:
        DataError: it is missing, or holds no confusion matrix.
    """
    rows = files.read_table(path, ["truth"])
    names = [row["truth"] for row in rows]
    try:
        if not rows or [*rows[0]] != ["truth", *names]:
            raise ValueError("its rows and columns are of other classes")
        counts = np.array([[int(row[name]) for name in names] for row in rows], np.int64)
        if counts.min() < 0:
            raise ValueError("a count is negative")
    except (ValueError, OverflowError) as error:
        raise DataError(
            f"{path} holds no confusion matrix ({error}); delete it and {how_to_make(path)}."
        ) from None
    return Confusion(names, counts)


def find_absent(names: Sequence[str], confusion: NDArray[np.int64]) -> list[str]:
    """Classes of which the truth has no pixel."""
    occurring = confusion.sum(axis=1)
    return [name for name, pixels in zip(names, occurring, strict=True) if pixels == 0]


def _bytes(classes: NDArray[Any]) -> NDArray[np.uint8]:
    if classes.dtype == np.uint8:
        return classes
    if classes.size and not 0 <= classes.min() <= classes.max() <= IGNORE:
        raise ValueError(f"{classes.min()} to {classes.max()} are no classes.")
    return classes.astype(np.uint8)
