"""What a reader must know to read the result table rightly."""

from collections.abc import Iterable, Iterator

from i2i_keras.errors import how_many
from i2i_keras.evaluation.summary import Summary
from i2i_keras.report.findings import marked_arm
from i2i_keras.report.numbers import is_number
from i2i_keras.segmenters.arms import CEILING, FLOOR, Arm

_FEWEST = 6  # Test images; see `evaluation.best`.

_SELECTED = {
    "last": "The weights after the last step were taken.",
    "val_loss": "The weights with the lowest loss on the arm's own validation images were taken.",
    "entropy": (
        "The weights with the lowest entropy on the target's training images were taken; of the"
        " target that needs images, also for source_only, and no labels."
    ),
}


def result_notes(summary: Summary) -> list[str]:
    """Notes below the result table.

    Args:
        summary: what evaluate/summary.json holds.
    """
    arms = summary["arms"]
    notes = []
    if summary["absent"]:
        absent = ", ".join(summary["absent"])
        notes.append(
            f"Absent from the labels of target-test: {absent}. The mean of an arm leaves such a"
            " class out, unless that arm predicts it: then it counts as 0."
        )
    notes += arm_notes(arms)
    notes += [*_chance(summary), *_choice(summary)]
    if len([arm for arm in arms if arm not in (FLOOR, CEILING)]) > 1:
        notes.append("The best arm was picked by these same scores, which flatters it a little.")
    return [*notes, *_bold(summary), *_ceiling(summary)]


def _ceiling(summary: Summary) -> Iterator[str]:
    """Says when the oracle is no ceiling."""
    arms = summary["arms"]
    floor, ceiling = (
        arms[arm].get("mean_iou") if arm in arms else None for arm in (FLOOR, CEILING)
    )
    if is_number(floor) and is_number(ceiling) and ceiling <= floor:
        yield (
            "The oracle is not above source_only, so that there is no gap to close: train the"
            " segmenters for longer, or look at the target's training labels."
        )


def _bold(summary: Summary) -> Iterator[str]:
    """Whom the table marks, or why nobody."""
    lead = (summary.get("best") or {}).get("mean_iou")
    if marked_arm(summary):
        yield (
            "Bold: the best arm without target labels, where its gain and its lead over the next"
            " best such arm are more than chance, also after correction for all pairs of arms."
        )
    elif lead and summary["num_images"] < _FEWEST:
        yield f"Nothing is bold: fewer than {_FEWEST} test images are too few to call an arm best."
    elif lead and not lead["sure"]:
        yield f"Nothing is bold: that {lead['arm']} is ahead of {lead['next']} may be chance."
    elif lead:
        yield (
            f"Nothing is bold: among all pairs of arms, the gain of {lead['arm']} or its lead may"
            " be chance."
        )


def arm_notes(arms: Iterable[str]) -> list[str]:
    """What each arm was trained on."""
    return [f"{arm}: {Arm(arm).meaning}" for arm in arms]


def _chance(summary: Summary) -> Iterator[str]:
    images, samples = summary["num_images"], summary["bootstrap_samples"]
    drawn = f"paired bootstrap over these images ({samples} samples)"
    start = f"All arms were scored on the same {images} target-test images. Intervals: {drawn}"
    if "seeds" not in summary:
        yield (
            f"{start}. They do not cover the chance in training; other seeds would move the"
            " numbers, too."
        )
        return
    yield (
        f"{start}, joined with Student's interval over the {len(summary['seeds'])} trainings of"
        " each arm, translators included: they hold for other trainings as well."
    )


def _choice(summary: Summary) -> Iterator[str]:
    """Who chose the weights, and what the target's labels would have."""
    if told := _SELECTED.get(summary.get("select", "")):
        yield told
    states = [facts["label_chosen"]["states"] for facts in summary["arms"].values()
              if facts.get("label_chosen")]  # fmt: skip
    if states:
        yield (
            "Chosen by target labels: the best of up to"
            f" {how_many(round(max(states)), 'checkpoint')} of each training by these very scores."
            " Nobody without labels could choose so; it only shows what the choice of the weights"
            " is worth."
        )
