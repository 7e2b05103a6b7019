"""Tables as text: in a terminal within its width, in a pipe in full."""

import os
import re
import shutil
import textwrap
from collections.abc import Callable, Sequence
from typing import IO, NamedTuple

import click

from i2i_keras.evaluation.summary import Summary
from i2i_keras.report import tables
from i2i_keras.report.findings import marked_arm
from i2i_keras.report.tables import Cell, Table

_GAP = "  "
# Where a cell may go on in the next line: between words, before a parenthesis,
# and in the name of an arm. A number stays in one piece, and so do two ends.
_BREAKS = re.compile(r"(?<=[a-z]) (?=[a-z])| (?=\()|(?<=:)")
_TITLE_BREAKS = re.compile(r" (?!%)")
Fold = Callable[[str], list[str]]


class Terminal(NamedTuple):
    """What a table is written to.

    Attributes:
        width: columns of the terminal; None = it is none, such as a pipe.
        bold: whether it may be sent the codes for bold type.
    """

    width: int | None = None
    bold: bool = False


PIPE = Terminal()


def terminal_of(stream: IO[str]) -> Terminal:
    """The terminal behind a stream; `PIPE` if there is none."""
    if not stream.isatty():
        return PIPE
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Terminal(shutil.get_terminal_size().columns, not plain)


def result_text(summary: Summary, terminal: Terminal = PIPE) -> str:
    """The result table, and in words whom it marks.

    Args:
        summary: what evaluate/summary.json holds.
        terminal: where it is to be shown.
    """
    text, best = draw(tables.result_rows(summary), terminal), marked_arm(summary)
    return f"{text}\n\nBest by more than chance: {best}." if best else text


def draw(table: Table, terminal: Terminal = PIPE) -> str:
    """A table as lines of text, its columns two spaces or more apart.

    In a pipe a row is a line, however long. In a terminal titles are folded
    where they are too long, then cells, but never within a number. What still
    has no room is left out from the right, and a sentence says so.
    """
    kept, widths = len(table.columns), _widths(table, len(table.columns), terminal.width)
    while terminal.width and kept > 1 and _length(widths) > terminal.width:
        kept -= 1
        widths = _widths(table, kept, terminal.width)
    titles = [Cell(title, strong=True) for title in table.columns[:kept]]
    lines = _lines(titles, widths, _TITLE_BREAKS.split, table.numeric, terminal.bold)
    if terminal.width:
        lines.append(_GAP.join("-" * width for width in widths))
    for row in table.rows:
        lines += _lines(row[:kept], widths, _BREAKS.split, table.numeric, terminal.bold)
    if left_out := table.columns[kept:]:
        sentence = f"Not shown, for want of room: {', '.join(left_out)}."
        lines += textwrap.wrap(sentence, terminal.width or 0)
    return "\n".join(lines)


def _widths(table: Table, kept: int, room: int | None) -> list[int]:
    """Widths of the first columns, as narrow as it takes to fit into a room."""
    columns = [
        (title, [row[place].text for row in table.rows])
        for place, title in enumerate(table.columns[:kept])
    ]
    widths = [_longest([title, *cells]) for title, cells in columns]
    if room is None:
        return widths
    words = [_longest(_TITLE_BREAKS.split(title)) for title, _ in columns]
    narrow = [_longest(cells, word) for word, (_, cells) in zip(words, columns, strict=True)]
    least = [
        _longest([piece for cell in cells for piece in _BREAKS.split(cell)], word)
        for word, (_, cells) in zip(words, columns, strict=True)
    ]
    return _shrunk(_shrunk(widths, narrow, room), least, room)


def _longest(texts: Sequence[str], least: int = 0) -> int:
    return max([least, *map(len, texts)])


def _shrunk(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Takes from the columns that have most to spare until all fit."""
    found = list(widths)
    while _length(found) > room:
        spare = [width - low for width, low in zip(found, least, strict=True)]
        if not any(spare):
            break
        found[spare.index(max(spare))] -= 1
    return found


def _length(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _lines(
    row: Sequence[Cell], widths: Sequence[int], fold: Fold, numeric: bool, bold: bool
) -> list[str]:
    """One row of a table, in as many lines as its cells need."""
    folded = [_wrapped(fold(cell.text), width) for cell, width in zip(row, widths, strict=True)]
    lines = []
    for number in range(max(map(len, folded))):
        pieces = []
        for place, (cell, parts, width) in enumerate(zip(row, folded, widths, strict=True)):
            text = parts[number] if number < len(parts) else ""
            shown = click.style(text, bold=True) if text and bold and cell.strong else text
            padding = " " * (width - len(text))
            pieces.append(padding + shown if numeric and place else shown + padding)
        lines.append(_GAP.join(pieces).rstrip())
    return lines


def _wrapped(pieces: Sequence[str], width: int) -> list[str]:
    """Puts pieces together again, as many in a line as it holds."""
    lines = [""]
    for piece in pieces:
        between = "" if not lines[-1] or lines[-1].endswith(":") else " "
        if lines[-1] and len(lines[-1] + between + piece) > width:
            lines.append(piece)
        else:
            lines[-1] += between + piece
    return lines
