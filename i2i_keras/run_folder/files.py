"""Files of a run: written whole or not at all, read back with a clear word."""

import contextlib
import csv
import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from i2i_keras.errors import DataError
from i2i_keras.run_folder.places import how_to_make

Facts = dict[str, Any]


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a draft to write to; it becomes `path` if nothing was raised."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".draft-{path.name}")
    try:
        yield draft
        draft.replace(path)  # Atomic: nobody ever sees half a file.
    finally:
        draft.unlink(missing_ok=True)


def write_json(path: Path, facts: Mapping[str, Any]) -> None:
    """Writes readable JSON, atomically.

    Raises:
        DataError: a value is not a number, or infinite, which JSON does not
            know; what is not known is left out, or null.
    """
    try:
        text = json.dumps(facts, indent=2, allow_nan=False)
    except ValueError:
        names = ", ".join(_not_finite(facts))
        raise DataError(
            f"{path} would hold what is not a number ({names}); look for what went wrong there"
            " before, such as a training that diverged."
        ) from None
    with replacing(path) as draft:
        draft.write_text(text + "\n", "utf-8")


def _not_finite(value: Any, name: str = "") -> Iterator[str]:
    """Dotted names of numbers that are not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        yield name
    if isinstance(value, Mapping):
        parts = [*value.items()]
    else:
        parts = [*enumerate(value)] if isinstance(value, list | tuple) else []
    for key, part in parts:
        yield from _not_finite(part, f"{name}.{key}" if name else str(key))


def read_json(path: Path) -> Facts:
    """Reads a JSON object that this package wrote.

    Raises:
        DataError: it is not there or not JSON.
    """
    try:
        facts: Facts = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path} is missing; {how_to_make(path)}.") from None
    except ValueError:
        raise DataError(f"{path} is not valid JSON; delete it and {how_to_make(path)}.") from None
    return facts


def write_table(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Writes rows as CSV, atomically."""
    with replacing(path) as draft, draft.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def read_table(path: Path) -> list[dict[str, str]]:
    """Reads a CSV that `write_table` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def fingerprint(facts: Any) -> str:
    """A short hash of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def link_tree(there: Path, here: Path) -> None:
    """Gives a folder's files a second place, where they are not there yet.

    All of them or none. Files of a run are written anew and renamed, so that a
    linked one never changes.
    """
    if here.exists() or not there.is_dir():
        return
    here.parent.mkdir(parents=True, exist_ok=True)
    draft = here.with_name(f".draft-{here.name}")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(there, draft, copy_function=os.link)
    draft.replace(here)
