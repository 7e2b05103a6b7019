"""The tasks at work, in a terminal as a table below what is told."""

import shutil
import sys
from collections.abc import Callable, Mapping

import click

from i2i_keras.experiment.cluster.board import State
from i2i_keras.report.tables import Cell, Table
from i2i_keras.report.terminal import draw, terminal_of

_TITLES = ("at work", "on", "progress")


class Display:
    """Tells lines, and keeps a table below them.

    Where there is no terminal the table is left out, and that a task has begun
    is a line, with what is told of the whole.

    Args:
        tell: writes a line.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._terminal = terminal_of(sys.stdout)
        self._shown = 0  # Lines of the table that stands there.
        self._begun: set[str] = set()

    def tell(self, line: str) -> None:
        """Writes a line that stays."""
        self.clear()
        self._tell(line)

    def show(self, states: Mapping[str, State], sum_up: str) -> None:
        """Shows what is at work.

        Args:
            states: by task.
            sum_up: what is told of the whole.
        """
        if self._terminal.width is None:
            for task, state in states.items():
                if task not in self._begun:
                    self._tell(f"{task}: begun on {state.node} ({sum_up})")
            self._begun |= states.keys()
            return
        # Besides: the titles, a line below, the sum, and the cursor.
        room = max(1, shutil.get_terminal_size().lines - 4)
        rows = [[Cell(task), Cell(s.node), Cell(s.said)] for task, s in states.items()][:room]
        text = f"{draw(Table(_TITLES, rows, numeric=False), self._terminal)}\n{sum_up}"
        self.clear()
        click.echo(text)
        self._shown = text.count("\n") + 1

    def clear(self) -> None:
        """Takes the table away."""
        if self._shown:
            click.echo(f"\x1b[{self._shown}A\x1b[J", nl=False, color=True)
        self._shown = 0
