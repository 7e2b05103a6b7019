"""Weights of one network, as a training leaves them at its end."""

from pathlib import Path

import keras
import tensorflow as tf

from i2i_keras import stack
from i2i_keras.errors import FileError
from i2i_keras.run_folder import files
from i2i_keras.run_folder.places import how_to_make


def save_weights(model: tf.Module, path: Path) -> None:
    """Writes `*.weights.h5`, atomically.

    Raises:
        FileError: it cannot be written.
    """
    files.write(path, stack.weights_file(model))


def load_weights(model: keras.Model, path: Path, todo: str = "") -> None:
    """Reads what `save_weights` wrote.

    Args:
        model: of the same network.
        path: of the file.
        todo: what mends it if it cannot be read; empty = to make it anew.

    Raises:
        FileError: it is missing, broken, or of another network.
    """
    todo = todo or f"delete {path.parent} and {how_to_make(path)}"
    if not path.is_file():
        raise FileError(path, "is missing", todo)
    try:
        model.load_weights(path)
    except (OSError, LookupError, ValueError) as error:
        raise FileError(path, "cannot be read as weights of its network", todo) from error
