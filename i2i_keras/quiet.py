"""Where progress, notes and warnings go: among results, aside, or nowhere."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

from tqdm import tqdm

# `beside` = notes may stand among results; `aside` = they all go to stderr, as
# stdout is for a program; `quiet` = only warnings are shown, on stderr.
Manner: TypeAlias = Literal["beside", "aside", "quiet"]
_manner: Manner = "beside"


@contextlib.contextmanager
def talking(manner: Manner) -> Iterator[None]:
    """Sets how this process talks; who wants it quiet has the last word."""
    global _manner
    before = _manner
    _manner = before if before == "quiet" else manner
    try:
        yield
    finally:
        _manner = before


def manner() -> Manner:
    """How this process talks."""
    return _manner


def bar(items: Any = None, **options: Any) -> "tqdm[Any]":
    """A progress bar, hidden where it is to be quiet.

    Args:
        items: that it counts while they are walked through, or None.
        options: of tqdm.
    """
    return tqdm(items, **{"mininterval": 1.0, "disable": _manner == "quiet", **options})


def note(text: str) -> None:
    """Writes a line above all bars, unless it is to be quiet."""
    if _manner != "quiet":
        tqdm.write(text, file=sys.stderr)


def warn(text: str) -> None:
    """Writes a warning above all bars."""
    tqdm.write(text, file=sys.stdout if _manner == "beside" else sys.stderr)
