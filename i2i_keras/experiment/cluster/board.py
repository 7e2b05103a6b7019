"""What the tasks at work have said last, kept in one place for all machines."""

from typing import NamedTuple


class State(NamedTuple):
    """How far a task is.

    Attributes:
        node: the machine that does it.
        said: its progress, in its own words; empty = it has just begun.
    """

    node: str
    said: str = ""


class Read(NamedTuple):
    """What a board holds.

    Attributes:
        states: of the tasks at work, by name.
        lines: that were to be told, since it was read last.
    """

    states: dict[str, State]
    lines: list[str]


class Board:
    """An actor of Ray, to which all workers of a run tell how far they are."""

    def __init__(self) -> None:
        self._states: dict[str, State] = {}
        self._lines: list[str] = []

    def begin(self, task: str, node: str) -> None:
        """A task is at work; if it was before, its worker has been lost."""
        if task in self._states:
            self.tell(task, f"its worker on {self._states[task].node} was lost; again on {node}")
        self._states[task] = State(node)

    def say(self, task: str, said: str) -> None:
        """A task tells its progress."""
        if task in self._states:
            self._states[task] = self._states[task]._replace(said=said)

    def tell(self, task: str, line: str) -> None:
        """A task has something to say that shall stay."""
        self._lines.append(f"{task}: {line}")

    def end(self, task: str) -> None:
        """A task is not at work any more."""
        self._states.pop(task, None)

    def read(self) -> Read:
        """What there is to show."""
        lines, self._lines = self._lines, []
        return Read(self._states, lines)
