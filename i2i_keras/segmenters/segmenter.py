"""The segmenter of an arm: its settings, the step, and the training."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import keras
import numpy as np
import pydantic
import tensorflow as tf

from i2i_keras import quiet, stack
from i2i_keras.config import key_of
from i2i_keras.data.batch_files import batch_files
from i2i_keras.data.labels import IGNORE
from i2i_keras.data.pipeline import PipelineConfig, evaluation_batches, training_batches
from i2i_keras.data.records import Record, read_label, spread
from i2i_keras.data.rows import check_pair
from i2i_keras.errors import DataError, FileError, how_many
from i2i_keras.models import networks, recompute, replicas
from i2i_keras.models.networks import SEGMENTERS, without_weights
from i2i_keras.run_folder import files
from i2i_keras.run_folder.files import Facts
from i2i_keras.segmenters import health, memory
from i2i_keras.segmenters.losses import (
    CLASS_WEIGHTING,
    accuracy,
    class_shares,
    cross_entropy,
    dice_loss,
    mean_entropy,
)
from i2i_keras.training import checkpoints, compilation, devices, loop, schedules
from i2i_keras.training.checkpoints import NO_FACTS, CheckpointConfig
from i2i_keras.training.history import Diagnose, Watch
from i2i_keras.training.weights import save_weights

Batch = tuple[tf.Tensor, ...]
Losses = dict[str, tf.Tensor]

NUM_ENTROPY_IMAGES = 50
_BEST = {"last": "val_loss", "val_loss": "val_loss", "entropy": "target_entropy"}
# One field a network, so that a new one is one line in `SEGMENTERS`.
_NETWORKS: dict[str, Any] = {name: (s.config, s.config()) for name, s in SEGMENTERS.items()}
_Networks: Any = pydantic.create_model("_Networks", __base__=CheckpointConfig, **_NETWORKS)


class SegmenterConfig(_Networks):
    """Network and training of the segmenter; defaults: the student report's.

    That report (section 5.1) gives batch size, crop, epochs and weight decay;
    optimizer and learning rate it does not, here Adam's usual ones. Beside
    what follows there is a table of settings for each network, by its name.

    Attributes:
        network: a key of `SEGMENTERS`.
        pipeline: batches and augmentation.
        learning_rate: of Adam, at the beginning.
        weight_decay: of all kernels at each step, apart from the gradients
            (AdamW; Loshchilov and Hutter, 2019, https://arxiv.org/abs/1711.05101).
            The U-Net's `l2` is a term of its loss instead.
        schedule: `constant`; or down to zero at the end: `cosine`, `poly` (to
            the power of 0.9), `linear` (from the middle on). A key of
            `SCHEDULES`, but for `plateau`.
        label_smoothing: share of the truth that is spread over all classes.
        dice: weight of the Dice loss beside the cross entropy.
        class_weighting: a key of `losses.CLASS_WEIGHTING`.
        epochs: passes over the training records.
        steps: length of the training; overrides `epochs`.
        accumulate: parts of a batch that are computed one after the other, for
            batches that do not fit into memory. Batch norm then sees parts, and
            each part's mean over its counted pixels has the same weight.
        recompute: whether networks keep less for their gradients and compute
            what is inside their blocks once more: less memory, more time,
            the same numbers but for rounding in 16 bits.
        select: which weights are kept in the end: those after the `last` step;
            of the row of the history with the lowest `val_loss` (on the arm's
            own validation records); or with the lowest `entropy` on the
            target's training images. Neither looks at a label of the target,
            but the oracle's.
        precision: of the network; logits and loss are float32 in any case.
            `mixed_bfloat16` is for processors that are faster in it and GPUs,
            `auto` chooses; see `AdversarialConfig`.
        xla: whether the step is compiled; `auto` = on a GPU.
    """

    network: Annotated[str, key_of(SEGMENTERS)] = "unet"
    pipeline: PipelineConfig = PipelineConfig()
    learning_rate: pydantic.PositiveFloat = 1e-3
    weight_decay: pydantic.NonNegativeFloat = 0.0
    schedule: schedules.ScheduleWithoutLoss = "constant"
    label_smoothing: float = pydantic.Field(default=0.0, ge=0.0, lt=1.0)
    dice: pydantic.NonNegativeFloat = 0.0
    class_weighting: Annotated[str, key_of(CLASS_WEIGHTING)] = "none"
    epochs: pydantic.PositiveFloat = 15.0
    steps: pydantic.PositiveInt | None = None
    accumulate: pydantic.PositiveInt = 1
    recompute: bool = False
    checkpoint_every: pydantic.PositiveInt = 100  # Each with a validation.
    select: Literal["last", "val_loss", "entropy"] = "last"
    precision: compilation.Precision = "float32"
    xla: compilation.Xla = "auto"

    @pydantic.model_validator(mode="after")
    def _fits(self) -> "SegmenterConfig":
        stride = self.built.stride
        if any(side % stride for side in self.pipeline.crop):
            raise ValueError(f"pipeline.crop has to be a multiple of {stride} for this network")
        if self.pipeline.batch_size % self.accumulate:
            raise ValueError("pipeline.batch_size has to be a multiple of accumulate")
        return self

    @property
    def built(self) -> Any:
        """Settings of the network that is built."""
        return getattr(self, self.network)

    def facts(self) -> Facts:
        """All that a training depends on: not the other networks' settings.

        Raises:
            FileError: a file of weights is not there.
        """
        facts: Facts = self.model_dump(mode="json", exclude={*SEGMENTERS, *NO_FACTS})
        return facts | {self.network: networks.facts(self.built)}


class SegmenterModel(keras.Model):
    """A network and the step that trains it.

    Args:
        config: what to build.
        num_classes: size of the label space.
        class_weights: `(num_classes,)` for the cross entropy, or None.
    """

    def __init__(
        self,
        config: SegmenterConfig,
        num_classes: int,
        class_weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__(name="segmenter")
        self.config = config
        self.num_classes = num_classes
        self.class_weights = class_weights
        with compilation.policy(config.precision):
            self.network = SEGMENTERS[config.network].build(config.built, num_classes)
        self.forward = recompute.in_training(self.network, config.recompute)

    def compile(self, steps: int) -> None:
        """Makes the optimizer of a training of `steps` steps."""
        super().compile(jit_compile=False)
        # Keras 3's own switch goes off where operations are deterministic.
        self.xla = compilation.uses_xla(self.config.xla)
        config = self.config
        rate = schedules.learning_rate(config.schedule, config.learning_rate, steps)
        optimizer = keras.optimizers.Adam(rate)
        if config.weight_decay:
            optimizer = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay)
            optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        self.optimizer = compilation.scaling(optimizer, config.precision)
        self.rates = schedules.Rates()
        self.rates.add(self.optimizer, rate)
        # Now: a checkpoint holds what exists.
        stack.build(self.optimizer, self.network.trainable_variables)

    @property
    def reported(self) -> list[str]:
        """What a step returns, in the order of the history's columns."""
        terms = ["cross_entropy"]
        if self.config.dice:
            terms.append("dice")
        if self.network.losses:
            terms.append("l2")
        return ["loss", *(terms if len(terms) > 1 else []), "accuracy"]

    def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
        return self.network(images, training=training)

    @compilation.with_norms_of_two_passes
    def train_step(self, batch: Batch) -> Losses:
        """One update.

        Args:
            batch: images, float32 `(batch, *crop, 3)` in [-1, 1], and labels,
                int32 `(batch, *crop)`, 255 = ignored.

        Returns:
            `loss`, which is what is minimized; `accuracy`; and the terms of the
            loss before they are weighted, where there are several.
        """
        # Keras 3's `train_on_batch` adds None, for weights of samples.
        given = [part for part in batch if part is not None]
        means, _ = compilation.in_parts(self.compute_part, self.config.accumulate, *given)
        losses, gradients = replicas.mean(means)
        compilation.apply(self.optimizer, gradients, self.network.trainable_variables)
        return losses

    def compute_part(self, number: int, *batch: tf.Tensor) -> tuple[Any, tuple[()]]:
        """Losses and gradients of a part of a batch, for `in_parts`."""
        images, labels = batch
        with tf.GradientTape() as tape:
            logits = self.forward(images)
            losses = self.losses_of(labels, logits)
        variables = self.network.trainable_variables
        gradients = compilation.gradients(tape, losses["loss"], variables, self.optimizer)
        return (losses | {"accuracy": accuracy(labels, logits)}, gradients), ()

    def test_step(self, batch: Batch) -> Losses:
        """Plain cross entropy, for any settings, and accuracy of a batch.

        Also `predicted`, see `health.predicted_pixels`.
        """
        images, labels = batch
        logits = self.network(images, training=False)
        return {
            "loss": cross_entropy(labels, logits),
            "accuracy": accuracy(labels, logits),
            "predicted": health.predicted_pixels(labels, logits),
        }

    def losses_of(self, labels: tf.Tensor, logits: tf.Tensor) -> Losses:
        """The loss and, where there are several, its terms."""
        config = self.config
        terms = {
            "cross_entropy": cross_entropy(
                labels, logits, config.label_smoothing, self.class_weights
            )
        }
        loss = terms["cross_entropy"]
        if config.dice:
            terms["dice"] = dice_loss(labels, logits)
            loss += config.dice * terms["dice"]
        if self.network.losses:
            terms["l2"] = tf.add_n(self.network.losses)
            loss += terms["l2"]
        return {"loss": loss} | (terms if len(terms) > 1 else {})


class Examples(NamedTuple):
    """What a segmenter is trained on, and what is looked at meanwhile.

    Attributes:
        train: labelled records, all of one size.
        val: labelled records for the curves and `select = "val_loss"`, or none.
        target: images of the target, whose labels stay unknown, for `select =
            "entropy"` and for self-training.
    """

    train: Sequence[Record]
    val: Sequence[Record] = ()
    target: Sequence[Path] = ()


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
    files_of = functools.partial(
        batch_files, examples.train, config.pipeline.batch_size, facts["seed"]
    )
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
