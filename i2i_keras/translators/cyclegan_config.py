"""Settings of CycleGAN."""

from typing import ClassVar

import pydantic

from i2i_keras.translators.adversarial_config import AdversarialConfig
from i2i_keras.translators.losses import SSIM_WINDOW


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
