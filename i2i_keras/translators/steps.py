"""What the training steps of adversarial translators have in common.

A model has a `config`, a `seed`, and for each kind, `generator` and
`discriminator`: `KIND_losses`, from images, step and part to the terms of its
loss and to what comes with them; `KIND_loss`, their weighted sum;
`KIND_variables`; and, once `prepare` has been called, `KIND_optimizer`.
"""

from typing import Any

import keras
import tensorflow as tf

from i2i_keras.models import draws
from i2i_keras.training import compilation, schedules
from i2i_keras.translators import augment
from i2i_keras.translators.adversarial_config import AdversarialConfig

Losses = dict[str, tf.Tensor]


def prepare(model: Any, steps: int) -> None:
    """Makes the optimizers of a training of `steps` steps, and its plateau."""
    config: AdversarialConfig = model.config
    model.steps = steps
    model.plateau = None
    if config.schedule == "plateau":
        model.plateau = schedules.Plateau(config.checkpoint_every, config.patience)
    rate = config.discriminator_learning_rate or config.learning_rate
    for kind, own, count in (
        ("generator", config.learning_rate, steps),
        ("discriminator", rate, steps * config.num_critic_steps),
    ):
        options = schedules.Options(config.constant_share, model.plateau)
        rates = schedules.learning_rate(config.schedule, own, count, options)
        optimizer = keras.optimizers.Adam(
            rates, beta_1=config.beta_1, global_clipnorm=config.clip_norm
        )
        optimizer = compilation.scaling(optimizer, config.precision)
        # Now: a checkpoint holds what exists.
        optimizer.build(getattr(model, f"{kind}_variables"))
        setattr(model, f"{kind}_optimizer", optimizer)


def update(
    model: Any, kind: str, step: tf.Tensor, number: int, *batches: tf.Tensor
) -> tuple[Losses, Any]:
    """Applies the gradients of one kind of networks.

    Args:
        model: that is trained.
        kind: `generator` or `discriminator`.
        step: its number.
        number: of the update among those of the step.
        batches: images.

    Returns:
        The terms of the loss and the gradient's length; what comes with them.
    """
    losses_of, loss_of, variables, optimizer = (
        getattr(model, f"{kind}_{name}") for name in ("losses", "loss", "variables", "optimizer")
    )
    parts = model.config.accumulate

    def gradients(part: int, *images: tf.Tensor) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            losses, results = losses_of(*images, step, parts * number + part)
            loss = loss_of(losses)
        return (compilation.gradients(tape, loss, variables, optimizer), losses), results

    (found, losses), results = compilation.in_parts(gradients, parts, *batches)
    optimizer.apply_gradients(zip(found, variables, strict=True))
    losses[f"{kind}_gradient_norm"] = tf.linalg.global_norm(found)
    return losses, results


def seen(model: Any, images: tf.Tensor, step: tf.Tensor | int, salt: int) -> tf.Tensor:
    """What a discriminator sees of images.

    Args:
        model: that is trained.
        images: `(batch, height, width, 3)` in [-1, 1].
        step: its number.
        salt: another one for each purpose within a step.
    """
    config: AdversarialConfig = model.config
    if config.augment:
        images = augment.augmented(images, config.augment, seed_of(model, step, salt))
    if config.instance_noise:
        deviation = config.instance_noise * (1.0 - tf.cast(step, tf.float32) / model.steps)
        images = augment.noisy(images, deviation, seed_of(model, step, -1 - salt))
    return images


def seed_of(model: Any, step: tf.Tensor | int, salt: int) -> tf.Tensor:
    """A seed for one purpose in one step."""
    seed = tf.stack([tf.constant(model.seed, tf.int64), tf.cast(step, tf.int64)])
    return draws.fold(seed, salt)
