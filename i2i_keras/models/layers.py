"""The operations that Keras lacks, and the choice of norm and padding."""

import contextlib
import contextvars
import random
from collections.abc import Iterator
from typing import Any, Literal

import keras
import tensorflow as tf
from keras import layers

from i2i_keras import stack
from i2i_keras.models import draws, replicas

Norm = Literal["batch", "instance", "none"]
Padding = Literal["reflect", "zero"]

# Whether norms take the variance in two passes, as XLA does not by itself.
_two_passes: contextvars.ContextVar[bool] = contextvars.ContextVar("two_passes", default=False)


@contextlib.contextmanager
def two_passes(needed: bool) -> Iterator[None]:
    """Inside, norms in training take the mean first, then the variance.

    XLA makes the processors' batch norm into one pass, E[x²] - E[x]², which is
    off by deviations where the mean is a thousand of them (TensorFlow 2.15,
    2.21).

    Args:
        needed: whether the step is compiled.
    """
    token = _two_passes.set(needed)
    try:
        yield
    finally:
        _two_passes.reset(token)


# Images, from which on instance norm does not take one after the other.
_MANY = 9


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
    """`max(x, slope x)`, whose gradient is taken in float32.

    In bfloat16, TensorFlow 2.15's own gradient takes a CPU ten times as long.
    It goes by the output, so that the input need not be kept.

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
                wide, sign = tf.cast(dy, tf.float32), tf.cast(y, tf.float32)
                found = tf.raw_ops.LeakyReluGrad(gradients=wide, features=sign, alpha=self.slope)
                return tf.cast(found, dy.dtype)

            return y, gradient

        return activate(inputs)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"slope": self.slope}


@keras.saving.register_keras_serializable("i2i_keras")
class InstanceNormalization(layers.Layer):
    """Zero mean and unit variance per image and channel, then scale and offset.

    The same function as tensorflow-addons', but faster: few images take the
    batch norm that processors have, one image at a time; many take closed
    forms of value and gradient. Scale, offset and statistics are float32 under
    every precision: a variance may be above 65504, float16's end.

    Args:
        epsilon: added to the variance; PyTorch's, and so the paper's, 1e-5.

    Input shape and output shape: `(batch, height, width, channels)`.

    Reference:
        Ulyanov et al., 2016, https://arxiv.org/abs/1607.08022
    """

    def __init__(self, epsilon: float = 1e-5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape: tf.TensorShape) -> None:
        kind = {"shape": (input_shape[-1],), **stack.FLOAT32}
        self.gamma = self.add_weight(name="gamma", initializer="ones", **kind)
        self.beta = self.add_weight(name="beta", initializer="zeros", **kind)
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        few = (inputs.shape[0] or _MANY) < _MANY
        # No CPU has a batch norm in float16.
        if few and inputs.dtype != tf.float16 and not _two_passes.get():
            return self._fused(inputs)
        x = tf.cast(inputs, tf.float32)
        y = _standardize(x, self.epsilon) * self.gamma + self.beta
        return tf.cast(y, inputs.dtype)

    def _fused(self, inputs: tf.Tensor) -> tf.Tensor:
        """Batch norm of one image at a time."""
        images = tf.split(inputs, inputs.shape[0])
        return tf.concat(
            [
                tf.compat.v1.nn.fused_batch_norm(
                    image, self.gamma, self.beta, epsilon=self.epsilon
                )[0]
                for image in images
            ],
            axis=0,
        )

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"epsilon": self.epsilon}


def _standardize(inputs: tf.Tensor, epsilon: float) -> tf.Tensor:
    @tf.custom_gradient
    def standardize(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
        centered = x - _spatial_mean(x)
        if _two_passes.get():  # XLA sums up one value after the other.
            centered -= _spatial_mean(centered)
        inverse_deviation = tf.math.rsqrt(_spatial_mean(centered * centered) + epsilon)
        y = centered * inverse_deviation

        def gradient(dy: tf.Tensor) -> tf.Tensor:
            return inverse_deviation * (dy - _spatial_mean(dy) - y * _spatial_mean(dy * y))

        return y, gradient

    return standardize(inputs)


def _spatial_mean(x: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(x, axis=[1, 2], keepdims=True)


class BatchNormalization(stack.BatchNormalization):
    """Batch norm, on several devices by the statistics of all their images.

    Also where a step is compiled, see `two_passes`.

    Keras' own, but for its moving variance with `synchronized`: that of one
    device is an estimate with N - 1 in its denominator.
    """

    def call(self, inputs: tf.Tensor, training: bool = False, mask: None = None) -> tf.Tensor:
        if training and (replicas.several() or _two_passes.get()):
            return self.by_all(inputs)
        return super().call(inputs, training=training)

    def by_all(self, inputs: tf.Tensor, moves: bool = True) -> tf.Tensor:
        """Norm by the statistics of all devices' images.

        Args:
            inputs: of this device.
            moves: whether the statistics that predictions use follow.
        """
        x = tf.cast(inputs, tf.float32)
        scale, offset = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
        average = replicas.mean(tf.reduce_mean(x, [0, 1, 2]))
        if _two_passes.get():  # XLA sums up one value after the other.
            average += replicas.mean(tf.reduce_mean(x - average, [0, 1, 2]))
        variance = replicas.mean(tf.reduce_mean(tf.square(x - average), [0, 1, 2]))
        if moves:
            number = tf.cast(replicas.count() * tf.size(x[..., 0]), tf.float32)
            self._move(average, variance * number / (number - 1.0))
        y = (x - average) * (tf.math.rsqrt(variance + self.epsilon) * scale) + offset
        return tf.cast(y, inputs.dtype)

    def _move(self, average: tf.Tensor, variance: tf.Tensor) -> None:
        for variable, new in ((self.moving_mean, average), (self.moving_variance, variance)):
            old = tf.convert_to_tensor(variable)
            variable.assign(old - (old - new) * (1.0 - self.momentum))


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


def normalization(kind: Norm, name: str) -> layers.Layer:
    """The norm of a setting, as a layer; `none` is a linear activation."""
    if kind == "batch":
        return BatchNormalization(name=name)
    if kind == "instance":
        return InstanceNormalization(name=name)
    return layers.Activation("linear", name=name)


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
class SpectralNormalization(layers.Wrapper):
    """Divides a convolution's kernel by its largest singular value.

    The same numbers as tensorflow-addons', bit by bit, and the same variables
    in files: before each pass of a training one step of the power iteration,
    whose result is written back into the kernel.

    Args:
        layer: a convolution, or another layer with a `kernel`.

    Input shape and output shape: those of the layer.

    Reference:
        Miyato et al., 2018, https://arxiv.org/abs/1802.05957
    """

    def build(self, input_shape: tf.TensorShape) -> None:
        super().build(input_shape)
        self.w = self.layer.kernel  # A variable of this layer's as well: files hold it.
        self.u = self.add_weight(
            name="sn_u",
            shape=(1, self.w.shape[-1]),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
        )

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if training:
            self._normalize_kernel()
        return self.layer(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.layer.compute_output_shape(input_shape)

    def _normalize_kernel(self) -> None:
        kernel = tf.convert_to_tensor(self.w)
        flat, u = tf.reshape(kernel, [-1, kernel.shape[-1]]), tf.convert_to_tensor(self.u)
        v = tf.math.l2_normalize(tf.matmul(u, flat, transpose_b=True))
        u = tf.math.l2_normalize(tf.matmul(v, flat))
        sigma = tf.matmul(tf.matmul(v, flat), u, transpose_b=True)
        self.u.assign(u)
        self.w.assign(tf.reshape(kernel / sigma, kernel.shape))


def spectral_normalization(layer: layers.Layer) -> layers.Layer:
    """A layer whose kernel is divided by its largest singular value."""
    # It writes the kernel back, and would round it to the compute precision.
    return SpectralNormalization(
        layer, name=f"{layer.name}_spectral", dtype="float32", autocast=False
    )


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
