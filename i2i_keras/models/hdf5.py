"""What a file of weights may hold: plain numbers, no more than its network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from i2i_keras.errors import refuse_special

# What h5py and Keras raise of broken files.
ERRORS = (OSError, LookupError, ValueError, TypeError, RuntimeError, AttributeError, OverflowError)
# What files may hold besides: optimizers' counters, names of layers.
_BESIDE = 2**20
_DEEPEST = 64


class NotPlainError(ValueError):
    """What of a file is not as in those that we write."""


def check_plain(path: Path, network: keras.Model) -> None:
    """Refuses a file of weights that is not as harmless as ours are.

    The HDF5 library would follow links and storage into other files, and take
    as much memory as a file declares.

    Args:
        path: of the file.
        network: whose weights it is to hold.

    Raises:
        OSError: it cannot be read as HDF5.
        NotPlainError: says what is wrong with it.
    """
    refuse_special(path)
    room = _BESIDE + sum(_size(v.shape, np.dtype("float64")) for v in network.variables)
    with h5py.File(path, "r") as file:
        for name, dataset in _datasets(file, 0, set()):
            room -= _declared(name, dataset)
            if room < 0:
                raise NotPlainError("it declares more numbers than its network has")


def _datasets(group: h5py.Group, depth: int, seen: set[Any]) -> Iterator[tuple[str, h5py.Dataset]]:
    """All datasets below a group, each once."""
    if depth > _DEEPEST:
        raise NotPlainError("its groups are too deep")
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise NotPlainError(f"{name!r} is a link, which could lead to another file")
        item = group[name]
        place = h5py.h5o.get_info(item.id).addr
        if place in seen:  # Groups may hold each other.
            continue
        seen.add(place)
        if isinstance(item, h5py.Group):
            yield from _datasets(item, depth + 1, seen)
        elif isinstance(item, h5py.Dataset):
            yield name, item


def _declared(name: str, dataset: h5py.Dataset) -> int:
    """Bytes that it takes to read a dataset."""
    if dataset.external or dataset.is_virtual:
        raise NotPlainError(f"{name!r} lies in another file")
    if dataset.dtype.kind not in "fiubS":
        raise NotPlainError(f"{name!r} holds no numbers")
    if dataset.shape is None:
        raise NotPlainError(f"{name!r} is empty")
    return _size(dataset.shape, dataset.dtype)


def _size(shape: Any, dtype: np.dtype[Any]) -> int:
    count = dtype.itemsize
    for side in shape:
        count *= int(side)
    return count
