"""How every file of a run is written: whole or not at all, through no link."""

import contextlib
import errno
import fcntl
import io
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from i2i_keras.errors import FileError

_DRAFT = ".draft-"
# Folders that this process has written to, and swept before.
_SWEPT = set[Path]()
# What is to be done about a file that cannot be written.
_ADVICE = {
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
    # No view of it: Python 3.12.1 crashes where it collects one of an exception
    # (CPython issue 111049).
    write(path, memory.getvalue())


def write(path: Path, data: bytes) -> None:
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


def _write(path: Path, data: bytes) -> None:
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
    _sweep_once(folder)
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
    _remove([*folder.rglob(f"{_DRAFT}*")])


def _sweep_once(folder: Path) -> None:
    """Does so directly in a folder: not all that is written is a stage's."""
    if folder not in _SWEPT:
        _SWEPT.add(folder)
        _remove([*folder.glob(f"{_DRAFT}*")])


def _remove(drafts: Sequence[Path]) -> None:
    for draft in drafts:
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
        draft, handle = _open_draft_folder(folder)
    except OSError as error:
        raise not_written(folder, error) from None
    try:
        yield draft
    finally:
        os.close(handle)
        shutil.rmtree(draft, ignore_errors=True)


def _open_draft_folder(folder: Path) -> tuple[Path, int]:
    _sweep_once(folder)
    while True:
        draft = folder / f"{_DRAFT}{secrets.token_hex(16)}"
        draft.mkdir(mode=0o700)
        try:
            handle = os.open(draft, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:  # Swept away before it was opened.
            continue
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return draft, handle
        os.close(handle)  # Swept away before it was locked.


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
    todo = _ADVICE.get(getattr(error, "errno", None) or 0, "see whether its folder has room")
    return FileError(
        path,
        f"cannot be written ({reason})",
        f"{todo}, then the same command goes on from here",
    )


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
