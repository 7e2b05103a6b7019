"""Settings of a segmenter and of its training."""

from typing import Annotated, Any, Literal

import pydantic

from i2i_keras.config import key_of
from i2i_keras.data.pipeline import PipelineConfig
from i2i_keras.models import networks
from i2i_keras.models.networks import SEGMENTERS
from i2i_keras.run_folder.files import Facts
from i2i_keras.segmenters.losses import CLASS_WEIGHTING
from i2i_keras.training import compilation, schedules
from i2i_keras.training.checkpoints import NO_FACTS, CheckpointConfig

# One field a network, so that a new one is one line in `SEGMENTERS`.
_NETWORKS: dict[str, Any] = {name: (s.config, s.config()) for name, s in SEGMENTERS.items()}
_Networks: Any = pydantic.create_model("_Networks", __base__=CheckpointConfig, **_NETWORKS)


class SegmenterConfig(_Networks):
    """Network and training of the segmenter; defaults: the student report's.

    That report (section 5.1) gives batch size, crop, epochs and weight decay;
    optimizer and learning rate it does not, here Adam's usual ones. Beside
    what follows there is a table of settings for each network, by its name.

    Attributes:
        network: a key of `SEGMENTERS`.
        pipeline: batches and augmentation.
        learning_rate: of Adam, at the beginning.
        weight_decay: of all kernels at each step, apart from the gradients
            (AdamW; Loshchilov and Hutter, 2019, https://arxiv.org/abs/1711.05101).
            The U-Net's `l2` is a term of its loss instead.
        schedule: `constant`; or down to zero at the end: `cosine`, `poly` (to
            the power of 0.9), `linear` (from the middle on).
        label_smoothing: share of the truth that is spread over all classes.
        dice: weight of the Dice loss beside the cross entropy.
        class_weighting: a key of `losses.CLASS_WEIGHTING`.
        epochs: passes over the training records.
        steps: length of the training; overrides `epochs`.
        accumulate: parts of a batch that are computed one after the other, for
            batches that do not fit into memory. Batch norm then sees parts, and
            each part's mean over its counted pixels has the same weight.
        recompute: whether networks keep less for their gradients and compute
            what is inside their blocks once more: less memory, more time,
            the same numbers but for rounding in 16 bits.
        select: which weights are kept in the end: those after the `last` step;
            of the row of the history with the lowest `val_loss` (on the arm's
            own validation records); or with the lowest `entropy` on the
            target's training images. Neither looks at a label of the target,
            but the oracle's.
        precision: of the network; logits and loss are float32 in any case.
            `mixed_bfloat16` is for processors that are faster in it and GPUs,
            `auto` chooses; see `AdversarialConfig`.
        xla: whether the step is compiled; `auto` = on a GPU.
    """

    network: Annotated[str, key_of(SEGMENTERS)] = "unet"
    pipeline: PipelineConfig = PipelineConfig()
    learning_rate: pydantic.PositiveFloat = 1e-3
    weight_decay: pydantic.NonNegativeFloat = 0.0
    schedule: schedules.ScheduleWithoutLoss = "constant"
    label_smoothing: float = pydantic.Field(default=0.0, ge=0.0, lt=1.0)
    dice: pydantic.NonNegativeFloat = 0.0
    class_weighting: Annotated[str, key_of(CLASS_WEIGHTING)] = "none"
    epochs: pydantic.PositiveFloat = 15.0
    steps: pydantic.PositiveInt | None = None
    accumulate: pydantic.PositiveInt = 1
    recompute: bool = False
    checkpoint_every: pydantic.PositiveInt = 100  # Each with a validation.
    select: Literal["last", "val_loss", "entropy"] = "last"
    precision: compilation.Precision = "float32"
    xla: compilation.Xla = "auto"

    @pydantic.model_validator(mode="after")
    def _fits(self) -> "SegmenterConfig":
        stride = self.built.stride
        if any(side % stride for side in self.pipeline.crop):
            raise ValueError(f"pipeline.crop has to be a multiple of {stride} for this network")
        if self.pipeline.batch_size % self.accumulate:
            raise ValueError("pipeline.batch_size has to be a multiple of accumulate")
        return self

    @property
    def built(self) -> Any:
        """Settings of the network that is built."""
        return getattr(self, self.network)

    def facts(self) -> Facts:
        """All that a training depends on: not the other networks' settings.

        Raises:
            FileError: a file of weights is not there.
        """
        facts: Facts = self.model_dump(mode="json", exclude={*SEGMENTERS, *NO_FACTS})
        return facts | {self.network: networks.facts(self.built)}
