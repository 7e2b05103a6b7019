"""The ways in which a user's input can be at fault."""

from pathlib import Path


class SettingsError(ValueError):
    """A setting is unknown, of the wrong type or impossible (exit code 2)."""


class DataError(Exception):
    """The data or the run directory is at fault (exit code 1).

    The message is one sentence that names the file, what is wrong with it and
    what to do.
    """


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
