"""The ResNet generator of CycleGAN."""

from typing import Literal

import keras
import pydantic
import tensorflow as tf
from keras import layers

from i2i_keras.config import Config
from i2i_keras.models.layers import BilinearUpsampling, InverseTanh, Padding, convolution, gaussian
from i2i_keras.models.norms import Norm, normalization


class ResNetConfig(Config):
    """Width, depth and kind; defaults = those of the paper at 256 pixels.

    Attributes:
        filters: width of the first block, doubled by each downsampling.
        num_downsamplings: stages of stride 2.
        num_residual_blocks: 9 in the paper at 256 pixels, 6 at 128.
        outer_kernel: side of the first and the last kernel; 7 in the paper,
            where it costs half of a narrow generator's time.
        norm: `instance` is the paper's, `batch` the student report's.
        norm_position: whether the norm comes before or after the activation
            (report, section 6).
        padding: `reflect` is the paper's.
        upsampling: `transposed` convolution is the paper's and the student's;
            `resize` (bilinear, then a convolution) leaves no checkerboard.
        skip: whether the network predicts a change of its input, taken before
            the tanh, instead of the image itself. It then starts as the
            identity, but for a gray level or two, and keeps detail where
            training is short.
    """

    filters: pydantic.PositiveInt = 64
    num_downsamplings: pydantic.NonNegativeInt = 2
    num_residual_blocks: pydantic.NonNegativeInt = 9
    outer_kernel: Literal[3, 5, 7] = 7
    norm: Norm = "instance"
    norm_position: Literal["before", "after"] = "before"
    padding: Padding = "reflect"
    upsampling: Literal["transposed", "resize"] = "transposed"
    skip: bool = False

    @property
    def stride(self) -> int:
        """What the sides of an image have to be a multiple of."""
        return 2**self.num_downsamplings


def build_resnet(config: ResNetConfig, name: str) -> keras.Model:
    """Builds c7s1-k, d2k, d4k, R4k x n, u2k, uk, c7s1-3 in the paper's terms.

    Args:
        config: width, depth and kind.
        name: of the model.

    Returns:
        A model from images `(batch, height, width, 3)` in [-1, 1] to images of
        the same shape and range; height and width are multiples of
        `2 ** num_downsamplings`.

    Reference:
        Zhu et al., 2017, https://arxiv.org/abs/1703.10593, section 7.2; the
        residual blocks are those of Johnson et al., 2016.
    """
    inputs = keras.Input((None, None, 3), name="image")
    filters = config.filters

    outer, biased = config.outer_kernel, _biased(config)
    x = convolution(inputs, filters, outer, config.padding, "stem", use_bias=biased)
    x = _norm_and_relu(x, config, "stem")
    for stage in range(config.num_downsamplings):
        filters *= 2
        x = convolution(x, filters, 3, config.padding, f"down{stage}", strides=2, use_bias=biased)
        x = _norm_and_relu(x, config, f"down{stage}")
    for block in range(config.num_residual_blocks):
        x = _residual_block(x, config, f"block{block}")
    for stage in range(config.num_downsamplings):
        filters //= 2
        x = _upsample(x, filters, config, f"up{stage}")
        x = _norm_and_relu(x, config, f"up{stage}")

    # Whatever the width, a change of less than a gray level to begin with.
    deviation = 0.01 / (outer * config.filters**0.5) if config.skip else 0.02
    initializer = gaussian(deviation)
    x = convolution(x, 3, outer, config.padding, "head", kernel_initializer=initializer)
    if config.skip:
        image = InverseTanh(dtype="float32", name="atanh")(inputs)
        x = layers.Add(dtype="float32", name="head_skip")([x, image])
    outputs = layers.Activation("tanh", dtype="float32", name="head_tanh")(x)
    return keras.Model(inputs, outputs, name=name)


def _biased(config: ResNetConfig) -> bool:
    """A norm takes the mean away, and a bias with it; it adds its own."""
    return config.norm == "none"


def _norm_and_relu(x: tf.Tensor, config: ResNetConfig, name: str) -> tf.Tensor:
    norm, relu = normalization(config.norm, f"{name}_norm"), layers.ReLU(name=f"{name}_relu")
    return relu(norm(x)) if config.norm_position == "before" else norm(relu(x))


def _residual_block(x: tf.Tensor, config: ResNetConfig, name: str) -> tf.Tensor:
    filters, biased = x.shape[-1], _biased(config)
    y = convolution(x, filters, 3, config.padding, f"{name}_1", use_bias=biased)
    y = _norm_and_relu(y, config, f"{name}_1")
    y = convolution(y, filters, 3, config.padding, f"{name}_2", use_bias=biased)
    y = normalization(config.norm, f"{name}_2_norm")(y)
    return layers.Add(name=f"{name}_add")([x, y])


def _upsample(x: tf.Tensor, filters: int, config: ResNetConfig, name: str) -> tf.Tensor:
    if config.upsampling == "resize":
        x = BilinearUpsampling(name=f"{name}_resize")(x)
        return convolution(x, filters, 3, config.padding, name, use_bias=_biased(config))
    return layers.Conv2DTranspose(
        filters,
        3,
        strides=2,
        padding="same",
        use_bias=_biased(config),
        kernel_initializer=gaussian(),
        name=f"{name}_conv",
    )(x)
