"""All settings of an experiment, each part beside the code it configures."""

from typing import Any

import pydantic

from i2i_keras.config import Config
from i2i_keras.data.domains import DomainConfig
from i2i_keras.data.prepare import PrepareConfig
from i2i_keras.data.streets import StreetsConfig
from i2i_keras.training.runtime import Determinism
from i2i_keras.training.segmenter_config import SegmenterConfig
from i2i_keras.translation import TRANSLATORS

# One field a method, so that a new one is one line in `TRANSLATORS`.
_METHODS: dict[str, Any] = {name: (m.config, m.config()) for name, m in TRANSLATORS.items()}
TranslatorSettings: Any = pydantic.create_model("TranslatorSettings", __base__=Config, **_METHODS)


class EvaluateConfig(Config):
    """How arms are scored.

    Attributes:
        bootstrap_samples: test sets drawn for the intervals.
        num_pictures: test images whose predictions are kept for the report.
        num_quality_images: training images of each domain by which translators
            are scored (distances, drift); 0 = they are not.
    """

    bootstrap_samples: pydantic.PositiveInt = 2000
    num_pictures: pydantic.NonNegativeInt = 8
    num_quality_images: pydantic.NonNegativeInt = 100


class Settings(Config):
    """All settings of an experiment.

    Attributes:
        seed: of everything random.
        deterministic: whether trainings use only operations that give the same
            bits each time; `auto` = where that costs nothing, on a CPU.
        threads_per_operation: how many one operation may use; unset = all that
            there are. Networks on small images train faster with half of them:
            the two halves of a CycleGAN do not wait for each other then.
        arms: what is compared: `source_only`, `oracle`, `adapted:METHOD`
            (translated source), `mixed:METHOD` (source and translated source),
            METHOD a key of `translation.TRANSLATORS`.
        streets: draws both domains where no roots are given.
        source: the domain with labels.
        target: the domain that the segmenter shall work in.
        prepare: size and label space.
        translator: settings of each method, by its name.
        segmenter: network and training, the same for all arms.
        evaluate: scores and intervals.
    """

    seed: int = pydantic.Field(default=0, ge=0, lt=2**32)
    deterministic: Determinism = "auto"
    threads_per_operation: pydantic.PositiveInt | None = None
    arms: tuple[str, ...] = ("source_only", "adapted:cyclegan", "oracle")
    streets: StreetsConfig | None = None
    source: DomainConfig = DomainConfig(format="cityscapes")
    target: DomainConfig = DomainConfig(format="gta5")
    prepare: PrepareConfig = PrepareConfig()
    translator: TranslatorSettings = TranslatorSettings()
    segmenter: SegmenterConfig = SegmenterConfig()
    evaluate: EvaluateConfig = EvaluateConfig()

    @pydantic.field_validator("arms")
    @classmethod
    def _known_arms(cls, arms: tuple[str, ...]) -> tuple[str, ...]:
        for arm in arms:
            check_arm(arm)
        if not arms:
            raise ValueError("name at least one arm")
        if len(set(arms)) < len(arms):
            raise ValueError("an arm is named twice")
        return arms

    @property
    def methods(self) -> list[str]:
        """The translators that the arms need."""
        return list(dict.fromkeys(arm.partition(":")[2] for arm in self.arms if ":" in arm))


def check_arm(arm: str) -> None:
    """Refuses a name that is no arm, with a `ValueError`."""
    kind, _, method = arm.partition(":")
    if arm in ("source_only", "oracle"):
        return
    if kind not in ("adapted", "mixed") or method not in TRANSLATORS:
        raise ValueError(
            f"no arm {arm!r}; arms are source_only, oracle, adapted:METHOD and mixed:METHOD"
            f" with METHOD one of {', '.join(TRANSLATORS)}"
        )
