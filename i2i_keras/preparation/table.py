"""One table of records: those converted that are not yet, and the rest kept."""

import functools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from i2i_keras.data import parallel
from i2i_keras.data.records import Record, write_records
from i2i_keras.preparation import comparison
from i2i_keras.preparation.working_size import Conversion, Work, write_record
from i2i_keras.run_folder import files, writing
from i2i_keras.run_folder.places import Places

Rows = list[dict[str, Any]]

_KEYS = {"key", "name", "image", "findings", "digest", "numbers"}
NATIVE_TABLE = "target-test-native"


def conversion(folder: Path, raw: Record, facts: Any, native: Path | None) -> Conversion:
    """A record of a table that is to be converted.

    Args:
        folder: of the table.
        raw: the record.
        facts: all that the result depends on, beside the raw files.
        native: folder of labels at their native size, if they are wanted.
    """
    label = folder / "labels" / f"{raw.name}.png" if raw.label else None
    done = Record(raw.name, folder / "images" / f"{raw.name}.png", label)
    states = [_state(path) for path in (raw.image, raw.label) if path]
    full = native / f"{raw.name}.png" if native and label else None
    return Conversion(files.fingerprint([facts, raw.name, states]), raw, done, full)


def convert(work: Work, conversions: Sequence[Conversion], workers: int, root: Path) -> Rows:
    """Converts the records of a table that an earlier run has not converted.

    Args:
        work: how.
        conversions: all of the table.
        workers: processes; 0 = one a core.
        root: the run directory.

    Returns:
        What `write_record` tells of each, its `measures` packed.
    """
    path = Places(root).table_folder(work.table) / "examined.jsonl"
    done = {row["key"]: _packed(row) for row in _read_lines(path)}
    left = [one for one in conversions if not _is_whole(one, done.get(one.key))]
    write = functools.partial(write_record, work)
    results = parallel.for_each(write, left, workers, f"prepare {work.table}")
    # A line says that its record's files are whole.
    with writing.appending(path) as add:
        for row in results:
            add(json.dumps(row))
            done[row["key"]] = _packed(row)
    return [done[one.key] for one in conversions]


def write_native_table(conversions: Sequence[Conversion], kept: set[Record], root: Path) -> None:
    """Writes the records whose label there is at its native size, if any."""
    places = Places(root)
    path = places.table(places.records, NATIVE_TABLE)
    path.unlink(missing_ok=True)
    native = [
        one.done._replace(label=one.native)
        for one in conversions
        if one.native and one.done in kept
    ]
    if native:
        write_records(root, path, native)


def _is_whole(one: Conversion, row: dict[str, Any] | None) -> bool:
    """Whether a record's files are as they were written."""
    if row is None or one.is_missing():
        return False
    return "bytes" not in row or row["bytes"] == one.sizes()  # Earlier versions had none.


def _state(path: Path) -> list[int]:
    """Changes when the file does."""
    try:
        return [path.stat().st_size, path.stat().st_mtime_ns]
    except OSError:
        return []


def _packed(row: dict[str, Any]) -> dict[str, Any]:
    """A row as it is kept: all rows of a set are in memory at once."""
    if "measures" in row:
        row["measures"] = comparison.packed(row["measures"])
    return row


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of an earlier run; one that was cut off is left out."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(row, dict) and row.keys() >= _KEYS:
                yield row
