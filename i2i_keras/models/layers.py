"""The layers that Keras lacks or has too slow, but for norms; the padding."""

import random
from typing import Any, Literal

import keras
import tensorflow as tf
from keras import layers

from i2i_keras import stack
from i2i_keras.models import draws

Padding = Literal["reflect", "zero"]


@keras.saving.register_keras_serializable("i2i_keras")
class ReflectionPadding2D(layers.Layer):
    """Pads height and width by the image's own mirrored border.

    Args:
        padding: pixels on each of the four sides.

    Input shape: `(batch, height, width, channels)`, both above `padding`.
    Output shape: `(batch, height + 2 padding, width + 2 padding, channels)`.
    """

    def __init__(self, padding: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = padding

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return _reflect(inputs, self.padding)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"padding": self.padding}


def _reflect(inputs: tf.Tensor, padding: int) -> tf.Tensor:
    """Copies the border; on CPUs in a third of `tf.pad`'s time."""
    first, last = slice(1, padding + 1), slice(-padding - 1, -1)

    def turned(part: tf.Tensor, axis: int) -> tf.Tensor:
        return part if padding == 1 else tf.reverse(part, [axis])

    @tf.custom_gradient
    def reflect(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
        x = tf.concat([turned(x[:, first], 1), x, turned(x[:, last], 1)], axis=1)
        x = tf.concat([turned(x[:, :, first], 2), x, turned(x[:, :, last], 2)], axis=2)

        def gradient(dy: tf.Tensor) -> tf.Tensor:
            sides = [padding, padding]
            return tf.raw_ops.MirrorPadGrad(
                input=dy, paddings=[[0, 0], sides, sides, [0, 0]], mode="REFLECT"
            )

        return x, gradient

    return reflect(inputs)


@keras.saving.register_keras_serializable("i2i_keras")
class LeakyReLU(layers.Layer):
    """`max(x, slope x)`, whose gradient goes by the output.

    So that the input need not be kept.

    Args:
        slope: below zero, in (0, 1).

    Input shape and output shape: any.
    """

    def __init__(self, slope: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.slope = slope

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        @tf.custom_gradient
        def activate(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
            y = tf.nn.leaky_relu(x, self.slope)

            def gradient(dy: tf.Tensor) -> tf.Tensor:
                kind = tf.float32 if stack.LEAKY_RELU_IN_FLOAT32 else dy.dtype
                wide, sign = tf.cast(dy, kind), tf.cast(y, kind)
                found = tf.raw_ops.LeakyReluGrad(gradients=wide, features=sign, alpha=self.slope)
                return tf.cast(found, dy.dtype)

            return y, gradient

        return activate(inputs)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"slope": self.slope}


@keras.saving.register_keras_serializable("i2i_keras")
class InverseTanh(layers.Layer):
    """`atanh(0.98 x)`: almost the inverse of tanh, but finite at its ends.

    Input shape and output shape: any; input in [-1, 1].
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.atanh(0.98 * inputs)


@keras.saving.register_keras_serializable("i2i_keras")
class Dropout(layers.Layer):
    """Dropout whose random state is a variable.

    Keras' own keeps it where no checkpoint finds it, so that a resumed
    training would draw other masks.

    Args:
        rate: share of the values that are set to 0 in training; the others are
            scaled by 1 / (1 - rate).

    Input shape and output shape: any.
    """

    def __init__(self, rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = rate
        self.seed = random.randrange(2**31)  # Of `keras.utils.set_random_seed`.

    def build(self, input_shape: tf.TensorShape) -> None:
        self.calls = self.add_weight(
            name="calls", shape=(), dtype="int64", initializer="zeros", trainable=False
        )
        super().build(input_shape)

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if not training:
            return inputs
        self.calls.assign_add(1)
        return self.drop(inputs, tf.convert_to_tensor(self.calls))

    def drop(self, inputs: tf.Tensor, draw: tf.Tensor) -> tf.Tensor:
        """What is left in the draw of a number, from 1 on."""
        seed = tf.stack([tf.constant(self.seed, tf.int64), draw])
        kept = draws.uniform_rows(tf.shape(inputs), seed) >= self.rate
        return tf.where(kept, inputs / (1.0 - self.rate), 0.0)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"rate": self.rate}


def gaussian(deviation: float = 0.02) -> keras.initializers.Initializer:
    """N(0, 0.02), the paper's (section 7.1); a new one for every layer.

    A shared instance would give equal layers equal weights in Keras 2.15.
    """
    return keras.initializers.RandomNormal(0.0, deviation)


def convolution(
    inputs: tf.Tensor, filters: int, size: int, padding: Padding, name: str, **kwargs: Any
) -> tf.Tensor:
    """A convolution that keeps the image's size (or its 1/stride).

    Other arguments go to `Conv2D`.
    """
    mode = "same"
    if padding == "reflect" and size > 1 and kwargs.get("strides", 1) == 1:
        inputs = ReflectionPadding2D(size // 2, name=f"{name}_pad")(inputs)
        mode = "valid"
    kwargs = {"kernel_initializer": gaussian()} | kwargs
    return layers.Conv2D(filters, size, padding=mode, name=f"{name}_conv", **kwargs)(inputs)


@keras.saving.register_keras_serializable("i2i_keras")
class BilinearUpsampling(layers.Layer):
    """Doubles height and width by bilinear interpolation.

    Keras 3's own `UpSampling2D` cannot do that where sizes are not known yet.
    Not nearest neighbors: XLA has no gradient for them.

    Input shape: `(batch, height, width, channels)`.
    Output shape: `(batch, 2 height, 2 width, channels)`.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        outputs = tf.image.resize(inputs, 2 * tf.shape(inputs)[1:3])
        return tf.cast(outputs, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        batch, height, width, channels = input_shape
        return (batch, height and 2 * height, width and 2 * width, channels)


@keras.saving.register_keras_serializable("i2i_keras")
class UnitLength(layers.Layer):
    """Divides vectors by their length, or by 1e-6 where they are shorter.

    Keras' own `UnitNormalization` divides by 1e-12 there since Keras 3, so that
    the gradient of a unit that is dead is a million times what it was.

    Input shape: `(..., width)`, and so the output's.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.math.l2_normalize(inputs, axis=-1, epsilon=1e-12)
