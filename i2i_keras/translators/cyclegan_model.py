"""The four networks of CycleGAN and the step that trains them."""

import functools

import keras
import tensorflow as tf

from i2i_keras.models.discriminator import build_discriminator
from i2i_keras.models.networks import build_generator
from i2i_keras.training import compilation, ema
from i2i_keras.translators import health
from i2i_keras.translators.cyclegan_config import CycleGANConfig
from i2i_keras.translators.discriminator_losses import terms
from i2i_keras.translators.losses import ADVERSARIAL, l1, reconstruction
from i2i_keras.translators.pool import ImagePool
from i2i_keras.translators.steps import Losses, prepare, seed_of, seen, update

Pair = tuple[tf.Tensor, tf.Tensor]

GENERATORS = ("generator_xy", "generator_yx")
NETWORKS = (*GENERATORS, "discriminator_x", "discriminator_y")


class CycleGAN(keras.Model):
    """The four networks and the step that trains them.

    Args:
        config: what to build.
        seed: of the pools' choices and of what discriminators see.

    Reference:
        Zhu et al., 2017, https://arxiv.org/abs/1703.10593.
    """

    LOSSES: tuple[str, ...] = (
        "adversarial_xy",
        "adversarial_yx",
        "cycle_loss",
        "identity_loss",
        "discriminator_x_loss",
        "discriminator_y_loss",
    )

    def __init__(self, config: CycleGANConfig, seed: int = 0) -> None:
        super().__init__(name="cyclegan")
        self.config = config
        self.seed = seed
        with compilation.policy(config.precision):
            self.generator_xy = build_generator(config.generator, "generator_xy")
            self.generator_yx = build_generator(config.generator, "generator_yx")
            self.discriminator_x = build_discriminator(config.discriminator, "discriminator_x")
            self.discriminator_y = build_discriminator(config.discriminator, "discriminator_y")
            if config.ema:
                for name in GENERATORS:
                    average = build_generator(config.generator, f"{name}_ema")
                    ema.copy(average.variables, getattr(self, name).variables)
                    setattr(self, f"{name}_ema", average)
        self.pool_x = ImagePool(config.pool_size, config.pipeline.crop, "pool_x")
        self.pool_y = ImagePool(config.pool_size, config.pipeline.crop, "pool_y")
        penalties = [f"{penalty}_{domain}" for penalty in config.penalties for domain in "xy"]
        self.reported = (*self.LOSSES, *penalties, *health.SIGNALS)

    @property
    def generator_variables(self) -> list[tf.Variable]:
        """Trainable variables of both generators."""
        return self.generator_xy.trainable_variables + self.generator_yx.trainable_variables

    @property
    def discriminator_variables(self) -> list[tf.Variable]:
        """Trainable variables of both discriminators."""
        return self.discriminator_x.trainable_variables + self.discriminator_y.trainable_variables

    @property
    def networks(self) -> list[str]:
        """Names of all networks, averages included."""
        return [*NETWORKS, *(f"{name}_ema" for name in GENERATORS if self.config.ema)]

    @property
    def translators(self) -> tuple[keras.Model, ...]:
        """What translates, xy and yx: averages, if there are."""
        suffix = "_ema" if self.config.ema else ""
        return tuple(getattr(self, f"{name}{suffix}") for name in GENERATORS)

    def compile(self, steps: int) -> None:
        """Makes the optimizers of a training of `steps` steps."""
        super().compile(jit_compile=compilation.uses_xla(self.config.xla))
        prepare(self, steps)

    def train_step(self, batch: Pair) -> Losses:
        """One update of the generators, then those of the discriminators.

        Args:
            batch: images of x and of y, each a batch `(batch, *crop, 3)` in
                [-1, 1] for each update of the discriminators, in one tensor.

        Returns:
            The loss terms, unweighted, and `health.SIGNALS`.
        """
        step = tf.identity(self.generator_optimizer.iterations)
        updates = [tf.split(images, self.config.num_critic_steps) for images in batch]
        (x, y), *others = zip(*updates, strict=True)

        losses, fakes = update(self, "generator", step, 0, x, y)
        terms = [self._update_discriminators(0, (x, y), fakes, step)]
        for number, (x, y) in enumerate(others, start=1):
            # Other images, and what the same generators make of them.
            fakes = self.generator_yx(y, training=True), self.generator_xy(x, training=True)
            terms.append(self._update_discriminators(number, (x, y), fakes, step))
        losses |= {name: tf.reduce_mean([term[name] for term in terms]) for name in terms[0]}

        if self.config.ema:
            for average, name in zip(self.translators, GENERATORS, strict=True):
                ema.follow(average, getattr(self, name), self.config.ema, step)
        if self.plateau is not None:
            self.plateau.observe(self.generator_loss(losses), step)
        return {name: losses[name] for name in self.reported}

    def _update_discriminators(
        self, number: int, reals: Pair, fakes: Pair, step: tf.Tensor
    ) -> Losses:
        seed = tf.stack([tf.constant(self.seed + number * 2**40, tf.int64), step])
        pooled_x = self.pool_x.exchange(fakes[0], seed)
        pooled_y = self.pool_y.exchange(fakes[1], seed + 2**32)
        return update(self, "discriminator", step, number, *reals, pooled_x, pooled_y)[0]

    def generator_losses(
        self, x: tf.Tensor, y: tf.Tensor, step: tf.Tensor | int = 0, part: int = 0
    ) -> tuple[Losses, Pair]:
        """The terms of the generators' loss, and the fakes of x and of y.

        Reference:
            Zhu et al., 2017, equations 1 to 3 and section 5.2 (identity). The
            cycle and identity losses are sums over both directions.
        """
        config, adversarial = self.config, ADVERSARIAL[self.config.adversarial].generator
        apart = config.generator.norm == "batch"
        identity = bool(config.lambda_identity)
        xy, yx = (functools.partial(getattr(self, name), training=True) for name in GENERATORS)
        fake_y, *same_y = compilation.passes(xy, [x, y][: 1 + identity], apart)
        fake_x, *same_x = compilation.passes(yx, [y, x][: 1 + identity], apart)
        seen_y, seen_x = (seen(self, f, step, 8 * part + k) for k, f in enumerate((fake_y, fake_x)))
        losses = {
            "adversarial_xy": adversarial(self.discriminator_y(seen_y, training=True)),
            "adversarial_yx": adversarial(self.discriminator_x(seen_x, training=True)),
            "cycle_loss": tf.constant(0.0),
            "identity_loss": tf.constant(0.0),
            "change_xy": health.change(x, fake_y),
            "change_yx": health.change(y, fake_x),
        }
        if config.lambda_cycle:
            losses["cycle_loss"] = reconstruction(x, yx(fake_y), config.cycle_ssim)
            losses["cycle_loss"] += reconstruction(y, xy(fake_x), config.cycle_ssim)
        if identity:
            losses["identity_loss"] = l1(y, same_y[0]) + l1(x, same_x[0])
        return losses, (fake_x, fake_y)

    def generator_loss(self, losses: Losses) -> tf.Tensor:
        """One sum for both generators: each takes part in both cycles."""
        return (
            losses["adversarial_xy"]
            + losses["adversarial_yx"]
            + self.config.lambda_cycle * losses["cycle_loss"]
            + self.config.lambda_identity * losses["identity_loss"]
        )

    def discriminator_losses(
        self,
        x: tf.Tensor,
        y: tf.Tensor,
        fake_x: tf.Tensor,
        fake_y: tf.Tensor,
        step: tf.Tensor | int = 0,
        part: int = 0,
    ) -> tuple[Losses, tuple[()]]:
        """The terms of the discriminators' loss."""
        losses = {}
        pairs = {"x": (x, fake_x), "y": (y, fake_y)}
        for k, (domain, (real, fake)) in enumerate(pairs.items()):
            logits = functools.partial(getattr(self, f"discriminator_{domain}"), training=True)
            salt = 8 * part + 3 * k + 2
            real, fake = seen(self, real, step, salt), seen(self, fake, step, salt + 1)
            seed = seed_of(self, step, salt + 2)
            found = terms(self.config, logits, real, fake, step, seed)
            losses[f"discriminator_{domain}_loss"] = found.pop("loss")
            losses |= {f"{name}_{domain}": penalty for name, penalty in found.items()}
        return losses, ()

    def discriminator_loss(self, losses: Losses) -> tf.Tensor:
        """One sum for both discriminators; the penalties are halved as well."""
        loss = losses["discriminator_x_loss"] + losses["discriminator_y_loss"]
        for penalty, weight in self.config.penalties.items():
            loss += 0.5 * weight * (losses[f"{penalty}_x"] + losses[f"{penalty}_y"])
        return loss
