"""Work on many files in several processes."""

import collections
import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import connection, get_context, parent_process
from typing import TypeVar

from i2i_keras import quiet
from i2i_keras.silence import silence_tensorflow

Item = TypeVar("Item")
Result = TypeVar("Result")


def for_each(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int, description: str
) -> Iterator[Result]:
    """Calls `function` on every item, with a progress bar.

    Args:
        function: picklable; its module must not import TensorFlow, which each
            process would load anew.
        items: picklable.
        workers: processes; 0 = one a core, 1 = this process.
        description: what the progress bar says.

    Yields:
        The results, in the order of the items, as they come.
    """
    workers = min(workers or os.cpu_count() or 1, max(1, len(items) // 8))
    results = map(function, items) if workers == 1 else _spread(function, items, workers)
    yield from quiet.bar(results, desc=description, total=len(items), unit="image")


def _spread(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Iterator[Result]:
    # Spawned, for a fork would copy TensorFlow's threads half-way.
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, _begin) as pool:
        remaining = iter(items)
        # Few at a time: nothing piles up, and Ctrl-C leaves little behind.
        ahead = itertools.islice(remaining, 8 * workers)
        pending = collections.deque(pool.submit(function, item) for item in ahead)
        try:
            while pending:
                result = pending.popleft().result()
                pending.extend(pool.submit(function, i) for i in itertools.islice(remaining, 1))
                yield result
        finally:
            for future in pending:
                future.cancel()


def _begin() -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Ctrl-C reaches every process; only one shall speak of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # For labels that TensorFlow has to decode, see `sixteen_bits`.
    silence_tensorflow()
    # glibc keeps freed memory, up to twice the largest block freed so far (of
    # 32 MiB at most). If it did not, new pages would cost an eighth of all.
    bytes(31 << 20)


def _end_with_parent() -> None:
    """Ends this process when the one that started it ends, even by SIGKILL."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
