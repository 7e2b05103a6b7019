"""Scores of the states that a training has kept, beside its last one."""

from pathlib import Path

import numpy as np

from i2i_keras.evaluation import prediction
from i2i_keras.evaluation.metrics import mean_iou
from i2i_keras.evaluation.whole_images import Segment, Size, windowed
from i2i_keras.experiment.arms import label_space, load_segmenter, prepared
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder.files import Facts, folder_name
from i2i_keras.run_folder.run import Done, Run
from i2i_keras.segmenters.trained import LoadedSegmenter
from i2i_keras.training.checkpoints import list_checkpoints


def compared_steps(settings: Settings, run: Run, arm: str) -> list[int]:
    """Steps of the kept states that are scored as well, see `num_states`."""
    steps = list_checkpoints(run.root / "segmenter" / folder_name(arm))
    places = np.linspace(0, len(steps) - 1, min(len(steps), settings.evaluate.num_states))
    return [steps[round(place)] for place in places] if len(places) > 1 else []


def label_chosen(settings: Settings, run: Run, arm: str) -> Facts:
    """What the target's labels would have chosen among a training's states.

    Returns:
        `label_chosen`: the best mean IoU, its step, and of how many; nothing
        where a training has kept no more than its last state.
    """
    done = score_states(settings, run, arm)
    if done is None:
        return {}
    scores = done.results["mean_iou"]
    best = max(scores, key=lambda step: float(scores[step]))
    return {"label_chosen": {"step": int(best), "mean_iou": scores[best], "states": len(scores)}}


def score_states(settings: Settings, run: Run, arm: str) -> Done | None:
    """Scores some of the states that a training has kept, if there are.

    What has been scored stays so, also where those states are deleted.
    """
    name, steps = folder_name(arm), compared_steps(settings, run, arm)
    scored = (run.root / "scores" / name / "states" / "done.json").is_file()
    if not settings.evaluate.num_states or not (steps or scored):
        return None
    facts: Facts = {"num_states": settings.evaluate.num_states}
    if settings.evaluate.window:
        facts["window"] = settings.evaluate.window
    inputs = {"segmenter": run.done(f"segmenter/{name}").fingerprint}

    def work(folder: Path) -> Facts:
        records, num_classes = prepared(run, "target-test"), len(label_space(run).names)
        found = {}
        for step in steps:
            segmenter = load_segmenter(run, arm, step)
            seen = windowed_eye(settings.evaluate.window, segmenter)
            scored = prediction.predict(seen, records, num_classes, segmenter.stride, {})
            found[str(step)] = float(mean_iou(scored.confusions.sum(axis=0)))
        return {"mean_iou": found}

    return run.stage(f"scores/{name}/states", facts, inputs, work)


def windowed_eye(window: Size | None, segmenter: LoadedSegmenter) -> Segment:
    """How a segmenter sees an image: whole, or in windows."""
    return windowed(segmenter.segment, window) if window else segmenter.segment
