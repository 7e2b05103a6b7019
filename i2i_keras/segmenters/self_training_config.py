"""Settings of self-training."""

import pydantic

from i2i_keras.config import Config
from i2i_keras.run_folder.files import Facts


class SelfTrainingConfig(Config):
    """How a segmenter learns from the target's images; defaults = DACS's.

    Tranheden et al. (2021, https://arxiv.org/abs/2007.08702) and their code.
    Network, batches, optimizer and number of steps are those of
    `SegmenterConfig`, as for every other arm.

    Attributes:
        threshold: what the teacher's largest probability has to be at least for
            a pixel to count as sure. The share of these in an image (DACS's
            code takes that in the batch) is the weight of all its pixels; 0 =
            they weigh as much as labelled ones.
        ema: decay of the teacher's weights a step, in the long run.
        weight: of the loss on mixed images beside that on labelled ones; 0 =
            plain training.
        jitter: strength of random changes of brightness, contrast and
            saturation of the mixed images, in [0, 1]; the teacher sees the
            target's images without. DACS leaves some batches as they are, and
            changes the hue and blurs besides.
        rare_classes: temperature by which labelled images are drawn for a class
            that they have, rare ones more often (Hoyer et al., 2022, whose
            value is 0.01); unset = all images alike.
        masked_weight: of the loss on images of the target of which blocks are
            hidden, and whose labels are the teacher's, who sees them whole
            (Hoyer et al., 2023, whose value is 1); 0 = none.
        mask_block: side of the blocks, in pixels; 64 there, at crops of 512.
        mask_share: of the blocks that are hidden.
    """

    threshold: float = pydantic.Field(default=0.968, ge=0.0, le=1.0)
    ema: float = pydantic.Field(default=0.99, ge=0.0, lt=1.0)
    weight: pydantic.NonNegativeFloat = 1.0
    jitter: float = pydantic.Field(default=0.25, ge=0.0, le=1.0)
    rare_classes: pydantic.PositiveFloat | None = None
    masked_weight: pydantic.NonNegativeFloat = 0.0
    mask_block: pydantic.PositiveInt = 64
    mask_share: float = pydantic.Field(default=0.7, ge=0.0, lt=1.0)

    def facts(self) -> Facts:
        """All that a training depends on."""
        facts: Facts = self.model_dump(mode="json")
        if self.rare_classes is None:  # What was trained without stays valid.
            del facts["rare_classes"]
        if not self.masked_weight:  # Likewise.
            for name in ("masked_weight", "mask_block", "mask_share"):
                del facts[name]
        return facts
