"""Keeps processes, also those of several machines, out of each other's way.

The operating system lets go of a lock when its process ends, however it ends.
"""

import contextlib
import fcntl
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple, TypeVar

from i2i_keras.errors import DataError, SettingsError
from i2i_keras.run_folder import writing

Item = TypeVar("Item")


class Shard(NamedTuple):
    """One machine's share of a piece of work.

    Attributes:
        number: of this share, from 1.
        total: how many shares there are.
    """

    number: int = 1
    total: int = 1

    @classmethod
    def read(cls, text: str) -> "Shard":
        """Reads `I/N`.

        Raises:
            SettingsError: it is something else, or I is not from 1 to N.
        """
        match = re.fullmatch(r"([0-9]+)/([0-9]+)", text)
        shard = cls(*map(int, match.groups())) if match else cls(0, 0)
        if not 1 <= shard.number <= shard.total:
            raise SettingsError(f"No shard {text!r}; give I/N with I from 1 to N, such as 1/4.")
        return shard

    def of(self, items: Sequence[Item]) -> list[Item]:
        """Every `total`-th item; all shares together are all items."""
        return list(items[self.number - 1 :: self.total])


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keeps all others out of a folder.

    Raises:
        DataError: another process is in it.
    """
    with _locked(folder, ".lock", fcntl.LOCK_EX):
        yield


@contextlib.contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Keeps those out of a folder who want to be alone in it.

    Raises:
        DataError: such a one is in it.
    """
    with _locked(folder, ".lock", fcntl.LOCK_SH):
        yield


@contextlib.contextmanager
def sharing(folder: Path, shard: Shard) -> Iterator[None]:
    """Keeps others out of a folder, but for the other shards of the same work.

    Raises:
        DataError: another process does this shard, or has cut the work into
            another number of them.
    """
    own = f".shard-{shard.number}"
    with _open(folder, ".shards") as common, _locked(folder, own, fcntl.LOCK_EX, "wait for it"):
        # Whoever is alone here says how many there are.
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(common, fcntl.LOCK_EX | fcntl.LOCK_NB)
            common.truncate(0)
            common.write(str(shard.total))
            common.flush()
        fcntl.flock(common, fcntl.LOCK_SH)
        common.seek(0)
        if (count := common.read()) != str(shard.total):
            raise DataError(
                f"Other processes work in {folder} with --shard I/{count}; wait for them, or join"
                " them."
            )
        yield


@contextlib.contextmanager
def in_turn(
    folder: Path, name: str = ".turn", waits: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Waits until no other process is in turn, too; Ctrl-C ends that.

    Args:
        folder: where the lock lies.
        name: its own name, for turns that have nothing to do with others.
        waits: called once, if it has to wait.
    """
    with _open(folder, name) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waits()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_held(folder: Path, name: str) -> bool:
    """Whether a process has a lock; one that looks makes nobody wait for long.

    Nothing is written, so that it can be asked of a folder of others.
    """
    try:
        with open(folder / name, "rb", opener=writing.through_no_link) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # There is none, or it cannot be looked at.
        return False
    return False


@contextlib.contextmanager
def _locked(
    folder: Path, name: str, kind: int, todo: str = "wait for it, or use another --run"
) -> Iterator[None]:
    with _open(folder, name) as file:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"Another process works in {folder}; {todo}.") from None
        yield


def _open(folder: Path, name: str) -> IO[str]:
    folder.mkdir(parents=True, exist_ok=True)
    # Network file systems want a file open for both, to lock it in either way.
    path, opener = folder / name, writing.through_no_link
    return open(path, "a+", encoding="utf-8", opener=opener)
