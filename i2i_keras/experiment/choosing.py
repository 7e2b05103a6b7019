"""Finds the trained segmenter that is meant."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from i2i_keras.errors import DataError, SettingsError, unknown
from i2i_keras.evaluation.summary import read_summary
from i2i_keras.experiment import repetitions
from i2i_keras.report.findings import best_free
from i2i_keras.report.numbers import is_number
from i2i_keras.run_folder import files
from i2i_keras.run_folder.places import how_to_make
from i2i_keras.run_folder.run import Run
from i2i_keras.segmenters.arms import CEILING, FLOOR, load_segmenter
from i2i_keras.segmenters.trained import LoadedSegmenter
from i2i_keras.training import checkpoints


class TrainedSegmenter(NamedTuple):
    """A trained segmenter.

    Attributes:
        run: that it was trained in.
        arm: on whose records.
        step: of a kept checkpoint; None = what it saved in the end.
        why: it was chosen, in a few words; empty = it was named.
        seed: of its training, where there are several.
    """

    run: Run
    arm: str
    step: int | None = None
    why: str = ""
    seed: int | None = None

    @property
    def folder(self) -> Path:
        """Where its training left it."""
        return self.run.segmenter(self.arm)

    def load(self) -> LoadedSegmenter:
        """The network and how to call it."""
        return load_segmenter(self.run, self.arm, self.step)

    def window(self) -> tuple[int, int] | None:
        """In which windows it was scored; None = it saw whole images."""
        place = self.run.scores(self.arm)
        done = self.run.is_done(place)
        window = self.run.settings_of(place).get("window") if done else None
        return (window[0], window[1]) if window else None

    def __str__(self) -> str:
        seed = "" if self.seed is None else f" of seed {self.seed}"
        step = "" if self.step is None else f" at step {self.step}"
        return f"{self.arm}{seed}{step}" + (f" ({self.why})" if self.why else "")


def choose(
    run: Run, arm: str | None = None, seed: int | None = None, step: int | None = None
) -> TrainedSegmenter:
    """Finds a trained segmenter.

    Args:
        run: of one or of several trainings.
        arm: that it is of; None = the best one by its scores that knows no
            label of the target.
        seed: of its training; None = of the first one, if there are several.
        step: of a kept checkpoint; None = what it saved in the end.

    Raises:
        SettingsError: there is no such arm, seed or checkpoint, or none is
            known to be the best.
        DataError: none was trained.
    """
    member, seed = repetitions.one_of(run, seed)
    trained = member.trained_arms()
    if not trained:
        summary = member.summary
        if summary.is_file() and not read_summary(member)["arms"]:
            raise DataError(
                f"{member.root} has no arms, only translators; use translate, or export --method."
            )
        todo = how_to_make(member.segmenters)
        raise DataError(f"{member.root} holds no trained segmenter; {todo}.")
    why = ""
    if arm is None:
        arm, why = _best([run, member], trained)
    if arm not in trained:
        told = f"trained are {', '.join(trained)}"
        raise SettingsError(f"{unknown('No trained arm', arm, trained, told)}.")
    found = TrainedSegmenter(member, arm, step, why, seed)
    if step is not None:
        checkpoints.require_checkpoint(found.folder, step)
    return found


def _best(roots: Sequence[Run], trained: Sequence[str]) -> tuple[str, str]:
    """The best arm without target labels, and why it is that."""
    summaries = [run.summary for run in roots]
    for path in (path for path in summaries if path.is_file()):
        arms = files.read_json(path)["arms"]
        scored = {a: f["mean_iou"] for a, f in arms.items() if is_number(f.get("mean_iou"))}
        rivals = [arm for arm in (best_free(arms), FLOOR) if arm in scored]
        count = len(scored.keys() - {CEILING})
        if rivals and count > 1:
            best = max(rivals, key=lambda arm: scored[arm])
            return str(best), f"best of {count} arms by the scores on target-test"
        if rivals:
            return str(rivals[0]), "the only arm that was scored"
    free = [arm for arm in trained if arm != CEILING]
    if len(free) == 1:
        return free[0], "the only arm that was trained"
    raise SettingsError(
        "No arm was scored, so that none is known to be the best; evaluate them, or give --arm,"
        f" one of {', '.join(trained)}."
    )
