"""Which files a batch of a training was made of, to name them in errors."""

from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from i2i_keras.data.records import Record


def batch_files(records: Sequence[Record], batch_size: int, seed: int, step: int) -> list[Path]:
    """The images of one batch of `pipeline.training_batches`.

    Args:
        records: that were given to it.
        batch_size: also its.
        seed: also its.
        step: number of the batch, the first one being 1.
    """
    count = len(records)
    positions = range((step - 1) * batch_size, step * batch_size)
    orders = {
        epoch: tf.random.experimental.stateless_shuffle(tf.range(count), [seed, epoch]).numpy()
        for epoch in {position // count for position in positions}
    }
    return [records[orders[p // count][p % count]].image for p in positions]
