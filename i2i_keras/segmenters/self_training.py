"""Self-training: a segmenter learns from its own labels of the target."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from i2i_keras.data.order import by_rare_classes
from i2i_keras.data.pipeline import training_batches
from i2i_keras.data.records import Record
from i2i_keras.data.transforms import scale_colors
from i2i_keras.errors import DataError
from i2i_keras.models import draws
from i2i_keras.models.networks import SEGMENTERS, without_weights
from i2i_keras.run_folder.files import Facts
from i2i_keras.segmenters.class_mix import (
    Mixed,
    class_mix,
    confident_share,
    half_of_classes,
)
from i2i_keras.segmenters.losses import count_classes, cross_entropy
from i2i_keras.segmenters.masking import hide_blocks
from i2i_keras.segmenters.segmenter import Batch, Losses, SegmenterModel
from i2i_keras.segmenters.segmenter_config import SegmenterConfig
from i2i_keras.segmenters.segmenter_training import Examples, begin, train
from i2i_keras.segmenters.self_training_config import SelfTrainingConfig
from i2i_keras.training import compilation, devices, ema
from i2i_keras.training.history import Row, Warning

_UNSURE = 0.01  # Share of the target's pixels.


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
        Tranheden et al., 2021, https://arxiv.org/abs/2007.08702, algorithm 1;
        masked images: Hoyer et al., 2023, https://arxiv.org/abs/2212.01322.
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
        names = [*self._target_losses]
        more = ["source_loss", *names, "confident_share"] if names else []
        return [*super().reported, *more]

    @property
    def _target_losses(self) -> dict[str, float]:
        """Weights of the losses that the target's images have part in."""
        config = self.self_training
        weights = {"mixed_loss": config.weight, "masked_loss": config.masked_weight}
        return {name: weight for name, weight in weights.items() if weight}

    def train_step(self, batch: Batch) -> Losses:
        """One update of the network, then one of its teacher.

        Args:
            batch: images and labels as of `SegmenterModel`, and images of the
                target, float32 `(batch, *crop, 3)` in [-1, 1].

        Returns:
            What `SegmenterModel` returns, of the labelled images, but for
            `loss`, which is the sum of `source_loss` and of the weighted
            `mixed_loss` and `masked_loss`; these; and `confident_share`, of the
            target's pixels. A loss of weight 0 is left out, and where both
            are, this returns what `SegmenterModel` returns.
        """
        step = tf.identity(self.optimizer.iterations)
        losses = super().train_step(batch)
        if self._target_losses:
            # Of the means, not a mean of sums: whichever order a graph is
            # computed in, what is reported has the same bits.
            total = losses["source_loss"]
            for name, weight in self._target_losses.items():
                total += weight * losses[name]
            losses |= {"loss": total}
        ema.follow(self.teacher, self.network, self.self_training.ema, step)
        return losses

    def compute_part(self, number: int, *batch: tf.Tensor) -> tuple[Any, tuple[()]]:
        """Losses and gradients of a part of a batch.

        Labelled, mixed and masked images go through the network one after the
        other, as in DACS: so each kind is normalized by its own statistics,
        which differ, and only one of them is in memory.
        """
        images, labels, target = batch
        (losses, gradients), _ = super().compute_part(number, images, labels)
        if not self._target_losses:
            return (losses, gradients), ()
        # Nothing else would keep a graph from computing both at once.
        with tf.control_dependencies(gradients):
            target = tf.identity(target)
        step = tf.cast(self.optimizer.iterations, tf.int64)
        seed = draws.fold(tf.stack([tf.constant(self.seed, tf.int64), step]), number)
        pseudo, share = self.label(target)
        losses |= {
            "source_loss": losses["loss"],
            "confident_share": tf.reduce_mean(share),
        }
        for name, weight in self._target_losses.items():
            if name == "mixed_loss":
                learned = self.mix(images, labels, pseudo, seed)
            else:
                learned = self.mask(pseudo, draws.fold(seed, 1))
            with tf.control_dependencies(gradients):
                learned = learned._replace(images=tf.identity(learned.images))
            losses[name], more = self._learn(learned, weight)
            gradients = [one + other for one, other in zip(gradients, more, strict=True)]
        return (losses, gradients), ()

    def _learn(self, mixed: Mixed, weight: float) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """The loss on some images, and the gradients of its weighted value."""
        with tf.GradientTape() as tape:
            loss = self.mixed_loss(mixed, self.forward(mixed.images))
            weighted = weight * loss
        variables = self.network.trainable_variables
        return loss, compilation.gradients(tape, weighted, variables, self.optimizer)

    def label(self, target: tf.Tensor) -> tuple[Mixed, tf.Tensor]:
        """The target's images with the teacher's labels, and how sure it is.

        The teacher normalizes by the statistics of the batch, as in DACS and
        DAFormer: the moving ones are of other images than the target's, and in
        a short training of other weights, too. Its own are never used.

        Args:
            target: float32 `(batch, height, width, 3)` in [-1, 1].

        Returns:
            What it makes of them, all pixels of an image weighing as much as
            the share that it is sure of; and this share, `(batch,)`.
        """
        probabilities = tf.nn.softmax(self.teacher(target, training=True))
        share = confident_share(probabilities, self.self_training.threshold)
        labels = tf.argmax(probabilities, -1, tf.int32)
        weights = tf.ones_like(labels, tf.float32) * share[:, tf.newaxis, tf.newaxis]
        return Mixed(target, labels, weights), share

    def mix(self, images: tf.Tensor, labels: tf.Tensor, pseudo: Mixed, seed: tf.Tensor) -> Mixed:
        """The target's images with half of the classes of others over them.

        Args:
            images: labelled, float32 `(batch, height, width, 3)` in [-1, 1].
            labels: theirs, int32 `(batch, height, width)`, 255 = ignored.
            pseudo: what `label` gives.
            seed: two integers.
        """
        seeds = draws.split(seed, 2)
        source = Mixed(images, labels, tf.ones_like(labels, tf.float32))
        mixed = class_mix(source, pseudo, half_of_classes(labels, self.num_classes, seeds[0]))
        return self._jittered(mixed, seeds[1])

    def mask(self, pseudo: Mixed, seed: tf.Tensor) -> Mixed:
        """The target's images with blocks hidden, after a change of colors.

        Args:
            pseudo: what `label` gives.
            seed: two integers.
        """
        config, seeds = self.self_training, draws.split(seed, 2)
        changed = self._jittered(pseudo, seeds[1])
        hidden = hide_blocks(changed.images, config.mask_block, config.mask_share, seeds[0])
        return changed._replace(images=hidden)

    def _jittered(self, mixed: Mixed, seed: tf.Tensor) -> Mixed:
        strength = self.self_training.jitter
        if not strength:
            return mixed
        drawn = draws.uniform_rows((3, tf.shape(mixed.images)[0], 1, 1, 1), seed, axis=1)
        factors = 1.0 + strength * (2.0 * drawn - 1.0)
        return mixed._replace(images=scale_colors(mixed.images, factors))

    def mixed_loss(self, mixed: Mixed, logits: tf.Tensor) -> tf.Tensor:
        """Cross entropy of mixed or masked images, by each pixel's weight."""
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
    if config.rare_classes is not None:
        counts = count_classes(examples.train, num_classes)
        order = by_rare_classes(counts, config.rare_classes, seed)
        examples = examples._replace(order=order)
    with devices.scope():
        model = SelfTrainingModel(config, segmenter, num_classes, weights, seed)
    share = devices.share(segmenter.accumulate)
    # Colors change when the teacher has seen them.
    pipeline = segmenter.pipeline.model_copy(update={"jitter": 0.0})
    target = [Record(path.stem, path, None) for path in examples.target]

    def batches(first: int) -> tf.data.Dataset:
        labelled = training_batches(
            segmenter.pipeline, examples.train, seed, first, share, examples.order
        )
        # Of another stream than any labelled one, whose seeds are not negative.
        unlabelled = training_batches(pipeline, target, -1 - seed, first, share)
        return tf.data.Dataset.zip((labelled, unlabelled)).map(lambda x, y: (*x, y[0]))

    facts = {"seed": seed, "self_training": config.facts()}
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
