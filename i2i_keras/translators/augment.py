"""What discriminators see of images: changed at random, and with noise on top.

Both are functions of images and a seed, and differentiable, so that generators
learn through them.
"""

from typing import Literal, get_args

import tensorflow as tf

from i2i_keras.models import draws

Augmentation = Literal["color", "translation", "cutout"]
AUGMENTATIONS: tuple[Augmentation, ...] = get_args(Augmentation)


def noisy(images: tf.Tensor, deviation: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Images plus Gaussian noise.

    Reference:
        Sønderby et al., 2017, https://arxiv.org/abs/1610.04490, section 3.2
        (instance noise).
    """
    return images + deviation * draws.normal_rows(tf.shape(images), seed)


def augmented(
    images: tf.Tensor, augmentations: tuple[Augmentation, ...], seed: tf.Tensor
) -> tf.Tensor:
    """Images, each changed in its own way.

    Args:
        images: `(batch, height, width, 3)`, height and width static.
        augmentations: which changes, done in the order of `AUGMENTATIONS`.
        seed: two integers.

    Reference:
        Zhao et al., 2020, https://arxiv.org/abs/2006.10738, section 3.1 and
        the strengths of its code.
    """
    seeds = draws.split(seed, len(AUGMENTATIONS))
    functions = {"color": _color, "translation": _translation, "cutout": _cutout}
    for name, own_seed in zip(AUGMENTATIONS, seeds, strict=True):
        if name in augmentations:
            images = functions[name](images, own_seed)
    return images


def _color(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Brightness by up to 0.5, saturation times 0 to 2, contrast 0.5 to 1.5."""
    brightness, saturation, contrast = tf.unstack(_uniform(images, 3, seed)[..., None, None, None])
    images += brightness - 0.5
    gray = tf.reduce_mean(images, axis=3, keepdims=True)
    images = gray + 2.0 * saturation * (images - gray)
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    return mean + (contrast + 0.5) * (images - mean)


def _translation(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A shift by up to an eighth of each side; what comes in is zero."""
    draws = _uniform(images, 2, seed)
    for axis, draw in ((1, draws[0]), (2, draws[1])):
        side = images.shape[axis]
        most = (side + 4) // 8
        shift = tf.cast(tf.floor(draw * (2 * most + 1)), tf.int32) - most
        # Place 0 and place side + 1 are the zeros beyond the border.
        places = tf.clip_by_value(tf.range(1, side + 1) - shift[:, tf.newaxis], 0, side + 1)
        border = [[1, 1] if other == axis else [0, 0] for other in range(4)]
        images = tf.gather(tf.pad(images, border), places, axis=axis, batch_dims=1)
    return images


def _cutout(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Zeros in a window of half the sides, whose center is anywhere."""
    draws = _uniform(images, 2, seed)
    inside = []
    for axis, draw in ((1, draws[0]), (2, draws[1])):
        side = images.shape[axis]
        first = tf.cast(tf.floor(draw * (side + 1)), tf.int32) - side // 4
        places = tf.range(side) - first[:, tf.newaxis]
        inside.append((places >= 0) & (places < side // 2))
    window = inside[0][:, :, tf.newaxis, tf.newaxis] & inside[1][:, tf.newaxis, :, tf.newaxis]
    return images * tf.cast(~window, images.dtype)


def _uniform(images: tf.Tensor, count: int, seed: tf.Tensor) -> tf.Tensor:
    """`(count, batch)` numbers in [0, 1)."""
    return draws.uniform_rows((count, tf.shape(images)[0]), seed, axis=1)
