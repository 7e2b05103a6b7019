"""Which records each arm is trained on, and where stages keep theirs."""

from collections.abc import Iterable
from typing import NamedTuple

from i2i_keras.data.records import Record, read_records
from i2i_keras.datasets.spaces import LabelSpace, read_space
from i2i_keras.errors import SettingsError
from i2i_keras.experiment.settings import check_arm
from i2i_keras.run_folder.files import folder_name
from i2i_keras.run_folder.run import Run
from i2i_keras.segmenters import segmenter


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


def arm_records(run: Run, arm: str) -> ArmRecords:
    """Training and validation records of an arm.

    The only place where target labels reach a training: the oracle's.

    Raises:
        SettingsError: there is no such arm.
        DataError: a stage that it needs is not done.
    """
    check_arms([arm])
    found = _arm_records(run, arm)
    # Those without a label have nothing to say of a training.
    return found._replace(val=[record for record in found.val if record.label])


def _arm_records(run: Run, arm: str) -> ArmRecords:
    kind, _, method = arm.partition(":")
    inputs = {"records": run.done("records").fingerprint}
    if kind == "oracle":
        return ArmRecords(prepared(run, "target-train"), prepared(run, "target-val"), inputs)
    train, val = prepared(run, "source-train"), prepared(run, "source-val")
    if arm in ("source_only", "self_training"):
        return ArmRecords(train, val, inputs)
    if kind == "label_safe":
        inputs["label_safe"] = run.done(label_safe_stage(method)).fingerprint
        train, val = (label_safe(run, method, f"source-{s}") for s in ("train", "val"))
        return ArmRecords(train, val, inputs)
    inputs["translated"] = run.done(translated_stage(method)).fingerprint
    new_train, new_val = (translated(run, method, f"source-{s}") for s in ("train", "val"))
    if kind == "mixed":
        return ArmRecords(train + new_train, val + new_val, inputs)
    return ArmRecords(new_train, new_val, inputs)


def check_arms(arms: Iterable[str]) -> None:
    """Refuses names that are no arms, before anything is trained.

    Raises:
        SettingsError: see `settings.check_arm`.
    """
    for arm in arms:
        try:
            check_arm(arm)
        except ValueError as error:
            raise SettingsError(f"{error}.") from None


def without_adabn(arm: str) -> str:
    """The arm whose trained network an `adabn` arm takes; or the arm itself."""
    kind, _, method = arm.partition(":")
    if kind != "adabn":
        return arm
    return f"adapted:{method}" if method else "source_only"


def training_order(arms: Iterable[str]) -> list[str]:
    """The arms, those last whose labels source_only has to look at before."""
    return sorted(arms, key=lambda arm: arm.startswith("label_safe:"))


def prepared(run: Run, table: str) -> list[Record]:
    """Records that `prepare` wrote, of a table such as `source-train`."""
    return read_records(run.root, run.root / "records" / f"{table}.csv")


def translated(run: Run, method: str, table: str) -> list[Record]:
    """The same records as a translator made them, labels kept."""
    return read_records(run.root, run.root / translated_stage(method) / f"{table}.csv")


def translated_stage(method: str, direction: str = "xy") -> str:
    """The stage that holds a method's translations of a direction."""
    return f"translated/{method}" if direction == "xy" else f"translated/{method}-{direction}"


def label_safe(run: Run, method: str, table: str) -> list[Record]:
    """Translated records with labels in which drifted pixels are ignored."""
    return read_records(run.root, run.root / label_safe_stage(method) / f"{table}.csv")


def label_safe_stage(method: str) -> str:
    """The stage that holds the safe labels of a method's translations."""
    return f"label_safe/{method}"


def label_space(run: Run) -> LabelSpace:
    """What the labels of a run mean."""
    return read_space(run.root / "records" / "label_space.json")


def load_segmenter(run: Run, arm: str, step: int | None = None) -> segmenter.Trained:
    """The trained segmenter of an arm, or what it was at a kept step."""
    return segmenter.load(run.root / "segmenter" / folder_name(arm), step)
