"""Files of a run: written whole or not at all, read back with a clear word."""

import contextlib
import csv
import errno
import fcntl
import functools
import hashlib
import io
import json
import math
import os
import re
import secrets
import shutil
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import pydantic

from i2i_keras import config
from i2i_keras.errors import DataError, FileError, SettingsError, refuse_special
from i2i_keras.run_folder.places import how_to_make

Facts = dict[str, Any]
Kind = TypeVar("Kind")

_DRAFT = ".draft-"
# What is to be done about a file that cannot be written.
_TODO = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "make room for it"),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "make its folder writable"),
    **dict.fromkeys((errno.ENOTDIR, errno.EISDIR, errno.EEXIST), "take away what is in its place"),
    errno.ENAMETOOLONG: "give it a shorter name",
}


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Yields memory to write to; it becomes `path` if nothing was raised.

    Raises:
        FileError: see `write`.
    """
    memory = io.BytesIO()
    yield memory
    write(path, memory.getbuffer())


def write(path: Path, data: bytes | memoryview) -> None:
    """Writes a file whole or not at all; everything of a run is written here.

    What was written is on the disk before it gets its name. Meanwhile it has a
    name that nobody can foresee, and leads through no link.

    Args:
        path: of the file; its folders are made.
        data: what it shall hold.

    Raises:
        FileError: it cannot be written, or is a link.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, data)
    except OSError as error:
        raise not_written(path, error) from None


def _write(path: Path, data: bytes | memoryview) -> None:
    if path.is_symlink():
        raise FileError(path, "is a link, which is not written through", "take it away")
    draft, file = _open_draft(path.parent)
    try:
        with file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            draft.replace(path)  # Atomic: nobody ever sees half a file.
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _open_draft(folder: Path) -> tuple[Path, BinaryIO]:
    """A new file, locked as long as it is open: see `sweep`."""
    while True:
        draft = folder / f"{_DRAFT}{secrets.token_hex(16)}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        file = os.fdopen(os.open(draft, flags, 0o666), "wb")
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return draft, file
        file.close()  # Swept away before it was locked.


def sweep(folder: Path) -> None:
    """Removes drafts below a folder whose process was killed."""
    for draft in [*folder.rglob(f"{_DRAFT}*")]:
        if not re.fullmatch(f"{re.escape(_DRAFT)}[0-9a-f]{{32}}", draft.name):
            continue
        with contextlib.suppress(OSError):  # One that lives is locked, or gone by now.
            if draft.is_dir() and not draft.is_symlink():
                _sweep_folder(draft)
                continue
            with os.fdopen(os.open(draft, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                draft.unlink()


def _sweep_folder(draft: Path) -> None:
    handle = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(draft)
    finally:
        os.close(handle)


@contextlib.contextmanager
def draft_folder(folder: Path) -> Iterator[Path]:
    """A new folder in another, for libraries that write by themselves.

    It is removed in the end, with what was not moved out of it.

    Raises:
        FileError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"{_DRAFT}{secrets.token_hex(16)}"
        draft.mkdir(mode=0o700)
        handle = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise not_written(folder, error) from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield draft
    finally:
        os.close(handle)
        shutil.rmtree(draft, ignore_errors=True)


def move(draft: Path, path: Path) -> None:
    """Gives a file or folder that a library has written its name, once on disk.

    Raises:
        FileError: it cannot be written.
    """
    try:
        for file in [*draft.rglob("*"), draft]:
            if file.is_file():
                with file.open("rb") as written:
                    os.fsync(written.fileno())
        draft.replace(path)
    except OSError as error:
        raise not_written(path, error) from None


@contextlib.contextmanager
def appending(path: Path) -> Iterator[Callable[[str], None]]:
    """Yields a function that writes a line at a file's end, at once.

    The last one may be cut off by a kill.

    Raises:
        FileError: it cannot be written, or is a link.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = through_no_link(str(path), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    except OSError as error:
        raise not_written(path, error) from None

    def add(line: str) -> None:
        data = f"{line}\n".encode()
        try:
            while data:
                data = data[os.write(handle, data) :]
        except OSError as error:
            raise not_written(path, error) from None

    try:
        yield add
    finally:
        os.close(handle)


def through_no_link(path: str, flags: int) -> int:
    """What `open` opens a file by that is not to be a link."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)


def not_written(path: Path, error: Exception) -> FileError:
    """What is said of a file that cannot be written.

    Args:
        path: of the file.
        error: an OSError, or one of TensorFlow's.
    """
    # "Drafts; reason": TensorFlow names its own files before what went wrong.
    reason = getattr(error, "message", "").rpartition("; ")[2] or str(error)
    reason = getattr(error, "strerror", None) or reason.partition("\n")[0].rstrip(".")
    todo = _TODO.get(getattr(error, "errno", None) or 0, "see whether its folder has room")
    return FileError(
        path,
        f"cannot be written ({reason})",
        f"{todo}, then the same command goes on from here",
    )


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
    write(path, text.encode("utf-8"))


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


def link_tree(there: Path, here: Path) -> None:
    """Gives a folder's files a second place, where they are not there yet.

    All of them or none. Files of a run are written anew and renamed, so that a
    linked one never changes.
    """
    if here.exists() or not there.is_dir():
        return
    with draft_folder(here.parent) as folder:
        draft = folder / here.name
        try:
            shutil.copytree(there, draft, copy_function=os.link)
            draft.replace(here)
        except OSError as error:
            raise not_written(here, error) from None
