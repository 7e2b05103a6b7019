"""Processes that train one network together, each on a machine of its own.

All of them are given the same command; TF_CONFIG says who is who. What is no
training is done by the first of them, the chief, alone, while the others wait.
Nobody but the chief writes into the run directory.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

Result = TypeVar("Result")


class Team(NamedTuple):
    """Those who work together, as one of them sees it.

    Attributes:
        number: of this one; 0 = the chief.
        total: how many there are.
        sums: the sum over all of them of what each gives; waits for all.
    """

    number: int = 0
    total: int = 1
    sums: Callable[[list[int]], list[int]] = lambda values: values


_team = Team()


@contextlib.contextmanager
def working(team: Team) -> Iterator[None]:
    """This process is one of a team; they begin and end together."""
    global _team
    before, _team = _team, team
    try:
        wait()
        yield
        wait()
    finally:
        _team = before


def total() -> int:
    """How many processes work together; 1 = this one is alone."""
    return _team.total


def number() -> int:
    """Of this process; 0 = the chief."""
    return _team.number


def follows() -> bool:
    """Whether this process is not the chief."""
    return _team.number > 0


def wait() -> None:
    """Waits until all have come here."""
    _team.sums([0])


def agree(*wishes: bool) -> list[bool]:
    """What at least one of them wishes."""
    if _team.total == 1:
        return list(wishes)
    return [count > 0 for count in _team.sums(list(map(int, wishes)))]


def by_chief(work: Callable[[], Result]) -> Result:
    """Does what only the chief may do; the others find it done.

    Args:
        work: that finds out if it was done before, and then only reads.
    """
    if not follows():
        result = work()
        wait()
        return result
    wait()
    return work()


@contextlib.contextmanager
def own_copy(folder: Path) -> Iterator[Path]:
    """A copy of a folder, for who must not write there; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="i2i_keras-") as draft:
        copy = Path(draft) / folder.name
        shutil.copytree(folder, copy)
        yield copy
