"""A plan with what is done, what it took, and what is to be expected."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from i2i_keras.experiment import contents
from i2i_keras.experiment.plan.estimates import Estimates
from i2i_keras.experiment.plan.tasks import Task
from i2i_keras.experiment.settings import Settings
from i2i_keras.report.tables import Cell, Table
from i2i_keras.report.terminal import PIPE, Terminal, draw
from i2i_keras.run_folder.run import Run
from i2i_keras.training.checkpoints import list_checkpoints
from i2i_keras.translators import TRANSLATORS

_TITLES = ("plan", "seed", "state", "time")


class Row(NamedTuple):
    """What is to be expected of a task.

    Attributes:
        task: which one.
        seconds: that it took, if it is done, or will take; None = not known.
        step: that its training goes on from; 0 = from the beginning.
    """

    task: Task
    seconds: float | None
    step: int = 0


def forecast(tasks: Sequence[Task], settings: Settings, run: Run) -> list[Row]:
    """Says of each task how long it took, or will take.

    What is done was measured; what the run has done for other seeds takes as
    long again, their median; of the rest, the networks are timed.

    Args:
        tasks: of a plan.
        settings: of the experiment.
        run: where it lives.
    """
    there = contents.look(settings, run)
    prepared = settings.prepare.model_copy(update={"size": there.size})
    estimates = Estimates(settings.model_copy(update={"prepare": prepared}), there.images)
    return [_row(task, settings, run, estimates) for task in tasks]


def to_text(rows: Sequence[Row], terminal: Terminal = PIPE) -> str:
    """The plan as a table for a terminal, and what it adds up to."""
    several = len({row.task.settings.seed for row in rows}) > 1 or bool(rows[0].task.settings.seeds)
    cells = [_TITLES, *(_cells(row) for row in rows)]
    if not several:
        cells = [(name, *rest) for name, _, *rest in cells]
    titles, *texts = cells
    table = Table(titles, [[Cell(text) for text in line] for line in texts], numeric=False)
    return f"{draw(table, terminal)}\n{_sum(rows)}"


def duration(seconds: float) -> str:
    """A time as it is said: 5 s, 1.5 min, 12 min, 3 h 20 min."""
    shown = as_said(seconds)
    if shown < 60:
        return f"{shown:.0f} s"
    minutes = shown / 60
    if minutes < 60:
        return f"{minutes:.1f}".removesuffix(".0") + " min"
    return f"{minutes // 60:.0f} h {minutes % 60:02.0f} min"


def as_said(seconds: float) -> float:
    """The seconds that `duration` says, so that what is said can be added up.

    Whole seconds below a minute, tenths of minutes below ten, then minutes.
    """
    if seconds < 59.5:
        return float(round(seconds))
    tenths = round(seconds / 6)
    return 6.0 * tenths if tenths < 100 else 60.0 * round(seconds / 60)


def _row(task: Task, settings: Settings, run: Run, estimates: Estimates) -> Row:
    if task.done:
        return Row(task, took(task))
    step, steps = _begun(task, estimates)
    left = max(0.0, 1 - step / steps) if steps else 1.0
    others = [task._replace(run=Run(run.root / f"seed-{seed}")) for seed in settings.seeds]
    known = [took(other) for other in others if task.kind != "prepare" and other.done]
    seconds = statistics.median(known) if known else _estimate(task, estimates)
    return Row(task, None if seconds is None else left * seconds, step)


def took(task: Task) -> float:
    """Seconds that a task took which is done, all of its stages."""
    return sum(task.run.done(stage).seconds for stage in task.stages)


def _begun(task: Task, estimates: Estimates) -> tuple[int, int | None]:
    """Steps that a training has done, and has in all."""
    if task.kind not in ("train-translator", "train-segmenter"):
        return 0, None
    step = max(list_checkpoints(task.run.root / task.stages[-1]), default=0)
    if not step:
        return 0, None
    translator = task.kind == "train-translator"
    steps_of = estimates.translator_steps if translator else estimates.segmenter_steps
    return step, steps_of(task.of)


def _estimate(task: Task, estimates: Estimates) -> float | None:
    if task.kind in ("prepare", "translate-back"):
        return None  # The former not before it has seen the files.
    if task.kind == "train-translator":
        return estimates.translator(task.of)
    if task.kind == "translate":
        return estimates.translation(task.of)
    if task.kind == "train-segmenter":
        return estimates.segmenter(task.of)
    if task.of in TRANSLATORS:
        return estimates.translator_scores(task.of)
    return estimates.arm_scores(task.num_states)


def _cells(row: Row) -> tuple[str, ...]:
    task, seconds = row.task, row.seconds
    state = "done" if task.done else f"goes on from step {row.step}" if row.step else "to do"
    time = "?" if seconds is None else duration(seconds)
    seed = "" if task.kind == "prepare" else str(task.settings.seed)
    return (task.name, seed, state, time if task.done or seconds is None else f"about {time}")


def _sum(rows: Sequence[Row]) -> str:
    left = [row.seconds for row in rows if not row.task.done]
    if not left:
        return "All of it is done."
    known = [seconds for seconds in left if seconds is not None]
    if not known:
        return "How long it takes is not known yet."
    more = ", and what is marked with ?" if len(known) < len(left) else ""
    return f"About {duration(sum(map(as_said, known)))} to do{more}."
