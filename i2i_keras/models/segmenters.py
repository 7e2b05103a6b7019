"""Networks that tell the classes of an image's pixels apart."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from i2i_keras.models.unet import UNetConfig, build_unet


class Segmenter(NamedTuple):
    """What the pipeline needs to know of one network.

    Attributes:
        config: its settings; `stride` is what the sides of an image have to be
            a multiple of.
        build: from settings and the number of classes to a model from images
            `(batch, height, width, 3)` in [-1, 1] to float32 logits `(batch,
            height, width, classes)`.
        bottom: name of the layer of the lowest resolution.
    """

    config: type[Any]
    build: Callable[[Any, int], keras.Model]
    bottom: str


SEGMENTERS = {
    "unet": Segmenter(UNetConfig, build_unet, "bottom_conv1_relu"),
}
