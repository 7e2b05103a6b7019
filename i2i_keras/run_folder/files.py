"""Files of a run, by what they hold: JSON, tables, settings, text."""

import csv
import functools
import hashlib
import io
import json
import math
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import pydantic

from i2i_keras import config
from i2i_keras.errors import DataError, SettingsError, refuse_special
from i2i_keras.run_folder import writing
from i2i_keras.run_folder.places import how_to_make

Facts = dict[str, Any]
Kind = TypeVar("Kind")


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
    write_text(path, text + "\n")


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
        DataError: it is not there, no regular file, or no JSON object of
            numbers that are finite.
    """
    try:
        facts = json.loads(read_bytes(path), parse_constant=_refuse_constant)
    except FileNotFoundError:
        raise DataError(f"{path} is missing; {how_to_make(path)}.") from None
    except (ValueError, RecursionError):  # Nested a thousand times.
        raise DataError(f"{path} is not valid JSON; delete it and {how_to_make(path)}.") from None
    if not isinstance(facts, dict):
        raise DataError(f"{path} holds no JSON object; delete it and {how_to_make(path)}.")
    return facts


def read_as(kind: type[Kind], path: Path) -> Kind:
    """Reads a JSON object of a known form.

    Args:
        kind: a `TypedDict`; what it does not name is kept.
        path: of the file.

    Raises:
        DataError: see `read_json`, or it has another form.
    """
    return check(kind, read_json(path), path)


def check(kind: type[Kind], facts: Facts, path: Path) -> Kind:
    """Facts of a file, if they have a known form.

    Raises:
        DataError: they have not.
    """
    try:
        _adapter(cast(Hashable, kind)).validate_python(facts)
    except pydantic.ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise DataError(
            f"{path} does not hold what was written there, see its {place!r}; delete it and"
            f" {how_to_make(path)}."
        ) from None
    return cast(Kind, facts)


@functools.cache
def _adapter(kind: Any) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(kind)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON.")


def read_bytes(path: Path) -> bytes:
    """Reads a regular file.

    Raises:
        DataError: it is something else, such as a pipe, that may never end.
        OSError: it cannot be read.
    """
    refuse_special(path)  # A pipe would be waited for when it is opened.
    return path.read_bytes()


def write_text(path: Path, text: str) -> None:
    """Writes text as UTF-8, atomically."""
    writing.write(path, text.encode("utf-8"))


def write_table(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Writes rows as CSV, atomically."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, columns)
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, file.getvalue())


def read_table(path: Path, columns: Iterable[str] = ()) -> list[dict[str, str]]:
    """Reads a CSV that `write_table` wrote.

    Args:
        path: of the file.
        columns: that it has to have.

    Raises:
        DataError: it is missing, broken, or lacks a column.
    """
    todo = f"delete it and {how_to_make(path)}"
    try:
        text = read_bytes(path).decode("utf-8")
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        rows = list(reader)
    except FileNotFoundError:
        raise DataError(f"{path} is missing; {how_to_make(path)}.") from None
    except (ValueError, csv.Error) as error:  # Not UTF-8; a field of 128 kB and more.
        raise DataError(f"{path} cannot be read as a table ({error}); {todo}.") from None
    found = reader.fieldnames or []
    if missing := [name for name in columns if name not in found]:
        raise DataError(f"{path} has no column {missing[0]!r}; {todo}.")
    for number, row in enumerate(rows, 2):
        if None in row or None in row.values() or len({*found}) != len(found):
            raise DataError(f"{path} has another number of fields in row {number}; {todo}.")
    return rows


def read_numbers(path: Path) -> list[dict[str, float]]:
    """Reads a CSV of numbers; what is empty becomes NaN.

    Raises:
        DataError: see `read_table`; or it has no `step`, or a field is neither
            empty nor a number.
    """
    try:
        rows = read_table(path, ["step"])
        return [{key: float(value or "nan") for key, value in row.items()} for row in rows]
    except ValueError as error:
        raise DataError(f"{path} holds no numbers ({error}); delete it.") from None


def read_settings(path: Path, kind: type[config.Model], part: str = "") -> config.Model:
    """Reads settings that this package wrote as JSON.

    Args:
        path: of the file.
        kind: of the settings.
        part: of the file that they are; empty = all.

    Raises:
        DataError: they are not there, or not right.
    """
    facts = read_json(path)
    try:
        return config.build(kind, facts[part] if part else facts)
    except (SettingsError, LookupError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} does not hold the settings that were written there ({error}); delete"
            f" {path.parent} and {how_to_make(path)}."
        ) from None


def fingerprint(facts: Any) -> str:
    """A short hash of anything that JSON can hold."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
