"""All settings of an experiment, each part beside the code it configures."""

from typing import Annotated, Any, ClassVar

import pydantic

from i2i_keras.config import Config
from i2i_keras.datasets.streets import StreetsConfig
from i2i_keras.errors import SettingsError, unknown
from i2i_keras.evaluation.whole_images import check_window
from i2i_keras.experiment.resources import ResourcesConfig
from i2i_keras.models import pretrained
from i2i_keras.preparation.domains import DomainConfig
from i2i_keras.preparation.prepare import PrepareConfig
from i2i_keras.segmenters.arms import CEILING, FLOOR, Arm
from i2i_keras.segmenters.label_safe import LabelSafeConfig
from i2i_keras.segmenters.segmenter_config import SegmenterConfig
from i2i_keras.segmenters.self_training_config import SelfTrainingConfig
from i2i_keras.training.devices import Strategy
from i2i_keras.training.runtime import Determinism
from i2i_keras.training.tracking import Tracking
from i2i_keras.translators import TRANSLATORS

# One field a method, so that a new one is one line in `TRANSLATORS`.
_METHODS: dict[str, Any] = {name: (m.config, m.config()) for name, m in TRANSLATORS.items()}
TranslatorSettings: Any = pydantic.create_model("TranslatorSettings", __base__=Config, **_METHODS)


Seed = Annotated[int, pydantic.Field(ge=0, lt=2**32)]


class EvaluateConfig(Config):
    """How arms are scored.

    Attributes:
        bootstrap_samples: test sets drawn for the intervals.
        num_pictures: test images whose predictions are kept for the report.
        num_states: how many of the checkpoints that a training has kept are
            scored as well, to show what the target's labels would have chosen;
            evenly among them; 0 = none. Nothing is chosen by it.
        num_quality_images: training images of each domain by which translators
            are scored (distances, drift), 2 at least; 0 = they are not.
        num_drift_images: training images of the source on which the drift of
            other checkpoints of a translator is measured, those that its
            training has kept (`keep_checkpoints`); 0 = of none.
        window: (height, width) of the windows, half over each other, in which
            arms see an image, multiples of the segmenter's stride; unset =
            they see it whole.
        inception: weights of the InceptionV3 in whose features distances are
            measured (FID, KID), an .h5 file or `imagenet`, see
            `evaluation.inception`; empty = features of the source segmenter.
    """

    bootstrap_samples: pydantic.PositiveInt = 2000
    num_pictures: pydantic.NonNegativeInt = 8
    num_states: pydantic.NonNegativeInt = 3
    num_quality_images: pydantic.NonNegativeInt = 100
    num_drift_images: pydantic.NonNegativeInt = 20
    window: tuple[pydantic.PositiveInt, pydantic.PositiveInt] | None = None
    inception: str = ""

    @pydantic.field_validator("num_quality_images")
    @classmethod
    def _several_or_none(cls, number: int) -> int:
        if number == 1:
            raise ValueError("one image has no distribution; give 2 at least, or 0 for no scores")
        return number

    @pydantic.field_validator("inception")
    @classmethod
    def _known_weights(cls, weights: str) -> str:
        if weights == pretrained.NONE:
            raise ValueError("leave it empty to do without InceptionV3")
        return pretrained.check(weights) if weights else weights


class Settings(Config):
    """All settings of an experiment.

    Attributes:
        seed: of everything random.
        deterministic: whether trainings use only operations that give the same
            bits each time; `auto` = where that costs nothing, on a CPU.
        strategy: which devices share the batches of a training: `one`; all of
            this machine's (`mirrored`), GPUs or else logical CPUs; those of all
            the machines that TF_CONFIG names (`multiworker`); or `auto`: the
            last, where there are several, or as many GPUs as divide a batch. No
            result depends on it, but for rounding.
        threads_per_operation: how many one operation may use; unset = all that
            there are, and of tasks side by side those of `resources`. Networks
            on small images train faster with half of them: the two halves of a
            CycleGAN do not wait for each other then. Another number rounds sums
            over pixels otherwise (gradients of filters and biases, statistics
            of batch norm); with the same one, scores are the same to the last
            digit, however many tasks run side by side.
        tracking: where trainings and scores are logged besides: `none`, or
            `mlflow`, see `training.tracking`. Nothing depends on it.
        resources: CPUs and GPUs of the tasks of each kind, with `--jobs` and
            `--cluster`.
        seeds: of several repetitions, each in a folder `seed-N` of the run
            directory with translators and segmenters of its own; the records
            are shared. Empty = one, with `seed`, in the run directory itself.
        arms: what is compared: `source_only`, `oracle`, `adapted:METHOD`
            (translated source), `mixed:METHOD` (source and translated source),
            `label_safe:METHOD` (translated source, without the labels of pixels
            that the translator has changed in the eyes of source_only), METHOD
            a translator; `adabn`, which is source_only, or `adabn:METHOD`,
            which is adapted:METHOD, with the batch-norm statistics of the
            target's images; and `self_training`, on the source, or
            `self_training:METHOD`, on the translated source, and both on the
            target's images, which a teacher labels (DACS). Those that the
            labels at hand do not allow are left out, see `labelled`.
        translators: methods that are trained and applied whether or not an
            arm needs them; where there are no arms, translation is all that is
            done.
        streets: draws both domains where no roots are given.
        source: the domain with labels.
        target: the domain that the segmenter shall work in.
        prepare: size and label space.
        translator: settings of each method, by its name.
        label_safe: which labels the `label_safe` arms do without.
        segmenter: network and training, the same for all arms.
        self_training: what the `self_training` arms do besides.
        evaluate: scores and intervals.
    """

    WRITTEN: ClassVar[str] = "--set '{key}={value}'"

    seed: Seed = 0
    seeds: tuple[Seed, ...] = ()
    deterministic: Determinism = "auto"
    strategy: Strategy = "auto"
    threads_per_operation: pydantic.PositiveInt | None = None
    tracking: Tracking = "none"
    resources: ResourcesConfig = ResourcesConfig()
    arms: tuple[Arm, ...] = (FLOOR, Arm("adapted:cyclegan"), CEILING)
    translators: tuple[str, ...] = ()
    streets: StreetsConfig | None = None
    source: DomainConfig = DomainConfig(format="cityscapes")
    target: DomainConfig = DomainConfig(format="gta5")
    prepare: PrepareConfig = PrepareConfig()
    translator: TranslatorSettings = TranslatorSettings()
    label_safe: LabelSafeConfig = LabelSafeConfig()
    segmenter: SegmenterConfig = SegmenterConfig()
    self_training: SelfTrainingConfig = SelfTrainingConfig()
    evaluate: EvaluateConfig = EvaluateConfig()

    @pydantic.field_validator("arms")
    @classmethod
    def _known_arms(cls, arms: tuple[Arm, ...]) -> tuple[Arm, ...]:
        for arm in arms:
            Arm.parse(arm, TRANSLATORS)
        if len(set(arms)) < len(arms):
            raise ValueError("an arm is named twice")
        if FLOOR not in arms and any("label_safe" in arm.about.trains_on for arm in arms):
            raise ValueError("label_safe looks through the eyes of source_only; name that, too")
        return arms

    @pydantic.field_validator("translators")
    @classmethod
    def _known_translators(cls, methods: tuple[str, ...]) -> tuple[str, ...]:
        for method in methods:
            if method not in TRANSLATORS:
                raise ValueError(unknown("no translator", method, TRANSLATORS))
        return methods

    @pydantic.model_validator(mode="after")
    def _something_to_do(self) -> "Settings":
        if not self.arms and not self.translators:
            raise ValueError("name at least one arm, or a method in translators")
        return self

    @pydantic.model_validator(mode="after")
    def _segmenter_fits(self) -> "Settings":
        for method in self.methods:
            if TRANSLATORS[method].needs_segmenter:
                if FLOOR not in self.arms:
                    raise ValueError(f"{method} keeps what source_only sees; name that arm, too.")
                crop = getattr(self.translator, method).pipeline.crop
                check_crop(method, crop, self.segmenter.built.stride)
        return self

    @pydantic.model_validator(mode="after")
    def _window_fits(self) -> "Settings":
        check_window(self.evaluate.window, self.segmenter.built.stride)
        return self

    @pydantic.field_validator("seeds")
    @classmethod
    def _different(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("a seed stands twice")
        if len(seeds) == 1:
            raise ValueError("one training has no spread; set seed instead, or name several")
        return seeds

    @property
    def methods(self) -> list[str]:
        """The translators that the arms need, and others that are wanted."""
        of_arms = [arm.method for arm in self.arms if arm.method]
        return list(dict.fromkeys([*of_arms, *self.translators]))


def check_crop(method: str, crop: tuple[int, int], stride: int) -> None:
    """Refuses crops that the segmenter which a translator needs cannot see.

    Raises:
        SettingsError: a side is no multiple of the segmenter's stride.
    """
    if any(side % stride for side in crop):
        raise SettingsError(
            f"translator.{method}.pipeline.crop is {crop[0]} x {crop[1]}, but the segmenter"
            f" source_only needs multiples of {stride}; change it."
        )
