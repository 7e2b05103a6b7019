"""Each stage on 1,000, 5,000 and 25,000 frames: peak memory, time of a frame.

    python benchmarks/large_sets.py [--frames N [N ...]] [--smoke]

Draws frames of 64x128 with labels, as many for the source (a plain folder) as
for the target (the layout of Cityscapes), and runs each stage as a command of
its own. Peak memory is that of the process and its children together, looked at
ten times a second, beside the kernel's own figure for the largest one. Time is
that of the processors (all processes, user and system), which others on the
machine disturb least; a frame's is the difference between two sizes, so that
what each command needs to begin is left out. Batches are timed by the clock,
once with the set held in memory and once decoded anew.

`--smoke` takes few frames: it shows that all of it runs, and nothing else. For
Linux alone: processes are looked at in /proc.
"""

import argparse
import contextlib
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

SIZES, SMOKE = (1_000, 5_000, 25_000), (16,)
HEIGHT, WIDTH = 64, 128
WARM_UP, BATCHES = 50, 400
BATCHES_OF = "batches,"
# Ids of Cityscapes from top to bottom, and what stands on the road.
SKY, BUILDING, VEGETATION, ROAD, CAR = 23, 11, 21, 7, 26
COLORS = np.zeros((256, 3), np.uint8)
COLORS[[SKY, BUILDING, VEGETATION, ROAD, CAR]] = (
    *((120, 170, 210), (110, 100, 95), (60, 110, 50), (90, 85, 90), (40, 40, 120)),
)
PRESET = """
arms = ["source_only", "adapted:cyclegan"]
[source]
format = "folder"
[target]
format = "cityscapes"
split = "val_as_test"
[prepare]
size = [64, 128]
[translator.cyclegan]
steps = 2
num_samples = 1
generator = {filters = 4, num_residual_blocks = 1}
discriminator = {filters = 4}
pipeline = {batch_size = 1, crop = [64, 64], cache_gib = 0}
[segmenter]
steps = 2
unet = {filters = 4, depth = 2}
pipeline = {batch_size = 2, crop = [64, 64], cache_gib = 0}
[evaluate]
num_pictures = 2
"""
TRAINED = ("source_only", "adapted:cyclegan")
METHODS = ("color", "fourier", "cyclegan")


class Cost(NamedTuple):
    """What a command took.

    Attributes:
        mib: the most that its processes have held together.
        cpu: seconds of processors.
        clock: seconds.
        told: what it has printed.
    """

    mib: float
    cpu: float
    clock: float
    told: str


Found = dict[int, dict[str, Cost]]  # By frames and stage.


def main() -> None:
    """Prints two tables and a line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--frames", nargs="+", type=int, default=SIZES)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--batches", nargs=2, metavar=("RUN", "GIB"))
    asked = parser.parse_args()
    if asked.batches:
        time_batches(Path(asked.batches[0]), float(asked.batches[1]))
        return
    found: dict[int, dict[str, Cost]] = {}
    sizes, methods = (SMOKE, METHODS[-1:]) if asked.smoke else (asked.frames, METHODS)
    for frames in sizes:
        found[frames] = {}
        with tempfile.TemporaryDirectory() as folder:
            for stage, cost in stages(Path(folder), frames, methods):
                print(
                    f"{frames} frames, {stage}: {cost.mib:.0f} MiB, {cost.clock:.0f} s", flush=True
                )
                found[frames][stage] = cost
    print(f"\n{costs_table(found)}\n\n{batches_table(found)}")
    print(json.dumps(growth(found)))


def stages(folder: Path, frames: int, methods: Sequence[str]) -> Iterator[tuple[str, Cost]]:
    """Runs every stage on so many frames of each domain."""
    source, target, run = folder / "source", folder / "target", folder / "run"
    draw(source, target, frames)
    preset = folder / "preset.toml"
    preset.write_text(PRESET, "utf-8")
    begin = ("--preset", preset, "--run", run, "--source", source, "--target", target)
    within = ("--run", run)
    told = f"source-train: {frames} images, {frames} labelled"
    yield "audit, folder", command("audit", source, "--format", "folder")
    yield "audit, cityscapes", command("audit", target, "--format", "cityscapes")
    yield "run --dry-run, raw", command("run", *begin, "--dry-run", told=told)
    yield "prepare", command("prepare", *begin, told=told)
    yield "run --dry-run, prepared", command("run", *within, "--dry-run", told=told)
    for name, gib in (("decoded", 0), ("held", 2)):
        yield f"{BATCHES_OF} {name}", measure([__file__, "--batches", run, gib])
    for method in methods:
        yield f"train-translator {method}", command("train-translator", "--method", method, *within)
        yield f"translate {method}", command("translate", "--method", method, *within)
    for arm in TRAINED:
        yield f"train-segmenter {arm}", command("train-segmenter", "--arm", arm, *within)
    yield "evaluate", command("evaluate", *within)


# --- Frames ------------------------------------------------------------------


def draw(source: Path, target: Path, frames: int) -> None:
    """Draws both domains: so many to translate, and as many to score."""
    few, city = max(8, frames // 50), "city_{:06d}_000019"
    plain = ("{:06d}.png", "{:06d}.png")
    named = (f"{city}_leftImg8bit.png", f"{city}_gtFine_labelIds.png")
    places = (
        (source / "train/images", source / "train/labels", *plain, frames),
        (source / "val/images", source / "val/labels", *plain, few),
        (target / "leftImg8bit/train/city", target / "gtFine/train/city", *named, few),
        (target / "leftImg8bit/val/city", target / "gtFine/val/city", *named, frames),
    )
    jobs = []
    for *folders, image, label, count in places:
        for folder in folders:
            folder.mkdir(parents=True)
        for number in range(count):
            paths = folders[0] / image.format(number), folders[1] / label.format(number)
            jobs.append((len(jobs), *paths))
    with ProcessPoolExecutor() as pool:
        for _ in pool.map(draw_frame, jobs, chunksize=64):
            pass


def draw_frame(job: tuple[int, Path, Path]) -> None:
    """Writes a street whose colors no other one has, and its label."""
    seed, image, label = job
    rng = np.random.default_rng(seed)
    classes = np.repeat([SKY, BUILDING, VEGETATION, ROAD], HEIGHT // 4)[:, None]
    classes = np.repeat(np.roll(classes, rng.integers(-2, 1), 0), WIDTH, 1).astype(np.uint8)
    left = rng.integers(0, WIDTH - 24)
    classes[44:54, left : left + 24] = CAR
    tint = rng.integers(0, 40, 3) + rng.integers(0, 16, (HEIGHT, WIDTH, 1))
    Image.fromarray((COLORS[classes] + tint).astype(np.uint8)).save(image, compress_level=1)
    Image.fromarray(classes).save(label, compress_level=1)


# --- Commands ----------------------------------------------------------------


def command(*words: object, told: str = "") -> Cost:
    """Runs a command of ours, which has to say `told`."""
    return measure(["-m", "i2i_keras", *words], told)


def measure(words: Sequence[object], told: str = "") -> Cost:
    """Runs Python and looks at its processes until it ends."""
    environment = os.environ | {"TQDM_DISABLE": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [sys.executable, *map(str, words)],
            stdout=output, stderr=subprocess.STDOUT, env=environment,
        )  # fmt: skip
        peak, ended = 0.0, threading.Event()

        def watch() -> None:
            nonlocal peak
            while not ended.wait(0.1):
                peak = max(peak, sum(map(resident, family(process.pid))))

        watcher = threading.Thread(target=watch)
        watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        ended.set()
        watcher.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode or told not in text:
        raise RuntimeError(f"{' '.join(map(str, words))} ended with {process.returncode}:\n{text}")
    seconds = time.perf_counter() - start
    peak = max(peak, usage.ru_maxrss / 1024)  # Between two looks there may be more.
    return Cost(peak, usage.ru_utime + usage.ru_stime, seconds, text)


def family(process: int) -> Iterator[int]:
    """A process and all that it has begun."""
    yield process
    for thread in Path("/proc", str(process), "task").glob("*/children"):
        with contextlib.suppress(OSError):  # It has ended.
            for child in thread.read_text("ascii").split():
                yield from family(int(child))


def resident(process: int) -> float:
    """MiB that a process holds, with its part of what it shares."""
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{process}/smaps_rollup").read_text("ascii")
        found = re.search(r"^Pss: +(\d+) kB$", text, re.MULTILINE)
        return int(found[1]) / 1024 if found else 0.0
    return 0.0


def time_batches(root: Path, gib: float) -> None:
    """Prints seconds to the first batch, and batches of 8 a second."""
    from i2i_keras.data.pipeline import PipelineConfig, training_batches
    from i2i_keras.data.tables import prepared
    from i2i_keras.run_folder.run import Run

    config = PipelineConfig(batch_size=8, crop=(HEIGHT, HEIGHT), cache_gib=gib)
    records = prepared(Run(root), "source-train")
    start = time.perf_counter()
    batches = iter(training_batches(config, records, seed=0))
    next(batches)
    first = time.perf_counter() - start
    for _ in range(WARM_UP):
        next(batches)
    start = time.perf_counter()
    for _ in range(BATCHES):
        next(batches)
    rate = BATCHES / (time.perf_counter() - start)
    print(json.dumps({"first": first, "rate": rate}))


# --- What is printed ---------------------------------------------------------


def costs_table(found: Found) -> str:
    """Of each stage its memory by size, and the time of a frame between two."""
    pairs = [*itertools.pairwise(found)]
    titles = [*(f"MiB at {n:,}" for n in found), *(f"ms, {a:,} to {b:,}" for a, b in pairs)]
    rows = {
        stage: [
            *(f"{costs[stage].mib:,.0f}" for costs in found.values()),
            *(f"{1000 * of_a_frame(found, stage, *pair):.2f}" for pair in pairs),
        ]
        for stage in next(iter(found.values()))
    }
    return markdown("stage", titles, rows)


def batches_table(found: Found) -> str:
    """How soon the first batch comes, and how fast the others."""
    titles = [f"{what} at {n:,}" for what in ("s to the first", "a second") for n in found]
    rows = {}
    for stage in next(iter(found.values())):
        if stage.startswith(BATCHES_OF):
            told = [json.loads(costs[stage].told.splitlines()[-1]) for costs in found.values()]
            rows[stage] = [f"{one[key]:.1f}" for key in ("first", "rate") for one in told]
    return markdown("stage", titles, rows)


def growth(found: Found) -> dict[str, float]:
    """By stage, MiB that 1,000 further frames take, from the fewest on."""
    few, many = min(found), max(found)
    return {
        stage: round(1000 * (found[many][stage].mib - cost.mib) / max(1, many - few), 1)
        for stage, cost in found[few].items()
    }


def of_a_frame(found: Found, stage: str, few: int, many: int) -> float:
    """Seconds of processors that a further frame takes."""
    return (found[many][stage].cpu - found[few][stage].cpu) / (many - few)


def markdown(first: str, titles: Sequence[str], rows: Mapping[str, Sequence[str]]) -> str:
    """A table."""
    lines = [[first, *titles], ["---", *["---:"] * len(titles)]]
    lines += [[name, *cells] for name, cells in rows.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
