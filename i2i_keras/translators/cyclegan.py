"""CycleGAN: two generators, each other's way back, and two discriminators."""

import functools
from typing import ClassVar

import keras
import pydantic
import tensorflow as tf

from i2i_keras.models.discriminator import build_discriminator
from i2i_keras.models.networks import build_generator
from i2i_keras.training import compilation
from i2i_keras.training.history import Row
from i2i_keras.translators import adversarial_training, appearance, health, inference
from i2i_keras.translators.adversarial import AdversarialModel, Fakes, Sample, Terms
from i2i_keras.translators.adversarial_config import AdversarialConfig
from i2i_keras.translators.losses import SSIM_WINDOW, l1, reconstruction
from i2i_keras.translators.pool import ImagePool
from i2i_keras.translators.seeds import Purpose, Seeds


class CycleGANConfig(AdversarialConfig):
    """What CycleGAN has besides; defaults = Zhu et al. (2017).

    Attributes:
        lambda_cycle: weight of the cycle loss against the adversarial one.
        lambda_identity: weight of the identity loss.
        cycle_ssim: share of multi-scale SSIM in the cycle loss, the rest being
            L1; Zhao et al. (2017) took 0.84.
    """

    METHOD: ClassVar[str] = "cyclegan"

    lambda_cycle: pydantic.NonNegativeFloat = 10.0
    lambda_identity: pydantic.NonNegativeFloat = 5.0
    cycle_ssim: float = pydantic.Field(default=0.0, ge=0.0, le=1.0)

    @pydantic.model_validator(mode="after")
    def _window_fits(self) -> "CycleGANConfig":
        if self.cycle_ssim and min(self.pipeline.crop) < SSIM_WINDOW:
            raise ValueError(f"cycle_ssim needs a pipeline.crop of {SSIM_WINDOW} pixels or more")
        return self


class Draw(Purpose):
    """What CycleGAN draws random numbers for: views of images, penalties."""

    NEW_FAKE_Y = 0
    NEW_FAKE_X = 1
    REAL_X = 2
    POOLED_FAKE_X = 3
    PENALTY_X = 4
    REAL_Y = 5
    POOLED_FAKE_Y = 6
    PENALTY_Y = 7


class CycleGAN(AdversarialModel):
    """G (`generator_xy`) and F (`generator_yx`), D_X and D_Y, and their losses.

    Args:
        config: what to build.
        seed: of the pools' choices and of what discriminators see.

    Reference:
        Zhu et al., 2017, https://arxiv.org/abs/1703.10593.
    """

    DOMAINS = ("x", "y")
    LOSSES: ClassVar[tuple[str, ...]] = (
        "adversarial_xy",
        "adversarial_yx",
        "cycle_loss",
        "identity_loss",
        "discriminator_x_loss",
        "discriminator_y_loss",
    )
    SIGNALS = health.SIGNALS
    CONTENT = "lambda_cycle"

    config: CycleGANConfig

    def __init__(self, config: CycleGANConfig, seed: int = 0) -> None:
        super().__init__(config, seed)
        with compilation.policy(config.precision):
            self.generator_xy = build_generator(config.generator, "generator_xy")
            self.generator_yx = build_generator(config.generator, "generator_yx")
            self.discriminator_x = build_discriminator(config.discriminator, "discriminator_x")
            self.discriminator_y = build_discriminator(config.discriminator, "discriminator_y")
            if config.ema:
                self.generator_xy_ema = self.average_of(self.generator_xy)
                self.generator_yx_ema = self.average_of(self.generator_yx)
        self.pool_x = ImagePool(config.pool_size, config.pipeline.crop, "pool_x")
        self.pool_y = ImagePool(config.pool_size, config.pipeline.crop, "pool_y")

    @property
    def generators(self) -> list[keras.Model]:
        return [self.generator_xy, self.generator_yx]

    @property
    def averages(self) -> list[keras.Model]:
        return [self.generator_xy_ema, self.generator_yx_ema] if self.config.ema else []

    @property
    def discriminators(self) -> list[keras.Model]:
        return [self.discriminator_x, self.discriminator_y]

    @property
    def pools(self) -> list[ImagePool]:
        return [self.pool_x, self.pool_y]

    def fakes(self, x: tf.Tensor, y: tf.Tensor) -> Fakes:
        return self.generator_yx(y, training=True), self.generator_xy(x, training=True)

    def generator_terms(self, x: tf.Tensor, y: tf.Tensor, seeds: Seeds) -> tuple[Terms, Fakes]:
        """Equations 1 and 2 and section 5.2 (identity), each of both ways.

        Terms of weight zero are not computed.
        """
        config = self.config
        xy = functools.partial(self.translated, self.generator_xy)
        yx = functools.partial(self.translated, self.generator_yx)
        cycle_loss = identity_loss = tf.constant(0.0)

        if config.lambda_identity:
            fake_y, same_y = xy(x, y)
            fake_x, same_x = yx(y, x)
            identity_loss = l1(y, same_y) + l1(x, same_x)
        else:
            [fake_y], [fake_x] = xy(x), yx(y)

        adversarial_xy = self.fooling(self.discriminator_y, fake_y, seeds, Draw.NEW_FAKE_Y)
        adversarial_yx = self.fooling(self.discriminator_x, fake_x, seeds, Draw.NEW_FAKE_X)

        if config.lambda_cycle:
            [cycled_x], [cycled_y] = yx(fake_y), xy(fake_x)
            cycle_loss = reconstruction(x, cycled_x, config.cycle_ssim)
            cycle_loss += reconstruction(y, cycled_y, config.cycle_ssim)

        return {
            "adversarial_xy": adversarial_xy,
            "adversarial_yx": adversarial_yx,
            "cycle_loss": cycle_loss,
            "identity_loss": identity_loss,
            "change_xy": health.change(x, fake_y),
            "change_yx": health.change(y, fake_x),
        }, (fake_x, fake_y)

    def generator_loss(self, terms: Terms) -> tf.Tensor:
        """Equation 3, one sum for both: each generator is in both cycles."""
        return (
            terms["adversarial_xy"]
            + terms["adversarial_yx"]
            + self.config.lambda_cycle * terms["cycle_loss"]
            + self.config.lambda_identity * terms["identity_loss"]
        )

    def discriminator_terms(self, x: tf.Tensor, y: tf.Tensor, fakes: Fakes, seeds: Seeds) -> Terms:
        """Equation 1 for D_X and D_Y, halved (section 7.1), and penalties."""
        fake_x, fake_y = fakes
        of_x = Draw.REAL_X, Draw.POOLED_FAKE_X, Draw.PENALTY_X
        of_y = Draw.REAL_Y, Draw.POOLED_FAKE_Y, Draw.PENALTY_Y
        return {
            **self.telling_apart(self.discriminator_x, "x", (x, fake_x), seeds, of_x),
            **self.telling_apart(self.discriminator_y, "y", (y, fake_y), seeds, of_y),
        }

    def discriminator_loss(self, terms: Terms) -> tf.Tensor:
        """One sum for both discriminators; the penalties are halved as well."""
        loss = terms["discriminator_x_loss"] + terms["discriminator_y_loss"]
        for penalty, weight in self.config.penalties.items():
            loss += 0.5 * weight * (terms[f"{penalty}_x"] + terms[f"{penalty}_y"])
        return loss

    def sampler(self) -> Sample:
        """Draws x, fake y, cycled x, y, fake x, cycled y; judges the fakes."""
        xy, yx = (inference.any_size(generator, batch=None) for generator in self.translators)

        def sample(x: tf.Tensor, y: tf.Tensor) -> tuple[list[tf.Tensor], Row]:
            fake_y, fake_x = xy(x), yx(y)
            signals = appearance.both_ways(x.numpy(), fake_y.numpy(), y.numpy(), fake_x.numpy())
            return [x, fake_y, yx(fake_y), y, fake_x, xy(fake_x)], signals

        return sample


fit = functools.partial(adversarial_training.fit, CycleGAN)
load_generator = functools.partial(adversarial_training.load_generator, CycleGANConfig)
load = functools.partial(adversarial_training.load, load_generator)
