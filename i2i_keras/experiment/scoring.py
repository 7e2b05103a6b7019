"""`evaluate`: from trained arms and translators to scores."""

import contextlib
from pathlib import Path
from typing import Any

import numpy as np

from i2i_keras.data.tables import prepared
from i2i_keras.datasets.spaces import LabelSpace, read_space
from i2i_keras.errors import DataError
from i2i_keras.evaluation import best, intervals, prediction, summary
from i2i_keras.evaluation.inception import load_inception
from i2i_keras.evaluation.whole_images import check_window
from i2i_keras.experiment import checkpoint_scores, contents, quality, unscored
from i2i_keras.experiment.repetitions import repetitions
from i2i_keras.experiment.settings import Settings
from i2i_keras.preparation.table import NATIVE_TABLE
from i2i_keras.run_folder import files
from i2i_keras.run_folder.files import Facts
from i2i_keras.run_folder.run import Done, Run
from i2i_keras.segmenters.arms import FLOOR, load_segmenter
from i2i_keras.segmenters.eye import Eye


def evaluate(settings: Settings, run: Run) -> Facts:
    """Scores all arms on the target's test records, and all translators.

    Predictions and distances are computed once; intervals and summary are
    made from them anew each time. Several repetitions are scored one by one
    and then together. Where the target has no labelled test images, see
    `unscored.evaluate`.

    Returns:
        What `scores/summary.json` holds.
    """
    check(settings, run)
    if not settings.arms or not contents.is_scored(run):
        return unscored.evaluate(settings, run)
    if not settings.seeds:
        return _evaluate(settings, run)
    members = repetitions(settings, run)
    singles = [_evaluate(own, member) for own, member in members]
    confusions: dict[str, Any] = {
        arm: np.stack([load_confusions(member, arm) for _, member in members])
        for arm in settings.arms
    }
    results = _compare(settings, confusions)
    space = read_space(run.label_space)
    for arm, facts in results.items():
        # What is not compared by its chance is given as the mean.
        known = [single["arms"][arm] for single in singles]
        results[arm] = {**summary.mean_of(known), **facts}
        results[arm].get("label_chosen", {}).pop("step", None)  # It is of one training.
        details = [files.read_json(member.score_file(arm)) for _, member in members]
        files.write_json(run.score_file(arm), {**summary.mean_of(details), **facts})
        total = confusions[arm].sum(axis=(0, 1))
        summary.write_confusion(run.confusion_file(arm), space.names, total)
    facts = {**singles[0], "bootstrap_seed": settings.seed}
    facts |= {"seeds": [*settings.seeds], "best": _best(settings, confusions, space)}
    facts |= {"arms": results}
    files.write_json(run.summary, facts)
    return facts


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
    return _predict(settings, run, arm).beside(
        checkpoint_scores.score_checkpoints(settings, run, arm)
    )


def standing(settings: Settings, run: Run, arm: str) -> dict[str, Facts]:
    """The scores of one arm so far, and of source_only.

    Returns:
        See `summary.compare`; a gain if source_only has been scored, too.
    """
    known = [FLOOR] if _is_scored(run, FLOOR) and arm != FLOOR else []
    shown: list[str] = [*known, arm]
    confusions = {name: load_confusions(run, name)[np.newaxis] for name in shown}
    return _compare(settings, confusions)


def load_confusions(run: Run, arm: str, size: str = "confusions") -> Any:
    """What `evaluate` has counted of an arm.

    Args:
        run: of a single training.
        arm: that was scored.
        size: `confusions`, at working size, or `native`.

    Returns:
        `(images, classes, classes)` int64, in the order of target-test.
    """
    path = run.scores(arm) / "confusions.npz"
    with np.load(path, allow_pickle=False) as arrays:
        return arrays[size]


def scored_eye(run: Run, arm: str) -> Eye:
    """The segmenter of an arm, which sees images as `evaluate` showed them.

    Raises:
        DataError: the arm has not been scored.
    """
    window, segmenter = run.settings_of(run.scores(arm)).get("window"), load_segmenter(run, arm)
    return Eye(checkpoint_scores.windowed_eye(window, segmenter), segmenter.stride)


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


def _evaluate(settings: Settings, run: Run) -> Facts:
    """Scores what was trained once."""
    confusions: dict[str, Any] = {}
    counts: dict[str, Facts] = {}
    for arm in settings.arms:
        counts[arm] = _predict(settings, run, arm).results
        confusions[arm] = load_confusions(run, arm)[np.newaxis]
    results = _compare(settings, confusions)
    for name, facts in results.items():
        facts.update(_write_scores(run, name, {"arm": name, **facts, **counts[name]}))
        facts.update(checkpoint_scores.chosen_by_labels(settings, run, name))
    quality.score_translators(settings, run)
    space, first = read_space(run.label_space), settings.arms[0]
    facts = {
        "label_space": space.name,
        "num_images": counts[first]["num_images"],
        "bootstrap_samples": settings.evaluate.bootstrap_samples,
        "bootstrap_seed": settings.seed,
        "select": settings.segmenter.select,
        "absent": summary.absent(space.names, confusions[first].sum(axis=(0, 1))),
        "best": _best(settings, confusions, space),
        "arms": results,
    }
    files.write_json(run.summary, facts)
    return facts


def _compare(settings: Settings, confusions: dict[str, Any]) -> dict[str, Facts]:
    """Means and intervals of all arms; confusions as `intervals.bootstrap`."""
    samples = settings.evaluate.bootstrap_samples
    return summary.compare(intervals.bootstrap(confusions, samples, settings.seed))


def _best(settings: Settings, confusions: dict[str, Any], space: LabelSpace) -> Facts:
    """See `best.find_best`; of the test sets of `_compare`."""
    samples = settings.evaluate.bootstrap_samples
    return best.find_best(confusions, space, samples, settings.seed)


def _is_scored(run: Run, arm: str) -> bool:
    return run.is_done(run.scores(arm))


def _write_scores(run: Run, arm: str, facts: Facts) -> Facts:
    """Writes the scores and the confusion matrix of an arm.

    Returns:
        What the summary holds besides: `native_mean_iou`, where there is one.
    """
    space = read_space(run.label_space)
    confusion = load_confusions(run, arm).sum(axis=0)
    facts = {**facts, **summary.details(space, confusion)}
    more = {}
    if "native" in facts:
        native = summary.details(space, load_confusions(run, arm, "native").sum(axis=0))
        facts["native"] = {**native, **facts["native"]}
        more["native_mean_iou"] = native["mean_iou"]
    files.write_json(run.score_file(arm), facts)
    summary.write_confusion(run.confusion_file(arm), space.names, confusion)
    return more


def _predict(settings: Settings, run: Run, arm: str) -> Done:
    inputs = {"segmenter": run.done(run.segmenter(arm)).fingerprint}
    num_pictures, window = settings.evaluate.num_pictures, settings.evaluate.window
    facts: Facts = {"num_pictures": num_pictures}
    if window:  # Only then, so that arms that were scored without stay so.
        facts["window"] = window
        # Now: a stage that has begun keeps its settings.
        check_window(window, load_segmenter(run, arm).stride)

    def work(folder: Path) -> Facts:
        segmenter = load_segmenter(run, arm)
        seen = checkpoint_scores.windowed_eye(window, segmenter)
        num_classes = len(read_space(run.label_space).names)

        def predict(
            domain: str, limit: int | None, native: dict[str, Path] | None = None
        ) -> prediction.Prediction:
            records, pictures = (
                prepared(run, f"{domain}-test")[:limit],
                run.predictions(arm, domain),
            )
            places = {r.name: pictures / f"{r.name}.png" for r in records[:num_pictures]}
            return prediction.predict(seen, records, num_classes, segmenter.stride, places, native)

        found = predict("target", None, _native_labels(run))
        if arm == FLOOR:  # The report's figure 8.
            # No score depends on it, and Cityscapes withholds its test labels.
            with contextlib.suppress(DataError):
                predict("source", num_pictures)
        matrices = {"confusions": found.confusions}
        if found.native:
            matrices["native"] = found.native.confusions
        with files.replacing(folder / "confusions.npz") as draft:
            np.savez_compressed(draft, **matrices)
        results = {**_numbers(found), "num_images": len(found.confusions)}
        return results | {"native": _numbers(found.native)} if found.native else results

    pictures = [run.predictions(arm, domain) for domain in ("target", "source")]
    return run.stage(run.scores(arm), facts, inputs, work, also=pictures)


def _numbers(found: prediction.Prediction) -> Facts:
    return {"loss": found.loss, "calibration_error": found.calibration_error}


def _native_labels(run: Run) -> dict[str, Path] | None:
    """Target-test labels at native size by name, if they were prepared."""
    if not (run.records / f"{NATIVE_TABLE}.csv").is_file():
        return None
    return {r.name: r.label for r in prepared(run, NATIVE_TABLE) if r.label}
