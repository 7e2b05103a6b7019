"""What `evaluate` leaves for those who read: the summary of a run.

`evaluate/summary.json` as types, and who reads and writes it. What is
`NotRequired` is missing in files of earlier versions, or where it does not
exist.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from typing_extensions import NotRequired, TypedDict  # Of Python 3.11.

from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run

if TYPE_CHECKING:
    from typing_extensions import TypeIs

Ends = Sequence[float]  # Lower and upper end of an interval.


class LabelChosen(TypedDict):
    """The checkpoint that the target's labels would have chosen.

    Attributes:
        step: of the training; not there of several trainings.
        mean_iou: of that checkpoint, in [0, 1].
        states: number of checkpoints that were compared.
    """

    step: NotRequired[int]
    mean_iou: float
    states: float


class ArmScores(TypedDict):
    """What is compared of an arm, as shares in [0, 1].

    Attributes:
        mean_iou: mean over the trainings; None where no pixel counts.
        ci95: its 95 % interval; None where there is none, as of one image.
        seeds: mean IoU of each of several trainings.
        std: their standard deviation.
        gain: over source_only; not there of source_only itself.
        gain_ci95: its interval.
        gain_p: of several trainings, see `intervals.Drawn.p_value`.
        gap_closed: share of the gap between source_only and oracle; None
            without an oracle or a gap.
        gap_closed_ci95: its interval.
        native_mean_iou: at the labels' native size, where these are prepared.
        label_chosen: where a training has kept checkpoints.
    """

    mean_iou: float | None
    ci95: Ends | None
    seeds: NotRequired[list[float]]
    std: NotRequired[float]
    gain: NotRequired[float]
    gain_ci95: NotRequired[Ends | None]
    gain_p: NotRequired[float | None]
    gap_closed: NotRequired[float | None]
    gap_closed_ci95: NotRequired[Ends | None]
    native_mean_iou: NotRequired[float | None]
    label_chosen: NotRequired[LabelChosen]


class Lead(TypedDict):
    """How far the best arm without target labels is ahead of the next one.

    Attributes:
        arm: the best one.
        next: the next best.
        difference: of their scores, in [0, 1].
        ci95: its interval, paired by image and training; None where there is
            none, as of a class that fewer than two images show.
        sure: whether the interval excludes zero, and at least six images show
            what the score is of. Only then may a table mark it.
    """

    arm: str
    next: str
    difference: float
    ci95: Ends | None
    sure: bool


class Pair(TypedDict):
    """How two arms differ; see `pairs.compare_pairs`.

    Attributes:
        arm: the one.
        other: what is taken from it.
        difference: of their mean IoU, in [-1, 1].
        ci95: its interval, paired by image and training, of this pair alone.
        p: its probability if there were no difference.
        p_holm: the same, corrected for the number of all pairs.
    """

    arm: str
    other: str
    difference: float | None
    ci95: Ends | None
    p: float | None
    p_holm: float | None


class Best(TypedDict, total=False):
    """The best arm at each score; of other metrics than these a `Lead`, too.

    Attributes:
        mean_iou: over all classes.
        mean_category_iou: over Cityscapes' categories.
        iou: by class.
        evaluated: by class, after Cityscapes' rules.
        categories: by category.
        subsets: by subset, the mean of its classes.
    """

    mean_iou: Lead
    mean_category_iou: Lead
    iou: dict[str, Lead]
    evaluated: dict[str, Lead]
    categories: dict[str, Lead]
    subsets: dict[str, Lead]


class Summary(TypedDict):
    """The summary of a run that was scored.

    Attributes:
        label_space: name of the classes.
        num_images: of target-test.
        bootstrap_samples: test sets that were drawn.
        bootstrap_seed: of the draws.
        select: how the weights of segmenters were chosen.
        absent: classes of which target-test has no pixel.
        best: who is the best at what.
        pairs: any two arms.
        arms: by name.
        seeds: of several trainings.
    """

    label_space: str
    num_images: int
    bootstrap_samples: int
    bootstrap_seed: NotRequired[int]
    select: NotRequired[str]
    absent: list[str]
    best: NotRequired[Best]
    pairs: NotRequired[list[Pair]]
    arms: dict[str, ArmScores]
    seeds: NotRequired[list[int]]


class PredictedArm(TypedDict):
    """What an arm predicts of images without labels.

    Attributes:
        num_images: that were looked at.
        confidence: mean probability of what is predicted.
        shares: by class its share of all pixels.
    """

    num_images: int
    confidence: float
    shares: dict[str, float]


class UnscoredSummary(TypedDict):
    """The summary of a run whose target has no labelled test images.

    Attributes:
        scored: False, which tells it from a `Summary`.
        label_space: name of the classes.
        select: how the weights of segmenters were chosen.
        num_images: of the target that were looked at.
        arms: by name; none, where there are only translators.
        agreement: by two arms `A, B` the share of pixels of which both say the
            same.
        translators: methods that were scored.
        style_distance: by method and direction, where there are no arms: of
            translations to the other domain; 1 = as far as untranslated images.
        seeds: of several trainings.
    """

    scored: Literal[False]
    label_space: str
    select: str
    num_images: float
    arms: dict[str, PredictedArm]
    agreement: dict[str, float]
    translators: Sequence[str]
    style_distance: NotRequired[dict[str, dict[str, float]]]
    seeds: NotRequired[list[int]]


class ArmFile(TypedDict, total=False):
    """What evaluate/ARM.json holds, as far as it is known by name.

    Besides, all keys of `ArmScores` and of `metrics.METRICS`.

    Attributes:
        arm: its name.
        num_images: that it was scored on.
        iou: by class in [0, 1]; None = left out, here and below.
        iou_ci95: their intervals.
        subsets: by subset, the mean of its classes.
        categories: by category.
        mean_category_iou: their mean.
        evaluated: the metrics and `iou` of the classes that Cityscapes
            evaluates.
        native: the same at the labels' native size.
    """

    arm: str
    num_images: int
    iou: dict[str, float | None]
    iou_ci95: dict[str, Ends | None]
    subsets: dict[str, float | None]
    categories: dict[str, float | None]
    mean_category_iou: float | None
    evaluated: "ArmFile"
    native: "ArmFile"


def is_scored(summary: Summary | UnscoredSummary) -> "TypeIs[Summary]":
    """Whether arms were scored, not only looked at."""
    return bool(summary.get("scored", True))


def read_summary(run: Run) -> Summary | UnscoredSummary:
    """Reads the summary of a run.

    Raises:
        DataError: there is none, or it is broken.
    """
    facts = files.read_json(run.summary)
    kind: type[Any] = Summary if facts.get("scored", True) else UnscoredSummary
    return cast(Summary | UnscoredSummary, files.check(kind, facts, run.summary))


def write_summary(run: Run, summary: Summary | UnscoredSummary) -> None:
    """Writes the summary of a run."""
    files.write_json(run.summary, summary)


def read_arm_file(run: Run, arm: str) -> ArmFile:
    """Reads all scores of an arm.

    Raises:
        DataError: there are none, or they are broken.
    """
    return files.read_as(ArmFile, run.score_file(arm))


def write_arm_file(run: Run, arm: str, facts: Mapping[str, object]) -> None:
    """Writes all scores of an arm."""
    files.write_json(run.score_file(arm), facts)
