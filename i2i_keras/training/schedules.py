"""How long training takes, and the learning rate on the way."""

from typing import Any

import keras
import tensorflow as tf


def total_steps(steps: int | None, epochs: float, num_records: int, batch_size: int) -> int:
    """Number of steps of a training: `steps`, or else `epochs` over the data.

    An epoch has as many whole batches as the data can fill, at least one.
    """
    return steps or max(1, round(epochs * max(1, num_records // batch_size)))


@keras.saving.register_keras_serializable("i2i_keras")
class ConstantThenLinear(keras.optimizers.schedules.LearningRateSchedule):
    """Constant at first, then linearly to zero at the last step.

    Args:
        initial: learning rate of the constant part.
        steps: length of the training.
        constant_share: share of the constant part, in [0, 1].

    Reference:
        Zhu et al., 2017, https://arxiv.org/abs/1703.10593, section 7.1
        (100 epochs and 100 epochs).
    """

    def __init__(self, initial: float, steps: int, constant_share: float = 0.5) -> None:
        self.initial = initial
        self.steps = steps
        self.constant_share = constant_share

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        begin = self.constant_share * self.steps
        left = (self.steps - tf.cast(step, tf.float32)) / max(self.steps - begin, 1.0)
        return self.initial * tf.clip_by_value(left, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial": self.initial,
            "steps": self.steps,
            "constant_share": self.constant_share,
        }
