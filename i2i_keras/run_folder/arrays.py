"""Arrays of a run: read from `.npz` files that hold what was written."""

import io
import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2i_keras.errors import DataError
from i2i_keras.run_folder import files
from i2i_keras.run_folder.places import how_to_make

Array = NDArray[Any]


def read(path: Path, names: Sequence[str], *, dimensions: int) -> list[Array]:
    """Reads arrays of finite numbers.

    A file holds its arrays' sizes, too: they are compared with how much it has,
    before there is memory for them.

    Args:
        path: of the `.npz` file.
        names: of the arrays.
        dimensions: that each has at least.

    Raises:
        DataError: it is missing, broken, or holds something else.
    """
    todo = f"delete {path.parent} and {how_to_make(path.parent)}"
    try:
        memory = io.BytesIO(files.read_bytes(path))
        with zipfile.ZipFile(memory) as archive:
            return [_read(archive, f"{name}.npy", dimensions) for name in names]
    except FileNotFoundError:
        raise DataError(f"{path} is missing; {how_to_make(path)}.") from None
    except Exception as error:  # NumPy stumbles over broken files in many ways.
        reason = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
        raise DataError(f"{path} cannot be read ({reason}); {todo}.") from None


def _read(archive: zipfile.ZipFile, name: str, dimensions: int) -> Array:
    size = archive.getinfo(name).file_size
    with archive.open(name) as file:
        version = np.lib.format.read_magic(file)
        read_head = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, kind = read_head(file)
    if kind.kind not in "fiu":
        raise ValueError(f"{name} holds no numbers")
    if len(shape) < dimensions or math.prod(shape) == 0:
        raise ValueError(f"{name} is of shape {shape}")
    if math.prod(shape) * kind.itemsize > size:
        raise ValueError(f"{name} declares more numbers than it has")
    with archive.open(name) as file:
        array: Array = np.lib.format.read_array(file, allow_pickle=False)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds what is not a number")
    return array
