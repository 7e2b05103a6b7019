"""Which tasks of a plan wait for which, and which of them to begin with."""

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from i2i_keras.experiment.plan.table import left, measured
from i2i_keras.experiment.plan.tasks import Task
from i2i_keras.translators import TRANSLATORS

# Seconds that are taken for a task where none like it has been done: only how
# they compare counts.
_GUESSES = {"train-translator": 240.0, "train-segmenter": 60.0}
_SHORT = 10.0


class Placed(NamedTuple):
    """A task among others.

    Attributes:
        task: the task.
        after: places of those that it waits for, in the same list.
        chain: seconds from its beginning to the end of the longest chain of
            tasks of which each waits for the one before.
    """

    task: Task
    after: list[int]
    chain: float


def longest_first(tasks: Sequence[Task]) -> list[Placed]:
    """Tasks in the order in which they should begin side by side.

    First those that the longest chains of others hang on, so that not one
    translator is left in the end for which all wait. Each stands behind those
    that it waits for.

    Args:
        tasks: of a plan, each behind what it needs, as far as that is there.
    """
    places = {(task.run.root, task.kind, task.of): place for place, task in enumerate(tasks)}
    needed = [[(task.run.root, *need) for need in task.needs] for task in tasks]
    after = [[places[need] for need in needs if need in places] for needs in needed]
    chains = _chains(tasks, after)
    order = sorted(range(len(tasks)), key=lambda place: (-chains[place], place))
    now = {old: new for new, old in enumerate(order)}
    return [Placed(tasks[old], [now[other] for other in after[old]], chains[old]) for old in order]


def _chains(tasks: Sequence[Task], after: Sequence[Sequence[int]]) -> list[float]:
    known = measured(tasks)
    chains = [_seconds(task, known) for task in tasks]
    # Those that wait stand behind, and so are complete when they are added.
    for place in reversed(range(len(tasks))):
        for other in after[place]:
            own = _seconds(tasks[other], known)
            chains[other] = max(chains[other], own + chains[place])
    return chains


def _seconds(task: Task, known: Mapping[Hashable, float]) -> float:
    """A guess where nothing is known; never 0: who waits stands behind."""
    seconds = 0.0 if task.done else left(task, known)
    if seconds is None:
        trains = task.of not in TRANSLATORS or TRANSLATORS[task.of].load_generator
        seconds = _GUESSES.get(task.kind, _SHORT) if trains else _SHORT
    return seconds + 0.1
