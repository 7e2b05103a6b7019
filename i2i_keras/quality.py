"""What a translator has made of the source's images, without target labels."""

from functools import partial
from pathlib import Path
from typing import Any

import tensorflow as tf

from i2i_keras import runs
from i2i_keras.arms import label_space, load_segmenter, prepared, translated, translated_stage
from i2i_keras.data.records import spread
from i2i_keras.evaluation import distribution, drift
from i2i_keras.evaluation.distribution import Extractor
from i2i_keras.evaluation.inception import load_inception
from i2i_keras.evaluation.summary import FLOOR
from i2i_keras.models import pretrained
from i2i_keras.settings import Settings
from i2i_keras.training.checkpoints import kept_steps
from i2i_keras.translation import TRANSLATORS
from i2i_keras.translation.apply import translate_pixels


def translator_quality(settings: Settings, run: runs.Run, method: str) -> runs.Done:
    """Distances and drift of a translator, in the eyes of source_only.

    The distances are in those of InceptionV3, where its weights are given.
    Neither sees a label of the target.
    """
    config = settings.evaluate
    count = config.num_quality_images
    facts: runs.Facts = {"num_quality_images": count, "num_drift_images": config.num_drift_images}
    if config.inception:
        facts["inception"] = pretrained.identity(config.inception)
    inputs = {
        "segmenter": run.done(f"segmenter/{FLOOR}").fingerprint,
        "translated": run.done(translated_stage(method)).fingerprint,
    }

    def work(folder: Path) -> runs.Facts:
        _, segment, stride, bottom = load_segmenter(run, FLOOR)
        label = f"the bottom of segmenter/{FLOOR}, mean over the image"
        eye, multiple = Extractor(tf.function(bottom, reduce_retracing=True), label), stride
        if config.inception:
            eye, multiple = load_inception(config.inception), 1
        source = spread(prepared(run, "source-train"), count)
        target = spread(prepared(run, "target-train"), count)
        made = {record.name: record for record in translated(run, method, "source-train")}
        after = [made[record.name] for record in source]
        before, new, wanted = (
            distribution.features(eye.extract, records, multiple)
            for records in (source, after, target)
        )
        half = max(2, min(len(source), len(target)) // 2)  # Subsets of all would not spread.
        cycle_error = None
        if "yx" in TRANSLATORS[method].directions:
            back = TRANSLATORS[method].load(run.root / "translator" / method, "yx")
            cycle_error = distribution.mean_difference(back, after, source)
        return {
            "features": eye.label,
            "num_images": [len(source), len(target)],
            "frechet_distance": {
                "source": distribution.frechet_distance(before, wanted),
                "translated": distribution.frechet_distance(new, wanted),
            },
            "kernel_distance": {
                "source": distribution.kernel_distance(before, wanted, size=half),
                "translated": distribution.kernel_distance(new, wanted, size=half),
            },
            "cycle_error": cycle_error,
            "drift": _drift(settings, run, method, drift.Eye(segment, stride)),
        }

    return run.stage(f"scores/{method}", facts, inputs, work)


def _drift(settings: Settings, run: runs.Run, method: str, eye: drift.Eye) -> runs.Facts:
    """Drift of the translations, and on some of them that of earlier states."""
    names, config = label_space(run).names, settings.evaluate
    source = prepared(run, "source-train")
    made = {record.name: record for record in translated(run, method, "source-train")}

    def transitions(count: int) -> Any:
        chosen = spread(source, count)
        after = (eye.look_at(made[record.name]) for record in chosen)
        return drift.transitions(map(eye.look_at, chosen), after, len(names))

    final = transitions(config.num_quality_images)
    compared = transitions(config.num_drift_images) if config.num_drift_images else final
    done = run.done(f"translator/{method}").results
    rows = [{"step": done.get("steps", 0), **drift.shares(compared, names)}]
    load = TRANSLATORS[method].load_state
    if load is not None and config.num_drift_images:
        folder = run.root / "translator" / method
        images = [drift.read_pixels(r) for r in spread(source, config.num_drift_images)]
        earlier = (
            (step, partial(translate_pixels, load(folder, "xy", step)))
            for step in kept_steps(folder)
            if step < rows[0]["step"]
        )
        rows = drift.by_step(eye, images, earlier, names) + rows
    return {**drift.summarize(final, names), "by_step": rows}
