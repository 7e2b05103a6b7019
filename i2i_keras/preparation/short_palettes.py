"""Label files in which 255 was cut to the few bits of a short palette.

Pillow, for one, writes a palette PNG with as many bits a pixel as its palette
needs, whatever the pixels hold: with 5 to 16 colors 255 comes back as 15, with
3 or 4 as 3, with 2 as 1. Where the palette has no color of that number, the
file gives itself away. Where it has, 255 cannot be told from a class; with 16
colors a gap below 15 is a hint.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from i2i_keras.data.records import Record, open_image
from i2i_keras.errors import FileError, how_many
from i2i_keras.preparation.examine import Finding

_PNG, _PALETTE = b"\x89PNG\r\n\x1a\n", 3  # Signature, and the color type.
_GAP = 3  # Numbers below 15 that do not occur, where 15 may have been 255.


class _Short(NamedTuple):
    """A label file of fewer than 8 bits a pixel."""

    bits: int
    colors: int
    numbers: frozenset[int]

    @property
    def highest(self) -> int:
        return 2**self.bits - 1

    @property
    def is_cut(self) -> bool:
        """Whether the highest number has no color."""
        return self.highest in self.numbers and self.highest >= self.colors


def short_palettes(tables: Mapping[str, Sequence[Record]]) -> Iterator[Finding]:
    """Finds sets in which 255 was cut, surely (bad) or perhaps (a note).

    Args:
        tables: raw records by table.
    """
    for table, records in tables.items():
        short = [one for r in records if r.label and (one := _look(r.label))]
        cut = [one for one in short if one.is_cut]
        if cut:
            colors = max(one.colors for one in cut)
            what = (
                f"holds {cut[0].highest} in {how_many(len(cut), 'label file')}, whose palette of"
                f" {how_many(colors, 'color')} has none for it: 255 was cut to"
                f" {how_many(cut[0].bits, 'bit')} in writing"
            )
            todo = "write the labels anew with a palette of 256 colors, or as gray PNGs"
            yield Finding(table, "", "", "255 cut short", what, todo)
        elif _may_be_cut(short):
            what = (
                f"has labels with a palette of 16 colors that hold 15, but none of the {_GAP}"
                " numbers below: 15 may have been 255, cut to 4 bits"
            )
            todo = "look at the numbers of the original labels, or leave it if 15 is a class"
            yield Finding(table, "", "", "255 cut short", what, todo, False)


def _may_be_cut(short: Sequence[_Short]) -> bool:
    """Whether 15 stands alone in a set with 16 colors."""
    numbers = {number for one in short if one.bits == 4 for number in one.numbers}
    return 15 in numbers and not numbers & {*range(15 - _GAP, 15)}


def _look(path: Path) -> _Short | None:
    """Reads a palette PNG of fewer than 8 bits; None for any other file."""
    try:
        with path.open("rb") as file:
            head = file.read(26)
    except OSError:
        return None
    bits, kind = (head[24], head[25]) if len(head) == 26 and head.startswith(_PNG) else (8, 0)
    if kind != _PALETTE or bits == 8:
        return None
    try:
        with open_image(path) as image:
            colors = len(image.palette.palette) // 3 if image.palette else 0
            return _Short(bits, colors, frozenset(np.unique(np.asarray(image)).tolist()))
    except FileError:  # The audit tells.
        return None
