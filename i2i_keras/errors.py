"""The ways in which a user's input can be at fault, and how that is said."""

import difflib
import stat
from collections.abc import Iterable
from pathlib import Path


class SettingsError(ValueError):
    """A setting is unknown, of the wrong type or impossible (exit code 2)."""


class DataError(Exception):
    """The data or the run directory is at fault (exit code 1).

    The message is one sentence that names the file, what is wrong with it and
    what to do.
    """


class DivergedError(DataError):
    """A training computes what is no number any more."""


class FileError(DataError):
    """One file is at fault.

    Attributes:
        file: which one.
        what: is wrong with it, to be said after its name.
        todo: what mends it.
    """

    def __init__(self, file: Path, what: str, todo: str) -> None:
        super().__init__(file, what, todo)
        self.file, self.what, self.todo = file, what, todo

    def __str__(self) -> str:
        return f"{self.file} {self.what}; {self.todo}."


def is_special(path: Path) -> bool:
    """Whether a path is a pipe, a device or a socket, which may never end."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def refuse_special(path: Path) -> None:
    """Refuses what `is_special`.

    Raises:
        FileError: it is.
    """
    if is_special(path):
        raise FileError(path, "is no regular file", "put one in its place")


def how_many(count: int, noun: str) -> str:
    """A number and what it counts: "1 image", "2 images"."""
    return f"{count} {noun}{'s' * (count != 1)}"


def suggestion(given: object, names: Iterable[str]) -> str:
    """The name that was probably meant, in whatever case; empty = none."""
    by_lower = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(str(given).casefold(), by_lower, n=1)
    return by_lower[close[0]] if close else ""


def unknown(what: str, given: object, names: Iterable[str], told: str = "") -> str:
    """What is said of a name that is none of those there are.

    Args:
        what: there is not, such as "No arm".
        given: the name.
        names: those there are.
        told: which there are, as a sentence without its end; empty = all names.

    Returns:
        Such as "No arm 'orakle'. Did you mean 'oracle'? There are ...".
    """
    names = list(names)
    told = told or f"there are {', '.join(names)}"
    meant = suggestion(given, names)
    if not meant:
        return f"{what} {given!r}; {told}"
    return f"{what} {given!r}. Did you mean {meant!r}? {told[:1].upper()}{told[1:]}"
