"""The PatchGAN discriminator of CycleGAN."""

from typing import Any

import keras
import pydantic
import tensorflow as tf
from keras import layers

from i2i_keras.config import Config
from i2i_keras.models.layers import Dropout, LeakyReLU, gaussian
from i2i_keras.models.norms import Norm, normalization, spectral_normalization


class DiscriminatorConfig(Config):
    """Width, depth and regularization; defaults = the paper's 70x70 PatchGAN.

    Attributes:
        filters: width of the first convolution, doubled by each one after it,
            up to eight times.
        num_downsamplings: convolutions of stride 2; the receptive field is 16,
            34, 70, 142 pixels for 1, 2, 3, 4.
        norm: after all convolutions but the first and the last.
        dropout: share of the channels' values dropped after each activation
            (report, section 4); 0 = none, as in the paper.
        spectral_norm: whether kernels are divided by their spectral norm.
    """

    filters: pydantic.PositiveInt = 64
    num_downsamplings: pydantic.PositiveInt = 3
    norm: Norm = "instance"
    dropout: float = pydantic.Field(default=0.0, ge=0.0, lt=1.0)
    spectral_norm: bool = False


def build_discriminator(config: DiscriminatorConfig, name: str) -> keras.Model:
    """Builds C64-C128-C256-C512-1 in the paper's terms.

    Args:
        config: width, depth and regularization.
        name: of the model.

    Returns:
        A model from images `(batch, height, width, 3)` in [-1, 1] to one logit
        a patch, `(batch, height / 8 - 2, width / 8 - 2, 1)` for three
        downsamplings.

    Reference:
        Zhu et al., 2017, https://arxiv.org/abs/1703.10593, section 7.2; Isola
        et al., 2017, https://arxiv.org/abs/1611.07004, section 6.1.2.
    """
    inputs = keras.Input((None, None, 3), name="image")

    x = inputs
    for stage in range(config.num_downsamplings + 1):
        filters = config.filters * min(2**stage, 8)
        stride = 2 if stage < config.num_downsamplings else 1
        norm = config.norm if stage > 0 else "none"
        x = _convolution(x, filters, stride, config, f"conv{stage}", use_bias=norm == "none")
        x = normalization(norm, f"conv{stage}_norm")(x)
        x = LeakyReLU(0.2, name=f"conv{stage}_relu")(x)
        if config.dropout:
            x = Dropout(config.dropout, name=f"conv{stage}_dropout")(x)

    # Losses look at small differences of logits: float32, and at little cost.
    x = _convolution(x, 1, 1, config, "head", use_bias=True, dtype="float32")
    outputs = layers.Activation("linear", dtype="float32", name="logits")(x)
    return keras.Model(inputs, outputs, name=name)


def _convolution(
    x: tf.Tensor,
    filters: int,
    stride: int,
    config: DiscriminatorConfig,
    name: str,
    **kwargs: Any,
) -> tf.Tensor:
    # One pixel on each side, as in the paper's code; "same" would pad by two.
    x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    conv = layers.Conv2D(
        filters,
        4,
        strides=stride,
        kernel_initializer=gaussian(),
        name=name,
        **kwargs,
    )
    return (spectral_normalization(conv) if config.spectral_norm else conv)(x)
