"""A U-Net whose way down is MobileNetV2."""

from typing import Annotated

import keras
import pydantic
import tensorflow as tf
from keras import layers

from i2i_keras import stack
from i2i_keras.config import Config
from i2i_keras.models import pretrained
from i2i_keras.models.layers import BilinearUpsampling
from i2i_keras.models.norms import BatchNormalization

# What MobileNetV2 has last at each resolution, before it is widened again.
_LEVELS = (
    "image",
    "expanded_conv_project_BN",
    "block_2_add",
    "block_5_add",
    "block_12_add",
    "block_16_project_BN",
)
# Those of which Keras has ImageNet weights.
_ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
_MOMENTUM = 0.9


class MobileUNetConfig(Config):
    """Width, depth and first weights.

    Attributes:
        alpha: width of MobileNetV2; 1 = the paper's.
        filters: width of the last level, doubled by each one below it.
        depth: number of downsamplings, of MobileNetV2's five.
        weights: that the way down begins with: `none` = random ones;
            `imagenet`, which Keras downloads and keeps; or an .h5 file to
            which it saved those of `MobileNetV2(include_top=False)`.
    """

    alpha: pydantic.PositiveFloat = 0.5
    filters: pydantic.PositiveInt = 16
    depth: int = pydantic.Field(default=4, ge=1, le=5)
    weights: Annotated[str, pydantic.AfterValidator(pretrained.check)] = pretrained.NONE

    @pydantic.model_validator(mode="after")
    def _has_weights(self) -> "MobileUNetConfig":
        if self.weights == pretrained.DOWNLOAD and self.alpha not in _ALPHAS:
            raise ValueError(
                f"Keras has ImageNet weights for alpha = {_ALPHAS} only; set one of these, or"
                " weights = 'none'"
            )
        return self

    @property
    def stride(self) -> int:
        """What the sides of an image have to be a multiple of."""
        return 2**self.depth


def build_mobile_unet(config: MobileUNetConfig, num_classes: int) -> keras.Model:
    """Builds MobileNetV2 down, and up again with skips.

    Upwards one bilinear upsampling and one 3x3 convolution a level, with batch
    norm and ReLU; the first level sees the image itself. Skips are what
    MobileNetV2 hands on between its blocks, a sixth of what is inside them.

    All norms have the momentum 0.9, PyTorch's. What MobileNetV2 hands on has
    variances far below 1, where the statistics that predictions use begin:
    with 0.99, let alone Keras' 0.999, a network that after 200 steps knew two
    images by heart predicted a third of their pixels.

    Args:
        config: width, depth and first weights.
        num_classes: size of the label space.

    Returns:
        A model from images `(batch, height, width, 3)` in [-1, 1] to logits
        `(batch, height, width, num_classes)`, float32; height and width are
        multiples of `2 ** depth`.

    Raises:
        DataError: the weights are not to be had, or are another network's.

    Reference:
        Sandler et al., 2018, https://arxiv.org/abs/1801.04381; Ronneberger et
        al., 2015, https://arxiv.org/abs/1505.04597
    """
    inputs = keras.Input((None, None, 3), name="image")
    encoder = _encoder(inputs, config)
    skips = [encoder.get_layer(name).output for name in _LEVELS[: config.depth + 1]]

    x = _convolution(skips.pop(), config.filters * 2 ** (config.depth - 1), 1, "bottom")
    for level in reversed(range(config.depth)):
        x = BilinearUpsampling(name=f"up{level}_resize")(x)
        x = layers.Concatenate(name=f"up{level}_skip")([skips[level], x])
        x = _convolution(x, config.filters * 2**level, 3, f"up{level}")

    outputs = layers.Conv2D(num_classes, 1, dtype="float32", name="logits")(x)
    return keras.Model(inputs, outputs, name="mobile_unet")


def _encoder(inputs: tf.Tensor, config: MobileUNetConfig) -> keras.Model:
    network = keras.applications.MobileNetV2
    encoder = stack.with_batch_norms(
        network(input_tensor=inputs, alpha=config.alpha, include_top=False, weights=None),
        inputs,
        BatchNormalization,
    )

    def download() -> keras.Model:
        # Of a size that Keras has weights of: it warns of any other.
        return network((224, 224, 3), config.alpha, False, pretrained.DOWNLOAD)

    what = f"MobileNetV2 with alpha {config.alpha}"
    pretrained.load(encoder, config.weights, what, download)
    for layer in encoder.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = _MOMENTUM
    return encoder


def _convolution(x: tf.Tensor, filters: int, size: int, name: str) -> tf.Tensor:
    x = layers.Conv2D(filters, size, padding="same", use_bias=False, name=f"{name}_conv")(x)
    x = BatchNormalization(momentum=_MOMENTUM, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
