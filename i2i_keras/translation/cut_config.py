"""Settings of CUT."""

import pydantic

from i2i_keras.data.pipeline import PipelineConfig
from i2i_keras.models.discriminator import DiscriminatorConfig
from i2i_keras.models.generator import GeneratorConfig
from i2i_keras.training.checkpoints import CheckpointConfig
from i2i_keras.training.compilation import Precision, Xla
from i2i_keras.training.schedules import Schedule
from i2i_keras.translation.augment import Augmentation
from i2i_keras.translation.losses import ADVERSARIAL

# Settings that make it FastCUT.
FASTCUT = {"lambda_nce": 10.0, "lambda_identity": 0.0, "epochs": 200.0, "constant_share": 0.75}


class CUTConfig(CheckpointConfig):
    """Networks, losses and training; defaults = Park et al. (2020).

    `FASTCUT` makes it the paper's faster variant. Nothing is mirrored on its
    way through the generator, which the authors' code does for that variant:
    its outputs can come out mirrored, so that no label fits them any more.

    Attributes:
        generator: from x to y.
        discriminator: of y.
        pipeline: batches of each domain.
        adversarial: a key of `losses.ADVERSARIAL`.
        critic_steps: updates of the discriminator for one of the generator; see
            `CycleGANConfig`.
        gradient_penalty: weight of Gulrajani's penalty, between real images
            and fakes. None = the loss's own: 10 for `wgan_gp`, else 0.
        r1: gamma of Mescheder's penalty at real images; 0 = none.
        r1_every: steps from one computation of that penalty to the next; it
            then counts as many times.
        label_smoothing: s makes 1 - s of the target of real images, for
            `lsgan` and `bce`.
        lambda_nce: weight of the contrastive loss between x and its
            translation, against the adversarial one.
        lambda_identity: weight of the contrastive loss between y and what the
            generator makes of it. 0 saves that pass. The authors' code, but not
            the paper, halves both weights where there are two.
        temperature: of the contrastive loss.
        num_patches: places compared in each layer, at most.
        projection: width of the vectors that are compared.
        pool_size: fakes that the discriminator's history keeps; none in the
            authors' code.
        instance_noise: standard deviation of noise on all that the
            discriminator sees, in units of images, falling linearly to zero.
        augment: what else is done at random to all that it sees: any of
            `color`, `translation`, `cutout` (Zhao et al., 2020).
        learning_rate: of Adam, for generator and projections.
        discriminator_learning_rate: for the discriminator; None = the same.
        beta_1: of Adam.
        clip_norm: largest length of the gradient of generator and projections,
            and of the discriminator; None = any.
        ema: decay of the moving average of the generator, which then is what
            samples are drawn and images are translated with; 0 = none.
        schedule: of the learning rates; see `CycleGANConfig`.
        constant_share: of `linear`: share of the training before it falls.
        patience: of `plateau`: windows of `checkpoint_every` steps without a
            new lowest mean loss before the rate is halved.
        epochs: passes over the smaller domain.
        steps: length of the training, in updates of the generator; overrides
            `epochs`.
        num_samples: images from all over each domain in the sample pictures, of
            which there is one for each row of the history.
        accumulate: parts that a batch is cut into, whose gradients are
            averaged before an update: less memory. Each part has patches of its
            own.
        precision: of the networks; norms, logits, cosines, images and losses
            are float32 in any case.
        xla: whether the step is compiled; `auto` = on a GPU.

    Reference:
        Park et al., 2020, https://arxiv.org/abs/2007.15651, section 4 and
        appendix C.1, and its code.
    """

    generator: GeneratorConfig = GeneratorConfig()
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    pipeline: PipelineConfig = PipelineConfig(batch_size=1)

    adversarial: str = "lsgan"
    critic_steps: pydantic.PositiveInt | None = None
    gradient_penalty: pydantic.NonNegativeFloat | None = None
    r1: pydantic.NonNegativeFloat = 0.0
    r1_every: pydantic.PositiveInt = 16
    label_smoothing: float = pydantic.Field(default=0.0, ge=0.0, lt=1.0)
    lambda_nce: pydantic.NonNegativeFloat = 1.0
    lambda_identity: pydantic.NonNegativeFloat = 1.0
    temperature: pydantic.PositiveFloat = 0.07
    num_patches: pydantic.PositiveInt = 256
    projection: pydantic.PositiveInt = 256

    pool_size: pydantic.NonNegativeInt = 0
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

    epochs: pydantic.PositiveFloat = 400.0
    steps: pydantic.PositiveInt | None = None
    num_samples: pydantic.PositiveInt = 4
    accumulate: pydantic.PositiveInt = 1
    precision: Precision = "float32"
    xla: Xla = "auto"

    @pydantic.field_validator("adversarial")
    @classmethod
    def _known_loss(cls, name: str) -> str:
        if name not in ADVERSARIAL:
            raise ValueError(f"no adversarial loss {name!r}; there are {', '.join(ADVERSARIAL)}")
        return name

    @pydantic.model_validator(mode="after")
    def _sizes_fit(self) -> "CUTConfig":
        stride = 2**self.generator.num_downsamplings
        if any(side % stride for side in self.pipeline.crop):
            raise ValueError(
                f"pipeline.crop has to be a multiple of {stride}, the generator's stride"
            )
        if self.pipeline.batch_size % self.accumulate:
            raise ValueError(
                f"accumulate has to divide pipeline.batch_size, {self.pipeline.batch_size}"
            )
        return self

    @pydantic.model_validator(mode="after")
    def _losses_fit(self) -> "CUTConfig":
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

    @property
    def num_critic_steps(self) -> int:
        """Updates of the discriminator for one of the generator."""
        return self.critic_steps or ADVERSARIAL[self.adversarial].critic_steps

    @property
    def penalties(self) -> dict[str, float]:
        """Weights of the penalties on the discriminator, of those with any."""
        own = ADVERSARIAL[self.adversarial].gradient_penalty
        weight = own if self.gradient_penalty is None else self.gradient_penalty
        weights = {"gradient_penalty": weight, "r1": self.r1}
        return {name: weight for name, weight in weights.items() if weight}
