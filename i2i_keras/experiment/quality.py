"""What a translator has made of the source's images, without target labels."""

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from i2i_keras.data import transforms
from i2i_keras.data.parallel import at_once
from i2i_keras.data.records import Record, spread
from i2i_keras.data.tables import prepared, translated
from i2i_keras.datasets.spaces import read_space
from i2i_keras.evaluation import distribution, drift
from i2i_keras.evaluation.distribution import Extractor
from i2i_keras.evaluation.inception import load_inception
from i2i_keras.experiment.settings import Settings
from i2i_keras.experiment.translating import TrainedTranslator
from i2i_keras.models import pretrained
from i2i_keras.run_folder import files
from i2i_keras.run_folder.files import Facts
from i2i_keras.run_folder.run import Done, Run
from i2i_keras.segmenters.arms import FLOOR, load_segmenter
from i2i_keras.segmenters.eye import Eye, read_pixels
from i2i_keras.training.checkpoints import list_readable, tell_unreadable
from i2i_keras.translators import TRANSLATORS, appearance
from i2i_keras.translators.apply import translate_pixels

_FEW = 32  # Images whose appearance is compared: all are in memory at once.


def scored_methods(settings: Settings) -> list[str]:
    """Translators that are scored: by source_only's eyes, if there are arms."""
    wanted = FLOOR in settings.arms or not settings.arms
    return settings.methods if wanted and settings.evaluate.num_quality_images > 0 else []


def back_methods(settings: Settings) -> list[str]:
    """Translators by which the target is translated, too.

    Where there are no arms: both domains are then of equal interest.
    """
    if settings.arms:
        return []
    return [method for method in settings.methods if "yx" in TRANSLATORS[method].directions]


def score_translators(settings: Settings, run: Run) -> None:
    """Scores all translators that can be, and writes `evaluate/METHOD.json`."""
    for method in scored_methods(settings):
        found = score_translator(settings, run, method).results
        files.write_json(run.score_file(method), {"method": method, **found})


def score_translator(settings: Settings, run: Run, method: str) -> Done:
    """What a translator has made of images; sees no label of the target.

    Where there are arms, distances and drift in the eyes of source_only, or
    distances in those of InceptionV3, where its weights are given. Without
    arms, how near the translations look to the other domain.
    """
    if not settings.arms:
        return _looks(settings, run, method)
    config = settings.evaluate
    count = config.num_quality_images
    facts: Facts = {"num_quality_images": count, "num_drift_images": config.num_drift_images}
    if config.inception:
        facts["inception"] = pretrained.identity(config.inception)
    inputs = {
        "segmenter": run.done(run.segmenter(FLOOR)).fingerprint,
        "translated": run.done(run.translated(method)).fingerprint,
    }

    def work(folder: Path) -> Facts:
        segmenter = load_segmenter(run, FLOOR)
        label = f"the bottom of the segmenter {FLOOR}, mean over the image"
        bottom = tf.function(segmenter.bottom, autograph=False, reduce_retracing=True)
        eye, multiple = Extractor(bottom, label), segmenter.stride
        if config.inception:
            eye, multiple = load_inception(config.inception), 1
        compared = _choose(run, method, "xy", count)
        cycle_error = None
        if "yx" in TRANSLATORS[method].directions:
            back = TrainedTranslator(run, method, "yx").load()
            cycle_error = distribution.measure_difference(back, compared.after, compared.before)
        return {
            "features": eye.label,
            "num_images": [len(compared.before), len(compared.wanted)],
            **_measure_distances(eye, multiple, compared, ("source", "translated")),
            "cycle_error": cycle_error,
            "drift": _drift(settings, run, method, Eye(segmenter.segment, segmenter.stride)),
        }

    return run.stage(run.scores(method), facts, inputs, work)


def _looks(settings: Settings, run: Run, method: str) -> Done:
    """How translations of both directions look, without any segmenter."""
    config = settings.evaluate
    facts: Facts = {"num_quality_images": config.num_quality_images}
    if config.inception:
        facts["inception"] = pretrained.identity(config.inception)
    directions = ("xy", "yx") if method in back_methods(settings) else ("xy",)
    made = [run.translated(method, way) for way in directions]
    inputs = {f"translated/{place.name}": run.done(place).fingerprint for place in made}

    def work(folder: Path) -> Facts:
        eye = load_inception(config.inception) if config.inception else None
        count = config.num_quality_images
        found = {}
        for way in directions:
            compared = _choose(run, method, way, count)
            few = compared.thin(_FEW)
            found[way] = _measure_appearance(few)
            if eye:
                found[way] |= _measure_distances(eye, 1, compared, ("before", "after"))
            back = way[::-1]
            if back in TRANSLATORS[method].directions:
                load = TrainedTranslator(run, method, back).load()
                found[way]["cycle_error"] = distribution.measure_difference(
                    load, few.after, few.before
                )
        return {"directions": found, "features": eye.label if eye else ""}

    return run.stage(run.scores(method), facts, inputs, work)


class _Compared(NamedTuple):
    """Training images whose translations are looked at.

    Attributes:
        before: some of the images.
        after: their translations, in the same order.
        wanted: as many of the other domain, whose look they should have.
    """

    before: list[Record]
    after: list[Record]
    wanted: list[Record]

    def thin(self, count: int) -> "_Compared":
        """At most so many of each."""
        return _Compared(*(spread(records, count) for records in self))


def _choose(run: Run, method: str, way: str, count: int) -> _Compared:
    """So many of the images that a method has translated, one way."""
    tables = ("source-train", "target-train")
    table, other = tables if way == "xy" else tables[::-1]
    made = {record.name: record for record in translated(run, method, table, way)}
    before, wanted = spread(prepared(run, table), count), spread(prepared(run, other), count)
    return _Compared(before, [made[record.name] for record in before], wanted)


def _measure_appearance(compared: _Compared) -> Facts:
    """Signals of `translators.appearance`, None where there is none."""
    found = appearance.appearance(*map(_read, compared))
    return {name: value if math.isfinite(value) else None for name, value in found.items()}


def _read(records: Sequence[Record]) -> Any:
    return np.stack([transforms.normalize(read_pixels(r)).numpy() for r in records])


def _measure_distances(
    eye: Extractor, multiple: int, compared: _Compared, names: tuple[str, str]
) -> Facts:
    """Distances to the other domain, before and after, by these names.

    They are None where a domain has a single image: there is no covariance.
    """
    if min(len(compared.before), len(compared.wanted)) < 2:
        return {"frechet_distance": None, "kernel_distance": None}
    before, after, wanted = (
        distribution.extract_features(eye.extract, records, multiple) for records in compared
    )
    # Subsets of all would not spread.
    half = max(2, min(len(compared.before), len(compared.wanted)) // 2)
    sides = dict(zip(names, (before, after), strict=True))
    return {
        "frechet_distance": {
            name: distribution.frechet_distance(side, wanted) for name, side in sides.items()
        },
        "kernel_distance": {
            name: distribution.kernel_distance(side, wanted, size=half)
            for name, side in sides.items()
        },
    }


def _drift(settings: Settings, run: Run, method: str, eye: Eye) -> Facts:
    """Drift of the translations, and on some that of earlier checkpoints."""
    names, config = read_space(run.label_space).names, settings.evaluate

    def count(images: int) -> Any:
        seen = _choose(run, method, "xy", images)
        before, after = (at_once(eye.look_at, records) for records in (seen.before, seen.after))
        return drift.count_transitions(before, after, len(names))

    final = count(config.num_quality_images)
    compared = count(config.num_drift_images) if config.num_drift_images else final
    end, earlier = _steps(run, method)
    rows = [{"step": end, **drift.measure_drift(compared, names)}]
    if earlier and config.num_drift_images:
        few = _choose(run, method, "xy", config.num_drift_images).before
        images = [read_pixels(record) for record in few]
        states = (
            (step, partial(translate_pixels, TrainedTranslator(run, method, step=step).load()))
            for step in earlier
        )
        rows = drift.measure_by_step(eye, images, states, names) + rows
    return {**drift.summarize(final, names), "by_step": rows}


def _steps(run: Run, method: str) -> tuple[int, list[int]]:
    """Of its training: the last step, and kept ones."""
    folder = run.translator(method)
    end: int = run.done(folder).results.get("steps", 0)
    tell_unreadable(folder)
    return end, [step for step in list_readable(folder) if step < end]
