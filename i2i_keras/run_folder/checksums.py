"""Checksums of what stages have made, by which it is noticed if that changes.

A stage's `checksums.json` names its files, each with size, time and SHA-256;
`done.json` has a hash of it. A file is read only where its size or time is
another than it was, so that to look again costs next to nothing.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from typing_extensions import TypedDict

from i2i_keras.errors import DataError
from i2i_keras.run_folder import files
from i2i_keras.run_folder.places import BEGUN, DONE, how_to_make

NAME = "checksums.json"
# Checkpoints have checksums of their own, and may be deleted.
_OF_STAGES = (DONE, BEGUN, NAME)
_LEFT_OUT = ("checkpoints", "tensorboard")
# What no later stage reads: told by `verify`, but no reason to stop.
_FOR_PEOPLE = ("samples",)


class Entry(TypedDict):
    """What is known of a file; its time in nanoseconds."""

    size: int
    time: int
    sha256: str


class _File(TypedDict):
    files: dict[str, Entry]
    sha256: str


class Change(NamedTuple):
    """A file that is not as it was made.

    Attributes:
        path: of the file.
        what: it is now, to be said after its name.
        stops: whether later stages would read it.
    """

    path: Path
    what: str
    stops: bool

    def __str__(self) -> str:
        return f"{self.path} {self.what}"

    def as_json(self) -> dict[str, str | bool]:
        """The same for a program."""
        return {"path": str(self.path), "what": self.what, "stops": self.stops}


def write(root: Path, folder: Path, made: Iterable[Path]) -> str:
    """Writes the checksums of files into a folder.

    Args:
        root: the run directory.
        folder: of the stage.
        made: its files, see `made_in`.

    Returns:
        A hash of all of them.
    """
    paths = sorted(made)
    with ThreadPoolExecutor(4) as pool:
        entries = [*pool.map(_entry, paths)]
    table = {
        path.relative_to(root).as_posix(): entry for path, entry in zip(paths, entries, strict=True)
    }
    digest = _digest(table)
    files.write_json(folder / NAME, {"files": table, "sha256": digest})
    return digest


def made_in(folder: Path) -> Iterator[Path]:
    """The files of a stage, those of stages within it left out."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        path = folder / entry.name
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        if not entry.is_dir():
            # Journals of what is done change with interruptions.
            if entry.name not in _OF_STAGES and path.suffix != ".jsonl":
                yield path
        elif entry.name not in _LEFT_OUT and not any((path / n).exists() for n in (DONE, BEGUN)):
            yield from made_in(path)


def changes(
    root: Path, folder: Path, digest: str | None = None, *, thorough: bool = False
) -> list[Change]:
    """What has changed since `write`; nothing is known of earlier versions'.

    Args:
        root: the run directory.
        folder: of the stage.
        digest: what `write` returned; None = it is not known.
        thorough: whether to read all files, also those whose size and time are
            as they were.
    """
    path = folder / NAME
    if digest is None and not path.is_file():
        return []
    try:
        facts = files.read_as(_File, path)
    except DataError:
        return [Change(path, "is missing or broken", True)]
    table = facts["files"]
    if facts["sha256"] != _digest(table) or digest not in (None, facts["sha256"]):
        return [Change(path, "has changed", True)]
    found, touched = list[Change](), False
    for name, entry in table.items():
        what, other_time = _compare(root / name, entry, thorough)
        touched = touched or other_time
        if what:
            stops = Path(name).parent.name not in _FOR_PEOPLE
            found.append(Change(root / name, what, stops))
    if touched and not found:
        # Copied, or touched: read once, and not again.
        with contextlib.suppress(DataError):
            files.write_json(path, {**facts, "files": _with_times(root, table)})
    return found


def refuse(found: Iterable[Change], todo: str) -> None:
    """Refuses to go on from files that changed.

    Raises:
        DataError: names the first few.
    """
    stopping = [change for change in found if change.stops]
    if stopping:
        told = ", ".join(map(str, stopping[:3]))
        if len(stopping) > 3:
            told += f" and {len(stopping) - 3} more"
        raise DataError(f"{told} since it was made; put it back, or {todo}.")


def todo(folder: Path) -> str:
    """What is to be done where a stage's files changed."""
    return f"delete {folder} and {how_to_make(folder)}"


def _compare(path: Path, entry: Entry, thorough: bool) -> tuple[str, bool]:
    """What is wrong with a file, if anything, and whether its time is new."""
    try:
        state = path.lstat()
    except OSError:
        return "is missing", False
    if state.st_size != entry["size"]:
        return "has changed", False
    touched = state.st_mtime_ns != entry["time"]
    if not touched and not thorough:
        return "", False
    try:
        same = path.is_file() and not path.is_symlink() and _sha256(path) == entry["sha256"]
    except OSError:
        return "cannot be read", False
    return ("" if same else "has changed"), touched


def _with_times(root: Path, table: Mapping[str, Entry]) -> dict[str, Entry]:
    return {
        name: {**entry, "time": (root / name).stat().st_mtime_ns} for name, entry in table.items()
    }


def _entry(path: Path) -> Entry:
    state = path.stat()
    return {"size": state.st_size, "time": state.st_mtime_ns, "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def _digest(table: Mapping[str, Entry]) -> str:
    known = sorted((name, entry["size"], entry["sha256"]) for name, entry in table.items())
    return files.fingerprint(known)
