"""Images of which blocks are hidden, so that their context has to be used."""

import tensorflow as tf

from i2i_keras.models import draws


def hide_blocks(images: tf.Tensor, block: int, share: float, seed: tf.Tensor) -> tf.Tensor:
    """Makes random blocks of a grid gray.

    Args:
        images: float32 `(batch, height, width, 3)` in [-1, 1].
        block: side of a block, in pixels; those at the right and below may be
            cut.
        share: of the blocks that are hidden, in [0, 1), on average.
        seed: two integers.

    Reference:
        Hoyer et al., 2023, https://arxiv.org/abs/2212.01322.
    """
    count, height, width = (tf.shape(images)[axis] for axis in range(3))
    grid = (count, -(-height // block), -(-width // block))
    shown = tf.cast(draws.uniform_rows(grid, seed) >= share, images.dtype)
    for axis in (1, 2):
        shown = tf.repeat(shown, block, axis=axis)
    return images * shown[:, :height, :width, tf.newaxis]
