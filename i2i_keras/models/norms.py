"""Norms: of a batch, of an image, of a kernel, and the choice of one."""

import contextlib
import contextvars
from collections.abc import Iterator
from typing import Any, Literal

import keras
import tensorflow as tf
from keras import layers

from i2i_keras import stack
from i2i_keras.models import replicas

Norm = Literal["batch", "instance", "none"]

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


def normalization(kind: Norm, name: str) -> layers.Layer:
    """The norm of a setting, as a layer; `none` is a linear activation."""
    if kind == "batch":
        return BatchNormalization(name=name)
    if kind == "instance":
        return InstanceNormalization(name=name)
    return layers.Activation("linear", name=name)


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
