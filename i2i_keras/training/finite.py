"""Numbers that have to be finite: weights, and what networks make of images."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from i2i_keras import stack
from i2i_keras.errors import DataError


def not_finite(variables: Sequence[tf.Variable]) -> str:
    """The first of a network's variables that is not finite; empty = none."""
    for variable in stack.variables_of(variables):
        if not variable.dtype.is_floating:
            continue
        if not np.isfinite(tf.cast(variable, tf.float32).numpy()).all():
            return str(variable.name).rpartition(":")[0] or str(variable.name)
    return ""


def check_result(values: tf.Tensor, what: str) -> tf.Tensor:
    """What a network has made of images, if it is finite.

    Args:
        values: of any shape; of integers there is nothing to check.
        what: it is, with what has made it, for the message.

    Raises:
        DataError: it is not.
    """
    if values.dtype.is_floating and not bool(tf.reduce_all(tf.math.is_finite(values))):
        raise DataError(
            f"{what} hold what is not a number; the training has diverged: lower its"
            " learning_rate, delete its stage's folder and run it again."
        )
    return values
