"""A trained segmenter, loaded from the folder of its training."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple

import keras
import pydantic
import tensorflow as tf
from typing_extensions import TypedDict

from i2i_keras.config import key_of
from i2i_keras.models.networks import SEGMENTERS
from i2i_keras.run_folder import files
from i2i_keras.training import checkpoints
from i2i_keras.training.weights import load_weights


class _Facts(TypedDict):
    """What config.json holds, besides the settings of the network."""

    num_classes: Annotated[int, pydantic.Field(strict=True, ge=1, le=254)]
    network: Annotated[str, key_of(SEGMENTERS)]


class LoadedSegmenter(NamedTuple):
    """A trained segmenter, ready to be called.

    Attributes:
        model: the network.
        segment: from images `(batch, height, width, 3)` in [-1, 1] to logits.
        stride: what the sides of an image have to be a multiple of.
        bottom: from images to the mean over the layer of lowest resolution.
    """

    model: keras.Model
    segment: Callable[[tf.Tensor], tf.Tensor]
    stride: int
    bottom: keras.Model


def load(folder: Path, step: int | None = None) -> LoadedSegmenter:
    """Loads the segmenter that `segmenter_training.fit` saved.

    Args:
        folder: that `segmenter_training.fit` wrote, or `adabn.adapt`.
        step: of a checkpoint; None = the weights that were saved in the end.
    """
    facts = files.read_as(_Facts, folder / "config.json")
    kind = SEGMENTERS[facts["network"]]
    config = files.read_settings(folder / "config.json", kind.config, facts["network"])
    model = kind.build(config, facts["num_classes"])
    if step is None:
        load_weights(model, folder / f"{facts['network']}.weights.h5")
    else:
        checkpoints.load_network(folder, step, "network", model)
    bottom = keras.layers.GlobalAveragePooling2D()(model.get_layer(kind.bottom).output)
    segment = tf.function(
        lambda images: model(images, training=False), autograph=False, reduce_retracing=True
    )
    return LoadedSegmenter(model, segment, config.stride, keras.Model(model.input, bottom))
