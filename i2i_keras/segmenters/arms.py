"""The arms of an experiment: what their segmenters are trained on, and how.

A new kind of arm is one entry in `ARMS`. Nothing heavy is imported before a
segmenter is trained, so that reports can tell what an arm means.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from i2i_keras.data.records import Record, read_records
from i2i_keras.errors import SettingsError, unknown
from i2i_keras.run_folder.files import Facts
from i2i_keras.run_folder.run import Run

if TYPE_CHECKING:
    from i2i_keras.segmenters.segmenter_training import Examples
    from i2i_keras.segmenters.trained import LoadedSegmenter

Need = tuple[str, str]  # A command, and the arm or translator that it is about.


class Arm(str):
    """The name of an arm, `KIND` or `KIND:METHOD`; a string that cannot change.

    `Arm.parse` makes one, and refuses what is none.
    """

    @classmethod
    def parse(cls, text: str, methods: Collection[str] | None = None) -> "Arm":
        """Reads the name of an arm.

        Args:
            text: such as `adapted:cyclegan`.
            methods: translators that there are; None = any.

        Raises:
            ValueError: there is no such arm.
        """
        arm = cls(text)
        known = not arm.method or methods is None or arm.method in methods
        if not (known and arm.kind in ARMS and _fits(arm)):
            raise ValueError(_no_arm(text, methods or ()))
        return arm

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Settings hold arms as strings."""
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())

    @property
    def kind(self) -> str:
        """A key of `ARMS`."""
        return self.partition(":")[0]

    @property
    def method(self) -> str:
        """The translator that it is trained with; empty = none."""
        return self.partition(":")[2]

    @property
    def about(self) -> "Kind":
        """What its kind says."""
        return ARMS[self.kind]

    @property
    def base(self) -> "Arm | None":
        """The arm whose trained network it takes, if it takes one."""
        return self.about.base(self.method) if self.about.base else None

    @property
    def meaning(self) -> str:
        """What it was trained on, and with which labels, in a sentence."""
        images = f"translations by {self.method}" if self.method else "source images"
        told = self.about.meaning.format(method=self.method, images=images, base=self.base)
        return f"{told}." if self.about.reference else f"{told}; no target label was used."

    @property
    def needs(self) -> list[Need]:
        """What has to be done before it is trained, records apart."""
        needs: list[Need] = [("train-segmenter", self.base)] if self.base else []
        if self.method and not self.base:
            needs.append(("translate", self.method))
        if "label_safe" in self.about.trains_on:
            needs.append(("train-segmenter", FLOOR))
        return needs


class SegmenterSettings(Protocol):
    """Settings of an experiment, as far as segmenters have to do with them."""

    @property
    def seed(self) -> int: ...
    @property
    def segmenter(self) -> Any: ...
    @property
    def self_training(self) -> Any: ...


class Training(NamedTuple):
    """What the segmenter of an arm is trained with.

    Attributes:
        settings: of the experiment.
        run: that it belongs to.
        arm: on whose records.
        examples: that are trained on.
        num_classes: size of the label space.
        folder: that gets the segmenter.
    """

    settings: SegmenterSettings
    run: Run
    arm: Arm
    examples: "Examples"
    num_classes: int
    folder: Path


class Kind(NamedTuple):
    """What an experiment has to know of one kind of arms.

    Attributes:
        meaning: what it is trained on, where `{images}` are the source's or
            their translations, `{method}` the translator, and `{base}` the arm
            whose network it takes.
        trains_on: which records, keys of `_RECORDS`.
        fit: trains a segmenter, and returns results.
        facts: settings that its training depends on.
        method: whether its name ends with that of a translator.
        base: from the method to the arm whose trained network it takes.
        reference: whether it is one of those that others are compared with,
            and no competitor.
    """

    meaning: str
    trains_on: tuple[str, ...]
    fit: Callable[[Training], Facts]
    facts: Callable[[SegmenterSettings], Facts]
    method: Literal["never", "may", "must"] = "must"
    base: Callable[[str], Arm] | None = None
    reference: bool = False

    @property
    def sees_target_labels(self) -> bool:
        """Whether it is trained with labels of the target."""
        return "target" in self.trains_on


class ArmRecords(NamedTuple):
    """What a segmenter is trained on.

    Attributes:
        train: labelled records.
        val: labelled records for the curves.
        inputs: fingerprints of the stages that they come from.
    """

    train: list[Record]
    val: list[Record]
    inputs: dict[str, str]


def read_arm_records(run: Run, arm: Arm) -> ArmRecords:
    """Training and validation records of an arm.

    The only place where target labels reach a training: the oracle's.

    Raises:
        DataError: a stage that it needs is not done.
    """
    inputs = {"records": run.done(run.records).fingerprint}
    found: dict[str, list[Record]] = {"train": [], "val": []}
    for name in arm.about.trains_on:
        role, place_of = _RECORDS[name]
        place = place_of(run, arm.method)
        if place != run.records:
            inputs[name] = run.done(place).fingerprint
        for split, records in found.items():
            records += read_records(run.root, run.table(place, f"{role}-{split}"))
    # Those without a label have nothing to say of a training.
    val = [record for record in found["val"] if record.label]
    return ArmRecords(found["train"], val, inputs)


def load_segmenter(run: Run, arm: str, step: int | None = None) -> "LoadedSegmenter":
    """The trained segmenter of an arm, or what it was at a kept checkpoint."""
    from i2i_keras.segmenters import trained

    run.done(run.segmenter(arm))  # Refuses one that has changed.
    return trained.load(run.segmenter(arm), step)


def in_training_order(arms: Iterable[Arm]) -> list[Arm]:
    """The arms, those last whose labels source_only has to look at before."""
    return sorted(arms, key=lambda arm: "label_safe" in arm.about.trains_on)


def parse_all(names: Iterable[str], methods: Collection[str] | None = None) -> list[Arm]:
    """Reads several names, before anything is trained.

    Raises:
        SettingsError: one of them is no arm.
    """
    try:
        return [Arm.parse(name, methods) for name in names]
    except ValueError as error:
        raise SettingsError(f"{error}.") from None


def _fits(arm: Arm) -> bool:
    """Whether it has a method exactly where its kind wants one."""
    wanted = arm.about.method
    return (wanted != "must" if not arm.method else wanted != "never") and not arm.endswith(":")


def _no_arm(text: str, methods: Collection[str]) -> str:
    alone = [name for name, kind in ARMS.items() if kind.method != "must"]
    with_method = [name for name, kind in ARMS.items() if kind.method != "never"]
    names = [*alone, *(f"{name}:{method}" for name in with_method for method in methods)]
    shapes = [f"{name}:METHOD" for name in with_method]
    told = f"arms are {', '.join([*alone, *shapes[:-1]])} and {shapes[-1]}"
    if methods:
        told += f" with METHOD one of {', '.join(methods)}"
    return unknown("no arm", text, names, told)


# By name the domain whose labels they bear, and where they are.
_RECORDS: Mapping[str, tuple[str, Callable[[Run, str], Path]]] = {
    "source": ("source", lambda run, method: run.records),
    "target": ("target", lambda run, method: run.records),
    "translated": (
        "source",
        lambda run, method: run.translated(method) if method else run.records,
    ),
    "label_safe": ("source", lambda run, method: run.label_safe(method)),
}


def _fit(training: Training) -> Facts:
    from i2i_keras.segmenters import segmenter_training

    settings, _, _, examples, num_classes, folder = training
    return segmenter_training.fit(settings.segmenter, examples, num_classes, folder, settings.seed)


def _facts(settings: SegmenterSettings) -> Facts:
    return {"seed": settings.seed, **settings.segmenter.facts()}


def _fit_self_training(training: Training) -> Facts:
    from i2i_keras.segmenters import self_training

    settings, _, _, examples, num_classes, folder = training
    given = (settings.segmenter, examples, num_classes, folder, settings.seed)
    return self_training.fit(settings.self_training, *given)


def _self_training_facts(settings: SegmenterSettings) -> Facts:
    return {**_facts(settings), "self_training": settings.self_training.facts()}


def _adapt_norms(training: Training) -> Facts:
    from i2i_keras.segmenters import adabn

    base, batch_size = training.arm.base, training.settings.segmenter.pipeline.batch_size
    trained, images = training.run.segmenter(str(base)), training.examples.target
    return adabn.adapt(trained, images, batch_size, training.folder)


def _adabn_facts(settings: SegmenterSettings) -> Facts:
    return {"batch_size": settings.segmenter.pipeline.batch_size}


def _adabn_base(method: str) -> Arm:
    return Arm(f"adapted:{method}" if method else FLOOR)


# Kinds that are trained in the usual way.
_usual = partial(Kind, fit=_fit, facts=_facts)

ARMS: Mapping[str, Kind] = {
    "source_only": _usual(
        "trained on source images as they are, the floor",
        trains_on=("source",),
        method="never",
        reference=True,
    ),
    "oracle": _usual(
        "trained with target labels, the ceiling and no competitor",
        trains_on=("target",),
        method="never",
        reference=True,
    ),
    "adapted": _usual("trained on {images}", trains_on=("translated",)),
    "mixed": _usual(
        "trained on source images and their translations by {method}",
        trains_on=("source", "translated"),
    ),
    "label_safe": _usual(
        "trained on {images} without what {method} changed in the eyes of source_only",
        trains_on=("label_safe",),
    ),
    "adabn": Kind(
        "{base} with the batch-norm statistics of the target's images",
        trains_on=(),
        fit=_adapt_norms,
        facts=_adabn_facts,
        method="may",
        base=_adabn_base,
    ),
    "self_training": Kind(
        "trained on {images} and on target images that a moving average of its own weights has"
        " labelled",
        trains_on=("translated",),
        fit=_fit_self_training,
        facts=_self_training_facts,
        method="may",
    ),
}
# What all arms are compared with: without any adaptation, and with the target's
# labels.
FLOOR, CEILING = Arm("source_only"), Arm("oracle")
