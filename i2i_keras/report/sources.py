"""What a report was made from, by which one that still holds is told."""

import hashlib
import os
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from i2i_keras.errors import DataError
from i2i_keras.run_folder import checksums, files, places
from i2i_keras.run_folder.run import Run

_NAME = "sources.json"
# Written anew by each `evaluate`, mostly with what they held before.
_BY_CONTENT = (".json", ".csv")


def is_current(run: Run) -> bool:
    """Whether the report is there, untouched, and of what is there now."""
    path = run.report / _NAME
    if not path.is_file() or checksums.changes(run.root, run.report):
        return False
    try:
        kept = files.read_json(path)
    except DataError:
        return False
    return bool(kept == find(run))


def find(run: Run) -> dict[str, str]:
    """Our version, and a hash of all files of the run but its reports.

    What is linked is left out: trainings of several seeds link to what the
    run that they are of holds.
    """
    entries = sorted(f"{path.relative_to(run.root)} {_state(path)}" for path in _read(run.root))
    digest = hashlib.sha256("\n".join(entries).encode("utf-8", "surrogateescape")).hexdigest()
    return {"version": metadata.version("i2i_keras"), "files": digest}


def keep(run: Run, found: dict[str, str]) -> Path:
    """Writes down what the report was made from; returns the file.

    Args:
        run: that the report is of.
        found: by `find`, before anything was read for the report.
    """
    path = run.report / _NAME
    files.write_json(path, found)
    return path


def _read(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as found:
        for entry in found:
            if entry.name.startswith(".") or entry.name in (checksums.NAME, places.REPORT):
                continue
            if entry.is_file(follow_symlinks=False):
                yield Path(entry.path)
            elif entry.is_dir(follow_symlinks=False):
                yield from _read(Path(entry.path))


def _state(path: Path) -> str:
    if path.suffix in _BY_CONTENT:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    facts = path.stat()
    return f"{facts.st_size} {facts.st_mtime_ns}"
