"""Networks whose weights are moving averages of those that are trained."""

import keras
import tensorflow as tf


def follow(average: keras.Model, model: keras.Model, decay: float, step: tf.Tensor) -> None:
    """Moves an average towards a model.

    The decay begins at 0.1 and rises to its full value, so that the random
    weights of the beginning are forgotten in short trainings, too. What is not
    trained, such as statistics of batch norm, is copied.

    Args:
        average: of the same layers as the model.
        model: that has just been trained.
        decay: of a step, in the long run.
        step: number of the step, the first one's being 0.

    Reference:
        Karras et al., 2018, https://arxiv.org/abs/1710.10196, section 5 of its
        appendix A; the beginning as in TensorFlow's `ExponentialMovingAverage`.
    """
    step = tf.cast(step, tf.float32)
    share = 1.0 - tf.minimum(decay, (1.0 + step) / (10.0 + step))
    for mean, new in zip(average.trainable_variables, model.trainable_variables, strict=True):
        mean.assign_add(share * (new - mean))
    copy(average.non_trainable_variables, model.non_trainable_variables)


def copy(targets: list[tf.Variable], sources: list[tf.Variable]) -> None:
    """Assigns the values of variables to others."""
    for target, source in zip(targets, sources, strict=True):
        target.assign(source)
