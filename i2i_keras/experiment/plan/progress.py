"""How far a run has come, and how long the rest will take."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from i2i_keras.errors import how_many
from i2i_keras.experiment.plan.order import longest_first
from i2i_keras.experiment.plan.table import duration, left, measured
from i2i_keras.experiment.plan.tasks import Task

_Key = tuple[Path, str]


class Progress:
    """Counts the arms of a plan, and knows what its tasks have taken.

    Args:
        tasks: of the plan.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = tasks
        self._lines = dict(_lines(tasks))

    def before(self, task: Task) -> str:
        """What is done next, and what is left in all; empty if it is done."""
        return "" if task.done else self._lines[_key(task)] + self._left()

    def _left(self) -> str:
        """The time of all that is like something that is done."""
        known = measured(self._tasks)
        todo = [left(task, known) for task in self._tasks if not task.done]
        told = [seconds for seconds in todo if seconds is not None]
        if not told:
            return ""
        return f"; {'about' if len(told) == len(todo) else 'more than'} {duration(sum(told))} left"


def side_by_side(tasks: Sequence[Task], room: int) -> str:
    """How much is done of tasks that are done side by side, and what is left.

    Args:
        tasks: all of them.
        room: for how many at once.
    """
    placed, known = longest_first(tasks), measured(tasks)
    todo = [one for one in placed if not one.task.done]
    told = f"{len(tasks) - len(todo)} of {how_many(len(tasks), 'task')} done"
    seconds = [left(one.task, known) for one in todo]
    if not todo or None in seconds:
        return told
    longest = max(one.chain for one in todo)
    return f"{told}; about {duration(max(longest, sum(filter(None, seconds)) / room))} left"


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
