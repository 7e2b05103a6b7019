"""Weights of one network, as a training leaves them at its end."""

from pathlib import Path

import keras
import tensorflow as tf

from i2i_keras import stack
from i2i_keras.errors import DataError, FileError
from i2i_keras.models import hdf5
from i2i_keras.run_folder import writing
from i2i_keras.run_folder.places import how_to_make
from i2i_keras.training import finite


def save_weights(model: tf.Module, path: Path) -> None:
    """Writes `*.weights.h5`, atomically.

    Raises:
        DataError: it holds what is no number, or cannot be written.
    """
    if name := finite.not_finite(model.variables):
        raise DataError(
            f"{path} would hold what is not a number ({name}), for its training has diverged; lower"
            f" its learning_rate, delete {path.parent} and run it again."
        )
    writing.write(path, stack.weights_file(model))


def load_weights(model: keras.Model, path: Path, todo: str = "") -> None:
    """Reads what `save_weights` wrote.

    Args:
        model: of the same network.
        path: of the file.
        todo: what mends it if it cannot be read; empty = to make it anew.

    Raises:
        FileError: it is missing, broken, of another network, or holds what
            is no number.
    """
    todo = todo or f"delete {path.parent} and {how_to_make(path)}"
    if not path.is_file():
        raise FileError(path, "is missing", todo)
    try:
        hdf5.check_plain(path, model)
        model.load_weights(path)
    except hdf5.ERRORS as error:
        raise FileError(
            path, f"cannot be read as weights of its network{_why(error)}", todo
        ) from error
    if name := finite.not_finite(model.variables):
        raise FileError(path, f"holds what is not a number ({name})", todo)


def _why(error: Exception) -> str:
    """Keras' own words fill pages."""
    return f" ({error})" if isinstance(error, hdf5.NotPlainError) else ""
