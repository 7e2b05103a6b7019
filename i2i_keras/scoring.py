"""`evaluate`: from trained arms and translators to scores."""

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from i2i_keras import runs
from i2i_keras.arms import label_space, prepared, translated, translated_stage
from i2i_keras.data.records import spread
from i2i_keras.errors import DataError
from i2i_keras.evaluation import distribution, drift, segmentation, statistics, summary
from i2i_keras.evaluation.summary import FLOOR
from i2i_keras.settings import Settings
from i2i_keras.training import segmenter as segmenters
from i2i_keras.translation import TRANSLATORS


def evaluate(settings: Settings, run: runs.Run) -> runs.Facts:
    """Scores all arms on the target's test records, and all translators.

    Predictions and distances are computed once; intervals and summary are
    made from them anew each time.

    Returns:
        What `scores/summary.json` holds.
    """
    confusions, counts = {}, {}
    for arm in settings.arms:
        counts[arm] = _predict(settings, run, arm).results
        confusions[arm] = _load_confusions(run, arm)
    names = label_space(run).names
    drawn = statistics.bootstrap(confusions, settings.evaluate.bootstrap_samples, settings.seed)
    results = summary.compare(confusions, drawn)
    for arm, facts in results.items():
        details = summary.details(names, confusions[arm].sum(axis=0))
        path = run.root / "scores" / f"{runs.folder_name(arm)}.json"
        runs.write_json(path, {"arm": arm, **facts, **details, **counts[arm]})
    if FLOOR in settings.arms and settings.evaluate.num_quality_images > 1:
        for method in settings.methods:
            found = _translator_quality(settings, run, method).results
            runs.write_json(run.root / "scores" / f"{method}.json", {"method": method, **found})
    facts = {
        "label_space": label_space(run).name,
        "num_images": counts[settings.arms[0]]["num_images"],
        "bootstrap_samples": settings.evaluate.bootstrap_samples,
        "absent": summary.absent(names, confusions[settings.arms[0]].sum(axis=0)),
        "arms": results,
    }
    runs.write_json(run.root / "scores" / "summary.json", facts)
    return facts


def _load_segmenter(run: runs.Run, arm: str, step: int | None = None) -> segmenters.Trained:
    return segmenters.load(run.root / "segmenter" / runs.folder_name(arm), step)


def _predict(settings: Settings, run: runs.Run, arm: str) -> runs.Done:
    name = runs.folder_name(arm)
    inputs = {"segmenter": run.done(f"segmenter/{name}").fingerprint}
    scores = run.root / "scores"
    num_pictures = settings.evaluate.num_pictures

    def work(folder: Path) -> runs.Facts:
        segmenter = _load_segmenter(run, arm)
        num_classes = len(label_space(run).names)

        def predict(table: str, pictures: Path, limit: int | None) -> segmentation.Prediction:
            records = prepared(run, table)[:limit]
            places = {r.name: pictures / name / f"{r.name}.png" for r in records[:num_pictures]}
            return segmentation.predict(
                segmenter.segment, records, num_classes, segmenter.stride, places
            )

        prediction = predict("target-test", scores / "predictions", None)
        if arm == FLOOR:  # The report's figure 8.
            # No score depends on it, and Cityscapes withholds its test labels.
            with contextlib.suppress(DataError):
                predict("source-test", scores / "predictions-source", num_pictures)
        with runs.replacing(folder / "confusions.npz") as draft:
            np.savez_compressed(draft, confusions=prediction.confusions)
        return {"loss": prediction.loss, "num_images": len(prediction.confusions)}

    return run.stage(f"scores/{name}", {"num_pictures": num_pictures}, inputs, work)


def _load_confusions(run: runs.Run, arm: str) -> Any:
    path = run.root / "scores" / runs.folder_name(arm) / "confusions.npz"
    with np.load(path, allow_pickle=False) as arrays:
        return arrays["confusions"]


def _translator_quality(settings: Settings, run: runs.Run, method: str) -> runs.Done:
    """Distances and drift of a translator, in the eyes of source_only.

    Neither sees a label of the target.
    """
    count = settings.evaluate.num_quality_images
    inputs = {
        "segmenter": run.done(f"segmenter/{FLOOR}").fingerprint,
        "translated": run.done(translated_stage(method)).fingerprint,
    }

    def work(folder: Path) -> runs.Facts:
        names = label_space(run).names
        _, segment, stride, bottom = _load_segmenter(run, FLOOR)
        extract = tf.function(bottom, reduce_retracing=True)
        source = spread(prepared(run, "source-train"), count)
        target = spread(prepared(run, "target-train"), count)
        made = {record.name: record for record in translated(run, method, "source-train")}
        after = [made[record.name] for record in source]
        before, new, wanted = (
            distribution.features(extract, records, stride) for records in (source, after, target)
        )
        half = min(len(source), len(target)) // 2  # Subsets of all would not spread.
        back = TRANSLATORS[method].load(run.root / "translator" / method, "yx")
        return {
            "features": f"the bottom of segmenter/{FLOOR}, mean over the image",
            "num_images": [len(source), len(target)],
            "frechet_distance": {
                "source": distribution.frechet_distance(before, wanted),
                "translated": distribution.frechet_distance(new, wanted),
            },
            "kernel_distance": {
                "source": distribution.kernel_distance(before, wanted, size=half),
                "translated": distribution.kernel_distance(new, wanted, size=half),
            },
            "cycle_error": distribution.mean_difference(back, after, source),
            "drift": drift.summarize(
                drift.transitions(segment, source, after, len(names), stride), names
            ),
        }

    return run.stage(f"scores/{method}", {"num_quality_images": count}, inputs, work)
