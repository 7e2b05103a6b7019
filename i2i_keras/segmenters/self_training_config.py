"""Settings of self-training."""

import pydantic

from i2i_keras.config import Config


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
    """

    threshold: float = pydantic.Field(default=0.968, ge=0.0, le=1.0)
    ema: float = pydantic.Field(default=0.99, ge=0.0, lt=1.0)
    weight: pydantic.NonNegativeFloat = 1.0
    jitter: float = pydantic.Field(default=0.25, ge=0.0, le=1.0)
