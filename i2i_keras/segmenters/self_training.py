"""Self-training: a segmenter learns from its own labels of the target."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pydantic
import tensorflow as tf

from i2i_keras.config import Config
from i2i_keras.data.pipeline import training_batches
from i2i_keras.data.records import Record
from i2i_keras.data.transforms import scale_colors
from i2i_keras.errors import DataError
from i2i_keras.models import draws
from i2i_keras.models.networks import SEGMENTERS, without_weights
from i2i_keras.run_folder.files import Facts
from i2i_keras.segmenters.class_mix import Mixed, class_mix, confident_share, half_of_classes
from i2i_keras.segmenters.losses import cross_entropy
from i2i_keras.segmenters.segmenter import Batch, Losses, SegmenterModel
from i2i_keras.segmenters.segmenter_config import SegmenterConfig
from i2i_keras.segmenters.segmenter_training import Examples, begin, train
from i2i_keras.training import compilation, devices, ema
from i2i_keras.training.history import Row, Warning

_UNSURE = 0.01  # Share of the target's pixels.


class SelfTrainingConfig(Config):
    """How a segmenter learns from the target's images; defaults = DACS's.

    Tranheden et al. (2021, https://arxiv.org/abs/2007.08702) and their code.
    Network, batches, optimizer and number of steps are those of
    `SegmenterConfig`, as for every other arm.

    Attributes:
        threshold: what the teacher's largest probability has to be at least for
            a pixel to count as sure. The share of these in an image (DACS's
            code takes that in the batch) is the weight of all its pixels; 0 =
            they weigh as much as labelled ones.
        ema: decay of the teacher's weights a step, in the long run.
        weight: of the loss on mixed images beside that on labelled ones; 0 =
            plain training.
        jitter: strength of random changes of brightness, contrast and
            saturation of the mixed images, in [0, 1]; the teacher sees the
            target's images without. DACS leaves some batches as they are, and
            changes the hue and blurs besides.
    """

    threshold: float = pydantic.Field(default=0.968, ge=0.0, le=1.0)
    ema: float = pydantic.Field(default=0.99, ge=0.0, lt=1.0)
    weight: pydantic.NonNegativeFloat = 1.0
    jitter: float = pydantic.Field(default=0.25, ge=0.0, le=1.0)


class SelfTrainingModel(SegmenterModel):
    """A network, its teacher, and the step that trains both.

    The teacher's weights are a moving average of the network's. It labels
    images of the target, over which half of the classes of labelled images are
    then pasted; the network learns from labelled and from mixed images.

    The network is what is saved and scored, as in DACS: a moving average alone
    is better than its network, and other arms have none.

    Args:
        config: of the self-training.
        segmenter: of network and training.
        num_classes: size of the label space.
        class_weights: `(num_classes,)` for both cross entropies, or None.
        seed: of what is pasted and how colors change.

    Reference:
        Tranheden et al., 2021, https://arxiv.org/abs/2007.08702, algorithm 1.
    """

    def __init__(
        self,
        config: SelfTrainingConfig,
        segmenter: SegmenterConfig,
        num_classes: int,
        class_weights: Sequence[float] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(segmenter, num_classes, class_weights)
        self.self_training = config
        self.seed = seed
        with compilation.policy(segmenter.precision):
            built = without_weights(segmenter.built)  # It gets the network's.
            self.teacher = SEGMENTERS[segmenter.network].build(built, num_classes)
        ema.copy(self.teacher.variables, self.network.variables)

    @property
    def reported(self) -> list[str]:
        """What a step returns, in the order of the history's columns."""
        more = ["source_loss", "mixed_loss", "confident_share"]
        return [*super().reported, *(more if self.self_training.weight else [])]

    def train_step(self, batch: Batch) -> Losses:
        """One update of the network, then one of its teacher.

        Args:
            batch: images and labels as of `SegmenterModel`, and images of the
                target, float32 `(batch, *crop, 3)` in [-1, 1].

        Returns:
            What `SegmenterModel` returns, of the labelled images, but for
            `loss`, which is the sum of `source_loss` and the weighted
            `mixed_loss`; these two; and `confident_share`, of the target's
            pixels. Where `weight` is 0, what `SegmenterModel` returns.
        """
        step = tf.identity(self.optimizer.iterations)
        losses = super().train_step(batch)
        if weight := self.self_training.weight:
            # Of the means, not a mean of sums: whichever order a graph is
            # computed in, what is reported has the same bits.
            losses |= {"loss": losses["source_loss"] + weight * losses["mixed_loss"]}
        ema.follow(self.teacher, self.network, self.self_training.ema, step)
        return losses

    def compute_part(self, number: int, *batch: tf.Tensor) -> tuple[Any, tuple[()]]:
        """Losses and gradients of a part of a batch.

        Labelled and mixed images go through the network one after the other,
        as in DACS: so each kind is normalized by its own statistics, which
        differ, and only one of them is in memory.
        """
        images, labels, target = batch
        (losses, gradients), _ = super().compute_part(number, images, labels)
        weight = self.self_training.weight
        if not weight:
            return (losses, gradients), ()
        # Nothing else would keep a graph from computing both at once.
        with tf.control_dependencies(gradients):
            target = tf.identity(target)
        step = tf.cast(self.optimizer.iterations, tf.int64)
        seed = draws.fold(tf.stack([tf.constant(self.seed, tf.int64), step]), number)
        mixed, share = self.mix(images, labels, target, seed)
        with tf.GradientTape() as tape:
            logits = self.forward(mixed.images)
            loss = self.mixed_loss(mixed, logits)
            weighted = weight * loss
        more = compilation.gradients(
            tape, weighted, self.network.trainable_variables, self.optimizer
        )
        losses |= {
            "source_loss": losses["loss"],
            "mixed_loss": loss,
            "confident_share": tf.reduce_mean(share),
        }
        return (losses, [one + other for one, other in zip(gradients, more, strict=True)]), ()

    def mix(
        self, images: tf.Tensor, labels: tf.Tensor, target: tf.Tensor, seed: tf.Tensor
    ) -> tuple[Mixed, tf.Tensor]:
        """Mixed images, and of which share of its pixels the teacher is sure.

        The teacher normalizes by the statistics of the batch, as in DACS and
        DAFormer: the moving ones are of other images than the target's, and in
        a short training of other weights, too. Its own are never used.

        Args:
            images: labelled, float32 `(batch, height, width, 3)` in [-1, 1].
            labels: theirs, int32 `(batch, height, width)`, 255 = ignored.
            target: images of the target, as the labelled ones.
            seed: two integers.
        """
        config = self.self_training
        seeds = draws.split(seed, 2)
        probabilities = tf.nn.softmax(self.teacher(target, training=True))
        share = confident_share(probabilities, config.threshold)
        ones = tf.ones_like(labels, tf.float32)
        mixed = class_mix(
            Mixed(images, labels, ones),
            Mixed(
                target,
                tf.argmax(probabilities, -1, labels.dtype),
                ones * share[:, tf.newaxis, tf.newaxis],
            ),
            half_of_classes(labels, probabilities.shape[-1], seeds[0]),
        )
        if not config.jitter:
            return mixed, share
        drawn = draws.uniform_rows((3, tf.shape(images)[0], 1, 1, 1), seeds[1], axis=1)
        factors = 1.0 + config.jitter * (2.0 * drawn - 1.0)
        return mixed._replace(images=scale_colors(mixed.images, factors)), share

    def mixed_loss(self, mixed: Mixed, logits: tf.Tensor) -> tf.Tensor:
        """Cross entropy of mixed images, by the weight of each pixel."""
        smoothing = self.config.label_smoothing
        return cross_entropy(mixed.labels, logits, smoothing, self.class_weights, mixed.weights)


def fit(
    config: SelfTrainingConfig,
    segmenter: SegmenterConfig,
    examples: Examples,
    num_classes: int,
    folder: Path,
    seed: int,
) -> Facts:
    """Trains a segmenter by DACS and saves it as `segmenter_training.fit` does.

    Labelled batches are those that it has. Checkpoints hold the teacher, too.

    Args:
        config: of the self-training.
        segmenter: of network and training.
        examples: labelled records, and images of the target.
        num_classes: size of the label space.
        folder: see `segmenter_training.fit`.
        seed: of weights, batches and mixing.

    Returns:
        What `segmenter_training.fit` returns.

    Raises:
        DataError: see `segmenter_training.fit`; or the target has no images.
    """
    if not examples.target:
        raise DataError(
            "There are no images of the target to train on; check target.split and target.root."
        )
    weights = begin(segmenter, examples, num_classes, seed)
    with devices.scope():
        model = SelfTrainingModel(config, segmenter, num_classes, weights, seed)
    share = devices.share(segmenter.accumulate)
    # Colors change when the teacher has seen them.
    pipeline = segmenter.pipeline.model_copy(update={"jitter": 0.0})
    target = [Record(path.stem, path, None) for path in examples.target]

    def batches(first: int) -> tf.data.Dataset:
        labelled = training_batches(segmenter.pipeline, examples.train, seed, first, share)
        # Of another stream than any labelled one, whose seeds are not negative.
        unlabelled = training_batches(pipeline, target, -1 - seed, first, share)
        return tf.data.Dataset.zip((labelled, unlabelled)).map(lambda x, y: (*x, y[0]))

    facts = {"seed": seed, "self_training": config.model_dump(mode="json")}
    return train(model, batches, examples, folder, facts, _diagnose)


def _diagnose(rows: Sequence[Row]) -> list[Warning]:
    """Warns of a teacher that is never sure, from the second row on."""
    share = rows[-1].get("confident_share", 1.0)
    if len(rows) < 2 or share >= _UNSURE:
        return []
    text = (
        f"The teacher is sure of {share:.1%} of the target's pixels, so that hardly anything is"
        " learned of them. Lower self_training.threshold or train for more steps."
    )
    return [Warning("unsure", text)]
