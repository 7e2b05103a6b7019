"""CUT: contrastive unpaired translation, one way."""

import functools
from pathlib import Path
from typing import Any, ClassVar

import keras
import pydantic
import tensorflow as tf

from i2i_keras.errors import SettingsError
from i2i_keras.models.discriminator import build_discriminator
from i2i_keras.models.networks import build_generator
from i2i_keras.training import compilation
from i2i_keras.training.history import Row
from i2i_keras.translators import adversarial_training, appearance, health, inference
from i2i_keras.translators.adversarial import AdversarialModel, Fakes, Sample, Terms
from i2i_keras.translators.adversarial_config import AdversarialConfig
from i2i_keras.translators.patch_nce import (
    Features,
    build_encoder,
    build_heads,
    layer_names,
    patch_nce,
    take_patches,
)
from i2i_keras.translators.pool import ImagePool
from i2i_keras.translators.seeds import Purpose, Seeds

DIRECTIONS = ("xy",)
# Settings that make it FastCUT.
FASTCUT = {"lambda_nce": 10.0, "lambda_identity": 0.0, "epochs": 200.0, "constant_share": 0.75}


class CUTConfig(AdversarialConfig):
    """What CUT has besides; defaults = Park et al. (2020).

    `FASTCUT` makes it the paper's faster variant. Nothing is mirrored on its
    way through the generator, which the authors' code does for that variant:
    its outputs can come out mirrored, so that no label fits them any more.

    Attributes:
        lambda_nce: weight of the contrastive loss between x and its
            translation, against the adversarial one. Its loss is computed and
            reported in any case.
        lambda_identity: weight of the contrastive loss between y and what the
            generator makes of it. 0 saves that pass. The authors' code, but not
            the paper, halves both weights where there are two.
        temperature: of the contrastive loss.
        num_patches: places compared in each layer, at most.
        projection: width of the vectors that are compared.
        pool_size: none in the authors' code.

    Reference:
        Park et al., 2020, https://arxiv.org/abs/2007.15651, section 4 and
        appendix C.1, and its code.
    """

    METHOD: ClassVar[str] = "cut"

    lambda_nce: pydantic.NonNegativeFloat = 1.0
    lambda_identity: pydantic.NonNegativeFloat = 1.0
    temperature: pydantic.PositiveFloat = 0.07
    num_patches: pydantic.PositiveInt = 256
    projection: pydantic.PositiveInt = 256
    pool_size: pydantic.NonNegativeInt = 0
    epochs: pydantic.PositiveFloat = 400.0


class Draw(Purpose):
    """What CUT draws random numbers for: views of images, places, a penalty."""

    NEW_FAKE = 0
    PATCHES = 1
    REAL = 2
    POOLED_FAKE = 3
    PENALTY = 4


class CUT(AdversarialModel):
    """One generator, one discriminator, and projections of patches.

    Args:
        config: what to build.
        seed: of patches, of the pool's choices and of what the discriminator
            sees.

    Reference:
        Park et al., 2020, https://arxiv.org/abs/2007.15651.
    """

    DOMAINS = ("y",)
    LOSSES = ("adversarial_xy", "nce_loss", "identity_loss", "discriminator_y_loss")
    SIGNALS = tuple(name for name in health.SIGNALS if not name.endswith(("_x", "_yx")))
    CONTENT = "lambda_nce"

    config: CUTConfig

    def __init__(self, config: CUTConfig, seed: int = 0) -> None:
        super().__init__(config, seed)
        with compilation.policy(config.precision):
            self.generator_xy = build_generator(config.generator, "generator_xy")
            self.discriminator_y = build_discriminator(config.discriminator, "discriminator_y")
            self.encoder = build_encoder(self.generator_xy, layer_names(config.generator))
            if config.ema:
                self.generator_xy_ema = self.average_of(self.generator_xy)
        # float32: gradients of weights before a division by length are large.
        self.heads = build_heads(self.encoder, config.projection)
        # The features of an input are there when its translation is.
        generator = self.generator_xy
        self.translation = keras.Model(generator.input, (self.encoder.output, generator.output))
        self.pool_y = ImagePool(config.pool_size, config.pipeline.crop, "pool_y")

    @property
    def generators(self) -> list[keras.Model]:
        return [self.generator_xy]

    @property
    def averages(self) -> list[keras.Model]:
        return [self.generator_xy_ema] if self.config.ema else []

    @property
    def discriminators(self) -> list[keras.Model]:
        return [self.discriminator_y]

    @property
    def networks(self) -> list[keras.Model]:
        return [*super().networks, self.heads]

    @property
    def generator_variables(self) -> list[tf.Variable]:
        return [*super().generator_variables, *self.heads.trainable_variables]

    @property
    def pools(self) -> list[ImagePool]:
        return [self.pool_y]

    def fakes(self, x: tf.Tensor, y: tf.Tensor) -> Fakes:
        return (self.generator_xy(x, training=True),)

    def generator_terms(self, x: tf.Tensor, y: tf.Tensor, seeds: Seeds) -> tuple[Terms, Fakes]:
        """Equation 4: adversarial, contrastive of x, and contrastive of y."""
        config = self.config
        batches = [x, y] if config.lambda_identity else [x]
        if config.generator.norm != "batch":  # Half as many operations.
            batches = [tf.concat(batches, 0)]
        places = seeds.of(Draw.PATCHES)
        found = [self._contrasted(images, places) for images in batches]
        fakes, entropies = (tf.concat(results, 0) for results in zip(*found, strict=True))
        count = tf.shape(x)[0]
        fake_y = tf.ensure_shape(fakes[:count], x.shape)

        adversarial_xy = self.fooling(self.discriminator_y, fake_y, seeds, Draw.NEW_FAKE)
        nce_loss = tf.reduce_mean(entropies[:count])
        identity_loss = tf.constant(0.0)
        if config.lambda_identity:
            identity_loss = tf.reduce_mean(entropies[count:])

        return {
            "adversarial_xy": adversarial_xy,
            "nce_loss": nce_loss,
            "identity_loss": identity_loss,
            "change_xy": health.change(x, fake_y),
        }, (fake_y,)

    def generator_loss(self, terms: Terms) -> tf.Tensor:
        """One sum for generator and projections."""
        return (
            terms["adversarial_xy"]
            + self.config.lambda_nce * terms["nce_loss"]
            + self.config.lambda_identity * terms["identity_loss"]
        )

    def _contrasted(self, images: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """What the generator makes of images, and the loss of each."""
        features, fakes = self.in_training(self.translation)(images)
        queries = self._vectors(self.in_training(self.encoder)(fakes), seed)
        keys = self._vectors(features, seed)
        temperature = self.config.temperature
        entropies = [patch_nce(queries[name], keys[name], temperature) for name in queries]
        # The mean over layers of the authors' code, not the paper's sum.
        return fakes, tf.add_n(entropies) / len(entropies)

    def _vectors(self, features: Features, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        patches = take_patches(features, self.config.num_patches, seed)
        return dict(self.heads(patches, training=True))

    def discriminator_terms(self, x: tf.Tensor, y: tf.Tensor, fakes: Fakes, seeds: Seeds) -> Terms:
        """The halved adversarial loss, and penalties."""
        [fake_y] = fakes
        purposes = Draw.REAL, Draw.POOLED_FAKE, Draw.PENALTY
        return self.telling_apart(self.discriminator_y, "y", (y, fake_y), seeds, purposes)

    def discriminator_loss(self, terms: Terms) -> tf.Tensor:
        """The discriminator's own sum; the penalties are halved as well."""
        loss = terms["discriminator_y_loss"]
        for penalty, weight in self.config.penalties.items():
            loss += 0.5 * weight * terms[f"{penalty}_y"]
        return loss

    def sampler(self) -> Sample:
        """Draws x, fake y, y; looks at the fakes."""
        [generator] = self.translators
        translate = inference.any_size(generator, batch=None)

        def sample(x: tf.Tensor, y: tf.Tensor) -> tuple[list[tf.Tensor], Row]:
            fake_y = translate(x)
            found = appearance.appearance(x.numpy(), fake_y.numpy(), y.numpy())
            return [x, fake_y, y], {f"{name}_xy": value for name, value in found.items()}

        return sample


def load_generator(folder: Path, direction: str = "xy", **how: Any) -> keras.Model:
    """Loads the generator, see `adversarial_training.load_generator`.

    Raises:
        SettingsError: of another direction than `xy`.
    """
    if direction not in DIRECTIONS:
        raise SettingsError(
            f"CUT has no generator {direction}; for the way back, train one with source and"
            " target exchanged, or cyclegan."
        )
    return adversarial_training.load_generator(CUTConfig, folder, direction, **how)


fit = functools.partial(adversarial_training.fit, CUT)
load = functools.partial(adversarial_training.load, load_generator)
