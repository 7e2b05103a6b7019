"""Which files a batch of a training was made of, to name them in errors."""

from collections.abc import Sequence
from pathlib import Path

from i2i_keras.data.order import Order
from i2i_keras.data.records import Record


def batch_files(records: Sequence[Record], batch_size: int, order: Order, step: int) -> list[Path]:
    """The images of one batch of `pipeline.training_batches`.

    Args:
        records: that were given to it.
        batch_size: also its.
        order: also its.
        step: number of the batch, the first one being 1.
    """
    batch = order((step - 1) * batch_size).take(batch_size)
    return [records[index].image for _, index in batch.as_numpy_iterator()]
