"""Settings that all adversarial translators have."""

from typing import Annotated, ClassVar

import pydantic

from i2i_keras.config import key_of
from i2i_keras.data.pipeline import PipelineConfig
from i2i_keras.models.discriminator import DiscriminatorConfig
from i2i_keras.models.resnet import ResNetConfig
from i2i_keras.run_folder.files import Facts
from i2i_keras.training.checkpoints import NO_FACTS, CheckpointConfig
from i2i_keras.training.compilation import Precision, Xla
from i2i_keras.training.schedules import Schedule
from i2i_keras.translators import initial
from i2i_keras.translators.augment import Augmentation
from i2i_keras.translators.losses import ADVERSARIAL


class SmallBatches(PipelineConfig):
    """`PipelineConfig` of one image a step, unless it says otherwise."""

    batch_size: pydantic.PositiveInt = 1


class AdversarialConfig(CheckpointConfig):
    """Networks, adversarial loss and training, however many networks there are.

    Terms of weight zero are not computed, nor are the passes through networks
    that only they need.

    Attributes:
        METHOD: the key of `TRANSLATORS`.
        initial: weights that the training begins with: a run directory, a
            `seed-N` folder in one, or a `train-translator/METHOD` folder, of a
            translator with the same networks. Optimizers, schedules and pools
            are new. Empty = weights drawn at random.
        generator: of all generators.
        discriminator: of all discriminators.
        pipeline: batches of each domain.
        adversarial: a key of `losses.ADVERSARIAL`; `bce` is what the student
            report began with (section 4.1).
        critic_steps: updates of the discriminators for one of the generators,
            each with images of its own: a step then reads as many batches, the
            first of which trains the generators, and an epoch has fewer steps.
            None = the loss's own: 5 for `wgan_gp`, else 1.
        gradient_penalty: weight of Gulrajani's penalty, between real images
            and pooled fakes. None = the loss's own: 10 for `wgan_gp`, else 0.
        r1: gamma of Mescheder's penalty at real images; 0 = none.
        r1_every: steps from one computation of that penalty to the next; it
            then counts as many times.
        label_smoothing: s makes 1 - s of the target of real images, for
            `lsgan` and `bce`.
        pool_size: fakes that each discriminator's history keeps.
        instance_noise: standard deviation of noise on all that discriminators
            see, in units of images, falling linearly to zero at the end.
        augment: what else is done at random to all that discriminators see:
            any of `color`, `translation`, `cutout` (Zhao et al., 2020).
        learning_rate: of Adam, for the generators.
        discriminator_learning_rate: for the discriminators; None = the same.
        beta_1: of Adam.
        clip_norm: largest length of the gradient of both generators, and of
            both discriminators; None = any.
        ema: decay of the moving average of the generators, which then is what
            samples are drawn and images are translated with; 0 = none.
        schedule: of the learning rates, a key of `SCHEDULES`: `linear` is
            constant at first and then falls to zero, `cosine` falls to zero
            along a half wave, `poly` to the power of 0.9, `plateau` halves
            where the generators' loss does not fall any more.
        constant_share: of `linear`: share of the training before it falls.
        patience: of `plateau`: windows of `checkpoint_every` steps without a
            new lowest mean loss before the rate is halved.
        epochs: passes over the smaller domain.
        steps: length of the training, in updates of the generators; overrides
            `epochs`.
        num_samples: images from all over each domain in the sample pictures, of
            which there is one for each row of the history.
        accumulate: parts that a batch is cut into, whose gradients are
            averaged before an update. It saves memory, and gives the same as a
            whole batch, unless there is batch norm, dropout, spectral norm or
            anything at random above.
        recompute: whether networks keep less for their gradients and compute
            what is inside their blocks once more: less memory, more time,
            the same numbers but for rounding in 16 bits; not of
            discriminators with spectral norm or penalties.
        precision: of the networks; norms, logits, images and losses are float32
            in any case. `mixed_bfloat16` is for processors that are faster in
            it and GPUs; `auto` is that where they are, see
            `compilation.precision_of`, and else `float32`.
        xla: whether the step is compiled; `auto` = on a GPU.
    """

    METHOD: ClassVar[str] = ""

    initial: str = ""
    generator: ResNetConfig = ResNetConfig()
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    pipeline: SmallBatches = SmallBatches()

    adversarial: Annotated[str, key_of(ADVERSARIAL)] = "lsgan"
    critic_steps: pydantic.PositiveInt | None = None
    gradient_penalty: pydantic.NonNegativeFloat | None = None
    r1: pydantic.NonNegativeFloat = 0.0
    r1_every: pydantic.PositiveInt = 16
    label_smoothing: float = pydantic.Field(default=0.0, ge=0.0, lt=1.0)

    pool_size: pydantic.NonNegativeInt = 50
    instance_noise: pydantic.NonNegativeFloat = 0.0
    augment: tuple[Augmentation, ...] = ()
    learning_rate: pydantic.PositiveFloat = 2e-4
    discriminator_learning_rate: pydantic.PositiveFloat | None = None
    beta_1: float = pydantic.Field(default=0.5, ge=0.0, lt=1.0)
    clip_norm: pydantic.PositiveFloat | None = None
    ema: float = pydantic.Field(default=0.0, ge=0.0, lt=1.0)
    schedule: Schedule = "linear"
    constant_share: float = pydantic.Field(default=0.5, ge=0.0, le=1.0)
    patience: pydantic.PositiveInt = 5

    epochs: pydantic.PositiveFloat = 200.0
    steps: pydantic.PositiveInt | None = None
    num_samples: pydantic.PositiveInt = 4
    accumulate: pydantic.PositiveInt = 1
    recompute: bool = False
    precision: Precision = "float32"
    xla: Xla = "auto"

    @pydantic.model_validator(mode="after")
    def _sizes_fit(self) -> "AdversarialConfig":
        stride = 2**self.generator.num_downsamplings
        if any(side % stride for side in self.pipeline.crop):
            raise ValueError(
                f"pipeline.crop has to be a multiple of {stride}, the generator's stride"
            )
        least = 3 * 2**self.discriminator.num_downsamplings  # For one patch.
        if min(self.pipeline.crop) < least:
            raise ValueError(
                f"pipeline.crop has to be {least} or more with so many"
                " discriminator.num_downsamplings"
            )
        if self.pipeline.batch_size % self.accumulate:
            raise ValueError(
                f"accumulate has to divide pipeline.batch_size, {self.pipeline.batch_size}"
            )
        return self

    @pydantic.model_validator(mode="after")
    def _losses_fit(self) -> "AdversarialConfig":
        if self.label_smoothing and not ADVERSARIAL[self.adversarial].smooth:
            smooth = [name for name, loss in ADVERSARIAL.items() if loss.smooth]
            raise ValueError(
                f"label_smoothing is for {' and '.join(smooth)};"
                f" {self.adversarial} has no target that could be smoothed"
            )
        if self.penalties and self.discriminator.norm == "batch":
            raise ValueError(
                "gradient_penalty and r1 look at one image at a time, which batch norm mixes"
                " with others; set discriminator.norm to instance or none, or both to 0"
            )
        return self

    def facts(self) -> Facts:
        """All that a training depends on: first weights by their bytes.

        Raises:
            FileError: the first weights are not there.
        """
        facts: Facts = self.model_dump(mode="json", exclude={"initial", *NO_FACTS})
        if self.initial:  # What was trained without stays valid.
            facts["initial"] = initial.identity(self.initial, self.METHOD)
        return facts

    @property
    def num_critic_steps(self) -> int:
        """Updates of the discriminators for one of the generators."""
        return self.critic_steps or ADVERSARIAL[self.adversarial].critic_steps

    @property
    def penalties(self) -> dict[str, float]:
        """Weights of the penalties on the discriminators, of those with any."""
        own = ADVERSARIAL[self.adversarial].gradient_penalty
        weight = own if self.gradient_penalty is None else self.gradient_penalty
        weights = {"gradient_penalty": weight, "r1": self.r1}
        return {name: weight for name, weight in weights.items() if weight}
