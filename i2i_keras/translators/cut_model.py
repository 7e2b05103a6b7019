"""The networks of CUT and the step that trains them."""

import functools

import keras
import tensorflow as tf

from i2i_keras.models.discriminator import build_discriminator
from i2i_keras.models.networks import build_generator
from i2i_keras.training import compilation, ema
from i2i_keras.translators import health
from i2i_keras.translators.cut_config import CUTConfig
from i2i_keras.translators.discriminator_losses import terms
from i2i_keras.translators.losses import ADVERSARIAL
from i2i_keras.translators.patch_nce import (
    Features,
    build_encoder,
    build_heads,
    layer_names,
    patch_nce,
    take_patches,
)
from i2i_keras.translators.pool import ImagePool
from i2i_keras.translators.steps import Losses, prepare, seed_of, seen, update

Pair = tuple[tf.Tensor, tf.Tensor]

NETWORKS = ("generator_xy", "discriminator_y", "heads")


class CUT(keras.Model):
    """One generator, one discriminator, and projections of patches.

    Args:
        config: what to build.
        seed: of patches, of the pool's choices and of what the discriminator
            sees.

    Reference:
        Park et al., 2020, https://arxiv.org/abs/2007.15651.
    """

    LOSSES = ("adversarial_xy", "nce_loss", "identity_loss", "discriminator_y_loss")
    SIGNALS = tuple(name for name in health.SIGNALS if not name.endswith(("_x", "_yx")))

    def __init__(self, config: CUTConfig, seed: int = 0) -> None:
        super().__init__(name="cut")
        self.config = config
        self.seed = seed
        with compilation.policy(config.precision):
            self.generator_xy = build_generator(config.generator, "generator_xy")
            self.discriminator_y = build_discriminator(config.discriminator, "discriminator_y")
            self.encoder = build_encoder(self.generator_xy, layer_names(config.generator))
            if config.ema:
                self.generator_xy_ema = build_generator(config.generator, "generator_xy_ema")
                ema.copy(self.generator_xy_ema.variables, self.generator_xy.variables)
        # float32: gradients of weights before a division by length are large.
        self.heads = build_heads(self.encoder, config.projection)
        # The features of an input are there when its translation is.
        generator = self.generator_xy
        self.translation = keras.Model(generator.input, (self.encoder.output, generator.output))
        self.pool_y = ImagePool(config.pool_size, config.pipeline.crop, "pool_y")
        penalties = [f"{penalty}_y" for penalty in config.penalties]
        self.reported = (*self.LOSSES, *penalties, *self.SIGNALS)

    @property
    def generator_variables(self) -> list[tf.Variable]:
        """Trainable variables of the generator and of the projections."""
        return self.generator_xy.trainable_variables + self.heads.trainable_variables

    @property
    def discriminator_variables(self) -> list[tf.Variable]:
        """Trainable variables of the discriminator."""
        return list(self.discriminator_y.trainable_variables)

    @property
    def networks(self) -> list[str]:
        """Names of all networks, the average included."""
        return [*NETWORKS, *(["generator_xy_ema"] if self.config.ema else [])]

    @property
    def translator(self) -> keras.Model:
        """What translates: the average, if there is one."""
        return self.generator_xy_ema if self.config.ema else self.generator_xy

    def compile(self, steps: int) -> None:
        """Makes the optimizers of a training of `steps` steps."""
        super().compile(jit_compile=compilation.uses_xla(self.config.xla))
        prepare(self, steps)

    def train_step(self, batch: Pair) -> Losses:
        """One update of generator and projections, then of the discriminator.

        Args:
            batch: images of x and of y, each a batch `(batch, *crop, 3)` in
                [-1, 1] for each update of the discriminator, in one tensor.

        Returns:
            The loss terms, unweighted, and `SIGNALS`.
        """
        step = tf.identity(self.generator_optimizer.iterations)
        updates = [tf.split(images, self.config.num_critic_steps) for images in batch]
        (x, y), *others = zip(*updates, strict=True)

        losses, fake_y = update(self, "generator", step, 0, x, y)
        found = [self._update_discriminator(0, y, fake_y, step)]
        for number, (x, y) in enumerate(others, start=1):
            fake_y = self.generator_xy(x, training=True)
            found.append(self._update_discriminator(number, y, fake_y, step))
        losses |= {name: tf.reduce_mean([term[name] for term in found]) for name in found[0]}

        if self.config.ema:
            ema.follow(self.generator_xy_ema, self.generator_xy, self.config.ema, step)
        if self.plateau is not None:
            self.plateau.observe(self.generator_loss(losses), step)
        return {name: losses[name] for name in self.reported}

    def _update_discriminator(
        self, number: int, real: tf.Tensor, fake: tf.Tensor, step: tf.Tensor
    ) -> Losses:
        seed = tf.stack([tf.constant(self.seed + number * 2**40, tf.int64), step])
        pooled = self.pool_y.exchange(fake, seed)
        return update(self, "discriminator", step, number, real, pooled)[0]

    def generator_losses(
        self, x: tf.Tensor, y: tf.Tensor, step: tf.Tensor | int = 0, part: int = 0
    ) -> tuple[Losses, tf.Tensor]:
        """The terms of the generator's loss, and the fakes of y.

        Reference:
            Park et al., 2020, equation 4; `identity_loss` is its last term.
        """
        config = self.config
        batches = [x, y] if config.lambda_identity else [x]
        if config.generator.norm != "batch":  # Half as many operations.
            batches = [tf.concat(batches, 0)]
        seed = seed_of(self, step, 8 * part + 1)
        found = [self._translated(images, seed) for images in batches]
        fakes, entropies = (tf.concat(results, 0) for results in zip(*found, strict=True))
        count = tf.shape(x)[0]
        fake_y = tf.ensure_shape(fakes[:count], x.shape)
        logits = self.discriminator_y(seen(self, fake_y, step, 8 * part), training=True)
        identity = config.lambda_identity > 0
        return {
            "adversarial_xy": ADVERSARIAL[config.adversarial].generator(logits),
            "nce_loss": tf.reduce_mean(entropies[:count]),
            "identity_loss": tf.reduce_mean(entropies[count:]) if identity else tf.constant(0.0),
            "change_xy": health.change(x, fake_y),
        }, fake_y

    def generator_loss(self, losses: Losses) -> tf.Tensor:
        """One sum for generator and projections."""
        return (
            losses["adversarial_xy"]
            + self.config.lambda_nce * losses["nce_loss"]
            + self.config.lambda_identity * losses["identity_loss"]
        )

    def _translated(self, images: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """What the generator makes of images, and its loss for each."""
        features, fakes = self.translation(images, training=True)
        queries = self._vectors(self.encoder(fakes, training=True), seed)
        keys = self._vectors(features, seed)
        temperature = self.config.temperature
        entropies = [patch_nce(queries[name], keys[name], temperature) for name in queries]
        # The mean over layers of the authors' code, not the paper's sum.
        return fakes, tf.add_n(entropies) / len(entropies)

    def _vectors(self, features: Features, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        patches = take_patches(features, self.config.num_patches, seed)
        return dict(self.heads(patches, training=True))

    def discriminator_losses(
        self, y: tf.Tensor, fake_y: tf.Tensor, step: tf.Tensor | int = 0, part: int = 0
    ) -> tuple[Losses, tuple[()]]:
        """The terms of the discriminator's loss."""
        logits = functools.partial(self.discriminator_y, training=True)
        salt = 8 * part + 2
        real, fake = seen(self, y, step, salt), seen(self, fake_y, step, salt + 1)
        found = terms(self.config, logits, real, fake, step, seed_of(self, step, salt + 2))
        losses = {"discriminator_y_loss": found.pop("loss")}
        return losses | {f"{name}_y": value for name, value in found.items()}, ()

    def discriminator_loss(self, losses: Losses) -> tf.Tensor:
        """The discriminator's own sum; the penalties are halved as well."""
        loss = losses["discriminator_y_loss"]
        for penalty, weight in self.config.penalties.items():
            loss += 0.5 * weight * losses[f"{penalty}_y"]
        return loss
