"""The U-Net, by default exactly as large as the student report's."""

import keras
import pydantic
import tensorflow as tf
from keras import layers

from i2i_keras.config import Config
from i2i_keras.models.norms import BatchNormalization


class UNetConfig(Config):
    """Width, depth and weight decay; defaults: the student report's (5.1).

    Attributes:
        filters: width of the first level, doubled by each one below it.
        depth: number of downsamplings.
        l2: weight decay of the first four and of the last four convolutions,
            the 1x1 head counted as the last. (That report says "the first and
            last 4 convolutional layers" and leaves open which these are.)
    """

    filters: pydantic.PositiveInt = 64
    depth: pydantic.PositiveInt = 4
    l2: pydantic.NonNegativeFloat = 0.01

    @property
    def stride(self) -> int:
        """What the sides of an image have to be a multiple of."""
        return 2**self.depth


def build_unet(config: UNetConfig, num_classes: int) -> keras.Model:
    """Builds 64-128-256-512-1024 and back, with skips.

    Two 3x3 convolutions a level, 2x2 transposed convolutions upwards, batch
    norm and ReLU after all of them, and a 1x1 head: 31,047,586 trainable
    parameters with 34 classes, as that report says.

    Args:
        config: width, depth and weight decay.
        num_classes: size of the label space.

    Returns:
        A model from images `(batch, height, width, 3)` in [-1, 1] to logits
        `(batch, height, width, num_classes)`; height and width are multiples
        of `2 ** depth`.

    Reference:
        Ronneberger et al., 2015, https://arxiv.org/abs/1505.04597; report,
        section 5.1 and figure 5.
    """
    inputs = keras.Input((None, None, 3), name="image")
    decay = keras.regularizers.L2(config.l2) if config.l2 else None

    x, skips = inputs, []
    for level in range(config.depth):
        first = decay if level < 2 else None
        x = _level(x, config.filters * 2**level, f"down{level}", first)
        skips.append(x)
        x = layers.MaxPooling2D(name=f"down{level}_pool")(x)
    first = decay if config.depth < 2 else None
    x = _level(x, config.filters * 2**config.depth, "bottom", first)
    for level in reversed(range(config.depth)):
        # Last four: the head, both convolutions of the top, its upsampling.
        last = decay if level == 0 else None
        filters = config.filters * 2**level
        x = layers.Conv2DTranspose(
            filters, 2, strides=2, kernel_regularizer=last, name=f"up{level}_transposed"
        )(x)
        x = _norm_and_relu(x, f"up{level}_transposed")
        x = layers.Concatenate(name=f"up{level}_skip")([skips[level], x])
        x = _level(x, filters, f"up{level}", last)

    outputs = layers.Conv2D(
        num_classes, 1, kernel_regularizer=decay, dtype="float32", name="logits"
    )(x)
    return keras.Model(inputs, outputs, name="unet")


def _level(
    x: tf.Tensor, filters: int, name: str, decay: keras.regularizers.Regularizer | None
) -> tf.Tensor:
    for number in range(2):
        conv = layers.Conv2D(
            filters, 3, padding="same", kernel_regularizer=decay, name=f"{name}_conv{number}"
        )
        x = _norm_and_relu(conv(x), f"{name}_conv{number}")
    return x


def _norm_and_relu(x: tf.Tensor, name: str) -> tf.Tensor:
    x = BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
