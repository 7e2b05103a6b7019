"""What a trained segmenter says of the test images, counted once."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2i_keras.data.tables import prepared
from i2i_keras.datasets.spaces import read_space
from i2i_keras.errors import DataError
from i2i_keras.evaluation import metrics, prediction
from i2i_keras.evaluation.prediction import Prediction
from i2i_keras.evaluation.whole_images import Segment, Size, check_window, windowed
from i2i_keras.experiment.settings import Settings
from i2i_keras.preparation.table import NATIVE_TABLE
from i2i_keras.run_folder import arrays, writing
from i2i_keras.run_folder.files import Facts
from i2i_keras.run_folder.places import how_to_make
from i2i_keras.run_folder.run import Done, Run
from i2i_keras.segmenters.arms import FLOOR, load_segmenter
from i2i_keras.segmenters.eye import Eye
from i2i_keras.segmenters.trained import LoadedSegmenter


def count(settings: Settings, run: Run, arm: str) -> Done:
    """Lets an arm predict the target's test images, and counts what is right.

    Returns:
        `loss`, `calibration_error` and `num_images`; the first two in `native`
        as well, where there are labels of that size.
    """
    inputs = {"segmenter": run.done(run.segmenter(arm)).fingerprint}
    num_pictures, window = settings.evaluate.num_pictures, settings.evaluate.window
    facts: Facts = {"num_pictures": num_pictures}
    if window:  # Only then, so that arms that were scored without stay so.
        facts["window"] = window
        # Now: a stage that has begun keeps its settings.
        check_window(window, load_segmenter(run, arm).stride)

    def work(folder: Path) -> Facts:
        segmenter = load_segmenter(run, arm)
        seen = windowed_eye(window, segmenter)
        num_classes = len(read_space(run.label_space).names)

        def predict(
            domain: str, limit: int | None, native: dict[str, Path] | None = None
        ) -> Prediction:
            records = prepared(run, f"{domain}-test")[:limit]
            pictures = run.predictions(arm, domain)
            places = {r.name: pictures / f"{r.name}.png" for r in records[:num_pictures]}
            return prediction.predict(seen, records, num_classes, segmenter.stride, places, native)

        found = predict("target", None, _native_labels(run))
        if num_pictures:  # For the report, where they are not kept anyway.
            records, kept = prepared(run, "target-test"), run.predictions(arm)
            apart = [records[p] for p in extremes(found.confusions) if p >= num_pictures]
            places = {r.name: kept / f"{r.name}.png" for r in apart}
            if apart:
                prediction.predict(seen, apart, num_classes, segmenter.stride, places)
        if arm == FLOOR:  # Figure 8 of the student report.
            # No score depends on it, and Cityscapes withholds its test labels.
            with contextlib.suppress(DataError):
                predict("source", num_pictures)
        matrices = {"confusions": found.confusions}
        if found.native:
            matrices["native"] = found.native.confusions
        with writing.replacing(run.confusions(arm)) as draft:
            np.savez_compressed(draft, **matrices)
        results = {**_numbers(found), "num_images": len(found.confusions)}
        return results | {"native": _numbers(found.native)} if found.native else results

    pictures = [run.predictions(arm, domain) for domain in ("target", "source")]
    return run.stage(run.scores(arm), facts, inputs, work, also=pictures)


def extremes(confusions: NDArray[Any]) -> list[int]:
    """Places of the images that are scored worst, in the middle and best.

    Args:
        confusions: `(images, classes, classes)`.
    """
    scores = metrics.mean_iou(confusions)
    order = [int(place) for place in np.argsort(scores, kind="stable") if scores[place] >= 0]
    middle = (len(order) - 1) // 2
    return [*dict.fromkeys([order[0], order[middle], order[-1]])] if order else []


def load_confusions(run: Run, arm: str, size: str = "confusions") -> Any:
    """What `count` has counted of an arm.

    Args:
        run: of a single training.
        arm: that was scored.
        size: `confusions`, at working size, or `native`.

    Returns:
        `(images, classes, classes)` integers, in the order of target-test.

    Raises:
        DataError: they are not there, or broken.
    """
    (found,) = arrays.read(run.confusions(arm), [size], dimensions=3)
    if found.ndim != 3 or found.shape[1] != found.shape[2] or found.min() < 0:
        path = run.confusions(arm)
        raise DataError(
            f"{path} holds no confusion matrices; delete {path.parent} and {how_to_make(path)}."
        )
    return found


def total_confusion(run: Run, arm: str, size: str = "confusions") -> NDArray[np.int64]:
    """The same, summed over the images, `(classes, classes)`."""
    total: NDArray[np.int64] = load_confusions(run, arm, size).sum(axis=0, dtype=np.int64)
    return total


class Counted(Sequence[NDArray[Any]]):
    """What `count` has counted of an arm in several trainings.

    It is read when it is looked at: of all arms and trainings at once it would
    be gigabytes where the test set is large.

    Args:
        runs: of the trainings.
        arm: that was scored.
    """

    def __init__(self, runs: Sequence[Run], arm: str) -> None:
        self._runs, self._arm = runs, arm

    def __len__(self) -> int:
        return len(self._runs)

    def __getitem__(self, place: Any) -> Any:
        return load_confusions(self._runs[place], self._arm)


def scored_eye(run: Run, arm: str) -> Eye:
    """The segmenter of an arm, which sees images as `count` showed them.

    Raises:
        DataError: the arm has not been scored.
    """
    window, segmenter = run.settings_of(run.scores(arm)).get("window"), load_segmenter(run, arm)
    return Eye(windowed_eye(window, segmenter), segmenter.stride)


def windowed_eye(window: Size | None, segmenter: LoadedSegmenter) -> Segment:
    """How a segmenter sees an image: whole, or in windows."""
    return windowed(segmenter.segment, window) if window else segmenter.segment


def _numbers(found: Prediction) -> Facts:
    return {"loss": found.loss, "calibration_error": found.calibration_error}


def _native_labels(run: Run) -> dict[str, Path] | None:
    """Target-test labels at native size by name, if they were prepared."""
    if not run.table(run.records, NATIVE_TABLE).is_file():
        return None
    return {r.name: r.label for r in prepared(run, NATIVE_TABLE) if r.label}
