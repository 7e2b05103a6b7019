"""A plan as a table: what is done and took how long, and what is left."""

import statistics
from collections.abc import Hashable, Mapping, Sequence

from i2i_keras.experiment.plan.tasks import Task
from i2i_keras.report.tables import Cell, Table
from i2i_keras.report.terminal import PIPE, Terminal, draw
from i2i_keras.training import checkpoints

_TITLES = ("plan", "seed", "state", "time")


def to_text(tasks: Sequence[Task], terminal: Terminal = PIPE) -> str:
    """The plan as a table for a terminal, and what it adds up to.

    A time is told of what is done, and of what is like something that is done:
    the same for another seed, or another arm that is trained in the same way.
    """
    several = len({task.settings.seed for task in tasks}) > 1 or bool(tasks[0].settings.seeds)
    known = measured(tasks)
    cells = [_TITLES, *(_cells(task, known) for task in tasks)]
    if not known:
        cells = [(*line, state) for *line, state, _ in cells]
    if not several:
        cells = [(name, *rest) for name, _, *rest in cells]
    titles, *texts = cells
    table = Table(titles, [[Cell(text) for text in line] for line in texts], numeric=False)
    return f"{draw(table, terminal)}\n{_sum(tasks, known)}".rstrip()


def measured(tasks: Sequence[Task]) -> Mapping[Hashable, float]:
    """Seconds of tasks that are done, the median of those that are alike."""
    found: dict[Hashable, list[float]] = {}
    for task in tasks:
        if task.done:
            found.setdefault(task.like, []).append(task.seconds)
    return {like: statistics.median(seconds) for like, seconds in found.items()}


def left(task: Task, known: Mapping[Hashable, float]) -> float | None:
    """Seconds until a task is done; None where nothing like it is.

    Args:
        task: that has perhaps begun already.
        known: see `measured`.
    """
    if task.like not in known:
        return None
    return max(0.0, known[task.like] - task.run.worked(task.places[-1]))


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


def _cells(task: Task, known: Mapping[Hashable, float]) -> tuple[str, ...]:
    seed = "" if task.kind == "prepare" else str(task.settings.seed)
    if task.done:
        return task.name, seed, "done", duration(task.seconds)
    seconds, step = left(task, known), checkpoints.newest(task.places[-1])
    state = f"goes on from step {step}" if step else "to do"
    return task.name, seed, state, "" if seconds is None else f"about {duration(seconds)}"


def _sum(tasks: Sequence[Task], known: Mapping[Hashable, float]) -> str:
    todo = [left(task, known) for task in tasks if not task.done]
    if not todo:
        return "All of it is done."
    told = [as_said(seconds) for seconds in todo if seconds is not None]
    if not told:
        return ""
    return f"{'About' if len(told) == len(todo) else 'More than'} {duration(sum(told))} to do."
