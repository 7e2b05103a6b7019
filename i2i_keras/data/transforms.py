"""What happens to one example, as pure functions of tensors and seeds.

`image` is uint8 `(height, width, 3)`, `label` uint8 `(height, width, 1)`, and
`seed` two int32: the same seed always does the same.
"""

import tensorflow as tf


def random_crop(
    image: tf.Tensor, label: tf.Tensor, size: tuple[int, int], seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Cuts the same random window of `size` from image and label.

    Reference:
        Report, figure 6 (`rand_crop`).
    """
    both = tf.concat([image, label], axis=-1)
    both = tf.image.stateless_random_crop(both, (*size, 4), seed)
    return both[..., :3], both[..., 3:]


def random_flip(image: tf.Tensor, label: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mirrors image and label together, left to right, half of the time.

    Reference:
        Report, figure 6 (`load_img_train`).
    """
    both = tf.concat([image, label], axis=-1)
    both = tf.image.stateless_random_flip_left_right(both, seed)
    return both[..., :3], both[..., 3:]


def normalize(image: tf.Tensor) -> tf.Tensor:
    """From uint8 to the networks' float32 in [-1, 1].

    Reference:
        Report, figure 6 (`norm`).
    """
    return tf.cast(image, tf.float32) / 127.5 - 1.0


def denormalize(image: tf.Tensor) -> tf.Tensor:
    """From float32 in [-1, 1] to the nearest uint8."""
    return tf.cast(tf.clip_by_value(tf.round((image + 1.0) * 127.5), 0.0, 255.0), tf.uint8)


def pad_to_multiple(image: tf.Tensor, multiple: int) -> tf.Tensor:
    """Mirrors the lower and right border on until both sides are multiples.

    Args:
        image: `(batch, height, width, channels)`.
        multiple: of the networks' total stride; at most the image's size.
    """
    height, width = tf.shape(image)[1], tf.shape(image)[2]
    sides = [[0, 0], [0, -height % multiple], [0, -width % multiple], [0, 0]]
    return tf.pad(image, sides, mode="SYMMETRIC")
