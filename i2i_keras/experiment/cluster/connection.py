"""A Ray cluster: one that runs already, or one on this machine for a while."""

import contextlib
import logging
import os
import re
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import IO, Any, NamedTuple

from i2i_keras.errors import DataError, SettingsError
from i2i_keras.experiment.resources import Machines
from i2i_keras.silence import silent

LOCAL = "local"
RETRIES = 3  # How often a task is begun again whose worker was lost.
_PATIENCE = 10.0  # Seconds.
# Nothing large goes through Ray; this is the least that it takes.
_STORE = 80 << 20


class Where(NamedTuple):
    """The cluster that was asked for.

    Attributes:
        address: `local`, `auto` or HOST:PORT.
        jobs: how many tasks a local one does at once; None = as many as their
            shares of its cores allow.
    """

    address: str = LOCAL
    jobs: int | None = None

    @classmethod
    def read(cls, address: str, jobs: int | None = None) -> "Where":
        """What was typed.

        Raises:
            SettingsError: it is no place of a cluster.
        """
        if address not in (LOCAL, "auto") and not re.fullmatch(r"[^:/\s]+:[0-9]+", address):
            raise SettingsError(
                f"No cluster {address!r}; give auto, local, or HOST:PORT as `ray start` says it."
            )
        return cls(address, jobs)

    def check(self) -> None:
        """Refuses what cannot be, before anything is begun.

        Raises:
            SettingsError: Ray is not installed, or nothing is at the address.
        """
        if self.address not in (LOCAL, "auto"):
            host, _, port = self.address.partition(":")
            try:
                socket.create_connection((host, int(port)), _PATIENCE).close()
            except (OSError, OverflowError):
                raise self.absent() from None
            # It would try for a quarter of an hour.
            os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "2")
        import_ray()

    def absent(self) -> SettingsError:
        """What is said where no cluster answers."""
        return SettingsError(
            f"No Ray cluster answers at {self.address}; begin one with `ray start --head`, or take"
            " --cluster local."
        )


def import_ray() -> Any:
    """Ray, which is an extra.

    Raises:
        SettingsError: it is not installed.
    """
    # Before it is imported: tasks that ran out of memory are repeated no more
    # often than others, and nobody is told that it is used.
    os.environ.setdefault("RAY_task_oom_retries", str(RETRIES))
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Of messages that two workers send, it would keep one for the end, and tell
    # it in our own thread.
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")
    try:
        import ray
    except ImportError:
        raise SettingsError(
            "--jobs and --cluster need an extra: pip install 'i2i_keras[ray]'."
        ) from None
    return ray


@contextlib.contextmanager
def connected(where: Where, environment: Mapping[str, str]) -> Iterator[Machines]:
    """Connects to a cluster; one that is begun here ends with it.

    Args:
        where: which one.
        environment: variables of all workers.

    Yields:
        What it has.

    Raises:
        SettingsError: Ray is not installed, or there is no such cluster.
        DataError: it does not begin, or is of another Ray or Python.
    """
    ray = import_ray()
    options = {
        "num_cpus": where.jobs or os.cpu_count(),
        "include_dashboard": False,
        "object_store_memory": _STORE,
    }
    with _own_thread_alone():
        try:
            with silent():
                ray.init(
                    address=where.address,
                    log_to_driver=False,
                    logging_level=logging.CRITICAL,
                    runtime_env={"env_vars": dict(environment)},
                    **(options if where.address == LOCAL else {}),
                )
        except ConnectionError:
            raise where.absent() from None
        except (RuntimeError, ValueError, ray.exceptions.RayError) as error:
            *_, told = filter(None, map(str.strip, str(error).splitlines()))
            raise DataError(
                f"The Ray cluster at {where.address} cannot be used ({told}); all machines need the"
                " same Ray, Python and RAY_AUTH_TOKEN."
            ) from error
        try:
            yield _machines(ray, where)
        finally:
            ray.shutdown()


def _machines(ray: Any, where: Where) -> Machines:
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    cpus, gpus = (max(node.get(name, 0.0) for node in nodes) for name in ("CPU", "GPU"))
    return Machines(cpus, gpus, where.jobs)


@contextlib.contextmanager
def _own_thread_alone() -> Iterator[None]:
    """Lets only this thread write to the terminal.

    Threads of Ray tell of each lost worker there, at length.
    """
    streams = _OneThread(sys.stdout), _OneThread(sys.stderr)
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        yield


class _OneThread:
    """A stream that only the thread writes to which has made it."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream, self._owner = stream, threading.get_ident()

    def write(self, text: str) -> int:
        if threading.get_ident() == self._owner:
            self._stream.write(text)
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
