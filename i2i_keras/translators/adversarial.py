"""What adversarial translators share: networks, optimizers and their step."""

import abc
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import keras
import tensorflow as tf

from i2i_keras import stack
from i2i_keras.models import recompute, replicas
from i2i_keras.models.networks import build_generator
from i2i_keras.training import compilation, ema, schedules
from i2i_keras.training.history import Row
from i2i_keras.translators import augment, discriminator_losses
from i2i_keras.translators.adversarial_config import AdversarialConfig
from i2i_keras.translators.losses import ADVERSARIAL
from i2i_keras.translators.pool import ImagePool
from i2i_keras.translators.seeds import Purpose, Seeds, pool_seed

Terms = dict[str, tf.Tensor]  # Of a loss, unweighted, and signals; by their column.
Fakes = tuple[tf.Tensor, ...]  # Of each domain that is translated into.
Pair = tuple[tf.Tensor, tf.Tensor]
# From images of x and of y, `(count, height, width, 3)` in [-1, 1], to the
# columns of a sample picture, which begin with x, and to what they show.
Sample = Callable[[tf.Tensor, tf.Tensor], tuple[list[tf.Tensor], Row]]


class AdversarialModel(keras.Model, abc.ABC):
    """Generators against discriminators, however many there are of them.

    A method names its networks and says what is lost; how that is minimized is
    here. Attributes of networks, pools and optimizers are the names by which a
    checkpoint knows them.

    Args:
        config: what to build.
        seed: of the pools' choices and of all that is drawn in a step.

    Attributes:
        DOMAINS: that have a discriminator.
        LOSSES: columns of the history that hold terms of losses.
        SIGNALS: those of `health.SIGNALS` that there are.
        CONTENT: the weight that holds outputs to their inputs.
    """

    DOMAINS: ClassVar[tuple[str, ...]]
    LOSSES: ClassVar[tuple[str, ...]]
    SIGNALS: ClassVar[tuple[str, ...]]
    CONTENT: ClassVar[str]

    config: AdversarialConfig
    seed: int
    steps: int
    generator_optimizer: keras.optimizers.Optimizer
    discriminator_optimizer: keras.optimizers.Optimizer
    plateau: schedules.Plateau | None
    rates: schedules.Rates

    def __init__(self, config: AdversarialConfig, seed: int) -> None:
        super().__init__(name=config.METHOD)
        self.config = config
        self.seed = seed

    # --- What a method says ---------------------------------------------------

    @property
    @abc.abstractmethod
    def generators(self) -> list[keras.Model]:
        """Those that are trained, `generator_xy` first."""

    @property
    @abc.abstractmethod
    def averages(self) -> list[keras.Model]:
        """Their moving averages, in order; none without `config.ema`."""

    @property
    @abc.abstractmethod
    def discriminators(self) -> list[keras.Model]:
        """One for each of `DOMAINS`."""

    @property
    @abc.abstractmethod
    def pools(self) -> list[ImagePool]:
        """One for each of the fakes."""

    @abc.abstractmethod
    def fakes(self, x: tf.Tensor, y: tf.Tensor) -> Fakes:
        """What the generators make of images, for the discriminators alone."""

    @abc.abstractmethod
    def generator_terms(self, x: tf.Tensor, y: tf.Tensor, seeds: Seeds) -> tuple[Terms, Fakes]:
        """The terms of the generators' loss, and the fakes on the way."""

    @abc.abstractmethod
    def generator_loss(self, terms: Terms) -> tf.Tensor:
        """Their weighted sum."""

    @abc.abstractmethod
    def discriminator_terms(self, x: tf.Tensor, y: tf.Tensor, fakes: Fakes, seeds: Seeds) -> Terms:
        """The terms of the discriminators' loss; fakes are out of pools."""

    @abc.abstractmethod
    def discriminator_loss(self, terms: Terms) -> tf.Tensor:
        """Their weighted sum."""

    @abc.abstractmethod
    def sampler(self) -> Sample:
        """What draws samples with the weights that there are then."""

    # --- Networks -------------------------------------------------------------

    @property
    def networks(self) -> list[keras.Model]:
        """All that are saved; each one's name is that of its attribute."""
        return [*self.generators, *self.discriminators, *self.averages]

    @property
    def translators(self) -> list[keras.Model]:
        """What translates, in the generators' order: averages, if there are."""
        return self.averages or self.generators

    @property
    def generator_variables(self) -> list[tf.Variable]:
        """All that the generators' loss trains."""
        return [v for network in self.generators for v in network.trainable_variables]

    @property
    def discriminator_variables(self) -> list[tf.Variable]:
        """All that the discriminators' loss trains."""
        return [v for network in self.discriminators for v in network.trainable_variables]

    @property
    def reported(self) -> list[str]:
        """What a step returns, in the order of the history's columns."""
        penalties = [
            f"{name}_{domain}" for name in self.config.penalties for domain in self.DOMAINS
        ]
        return [*self.LOSSES, *penalties, *self.SIGNALS]

    def average_of(self, generator: keras.Model) -> keras.Model:
        """Builds the moving average of a generator, equal to it at first."""
        average = build_generator(self.config.generator, f"{generator.name}_ema")
        ema.copy(average.variables, generator.variables)
        return average

    # --- The training ---------------------------------------------------------

    def compile(self, steps: int | None = None) -> None:
        """Makes the optimizers of a training.

        Args:
            steps: its length, over which learning rates fall; None =
                `config.steps`.

        Raises:
            ValueError: neither is given.
        """
        config, steps = self.config, steps or self.config.steps
        if steps is None:
            raise ValueError("how long is the training? Give compile(steps=...)")
        super().compile(jit_compile=False)
        # Keras 3's own switch goes off where operations are deterministic.
        self.xla = compilation.uses_xla(config.xla)
        self.steps = steps
        self.rates = schedules.Rates()
        self.plateau = None
        if config.schedule == "plateau":
            self.plateau = schedules.Plateau(config.checkpoint_every, config.patience)
        self.generator_optimizer = self._optimizer(
            config.learning_rate, steps, self.generator_variables
        )
        self.discriminator_optimizer = self._optimizer(
            config.discriminator_learning_rate or config.learning_rate,
            steps * config.num_critic_steps,
            self.discriminator_variables,
        )

    @compilation.with_norms_of_two_passes
    def train_step(self, batch: Pair) -> Terms:
        """One update of the generators, then those of the discriminators.

        Args:
            batch: images of x and of y, each a batch `(batch, *crop, 3)` in
                [-1, 1] for each update of the discriminators, in one tensor.

        Returns:
            `reported`: the loss terms, unweighted, and signals.

        Raises:
            ValueError: the number of images in a batch is not known.
        """
        batch = batch[:2]  # Keras 3's `train_on_batch` adds None, weights of samples.
        if batch[0].shape[0] is None:
            raise ValueError("batches need a known size: batch(N, drop_remainder=True)")
        step = tf.identity(self.generator_optimizer.iterations)
        updates = [tf.split(images, self.config.num_critic_steps) for images in batch]
        (x, y), *others = zip(*updates, strict=True)

        terms, fakes = self._update_generators(x, y, step)
        found = [self._update_discriminators(x, y, fakes, step, 0)]
        for number, (x, y) in enumerate(others, start=1):
            # Other images, and what the same generators make of them.
            found.append(self._update_discriminators(x, y, self.fakes(x, y), step, number))
        terms |= {name: tf.reduce_mean([of_one[name] for of_one in found]) for name in found[0]}

        if self.config.ema:
            for average, generator in zip(self.averages, self.generators, strict=True):
                ema.follow(average, generator, self.config.ema, step)
        if self.plateau is not None:
            exact = {name: tf.cast(term, tf.float64) for name, term in terms.items()}
            self.plateau.observe(self.generator_loss(exact), step)
        return {name: terms[name] for name in self.reported}

    def _update_generators(
        self, x: tf.Tensor, y: tf.Tensor, step: tf.Tensor
    ) -> tuple[Terms, Fakes]:
        def loss_of(part: int, x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, Terms, Fakes]:
            terms, fakes = self.generator_terms(x, y, self.seeds(step, part))
            return self.generator_loss(terms), terms, fakes

        optimizer, variables = self.generator_optimizer, self.generator_variables
        length, terms, fakes = self._descend(optimizer, variables, loss_of, x, y)
        return {**terms, "generator_gradient_norm": length}, fakes

    def _update_discriminators(
        self, x: tf.Tensor, y: tf.Tensor, fakes: Fakes, step: tf.Tensor, number: int
    ) -> Terms:
        pooled = [
            pool.exchange(images, pool_seed(self.seed, step, number, place), self.config.accumulate)
            for place, (pool, images) in enumerate(zip(self.pools, fakes, strict=True))
        ]
        first = self.config.accumulate * number

        def loss_of(
            part: int, x: tf.Tensor, y: tf.Tensor, *fakes: tf.Tensor
        ) -> tuple[tf.Tensor, Terms, Fakes]:
            terms = self.discriminator_terms(x, y, fakes, self.seeds(step, first + part))
            return self.discriminator_loss(terms), terms, ()

        optimizer, variables = self.discriminator_optimizer, self.discriminator_variables
        length, terms, _ = self._descend(optimizer, variables, loss_of, x, y, *pooled)
        return {**terms, "discriminator_gradient_norm": length}

    def _descend(
        self,
        optimizer: keras.optimizers.Optimizer,
        variables: Sequence[tf.Variable],
        loss_of: Callable[..., tuple[tf.Tensor, Terms, Fakes]],
        *batches: tf.Tensor,
    ) -> tuple[tf.Tensor, Terms, Fakes]:
        """Applies the gradients of a loss; returns their length as well."""

        def gradients_of(
            part: int, *images: tf.Tensor
        ) -> tuple[tuple[list[tf.Tensor], Terms], Fakes]:
            with tf.GradientTape() as tape:
                loss, terms, fakes = loss_of(part, *images)
            return (compilation.gradients(tape, loss, variables, optimizer), terms), fakes

        means, fakes = compilation.in_parts(gradients_of, self.config.accumulate, *batches)
        gradients, terms = replicas.mean(means)
        length = compilation.apply(optimizer, gradients, variables, self.config.clip_norm)
        return length, terms, fakes

    def _optimizer(
        self, rate: float, updates: int, variables: Sequence[tf.Variable]
    ) -> keras.optimizers.Optimizer:
        config = self.config
        options = schedules.Options(config.constant_share, self.plateau)
        rates = schedules.learning_rate(config.schedule, rate, updates, options)
        optimizer = stack.Adam(rates, beta_1=config.beta_1)
        optimizer = compilation.scaling(optimizer, config.precision)
        self.rates.add(optimizer, rates)
        stack.build(optimizer, variables)  # Now: a checkpoint holds what exists.
        return optimizer

    # --- Parts of losses ------------------------------------------------------

    def seeds(self, step: tf.Tensor | int = 0, part: int = 0) -> Seeds:
        """Of what is drawn for a part of the images of a step."""
        return Seeds(self.seed, step, part)

    def translated(self, generator: keras.Model, *batches: tf.Tensor) -> list[tf.Tensor]:
        """What a generator in training makes of each batch, in one pass."""
        apart = self.config.generator.norm == "batch"  # It would mix the batches.
        return compilation.passes(self.in_training(generator), batches, apart)

    def in_training(self, network: keras.Model) -> Callable[[tf.Tensor], Any]:
        """A network as gradients are taken of it."""
        return recompute.in_training(network, self.config.recompute)

    def seen(self, images: tf.Tensor, seeds: Seeds, purpose: Purpose) -> tf.Tensor:
        """What a discriminator sees of images `(batch, height, width, 3)`."""
        config = self.config
        if config.augment:
            images = augment.augmented(images, config.augment, seeds.of(purpose))
        if config.instance_noise:
            left = 1.0 - tf.cast(seeds.step, tf.float32) / self.steps
            images = augment.noisy(images, config.instance_noise * left, seeds.of_noise(purpose))
        return images

    def fooling(
        self, discriminator: keras.Model, fake: tf.Tensor, seeds: Seeds, purpose: Purpose
    ) -> tf.Tensor:
        """The adversarial loss of fakes that a discriminator sees."""
        logits = self.in_training(discriminator)(self.seen(fake, seeds, purpose))
        return ADVERSARIAL[self.config.adversarial].generator(logits)

    def telling_apart(
        self,
        discriminator: keras.Model,
        domain: str,
        pair: Pair,
        seeds: Seeds,
        purposes: tuple[Purpose, Purpose, Purpose],
    ) -> Terms:
        """The terms of a discriminator's loss.

        Args:
            discriminator: of one domain.
            domain: `x` or `y`, with which the terms' names end.
            pair: real images of the domain, and fake ones.
            seeds: of this part of the step.
            purposes: what it sees of the reals, and of the fakes, and the
                places of the gradient penalty.
        """
        (real, fake), (of_real, of_fake, of_penalty) = pair, purposes
        found = discriminator_losses.terms(
            self.config,
            # Within a condition TensorFlow takes no gradient of its gradient.
            recompute.in_training(
                discriminator, self.config.recompute and not self.config.penalties
            ),
            self.seen(real, seeds, of_real),
            self.seen(fake, seeds, of_fake),
            seeds.step,
            seeds.of(of_penalty),
        )
        loss = {f"discriminator_{domain}_loss": found.pop("loss")}
        return loss | {f"{name}_{domain}": value for name, value in found.items()}
