"""CycleGAN: two generators, two discriminators, trained by one step."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import pydantic
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from i2i_keras import config as settings
from i2i_keras import runs
from i2i_keras.data import transforms
from i2i_keras.data.pipeline import PipelineConfig, evaluation_batches, training_batches
from i2i_keras.data.records import Record
from i2i_keras.models.discriminator import DiscriminatorConfig, build_discriminator
from i2i_keras.models.generator import GeneratorConfig, build_generator
from i2i_keras.training import callbacks, checkpoints, schedules
from i2i_keras.translation.losses import ADVERSARIAL, l1
from i2i_keras.translation.pool import ImagePool

NETWORKS = ("generator_xy", "generator_yx", "discriminator_x", "discriminator_y")


class CycleGANConfig(settings.Config):
    """Networks, loss weights and optimizer; defaults = Zhu et al. (2017).

    Attributes:
        generator: of both generators.
        discriminator: of both discriminators.
        pipeline: batches of each domain.
        adversarial: a key of `losses.ADVERSARIAL`; `bce` is what the report
            began with (section 4.1).
        lambda_cycle: weight of the cycle loss against the adversarial one.
        lambda_identity: weight of the identity loss; 0 = it is not computed.
        pool_size: fakes that each discriminator's history keeps.
        learning_rate: of Adam, for all networks.
        beta_1: of Adam.
        constant_share: share of the training before the learning rate falls
            linearly to zero.
        epochs: passes over the smaller domain.
        steps: length of the training; overrides `epochs`.
        checkpoint_every: steps between checkpoints, rows of the history and
            sample pictures.
        num_samples: images of each domain in the sample pictures.
        xla: whether the step is compiled; `auto` = on a GPU.
    """

    generator: GeneratorConfig = GeneratorConfig()
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    pipeline: PipelineConfig = PipelineConfig(batch_size=1)
    adversarial: Literal["lsgan", "bce"] = "lsgan"
    lambda_cycle: pydantic.NonNegativeFloat = 10.0
    lambda_identity: pydantic.NonNegativeFloat = 5.0
    pool_size: pydantic.NonNegativeInt = 50
    learning_rate: pydantic.PositiveFloat = 2e-4
    beta_1: float = pydantic.Field(default=0.5, ge=0.0, lt=1.0)
    constant_share: float = pydantic.Field(default=0.5, ge=0.0, le=1.0)
    epochs: pydantic.PositiveFloat = 200.0
    steps: pydantic.PositiveInt | None = None
    checkpoint_every: pydantic.PositiveInt = 1000
    num_samples: pydantic.PositiveInt = 4
    xla: Literal["auto", "on", "off"] = "auto"

    @pydantic.model_validator(mode="after")
    def _crop_fits(self) -> "CycleGANConfig":
        stride = 2**self.generator.num_downsamplings
        if any(side % stride for side in self.pipeline.crop):
            raise ValueError(
                f"pipeline.crop has to be a multiple of {stride}, the generator's stride"
            )
        return self


class CycleGAN(keras.Model):
    """The four networks and the step that trains them.

    Args:
        config: what to build.
        seed: of the pools' choices.

    Reference:
        Zhu et al., 2017, https://arxiv.org/abs/1703.10593.
    """

    LOSSES = (
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
        self.generator_xy = build_generator(config.generator, "generator_xy")
        self.generator_yx = build_generator(config.generator, "generator_yx")
        self.discriminator_x = build_discriminator(config.discriminator, "discriminator_x")
        self.discriminator_y = build_discriminator(config.discriminator, "discriminator_y")
        self.pool_x = ImagePool(config.pool_size, config.pipeline.crop, "pool_x")
        self.pool_y = ImagePool(config.pool_size, config.pipeline.crop, "pool_y")
        self.means = {name: keras.metrics.Mean(name=name) for name in self.LOSSES}
        self.seed = seed

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return list(self.means.values())

    @property
    def generator_variables(self) -> list[tf.Variable]:
        """Trainable variables of both generators."""
        return self.generator_xy.trainable_variables + self.generator_yx.trainable_variables

    @property
    def discriminator_variables(self) -> list[tf.Variable]:
        """Trainable variables of both discriminators."""
        return self.discriminator_x.trainable_variables + self.discriminator_y.trainable_variables

    def compile(self, steps: int) -> None:
        """Makes the optimizers of a training of `steps` steps."""
        gpu = bool(tf.config.list_physical_devices("GPU"))
        super().compile(jit_compile={"auto": gpu, "on": True, "off": False}[self.config.xla])
        self.generator_optimizer = self._adam(steps, self.generator_variables)
        self.discriminator_optimizer = self._adam(steps, self.discriminator_variables)

    def train_step(self, batch: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One step of the generators, then one of the discriminators.

        Args:
            batch: images of x and of y, `(batch, *crop, 3)` in [-1, 1].

        Returns:
            Running means of the loss terms, unweighted.
        """
        x, y = batch
        seed = tf.stack([tf.constant(self.seed, tf.int64), self.generator_optimizer.iterations])

        with tf.GradientTape() as tape:
            losses, fake_x, fake_y = self.generator_losses(x, y)
            # One sum for both generators: each takes part in both cycles.
            generator_loss = (
                losses["adversarial_xy"]
                + losses["adversarial_yx"]
                + self.config.lambda_cycle * losses["cycle_loss"]
                + self.config.lambda_identity * losses["identity_loss"]
            )
        gradients = tape.gradient(generator_loss, self.generator_variables)
        self.generator_optimizer.apply_gradients(
            zip(gradients, self.generator_variables, strict=True)
        )

        pooled_x = self.pool_x.exchange(fake_x, seed)
        pooled_y = self.pool_y.exchange(fake_y, seed + 2**32)
        with tf.GradientTape() as tape:
            losses["discriminator_x_loss"] = self._discriminator_loss(
                self.discriminator_x, x, pooled_x
            )
            losses["discriminator_y_loss"] = self._discriminator_loss(
                self.discriminator_y, y, pooled_y
            )
            discriminator_loss = losses["discriminator_x_loss"] + losses["discriminator_y_loss"]
        gradients = tape.gradient(discriminator_loss, self.discriminator_variables)
        self.discriminator_optimizer.apply_gradients(
            zip(gradients, self.discriminator_variables, strict=True)
        )

        for name, mean in self.means.items():
            mean.update_state(losses[name])
        return {name: mean.result() for name, mean in self.means.items()}

    def generator_losses(
        self, x: tf.Tensor, y: tf.Tensor
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]:
        """The terms of the generators' loss, and the fakes of x and of y.

        Reference:
            Zhu et al., 2017, equations 1 to 3 and section 5.2 (identity). The
            cycle and identity losses are sums over both directions.
        """
        adversarial = ADVERSARIAL[self.config.adversarial]
        fake_y = self.generator_xy(x, training=True)
        fake_x = self.generator_yx(y, training=True)
        cycled_x = self.generator_yx(fake_y, training=True)
        cycled_y = self.generator_xy(fake_x, training=True)
        losses = {
            "adversarial_xy": adversarial.generator(self.discriminator_y(fake_y, training=True)),
            "adversarial_yx": adversarial.generator(self.discriminator_x(fake_x, training=True)),
            "cycle_loss": l1(x, cycled_x) + l1(y, cycled_y),
            "identity_loss": tf.constant(0.0),
        }
        if self.config.lambda_identity:
            losses["identity_loss"] = l1(y, self.generator_xy(y, training=True)) + l1(
                x, self.generator_yx(x, training=True)
            )
        return losses, fake_x, fake_y

    def _discriminator_loss(
        self, discriminator: keras.Model, real: tf.Tensor, fake: tf.Tensor
    ) -> tf.Tensor:
        loss = ADVERSARIAL[self.config.adversarial].discriminator(
            discriminator(real, training=True), discriminator(fake, training=True)
        )
        return 0.5 * loss  # "Slows down the rate at which D learns" (section 7.1).

    def _adam(self, steps: int, variables: list[tf.Variable]) -> keras.optimizers.Optimizer:
        rate = schedules.ConstantThenLinear(
            self.config.learning_rate, steps, self.config.constant_share
        )
        optimizer = keras.optimizers.Adam(rate, beta_1=self.config.beta_1)
        optimizer.build(variables)  # Now: a checkpoint holds what exists.
        return optimizer


def fit(
    config: CycleGANConfig,
    images_x: Sequence[Path],
    images_y: Sequence[Path],
    folder: Path,
    seed: int,
) -> runs.Facts:
    """Trains on the images of two domains and saves all four networks.

    Started again after a stop, it goes on from its newest checkpoint.

    Args:
        config: of the training.
        images_x: prepared images of the source, all of one size.
        images_y: of the target.
        folder: gets `history.csv`, `samples/`, `checkpoints/`, `config.json`
            and `NETWORK.weights.h5`.
        seed: of weights, batches and pools.

    Returns:
        The number of steps.
    """
    keras.utils.set_random_seed(seed)
    records_x = [Record(path.stem, path, None) for path in images_x]
    records_y = [Record(path.stem, path, None) for path in images_y]
    smaller = min(len(images_x), len(images_y))
    steps = schedules.total_steps(config.steps, config.epochs, smaller, config.pipeline.batch_size)
    model = CycleGAN(config, seed)
    model.compile(steps)

    def batches(first: int) -> tf.data.Dataset:
        x = training_batches(config.pipeline, records_x, 2 * seed, first)
        y = training_batches(config.pipeline, records_y, 2 * seed + 1, first)
        return tf.data.Dataset.zip((x, y)).map(lambda x, y: (x[0], y[0]))

    draw = _sampler(model, records_x[: config.num_samples], records_y[: config.num_samples])

    def observe(step: int) -> dict[str, float]:
        with runs.replacing(folder / "samples" / f"step-{step:06d}.png") as draft:
            Image.fromarray(draw()).save(draft, "PNG")
        return {"learning_rate": float(model.generator_optimizer.learning_rate)}

    callbacks.train(model, batches, folder, steps, config.checkpoint_every, observe)
    runs.write_json(folder / "config.json", config.model_dump(mode="json"))
    for name in NETWORKS:
        checkpoints.save_weights(getattr(model, name), folder / f"{name}.weights.h5")
    return {"steps": steps}


def load(folder: Path, direction: str = "xy") -> Callable[[tf.Tensor], tf.Tensor]:
    """Loads one of the two generators.

    Args:
        folder: that `fit` wrote.
        direction: `xy` or `yx`.

    Returns:
        From images `(batch, height, width, 3)` in [-1, 1], of any size, to
        translated ones of the same size and range.
    """
    config = settings.build(CycleGANConfig, runs.read_json(folder / "config.json"))
    name = f"generator_{direction}"
    generator = build_generator(config.generator, name)
    generator.load_weights(folder / f"{name}.weights.h5")
    return any_size(generator, 2**config.generator.num_downsamplings)


def any_size(generator: keras.Model, multiple: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """Pads images to what a generator can take and crops its output back."""

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3))])
    def translate(images: tf.Tensor) -> tf.Tensor:
        padded = transforms.pad_to_multiple(images, multiple)
        return generator(padded, training=False)[:, : tf.shape(images)[1], : tf.shape(images)[2]]

    return translate


def _sampler(
    model: CycleGAN, records_x: Sequence[Record], records_y: Sequence[Record]
) -> Callable[[], NDArray[np.uint8]]:
    """Draws x, fake y, cycled x and, beside them, y, fake x, cycled y."""
    multiple = 2**model.config.generator.num_downsamplings
    xy, yx = any_size(model.generator_xy, multiple), any_size(model.generator_yx, multiple)
    ways = [(_read(records_x), xy, yx), (_read(records_y), yx, xy)]

    def draw() -> NDArray[np.uint8]:
        columns = []
        for images, there, back in ways:
            fakes = there(images)
            columns += [images, fakes, back(fakes)]
        rows = min(len(column) for column in columns)
        strips = tf.concat([column[:rows] for column in columns], axis=2)
        return np.concatenate(transforms.denormalize(strips).numpy(), axis=0)

    return draw


def _read(records: Sequence[Record]) -> tf.Tensor:
    return tf.concat([image for image, _ in evaluation_batches(records, 1)], axis=0)
