"""The segmenter of an arm: a network, and the step that trains it."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from i2i_keras import stack
from i2i_keras.models import recompute, replicas
from i2i_keras.models.networks import SEGMENTERS
from i2i_keras.segmenters import health
from i2i_keras.segmenters.losses import accuracy, cross_entropy, dice_loss
from i2i_keras.segmenters.segmenter_config import SegmenterConfig
from i2i_keras.training import compilation, schedules

Batch = tuple[tf.Tensor, ...]
Losses = dict[str, tf.Tensor]


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
        optimizer = stack.Adam(rate, weight_decay=config.weight_decay or None)
        if config.weight_decay:
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
