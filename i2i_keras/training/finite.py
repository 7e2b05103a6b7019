"""Numbers that have to be finite: weights, and what networks make of images."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from i2i_keras import stack
from i2i_keras.errors import DivergedError

_FEW = 4  # Files that are named.


def not_finite(variables: Sequence[tf.Variable]) -> str:
    """The first of a network's variables that is not finite; empty = none."""
    for variable in stack.variables_of(variables):
        if not variable.dtype.is_floating:
            continue
        if not np.isfinite(tf.cast(variable, tf.float32).numpy()).all():
            return str(variable.name).rpartition(":")[0] or str(variable.name)
    return ""


def diverged(what: str, step: int, folder: Path, files: Sequence[Path]) -> DivergedError:
    """What is said where a training has diverged.

    Args:
        what: is no number, as the beginning of a sentence.
        step: after which.
        folder: of the training, whose checkpoints stay as they are.
        files: images of the step's batch, if they are known.
    """
    indexes = (folder / "checkpoints").glob("ckpt-*.index")
    kept = max((int(path.stem.partition("-")[2]) for path in indexes), default=0)
    told = f"{what} at step {step}"
    if files:
        more = f" and {len(files) - _FEW} more" if len(files) > _FEW else ""
        told += f", whose batch is of {', '.join(map(str, files[:_FEW]))}{more}"
    if kept:
        told += f"; the checkpoint of step {kept} is kept"
    look = "look at these images, or " if files else ""
    return DivergedError(
        f"{told}; {look}lower learning_rate, delete {folder} and run it again, or set"
        " on_nan = 'rollback' and go on."
    )


def check_result(values: tf.Tensor, what: str) -> tf.Tensor:
    """What a network has made of images, if it is finite.

    Args:
        values: of any shape; of integers there is nothing to check.
        what: it is, with what has made it, for the message.

    Raises:
        DivergedError: it is not.
    """
    if values.dtype.is_floating and not bool(tf.reduce_all(tf.math.is_finite(values))):
        raise DivergedError(
            f"{what} hold what is not a number; the training has diverged: lower its"
            " learning_rate, delete its stage's folder and run it again."
        )
    return values
