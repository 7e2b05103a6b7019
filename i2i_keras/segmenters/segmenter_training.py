"""The training of a segmenter, from records to saved weights."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from i2i_keras import quiet, stack
from i2i_keras.data.batch_files import batch_files
from i2i_keras.data.labels import IGNORE
from i2i_keras.data.order import Order, shuffled
from i2i_keras.data.pipeline import evaluation_batches, training_batches
from i2i_keras.data.records import Record, read_label, spread
from i2i_keras.data.rows import check_pair
from i2i_keras.errors import DataError, FileError, how_many
from i2i_keras.models.networks import without_weights
from i2i_keras.run_folder import files
from i2i_keras.run_folder.files import Facts
from i2i_keras.segmenters import health, memory
from i2i_keras.segmenters.losses import CLASS_WEIGHTING, class_shares, mean_entropy
from i2i_keras.segmenters.segmenter import SegmenterModel
from i2i_keras.segmenters.segmenter_config import SegmenterConfig
from i2i_keras.training import checkpoints, devices, loop, schedules
from i2i_keras.training.history import Diagnose, Watch
from i2i_keras.training.weights import save_weights

NUM_ENTROPY_IMAGES = 50
_BEST = {"last": "val_loss", "val_loss": "val_loss", "entropy": "target_entropy"}


class Examples(NamedTuple):
    """What a segmenter is trained on, and what is looked at meanwhile.

    Attributes:
        train: labelled records, all of one size.
        val: labelled records for the curves and `select = "val_loss"`, or none.
        target: images of the target, whose labels stay unknown, for `select =
            "entropy"` and for self-training.
        order: of `train`; None = a new permutation in each epoch.
    """

    train: Sequence[Record]
    val: Sequence[Record] = ()
    target: Sequence[Path] = ()
    order: Order | None = None


def fit(
    config: SegmenterConfig, examples: Examples, num_classes: int, folder: Path, seed: int
) -> Facts:
    """Trains a segmenter and saves it.

    Started again after a stop, it goes on from its newest checkpoint.

    Args:
        config: of the training.
        examples: to train on.
        num_classes: size of the label space.
        folder: gets `history.csv`, `checkpoints/`, `config.json` and
            `NETWORK.weights.h5`.
        seed: of weights and batches.

    Returns:
        The number of steps and of trainable parameters, the `best_step` by
        what `select` names (by `val_loss` for `last`), the `kept_step`, whose
        weights were saved, and warnings.

    Raises:
        DataError: a record has no label, or there is nothing to select by.
    """
    weights = begin(config, examples, num_classes, seed)
    with devices.scope():
        model = SegmenterModel(config, num_classes, weights)
    share = devices.share(config.accumulate)

    def batches(first: int) -> tf.data.Dataset:
        return training_batches(config.pipeline, examples.train, seed, first, share)

    return train(model, batches, examples, folder, {"seed": seed}, health.diagnose)


def begin(
    config: SegmenterConfig, examples: Examples, num_classes: int, seed: int
) -> list[float] | None:
    """Looks at all records before a model is built, and sets the seed.

    Returns:
        `(num_classes,)` weights of the classes, or None where all are alike.

    Raises:
        DataError: see `fit`.
    """
    _check(config, examples)
    keras.utils.set_random_seed(seed)
    weighting = CLASS_WEIGHTING[config.class_weighting]
    if weighting is None:
        return None
    weights: list[float] = weighting(class_shares(examples.train, num_classes)).tolist()
    return weights


def train(
    model: SegmenterModel,
    batches: Callable[[int], tf.data.Dataset],
    examples: Examples,
    folder: Path,
    facts: Facts,
    diagnose: Diagnose = lambda rows: [],
) -> Facts:
    """Trains a new model and saves its network; see `fit`.

    Args:
        model: not compiled yet.
        batches: endless ones for its step, from a given step on.
        examples: that they are of.
        folder: see `fit`.
        facts: settings of the training besides the model's `config`.
        diagnose: tells what is wrong with the rows of the history.
    """
    config = model.config
    steps = schedules.total_steps(
        config.steps, config.epochs, len(examples.train), config.pipeline.batch_size
    )
    with devices.scope():
        model.compile(steps)
    if told := memory.advice(
        model.network, config.pipeline, config.accumulate, memory.free_bytes(), config.recompute
    ):
        quiet.warn(f"Warning: {told}")
    order = examples.order or shuffled(len(examples.train), facts["seed"])
    files_of = functools.partial(batch_files, examples.train, config.pipeline.batch_size, order)
    best = _BEST[config.select] if examples.val or config.select == "entropy" else "loss"
    made_with = {"num_classes": model.num_classes, **config.facts(), **facts}
    found = loop.train(
        model,
        batches,
        checkpoints.Checkpoints(
            model, folder, config.keep_checkpoints, checkpoints.fingerprint(made_with)
        ),
        steps,
        config,
        Watch(_observer(model, config, examples), best, diagnose, files_of),
    )
    kept = steps if config.select == "last" else found["best_step"]
    if kept != steps:
        checkpoints.load_network(folder, kept, "network", model.network)
    saved = {
        "num_classes": model.num_classes,
        "network": config.network,
        # Not the place of the weights that it began with: it has its own now.
        config.network: without_weights(config.built).model_dump(mode="json"),
    }
    files.write_json(folder / "config.json", saved)
    save_weights(model.network, folder / f"{config.network}.weights.h5")
    size = sum(int(tf.size(variable)) for variable in model.network.trainable_variables)
    return {"steps": steps, "trainable_parameters": size, **found, "kept_step": kept}


def _check(config: SegmenterConfig, examples: Examples) -> None:
    for record in (*examples.train, *examples.val):
        if record.label is None or not record.label.is_file():
            raise FileError(
                record.image, "has no label", "give it one, or leave out the arms that train on it"
            )
        check_pair(record.image, record.label)
    for path in examples.target:
        check_pair(path, None)
    _refuse_ignored(examples.train, "training")
    if config.select == "val_loss" and examples.val:
        _refuse_ignored(examples.val, "validation")
    if config.select == "val_loss" and not examples.val:
        raise DataError(
            "There are no validation records to select by; use segmenter.select = 'last'."
        )


def _refuse_ignored(examples: Sequence[Record], what: str) -> None:
    labels = (read_label(record.label) for record in examples if record.label is not None)
    if examples and not any((label != IGNORE).any() for label in labels):
        raise DataError(
            f"All pixels of {how_many(len(examples), f'{what} label')} are ignored (255), so that"
            " there is nothing to learn from; look for what they hold by i2i-keras audit."
        )


def _observer(
    model: SegmenterModel, config: SegmenterConfig, examples: Examples
) -> Callable[[int], dict[str, float]]:
    """What each row of the history says besides the losses."""
    stride, size = config.built.stride, config.pipeline.batch_size
    images = [Record(path.stem, path, None) for path in examples.target]
    target = spread(images, NUM_ENTROPY_IMAGES) if config.select == "entropy" else []
    test = tf.function(model.test_step, autograph=False, reduce_retracing=True)
    entropy = tf.function(
        lambda images: mean_entropy(model.network(images, training=False)),
        autograph=False,
        reduce_retracing=True,
    )

    def observe(step: int) -> dict[str, float]:
        row = {"learning_rate": stack.learning_rate(model.optimizer)}
        if examples.val:
            batches = evaluation_batches(examples.val, size, stride)
            row |= health.validate(test, batches)
        if target:
            values = [float(entropy(image)) for image, _ in evaluation_batches(target, 1, stride)]
            row["target_entropy"] = float(np.mean(values))
            health.refuse_not_finite({"target_entropy": row["target_entropy"]}, "target's images")
        return row

    return observe
