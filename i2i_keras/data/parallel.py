"""Work on many images in several processes, or threads."""

import collections
import itertools
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
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


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], count: int
) -> Generator[Result, None, None]:
    """Calls a function on items in so many threads.

    Args:
        function: safe to be called by several threads.
        items: taken as they are needed, a few ahead.
        count: threads.

    Yields:
        The results, in the order of the items.
    """
    pending: collections.deque[Future[Result]] = collections.deque()
    with ThreadPoolExecutor(count) as pool:
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) > count:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def at_once(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Lets networks look at two images at once, on a processor.

    The operations of a network wait for each other, so that one image leaves
    cores idle. A GPU has its memory for one image alone.

    Args:
        function: of an image; safe to be called by several threads.
        items: the images.

    Yields:
        The results, in the order of the items.
    """
    import tensorflow as tf  # Late: processes of `for_each` do without it.

    return in_threads(function, items, 1 if tf.config.list_logical_devices("GPU") else 2)


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
