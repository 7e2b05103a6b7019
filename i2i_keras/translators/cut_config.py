"""Settings of CUT."""

from typing import ClassVar

import pydantic

from i2i_keras.translators.adversarial_config import AdversarialConfig

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
