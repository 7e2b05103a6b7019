"""The networks that can segment, and those that can translate."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import keras

from i2i_keras.config import Config, Table
from i2i_keras.models import pretrained
from i2i_keras.models.mobile_unet import MobileUNetConfig, build_mobile_unet
from i2i_keras.models.resnet import ResNetConfig, build_resnet
from i2i_keras.models.unet import UNetConfig, build_unet

Network = TypeVar("Network", bound=Config)


class Segmenter(NamedTuple):
    """What the pipeline needs to know of one network.

    Attributes:
        config: its settings; their `stride` is what the sides of an image have
            to be a multiple of.
        build: from settings and number of classes to a model from images
            `(batch, height, width, 3)` in [-1, 1] to float32 logits `(batch,
            height, width, classes)`.
        bottom: the layer whose output has the lowest resolution and sees most.
    """

    config: type[Any]
    build: Callable[[Any, int], keras.Model]
    bottom: str


SEGMENTERS = {
    "unet": Segmenter(UNetConfig, build_unet, "bottom_conv1_relu"),
    "mobile_unet": Segmenter(MobileUNetConfig, build_mobile_unet, "bottom_relu"),
}


class Generator(NamedTuple):
    """What a translator needs to know of one network.

    Attributes:
        config: its settings; their `stride` is what the sides of an image have
            to be a multiple of.
        build: from settings and a name to a model from images `(batch, height,
            width, 3)` in [-1, 1] to images of the same shape and range,
            float32.
    """

    config: type[Any]
    build: Callable[[Any, str], keras.Model]


GENERATORS = {"resnet": Generator(ResNetConfig, build_resnet)}


def build_generator(config: Config, name: str) -> keras.Model:
    """Builds the generator that settings are of.

    Args:
        config: of one of the `GENERATORS`.
        name: of the model.
    """
    builders = {generator.config: generator.build for generator in GENERATORS.values()}
    return builders[type(config)](config, name)


def without_weights(config: Network) -> Network:
    """Settings of the same network that need no file, for one to be loaded."""
    if "weights" not in type(config).model_fields:
        return config
    return config.model_copy(update={"weights": pretrained.NONE})


def facts(config: Config) -> Table:
    """All that a training depends on: weights by their bytes, not their place.

    Raises:
        FileError: the file of weights is not there.
    """
    table = config.model_dump(mode="json")
    if "weights" in table:
        table["weights"] = pretrained.identity(table["weights"])
    return table
