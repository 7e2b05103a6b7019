"""How far a run has come, and how long the rest will take."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from i2i_keras.experiment.plan.table import Row, duration, took
from i2i_keras.experiment.plan.tasks import Task
from i2i_keras.run_folder.run import Done

# Weight of the estimates themselves, as a share of all of them: what a few
# short tasks took, more or less than estimated, does not speak for the rest.
_TRUST = 0.05
_Key = tuple[Path, str]


class Progress:
    """Counts the arms of a plan, and learns from what its tasks take.

    Args:
        rows: of the plan, as it was when the run began.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = {_key(row.task): row for row in rows}
        self._lines = dict(_lines([row.task for row in rows]))
        self._measured: dict[str, float] = {}
        total = sum(row.seconds or 0.0 for row in rows if not row.task.done)
        self._taken = self._estimated = _TRUST * total

    def before(self, task: Task) -> str:
        """What is done next, and what is left in all; empty if it is done."""
        return "" if task.done else self._lines[_key(task)] + self._left()

    def after(self, task: Task, done: Done) -> None:
        """Compares what a task took with what was expected.

        Not if it had been done before, nor if it went on from a step: then its
        time is that of the whole, and the estimate that of the rest.
        """
        row = self._rows[_key(task)]
        if done.skipped or row.step:
            return
        self._measured[task.name] = took(task)
        if row.seconds is not None:
            self._taken += self._measured[task.name]
            self._estimated += row.seconds

    def _left(self) -> str:
        expected = [self._expected(row) for row in self._rows.values() if not row.task.done]
        known = [seconds for seconds in expected if seconds is not None]
        if not known:
            return ""
        more = ", and what the plan marks with ?" if len(known) < len(expected) else ""
        return f"; about {duration(sum(known))} left{more}"

    def _expected(self, row: Row) -> float | None:
        """What it took for another seed, or its estimate, corrected."""
        if not row.step and row.task.name in self._measured:
            return self._measured[row.task.name]
        if row.seconds is None or not self._estimated:
            return row.seconds
        return row.seconds * self._taken / self._estimated


def _lines(tasks: Sequence[Task]) -> Iterator[tuple[_Key, str]]:
    """What is told before each task: which arm it is for, and what it does."""
    roots = dict.fromkeys(task.run.root for task in tasks if task.kind != "prepare")
    for task in tasks:
        if task.kind == "prepare":
            yield _key(task), task.name
            continue
        own = [t for t in tasks if t.run.root == task.run.root and t.kind != "prepare"]
        # Others are trained only for these.
        trained = [t.of for t in own if t.kind == "train-segmenter"]
        arms = [arm for arm in trained if arm in task.settings.arms]
        later = own[own.index(task) :]
        arm = next((t.of for t in later if t.of in arms), None)
        seed = f"seed {task.settings.seed}, " if len(roots) > 1 else ""
        place = f"{seed}arm {arms.index(arm) + 1} of {len(arms)}, {arm}" if arm else seed[:-2]
        deed = task.kind if task.of == arm else task.name
        yield _key(task), f"{place[:1].upper()}{place[1:]}: {deed}" if place else deed


def _key(task: Task) -> _Key:
    return task.run.root, task.name
