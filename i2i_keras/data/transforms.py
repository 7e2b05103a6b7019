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
    # Not by way of one tensor of four channels: to join them takes far longer
    # than all else. Drawn as `tf.image.stateless_random_crop` does.
    places = tf.shape(image) - (*size, 3) + 1
    corner = tf.random.stateless_uniform([3], seed, maxval=tf.int32.max, dtype=tf.int32) % places
    return tf.slice(image, corner, (*size, 3)), tf.slice(label, corner, (*size, 1))


def random_flip(image: tf.Tensor, label: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mirrors image and label together, left to right, half of the time.

    Reference:
        Report, figure 6 (`load_img_train`).
    """

    def flipped() -> tuple[tf.Tensor, tf.Tensor]:
        # TensorFlow is slow at turning around a last axis of one.
        return tf.reverse(image, [1]), tf.reverse(label[..., 0], [1])[..., tf.newaxis]

    return tf.cond(tf.random.stateless_uniform([], seed) < 0.5, flipped, lambda: (image, label))


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
