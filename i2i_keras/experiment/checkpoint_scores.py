"""Scores of the checkpoints that a training has kept, beside its end."""

from pathlib import Path

import numpy as np

from i2i_keras.data.tables import prepared
from i2i_keras.datasets.spaces import read_space
from i2i_keras.evaluation import prediction
from i2i_keras.evaluation.metrics import mean_iou
from i2i_keras.evaluation.summary import LabelChosen
from i2i_keras.experiment import contents
from i2i_keras.experiment.counting import windowed_eye
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder.files import Facts
from i2i_keras.run_folder.run import Done, Run
from i2i_keras.segmenters.arms import Arm, load_segmenter
from i2i_keras.training.checkpoints import list_readable, load_network, tell_unreadable


def are_scored(settings: Settings, run: Run, arm: Arm) -> bool:
    """Whether checkpoints of an arm are scored, or will be."""
    if arm.base or (contents.is_prepared(run) and not contents.is_scored(run)):
        return False
    if run.is_done(run.segmenter(arm)):
        return bool(steps_to_score(settings, run, arm))
    return min(settings.evaluate.num_states, settings.segmenter.keep_checkpoints) > 1


def steps_to_score(settings: Settings, run: Run, arm: str) -> list[int]:
    """Steps of the checkpoints that are scored as well, see `num_states`."""
    steps = list_readable(run.segmenter(arm))
    places = np.linspace(0, len(steps) - 1, min(len(steps), settings.evaluate.num_states))
    return [steps[round(place)] for place in places] if len(places) > 1 else []


def choose_by_labels(settings: Settings, run: Run, arm: str) -> LabelChosen | None:
    """What the target's labels would have chosen among the checkpoints.

    Returns:
        The best one; None where a training has kept no more than its end.
    """
    done = score_checkpoints(settings, run, arm)
    if done is None:
        return None
    scores = done.results["mean_iou"]
    best = max(scores, key=lambda step: float(scores[step]))
    return {"step": int(best), "mean_iou": scores[best], "states": len(scores)}


def score_checkpoints(settings: Settings, run: Run, arm: str) -> Done | None:
    """Scores some of the checkpoints that a training has kept, if there are.

    What has been scored stays so, also where they are deleted.
    """
    steps, place = steps_to_score(settings, run, arm), run.checkpoint_scores(arm)
    if settings.evaluate.num_states and not run.is_done(place):
        tell_unreadable(run.segmenter(arm))
    if not settings.evaluate.num_states or not (steps or run.is_done(place)):
        return None
    facts: Facts = {"num_states": settings.evaluate.num_states}
    if settings.evaluate.window:
        facts["window"] = settings.evaluate.window
    inputs = {"segmenter": run.done(run.segmenter(arm)).fingerprint}

    def work(folder: Path) -> Facts:
        records, num_classes = prepared(run, "target-test"), len(read_space(run.label_space).names)
        segmenter = load_segmenter(run, arm)
        seen = windowed_eye(settings.evaluate.window, segmenter)
        found = {}
        for step in steps:  # Of one network: to build it takes as long as to score it.
            load_network(run.segmenter(arm), step, "network", segmenter.model)
            scored = prediction.predict(seen, records, num_classes, segmenter.stride, {})
            found[str(step)] = float(mean_iou(scored.confusions.sum(axis=0, dtype=np.int64)))
        return {"mean_iou": found}

    return run.stage(place, facts, inputs, work)
