"""Seeds of all that a step draws at random: by training, step and purpose.

No state of a generator of random numbers is kept: a training that is gone on
with draws what it would have drawn.
"""

import enum
from typing import NamedTuple

import tensorflow as tf

from i2i_keras.models import draws

_MOST_PURPOSES = 8


class Purpose(enum.IntEnum):
    """What numbers are drawn for; each method names its own, from 0 to 7.

    Kept trainings hold to the values: a purpose may get another name, but not
    another value.
    """


class Seeds(NamedTuple):
    """Seeds of one part of the images of a step.

    Attributes:
        training: seed of the training.
        step: its number.
        part: its number, counted through all updates of the step.
    """

    training: int
    step: tf.Tensor | int
    part: int = 0

    def of(self, purpose: Purpose) -> tf.Tensor:
        """Two integers, others for each purpose."""
        return draws.fold(_pair(self.training, self.step), self._number(purpose))

    def of_noise(self, purpose: Purpose) -> tf.Tensor:
        """Of the noise that comes on top of what `of` was for."""
        return draws.fold(_pair(self.training, self.step), -1 - self._number(purpose))

    def _number(self, purpose: Purpose) -> int:
        return _MOST_PURPOSES * self.part + purpose


def pool_seed(training: int, step: tf.Tensor, update: int, pool: int) -> tf.Tensor:
    """Seed of what a pool of fakes keeps and gives.

    Args:
        training: seed of the training.
        step: its number.
        update: number of the discriminators' update in the step.
        pool: number of the pool.
    """
    return _pair(training + update * 2**40, step) + pool * 2**32


def _pair(training: int, step: tf.Tensor | int) -> tf.Tensor:
    return tf.stack([tf.constant(training, tf.int64), tf.cast(step, tf.int64)])
