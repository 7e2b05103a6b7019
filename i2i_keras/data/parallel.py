"""Work on many files in several processes."""

import itertools
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def for_each(
    function: Callable[[Item], None], items: Sequence[Item], workers: int, description: str
) -> None:
    """Calls `function` on every item, with a progress bar.

    Args:
        function: picklable; its module must not import TensorFlow, which each
            process would load anew.
        items: picklable.
        workers: processes; 0 = one a core, 1 = this process.
        description: what the progress bar says.
    """
    workers = min(workers or os.cpu_count() or 1, max(1, len(items) // 8))
    bar = tqdm(total=len(items), desc=description, unit="image", mininterval=1.0)
    with bar:
        if workers == 1:
            for item in items:
                function(item)
                bar.update()
            return
        # Spawned, for a fork would copy TensorFlow's threads half-way.
        context = get_context("spawn")
        with ProcessPoolExecutor(workers, context, _leave_interrupts_to_parent) as pool:
            remaining = iter(items)
            # A few chunks at a time: a failure or Ctrl-C leaves little behind.
            while chunk := list(itertools.islice(remaining, workers * 16)):
                for _ in pool.map(function, chunk, chunksize=4):
                    bar.update()


def _leave_interrupts_to_parent() -> None:
    # Ctrl-C reaches every process; only one shall speak of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
