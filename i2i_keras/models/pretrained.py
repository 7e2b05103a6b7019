"""Weights of Keras' own networks: none, Keras' download, or a local file."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import keras

from i2i_keras.errors import DataError, FileError, unknown
from i2i_keras.models import hdf5

NONE, DOWNLOAD = "none", "imagenet"


def check(weights: str) -> str:
    """Refuses a setting that names no weights, with a `ValueError`.

    Another ending would make Keras look for a TensorFlow checkpoint. Whether
    the file is there is not looked at: what is trained can do without it.
    """
    if weights not in (NONE, DOWNLOAD) and not weights.endswith(".h5"):
        told = f"give {NONE}, {DOWNLOAD} or a file that ends with .h5"
        raise ValueError(unknown("no weights", weights, (NONE, DOWNLOAD), told))
    return weights


def identity(weights: str) -> str:
    """What tells weights from others wherever their file lies: no path.

    Returns:
        The setting itself, but of a file its name and a hash of its bytes.

    Raises:
        FileError: it is not there.
    """
    if weights in (NONE, DOWNLOAD):
        return weights
    path = _existing(weights)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{path.name} (sha256 {digest[:16]})"


def load(model: keras.Model, weights: str, what: str, download: Callable[[], keras.Model]) -> None:
    """Gives one of Keras' networks its weights.

    Of a file only arrays are read: whatever else it may hold, nothing is
    unpickled, and no layer or function is made of it.

    Args:
        model: the network without its top.
        weights: `none`, `imagenet`, or a file to which Keras saved the weights
            of such a network.
        what: the network, for error messages.
        download: makes the same network with the weights that Keras downloads
            (once; it keeps them in its own folder).

    Raises:
        DataError: no download, no such file, or one of another network.
    """
    if weights == NONE:
        return
    if weights == DOWNLOAD:
        try:
            model.set_weights(download().get_weights())
        except Exception as error:  # Which is what Keras raises.
            raise DataError(
                f"The ImageNet weights of {what} could not be had from Keras ({error});"
                " give the .h5 file of them that Keras saved on another machine."
            ) from None
        return
    path = _existing(weights)
    try:
        hdf5.check_plain(path, model)
        model.load_weights(str(path))
    except hdf5.ERRORS:
        raise FileError(
            path,
            f"does not hold the weights of {what} without its top",
            "give the file that Keras downloads or saves for exactly that network",
        ) from None


def _existing(weights: str) -> Path:
    path = Path(weights)
    if not path.is_file():
        raise FileError(path, "is not there", f"give an .h5 file of weights, or '{DOWNLOAD}'")
    return path
