"""Trains a U-Net on the records of one arm."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import keras
import pydantic
import tensorflow as tf

from i2i_keras import config as settings
from i2i_keras import runs
from i2i_keras.data.labels import IGNORE
from i2i_keras.data.pipeline import PipelineConfig, evaluation_batches, training_batches
from i2i_keras.data.records import Record
from i2i_keras.errors import DataError
from i2i_keras.models.unet import UNetConfig, build_unet
from i2i_keras.training import callbacks, checkpoints, compilation, schedules
from i2i_keras.training.history import Watch


class SegmenterConfig(checkpoints.CheckpointConfig):
    """Network and training of the segmenter; defaults = the report's.

    The report (section 5.1) gives batch size, crop, epochs and weight decay;
    optimizer and learning rate it does not, here Adam's usual ones.

    Attributes:
        network: the U-Net.
        pipeline: batches and augmentation.
        learning_rate: of Adam, at the beginning.
        schedule: `constant`, or `cosine` down to zero at the end.
        epochs: passes over the training records.
        steps: length of the training; overrides `epochs`.
        precision: of the network; logits and loss are float32 in any case.
            `mixed_bfloat16` is for processors that are faster in it and GPUs;
            see `CycleGANConfig`.
        xla: whether the step is compiled; `auto` = on a GPU.
    """

    network: UNetConfig = UNetConfig()
    pipeline: PipelineConfig = PipelineConfig()
    learning_rate: pydantic.PositiveFloat = 1e-3
    schedule: Literal["constant", "cosine"] = "constant"
    epochs: pydantic.PositiveFloat = 15.0
    steps: pydantic.PositiveInt | None = None
    checkpoint_every: pydantic.PositiveInt = 100  # Each with a validation.
    precision: compilation.Precision = "float32"
    xla: compilation.Xla = "auto"

    @pydantic.model_validator(mode="after")
    def _crop_fits(self) -> "SegmenterConfig":
        stride = self.network.stride
        if any(side % stride for side in self.pipeline.crop):
            raise ValueError(f"pipeline.crop has to be a multiple of {stride} for this U-Net")
        return self


def cross_entropy(label: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Mean over the pixels that are not ignored; 0 where all are.

    Args:
        label: `(batch, height, width)`, 255 = ignored.
        logits: `(batch, height, width, classes)`.
    """
    label = tf.cast(label, tf.int32)
    counts = label != IGNORE
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.where(counts, label, 0), logits)
    return tf.math.divide_no_nan(
        tf.reduce_sum(tf.where(counts, losses, 0.0)), tf.reduce_sum(tf.cast(counts, tf.float32))
    )


def accuracy(label: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Share of right ones among the pixels that are not ignored."""
    counts = tf.cast(label, tf.int32) != IGNORE
    right = tf.argmax(logits, -1, tf.int32) == tf.cast(label, tf.int32)
    return tf.math.divide_no_nan(
        tf.reduce_sum(tf.cast(right & counts, tf.float32)),
        tf.reduce_sum(tf.cast(counts, tf.float32)),
    )


def fit(
    config: SegmenterConfig,
    train: Sequence[Record],
    val: Sequence[Record],
    num_classes: int,
    folder: Path,
    seed: int,
) -> runs.Facts:
    """Trains a segmenter and saves it.

    Started again after a stop, it goes on from its newest checkpoint.

    Args:
        config: of the training.
        train: labelled records, all of one size.
        val: labelled records for the curves, or none; they choose nothing.
        num_classes: size of the label space.
        folder: gets `history.csv`, `checkpoints/`, `config.json` and
            `unet.weights.h5`.
        seed: of weights and batches.

    Returns:
        The number of steps and of trainable parameters, the step with the
        lowest loss (of `val`, if there is any), and warnings.

    Raises:
        DataError: a record has no label.
    """
    for record in (*train, *val):
        if record.label is None or not record.label.is_file():
            raise DataError(f"{record.image} has no label; this arm cannot be trained.")
    keras.utils.set_random_seed(seed)
    with compilation.policy(config.precision):
        model = build_unet(config.network, num_classes)
    steps = schedules.total_steps(
        config.steps, config.epochs, len(train), config.pipeline.batch_size
    )
    rate = config.learning_rate
    if config.schedule == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(rate, steps)
    optimizer = compilation.scaling(keras.optimizers.Adam(rate), config.precision)
    optimizer.build(model.trainable_variables)  # Now: a checkpoint holds what exists.
    xla = compilation.uses_xla(config.xla)
    model.compile(optimizer, cross_entropy, metrics=[accuracy], jit_compile=xla)

    def observe(step: int) -> dict[str, float]:
        row = {"learning_rate": float(optimizer.learning_rate)}
        if val:
            batches = evaluation_batches(val, config.pipeline.batch_size, config.network.stride)
            scores = model.evaluate(batches, verbose=0, return_dict=True)
            row |= {f"val_{name}": value for name, value in scores.items()}
        return row

    # Neither column knows a label of the target, but the oracle's.
    found = callbacks.train(
        model,
        lambda first: training_batches(config.pipeline, train, seed, first),
        folder,
        steps,
        config,
        Watch(observe, best="val_loss" if val else "loss"),
    )
    facts = {"num_classes": num_classes, "network": config.network.model_dump()}
    runs.write_json(folder / "config.json", facts)
    checkpoints.save_weights(model, folder / "unet.weights.h5")
    return {"steps": steps, "trainable_parameters": _size(model), **found}


def load(folder: Path) -> keras.Model:
    """Loads the segmenter that `fit` saved."""
    num_classes = runs.read_json(folder / "config.json")["num_classes"]
    model = build_unet(saved_network(folder), num_classes)
    model.load_weights(folder / "unet.weights.h5")
    return model


def saved_network(folder: Path) -> UNetConfig:
    """Settings of the network that `fit` saved."""
    return settings.build(UNetConfig, runs.read_json(folder / "config.json")["network"])


def _size(model: keras.Model) -> int:
    return sum(int(tf.size(variable)) for variable in model.trainable_variables)
