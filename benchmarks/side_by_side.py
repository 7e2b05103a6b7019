"""What all benchmarks share: peers timed in turn, one table, ratios."""

import argparse
import contextlib
import importlib.util
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Run = Callable[[], float]


def asks_for_smoke(doc: str | None) -> bool:
    """Whether `--smoke` is given, which all benchmarks take."""
    parser = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: shows that it runs")
    return bool(parser.parse_args().smoke)


def clock(function: Callable[..., object], *arguments: object) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


class Times(NamedTuple):
    """Seconds of a run that was repeated."""

    least: float
    quarter: float
    median: float
    three_quarters: float


def in_turn(runs: Mapping[str, Run], repeats: int, warm_up: int = 0) -> dict[str, Times]:
    """Seconds of each run.

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
    return {
        name: Times(*np.quantile(values[warm_up:], (0, 0.25, 0.5, 0.75)).tolist())
        for name, values in seconds.items()
    }


@contextlib.contextmanager
def in_process(
    make: Callable[..., Callable[[], Any]], *arguments: object, threads: int | None = None
) -> Iterator[Callable[[], Any]]:
    """A run in a process of its own, as each library is used.

    Args:
        make: a function of a module; it is called there and gives the run. What
            that returns need not be seconds.
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

    def run() -> Any:
        time.sleep(0.3)  # Threads of another library may spin on for a moment.
        here.send(None)
        return here.recv()

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


def table(found: Mapping[str, Times], what: str = "", count: int = 1) -> str:
    """A line for each run: its median, and in brackets least and quartiles.

    Args:
        found: seconds of each run.
        what: a run does, for a column of how many a second; empty = none.
        count: of them in a run.
    """
    lines = []
    for name, times in found.items():
        rate = f" {count / times.median:9.1f} {what}/s" if what else ""
        least, quarter, median, three_quarters = (1000 * seconds for seconds in times)
        spread = f"({least:.0f}; {quarter:.0f} to {three_quarters:.0f})"
        lines.append(f"{name:22} {median:9.0f} ms {spread:24}{rate}")
    return "\n".join(lines)


def speedups(found: Mapping[str, Times]) -> dict[str, float]:
    """How many times faster `ours` is than each of the others, by medians."""
    return {
        f"speedup_vs_{name}": round(times.median / found["ours"].median, 2)
        for name, times in found.items()
        if name != "ours"
    }


def instance_norm(name: str) -> Any:
    """As one finds it: of tensorflow-addons, or of Keras."""
    if importlib.util.find_spec("tensorflow_addons"):
        import tensorflow_addons

        return tensorflow_addons.layers.InstanceNormalization(epsilon=1e-5, name=name)
    import keras

    return keras.layers.GroupNormalization(groups=-1, epsilon=1e-5, name=name)


def has_bfloat16() -> bool:
    """Whether the processor computes in it; others are slower in it."""
    info = Path("/proc/cpuinfo")
    flags = info.read_text("utf-8") if info.is_file() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags
