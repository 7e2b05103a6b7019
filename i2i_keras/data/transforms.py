"""What happens to one example, as pure functions of tensors and seeds.

`image` is uint8 `(height, width, 3)`, `label` uint8 `(height, width, 1)`, and
`seed` two int32: the same seed always does the same.
"""

import tensorflow as tf

# Shares of red, green and blue in a gray value (ITU-R BT.601).
_LUMA = (0.299, 0.587, 0.114)


def random_crop(
    image: tf.Tensor, label: tf.Tensor, size: tuple[int, int], seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Cuts the same random window of `size` from image and label.

    Reference:
        Student report, figure 6 (`rand_crop`).
    """
    # Not by way of one tensor of four channels: to join them takes far longer
    # than all else. Drawn as `tf.image.stateless_random_crop` does.
    places = tf.shape(image) - (*size, 3) + 1
    corner = tf.random.stateless_uniform([3], seed, maxval=tf.int32.max, dtype=tf.int32) % places
    return tf.slice(image, corner, (*size, 3)), tf.slice(label, corner, (*size, 1))


def random_flip(image: tf.Tensor, label: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Mirrors image and label together, left to right, half of the time.

    Reference:
        Student report, figure 6 (`load_img_train`).
    """

    def flipped() -> tuple[tf.Tensor, tf.Tensor]:
        # TensorFlow is slow at turning around a last axis of one.
        return tf.reverse(image, [1]), tf.reverse(label[..., 0], [1])[..., tf.newaxis]

    return tf.cond(tf.random.stateless_uniform([], seed) < 0.5, flipped, lambda: (image, label))


def random_scale_crop(
    image: tf.Tensor,
    label: tf.Tensor,
    size: tuple[int, int],
    scale: tuple[float, float],
    seed: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Cuts the same random window and resizes it to `size`.

    Things in it become larger by a random factor of equal odds on a
    logarithmic scale; it is never so small that the window would not fit into
    the image. Image bilinear, label nearest, both about pixel centers.

    Args:
        image: uint8.
        label: uint8.
        size: (height, width) of what comes out.
        scale: smallest and largest factor.
        seed: of factor and place.
    """
    seeds = tf.random.split(seed, 2)
    fits = tf.reduce_max(tf.cast(size, tf.float32) / tf.cast(tf.shape(image)[:2], tf.float32))
    low, high = tf.math.log(scale[0]), tf.math.log(scale[1])
    factor = tf.exp(tf.random.stateless_uniform([], seeds[0], low, high))
    window = tf.cast(tf.round(tf.cast(size, tf.float32) / tf.maximum(factor, fits)), tf.int32)
    window = tf.clip_by_value(window, 1, tf.shape(image)[:2])
    places = tf.shape(image)[:2] - window + 1
    corner = tf.random.stateless_uniform([2], seeds[1], maxval=tf.int32.max, dtype=tf.int32)
    corner, depth = tf.pad(corner % places, [[0, 1]]), tf.constant([-1])
    image, label = (tf.slice(t, corner, tf.concat([window, depth], 0)) for t in (image, label))
    image = tf.cast(tf.round(tf.image.resize(image, size)), tf.uint8)
    return image, tf.image.resize(label, size, method="nearest")


def color_factors(count: int, strength: float, seed: tf.Tensor) -> tf.Tensor:
    """Random factors for `scale_colors`, from `1 - strength` to `1 + strength`.

    Args:
        count: of images.
        strength: in [0, 1].
        seed: two integers.

    Returns:
        `(3, count, 1, 1, 1)`.
    """
    shape = (3, count, 1, 1, 1)
    return tf.random.stateless_uniform(shape, seed, 1.0 - strength, 1.0 + strength)


def scale_colors(images: tf.Tensor, factors: tf.Tensor) -> tf.Tensor:
    """Changes brightness, contrast and saturation, in this order.

    Args:
        images: float32 `(batch, height, width, 3)` in [-1, 1].
        factors: `(3, batch, 1, 1, 1)`, by which; 1 = as they are.

    Returns:
        Images of the same shape, clipped to [-1, 1].
    """
    brightness, contrast, saturation = tf.unstack(factors)
    images = (images + 1.0) * brightness - 1.0
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    images = mean + (images - mean) * contrast
    gray = tf.tensordot(images, tf.constant(_LUMA), 1)[..., tf.newaxis]
    return tf.clip_by_value(gray + (images - gray) * saturation, -1.0, 1.0)


def normalize(image: tf.Tensor) -> tf.Tensor:
    """From uint8 to the networks' float32 in [-1, 1].

    Reference:
        Student report, figure 6 (`norm`).
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


def mirror_to(images: tf.Tensor, multiple: int) -> tf.Tensor:
    """Mirrors the lower and right border on, again and again if it has to be.

    Args:
        images: `(batch, height, width, channels)`, of any size.
        multiple: of which height and width become multiples, of twice at least,
            since generators reflect borders of two pixels or more.
    """
    for axis in (1, 2):
        length = tf.shape(images)[axis]
        wanted = tf.maximum((length + multiple - 1) // multiple * multiple, max(2 * multiple, 4))
        # Indices, for exporters get no mode of `tf.pad` right at any size.
        index = tf.range(wanted) % (2 * length)
        images = tf.gather(images, tf.minimum(index, 2 * length - 1 - index), axis=axis)
    return images
