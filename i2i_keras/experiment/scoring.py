"""`evaluate`: from trained arms and translators to scores."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from i2i_keras.datasets.spaces import LabelSpace, read_space
from i2i_keras.errors import DataError
from i2i_keras.evaluation import best, intervals, scores
from i2i_keras.evaluation.class_intervals import class_intervals
from i2i_keras.evaluation.confusion import find_absent, write_confusion
from i2i_keras.evaluation.inception import load_inception
from i2i_keras.evaluation.intervals import Drawn
from i2i_keras.evaluation.pairs import compare_pairs
from i2i_keras.evaluation.summary import (
    ArmScores,
    Best,
    Summary,
    UnscoredSummary,
    read_arm_file,
    write_arm_file,
    write_summary,
)
from i2i_keras.experiment import checkpoint_scores, contents, counting, quality, unscored
from i2i_keras.experiment.counting import Counted, total_confusion
from i2i_keras.experiment.repetitions import repetitions
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder import checksums
from i2i_keras.run_folder.files import Facts
from i2i_keras.run_folder.run import Done, Run
from i2i_keras.segmenters.arms import FLOOR


def evaluate(settings: Settings, run: Run) -> Summary | UnscoredSummary:
    """Scores all arms on the target's test records, and all translators.

    Predictions and distances are computed once; intervals and summary are
    made from them anew each time. Several repetitions are scored one by one
    and then together. Where the target has no labelled test images, see
    `unscored.evaluate`.

    Returns:
        What `evaluate/summary.json` holds.
    """
    check(settings, run)
    summary = _evaluated(settings, run)
    # Not after a failure: what was changed by others would be sealed as well.
    for _, member in [(settings, run), *repetitions(settings, run, link=False)]:
        _write_checksums(member)
    return summary


def _evaluated(settings: Settings, run: Run) -> Summary | UnscoredSummary:
    if not settings.arms or not contents.is_scored(run):
        return unscored.evaluate(settings, run)
    if not settings.seeds:
        return _evaluate(settings, run)
    return _evaluate_together(settings, run)


def _write_checksums(run: Run) -> None:
    """Of what is no stage's: scores, confusion matrices and the summary."""
    folder = run.summary.parent
    if folder.is_dir():
        own = [path for path in checksums.made_in(folder) if path.parent == folder]
        checksums.write(run.root, folder, own)


def check(settings: Settings, run: Run) -> None:
    """Looks for weights that will be needed, before anything long starts.

    Raises:
        DataError: they are not to be had, or a segmenter was trained with
            another seed.
    """
    members = repetitions(settings, run, link=False)
    trained = [member.is_done(member.segmenter(arm)) for own, member in members for arm in own.arms]
    scored = [
        member.is_done(member.scores(method))
        for own, member in members
        for method in quality.scored_methods(own)
    ]
    for own, member in members:
        for arm in own.arms:
            _check_seed(own, member, arm)
    if not all(trained):
        settings.segmenter.facts()
    if settings.evaluate.inception and not all(scored):
        load_inception(settings.evaluate.inception)


def score_arm(settings: Settings, run: Run, arm: str) -> Done:
    """Does what `evaluate` will need of one arm, once its training is done.

    Returns:
        How long that took; its results are those of its end alone.
    """
    if not contents.is_scored(run):
        return unscored.predict(settings, run, arm)
    return counting.count(settings, run, arm).beside(
        checkpoint_scores.score_checkpoints(settings, run, arm)
    )


def compare_so_far(settings: Settings, run: Run, arm: str) -> dict[str, ArmScores]:
    """The scores of one arm so far, and of source_only.

    Returns:
        See `scores.compare`; a gain if source_only has been scored, too.
    """
    known = [FLOOR] if arm != FLOOR and run.is_done(run.scores(FLOOR)) else []
    shown: list[str] = [*known, arm]
    return scores.compare(_draw(settings, {name: Counted([run], name) for name in shown}))


def _check_seed(settings: Settings, run: Run, arm: str) -> None:
    """Refuses to score what was trained with another seed as if with this."""
    place = run.segmenter(arm)
    if run.is_done(place):
        seed = run.settings_of(place).get("seed", settings.seed)
        if seed != settings.seed:
            raise DataError(
                f"{place} was made with seed = {seed}, here it is {settings.seed}; leave"
                " that out, or use another --run."
            )


def _evaluate(settings: Settings, run: Run) -> Summary:
    """Scores what was trained once."""
    counts: dict[str, Facts] = {
        arm: counting.count(settings, run, arm).results for arm in settings.arms
    }
    confusions: dict[str, Counted] = {arm: Counted([run], arm) for arm in settings.arms}
    drawn = _draw(settings, confusions)
    results = scores.compare(drawn)
    for name, scored in results.items():
        ends = {"iou_ci95": _class_ends(settings, run, confusions[name])}
        details = _write_scores(run, name, {"arm": name, **scored, **counts[name], **ends})
        if "native" in details:
            scored["native_mean_iou"] = details["native"]["mean_iou"]
        if chosen := checkpoint_scores.choose_by_labels(settings, run, name):
            scored["label_chosen"] = chosen
    quality.score_translators(settings, run)
    space, first = read_space(run.label_space), settings.arms[0]
    summary: Summary = {
        "label_space": space.name,
        "num_images": counts[first]["num_images"],
        "bootstrap_samples": settings.evaluate.bootstrap_samples,
        "bootstrap_seed": settings.seed,
        "select": settings.segmenter.select,
        "absent": find_absent(space.names, total_confusion(run, first)),
        "best": _best(settings, confusions, space),
        "pairs": compare_pairs(drawn),
        "arms": results,
    }
    write_summary(run, summary)
    return summary


def _evaluate_together(settings: Settings, run: Run) -> Summary:
    """Scores several repetitions one by one, and then together."""
    members = repetitions(settings, run)
    singles = [_evaluate(own, member) for own, member in members]
    runs = [member for _, member in members]
    confusions: dict[str, Counted] = {arm: Counted(runs, arm) for arm in settings.arms}
    drawn = _draw(settings, confusions)
    results = scores.compare(drawn)
    space = read_space(run.label_space)
    for arm, scored in results.items():
        details = [read_arm_file(member, arm) for _, member in members]
        ends = {"iou_ci95": _class_ends(settings, run, confusions[arm])}
        write_arm_file(run, arm, {**scores.average(details), **scored, **ends})
        total = np.sum([total_confusion(member, arm) for member in runs], axis=0)
        write_confusion(run.confusion_file(arm), space.names, total)
        # What is not compared by its chance is given as the mean.
        known = scores.average([single["arms"][arm] for single in singles])
        results[arm] = cast(ArmScores, {**known, **scored})
        if "label_chosen" in results[arm]:
            results[arm]["label_chosen"].pop("step", None)  # It is of one training.
    summary: Summary = {
        **singles[0],
        "bootstrap_seed": settings.seed,
        "best": _best(settings, confusions, space),
        "pairs": compare_pairs(drawn),
        "arms": results,
        "seeds": [*settings.seeds],
    }
    write_summary(run, summary)
    return summary


def _draw(settings: Settings, confusions: Mapping[str, Counted]) -> dict[str, Drawn]:
    """Mean IoU of all arms; confusions as `intervals.bootstrap`."""
    return intervals.bootstrap(confusions, settings.evaluate.bootstrap_samples, settings.seed)


def _class_ends(settings: Settings, run: Run, counted: Counted) -> dict[str, Any]:
    """Intervals of an arm by class, of the test sets of `_draw`."""
    names = read_space(run.label_space).names
    samples = settings.evaluate.bootstrap_samples
    return {**class_intervals(counted, names, samples, settings.seed)}


def _best(settings: Settings, confusions: Mapping[str, Counted], space: LabelSpace) -> Best:
    """See `best.find_best`; of the test sets of `_draw`."""
    samples = settings.evaluate.bootstrap_samples
    return best.find_best(confusions, space, samples, settings.seed)


def _write_scores(run: Run, arm: str, facts: Facts) -> Facts:
    """Writes the scores and the confusion matrix of an arm.

    Returns:
        All of them, `native` only where there are labels of that size.
    """
    space = read_space(run.label_space)
    confusion = total_confusion(run, arm)
    facts = {**facts, **scores.score_confusion(space, confusion)}
    if "native" in facts:
        native = total_confusion(run, arm, "native")
        facts["native"] = {**scores.score_confusion(space, native), **facts["native"]}
    write_arm_file(run, arm, facts)
    write_confusion(run.confusion_file(arm), space.names, confusion)
    return facts
