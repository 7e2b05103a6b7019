"""What all benchmarks share: peers timed in turn, one table, ratios."""

import contextlib
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection
from pathlib import Path

Run = Callable[[], float]


def clock(function: Callable[..., object], *arguments: object) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def in_turn(runs: Mapping[str, Run], repeats: int, warm_up: int = 0) -> dict[str, float]:
    """Median seconds of each run.

    Args:
        runs: by name; each gives its own seconds. All are run once before any
            is run again, so that what disturbs the machine disturbs all.
        repeats: how many runs of each count.
        warm_up: how many of each before them do not.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(warm_up + repeats):
        for name, run in runs.items():
            seconds[name].append(run())
    return {name: statistics.median(values[warm_up:]) for name, values in seconds.items()}


@contextlib.contextmanager
def in_process(
    make: Callable[..., Run], *arguments: object, threads: int | None = None
) -> Iterator[Run]:
    """A run in a process of its own, as each library is used.

    Args:
        make: a function of a module; it is called there and gives the run.
        arguments: of `make`.
        threads: that one operation of TensorFlow may use; None = all.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    if threads:
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)
    process = context.Process(target=_serve, args=(there, make, arguments), daemon=True)
    process.start()
    os.environ.pop("TF_NUM_INTRAOP_THREADS", None)
    there.close()

    def run() -> float:
        time.sleep(0.3)  # Threads of another library may spin on for a moment.
        here.send(None)
        return float(here.recv())

    try:
        yield run
    finally:
        process.kill()
        process.join()


def _serve(connection: Connection, make: Callable[..., Run], arguments: tuple[object, ...]) -> None:
    run = make(*arguments)
    with contextlib.suppress(EOFError):  # Who asked has ended.
        while True:
            connection.recv()
            connection.send(run())


def table(medians: Mapping[str, float], what: str = "", count: int = 1) -> str:
    """A line for each run.

    Args:
        medians: seconds of each run.
        what: a run does, for a column of how many a second; empty = none.
        count: of them in a run.
    """
    lines = []
    for name, seconds in medians.items():
        rate = f" {count / seconds:9.1f} {what}/s" if what else ""
        lines.append(f"{name:22} {1000 * seconds:9.0f} ms{rate}")
    return "\n".join(lines)


def speedups(medians: Mapping[str, float]) -> dict[str, float]:
    """How many times faster `ours` is than each of the others."""
    return {
        f"speedup_vs_{name}": round(seconds / medians["ours"], 2)
        for name, seconds in medians.items()
        if name != "ours"
    }


def has_bfloat16() -> bool:
    """Whether the processor computes in it; others are slower in it."""
    info = Path("/proc/cpuinfo")
    flags = info.read_text("utf-8") if info.is_file() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags
