"""A trained segmenter, loaded from the folder of its training."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import tensorflow as tf

from i2i_keras import config as settings
from i2i_keras.models.networks import SEGMENTERS
from i2i_keras.run_folder import files
from i2i_keras.training import checkpoints
from i2i_keras.training.weights import load_weights


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
    """Loads the segmenter that `segmenter.fit` saved.

    Args:
        folder: that `segmenter.fit` wrote, or `adabn.adapt`.
        step: of a checkpoint; None = the weights that were saved in the end.
    """
    facts = files.read_json(folder / "config.json")
    kind = SEGMENTERS[facts["network"]]
    config = settings.build(kind.config, facts[facts["network"]])
    model = kind.build(config, facts["num_classes"])
    if step is None:
        load_weights(model, folder / f"{facts['network']}.weights.h5")
    else:
        checkpoints.load_network(folder, step, "network", model)
    bottom = keras.layers.GlobalAveragePooling2D()(model.get_layer(kind.bottom).output)
    segment = tf.function(lambda images: model(images, training=False), reduce_retracing=True)
    return LoadedSegmenter(model, segment, config.stride, keras.Model(model.input, bottom))
