"""What the copies of a network on several devices do together, in a step.

A step that is computed by `strategy.run` is computed once on each device, of
its share of the batch. Everything that depends on the batch goes through here,
so that all copies change alike, and as one device with the whole batch would.
Outside such a step, and on one device, every function gives back what it gets.
"""

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

_joined: contextvars.ContextVar[int] = contextvars.ContextVar("joined", default=1)


def count() -> int:
    """Devices that compute the step, or will in this strategy's scope."""
    number: int = tf.distribute.get_strategy().num_replicas_in_sync
    return number


def several() -> bool:
    """Whether this is the computation of one of several devices."""
    return count() > 1 and tf.distribute.in_cross_replica_context() is False


def mean(values: Any) -> Any:
    """Mean over all devices, of each tensor of a structure.

    Differentiable: its gradient is the mean of all devices' gradients.
    """
    if not several():
        return values
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, values)


def all_rows(rows: tf.Tensor, parts: int = 1) -> tf.Tensor:
    """The whole batch, of which each device has a share; see `own_rows`.

    Args:
        rows: `(rows, ...)`, static and as many on every device.
        parts: see `own_rows`.

    Returns:
        `(devices * rows, ...)`, the same on every device.
    """
    if not several():
        return rows
    context, (number, *shape) = tf.distribute.get_replica_context(), rows.shape
    before = number * _index()
    around = [[before, number * (count() - 1) - before], *[[0, 0]] * len(shape)]
    whole = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.pad(rows, around))
    by_device = tf.reshape(whole, (count(), parts, number // parts, *shape))
    by_part = tf.transpose(by_device, (1, 0, *range(2, len(shape) + 3)))
    return tf.reshape(by_part, (count() * number, *shape))


@contextlib.contextmanager
def joined(batches: int) -> Iterator[None]:
    """Inside, what goes through a network is several batches in one.

    Of each of them a device has its share.
    """
    token = _joined.set(batches)
    try:
        yield
    finally:
        _joined.reset(token)


def own_rows(rows: tf.Tensor, axis: int = 0, parts: int | None = None) -> tf.Tensor:
    """This device's share of a whole batch.

    Args:
        rows: with a multiple of `count() * parts` along the axis.
        axis: of the batch.
        parts: of the batch that are computed one after the other; each device
            has its share of each of them. None = what is `joined`.
    """
    if not several():
        return rows
    parts = parts or _joined.get()
    size = tf.shape(rows)[axis] // (count() * parts)
    first = size * (count() * tf.range(parts) + _index())
    places = first[:, tf.newaxis] + tf.range(size)
    return tf.gather(rows, tf.reshape(places, [-1]), axis=axis)


def _index() -> tf.Tensor:
    return tf.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, tf.int32)
