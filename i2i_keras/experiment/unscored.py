"""What is said of arms where the target has no labelled test images.

No score: what each arm predicts, how sure it is, and how far arms agree. That
two arms agree does not say that they are right.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import cast

import numpy as np
from PIL import Image

from i2i_keras import quiet
from i2i_keras.data.records import Record, read_label, spread, write_records
from i2i_keras.data.tables import prepared
from i2i_keras.datasets.spaces import read_space
from i2i_keras.evaluation import scores
from i2i_keras.evaluation.summary import PredictedArm, UnscoredSummary, write_summary
from i2i_keras.experiment import quality
from i2i_keras.experiment.counting import windowed_eye
from i2i_keras.experiment.repetitions import repetitions
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder import writing
from i2i_keras.run_folder.files import Facts
from i2i_keras.run_folder.run import Done, Run
from i2i_keras.segmenters.arms import load_segmenter
from i2i_keras.segmenters.eye import Eye

_FEWEST = 20  # Images, even where translators are judged by fewer.


def evaluate(settings: Settings, run: Run) -> UnscoredSummary:
    """Compares the predictions of all arms, and scores all translators.

    Returns:
        What `evaluate/summary.json` holds.
    """
    members = repetitions(settings, run)
    singles = [_evaluate(own, member) for own, member in members]
    if not settings.seeds:
        return singles[0]
    mean = cast(UnscoredSummary, scores.average(singles))
    summary: UnscoredSummary = {**mean, "seeds": [*settings.seeds]}
    write_summary(run, summary)
    return summary


def predict(settings: Settings, run: Run, arm: str) -> Done:
    """Lets an arm predict images of the target, of its test if there are.

    Returns:
        The keys of a `PredictedArm`.
    """
    window = settings.evaluate.window
    count = max(_FEWEST, settings.evaluate.num_quality_images)
    inputs = {"segmenter": run.done(run.segmenter(arm)).fingerprint}
    facts: Facts = {"num_images": count, "window": window, "scored": False}

    def work(folder: Path) -> Facts:
        records = _looked_at(run, count)
        write_records(run.root, run.predicted, records)
        segmenter = load_segmenter(run, arm)
        eye = Eye(windowed_eye(window, segmenter), segmenter.stride)
        names = read_space(run.label_space).names
        pixels, confidence = np.zeros(len(names), np.int64), []
        for record in quiet.bar(records, desc=f"predict {arm}", unit="image"):
            seen = eye.look_at(record)
            pixels += np.bincount(seen.classes.ravel(), minlength=len(names))
            confidence.append(float(seen.confidence.mean()))
            with writing.replacing(_place(run, arm, record)) as draft:
                Image.fromarray(seen.classes.astype(np.uint8)).save(draft, "PNG")
        return {
            "num_images": len(records),
            "confidence": float(np.mean(confidence)),
            "shares": dict(zip(names, (pixels / pixels.sum()).tolist(), strict=True)),
        }

    return run.stage(run.scores(arm), facts, inputs, work)


def _evaluate(settings: Settings, run: Run) -> UnscoredSummary:
    """Compares what was trained once."""
    arms = {
        str(arm): cast(PredictedArm, predict(settings, run, arm).results) for arm in settings.arms
    }
    quality.score_translators(settings, run)
    summary: UnscoredSummary = {
        "scored": False,
        "label_space": read_space(run.label_space).name,
        "select": settings.segmenter.select,
        "num_images": next((found["num_images"] for found in arms.values()), 0),
        "arms": arms,
        "agreement": _agreement(run, settings.arms, arms),
        "translators": settings.methods,
    }
    if not settings.arms:
        summary["style_distance"] = _style_distances(settings, run)
    write_summary(run, summary)
    return summary


def _style_distances(settings: Settings, run: Run) -> dict[str, dict[str, float]]:
    """Of all translators that were scored, by method and direction."""
    found = {}
    for method in quality.scored_methods(settings):
        directions = run.done(run.scores(method)).results["directions"]
        found[method] = {
            way: facts["style_distance"]
            for way, facts in directions.items()
            if facts.get("style_distance") is not None
        }
    return found


def _looked_at(run: Run, count: int) -> list[Record]:
    """Images of the target, without labels: none is opened."""
    records = prepared(run, "target-test") or prepared(run, "target-train")
    return [record._replace(label=None) for record in spread(records, count)]


def _place(run: Run, arm: str, record: Record) -> Path:
    return run.predictions(arm) / f"{record.name}.png"


def _agreement(
    run: Run, arms: Sequence[str], found: Mapping[str, PredictedArm]
) -> dict[str, float]:
    """Share of pixels of which two arms say the same, by `A, B`."""
    if not found:
        return {}
    same = dict.fromkeys(combinations(arms, 2), 0)
    total = 0
    for record in _looked_at(run, min(facts["num_images"] for facts in found.values())):
        seen = {arm: read_label(_place(run, arm, record)) for arm in arms}
        total += next(iter(seen.values())).size
        for one, other in same:
            same[one, other] += int((seen[one] == seen[other]).sum())
    return {", ".join(pair): count / total for pair, count in same.items()}
