"""The same steps on both stacks, or of two versions of this package.

    python benchmarks/stacks.py [--pairs N] [--smoke] OTHER

OTHER is the Python of an environment with the other stack and this package, or
the folder of another checkout. Six pairs of processes, each with half of the
cores for an operation, take steps in turns, in turns of order; bfloat16 is
timed where the processor says that it has it. Printed are medians of all
steps, and of the first ones with all that is built and traced before. The
ratio is the other's time by this one's: the geometric mean of those of the
pairs' medians, with Student's 95 % interval. A single pair would not do: two
processes of the same program differ by more than chance among their steps lets
expect.
"""

import argparse
import functools
import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from side_by_side import Run, clock, has_bfloat16

# Kind, side, width, batch size, and repeats of each pair of processes.
CASES = (
    ("cyclegan", 64, 32, 1, 30),
    ("cyclegan", 64, 32, 4, 15),
    ("cyclegan", 128, 64, 1, 9),
    ("unet", 128, 32, 4, 15),
    ("unet", 64, 16, 4, 40),
    ("inference", 256, 32, 1, 40),
)
SMOKE = (("cyclegan", 64, 4, 1, 2), ("unet", 64, 4, 1, 2), ("inference", 16, 4, 1, 2))
PRECISIONS = ("float32", "mixed_bfloat16")
WARM_UP = 3  # The first traces.


def main() -> None:
    """Prints a line for each case and precision, and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("other", metavar="OTHER")
    parser.add_argument("--pairs", type=int, default=6, help="of processes, at least 2")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: shows that it runs")
    asked = parser.parse_args()
    ratios, count = {}, 2 if asked.smoke else asked.pairs
    for kind, pixels, width, batch, repeats in SMOKE if asked.smoke else CASES:
        for precision in PRECISIONS if has_bfloat16() else PRECISIONS[:1]:
            name = f"{kind} {pixels}x{pixels} width {width} batch {batch} {precision}"
            words = [kind, str(pixels), str(width), str(batch), precision]
            pairs = [
                interleave(("", asked.other), words, repeats, first=pair % 2)
                for pair in range(count)
            ]
            firsts, seconds = (np.array(part) for part in zip(*pairs, strict=True))
            told = ", ".join(
                f"{1000 * np.median(seconds[:, side]):.1f} ms"
                f" (the first after {np.median(firsts[:, side]):.1f} s)"
                for side in (0, 1)
            )
            ratio, low, high = ratio_of_medians(seconds)
            print(f"{name}: {told}, {ratio:.3f} times ({low:.3f} to {high:.3f})", flush=True)
            ratios[name.replace(" ", "_")] = [ratio, low, high]
    print(json.dumps(ratios))


def interleave(
    others: tuple[str, str], words: list[str], repeats: int, first: int
) -> tuple[list[float], list[list[float]]]:
    """Seconds up to the first step of each, and [repeats] of their steps.

    Args:
        others: see `serve`.
        words: of `answer`.
        repeats: how often.
        first: which of both begins; it takes longer to its first step.
    """
    served = [serve(other, words) for other in others]
    for process in served:
        assert process.stdout
        process.stdout.readline()  # Both have imported what they need.
    firsts = [0.0, 0.0]
    for index in (first, 1 - first):
        firsts[index] = ask(served[index])
    seconds: list[list[float]] = [[], []]
    for repeat in range(WARM_UP + repeats):
        for index in (0, 1) if repeat % 2 else (1, 0):
            seconds[index].append(ask(served[index]))
    for process in served:
        process.communicate()  # Its input ends, and so does it.
    return firsts, [values[WARM_UP:] for values in seconds]


def ratio_of_medians(seconds: NDArray[np.float64]) -> tuple[float, float, float]:
    """The second's time by the first's, with a 95 % interval.

    Args:
        seconds: `(pairs, 2, repeats)`.
    """
    medians = np.log(np.median(seconds, axis=2))
    ratios = medians[:, 1] - medians[:, 0]
    interval = stats.ttest_1samp(ratios, 0).confidence_interval(0.95)
    middle, low, high = np.exp([ratios.mean(), *interval])
    return float(middle), float(low), float(high)


def serve(other: str, words: list[str]) -> "subprocess.Popen[str]":
    """A process that does a step for each line that it reads.

    Args:
        other: a Python, or the folder of a checkout; empty = as here.
        words: of `answer`.
    """
    half = max(1, (os.cpu_count() or 2) // 2)
    environment = os.environ | {"TF_NUM_INTRAOP_THREADS": str(half), "TF_CPP_MIN_LOG_LEVEL": "3"}
    is_checkout = Path(other).is_dir() and other
    if is_checkout:
        environment["PYTHONPATH"] = str(Path(other).absolute())
    return subprocess.Popen(
        [sys.executable if is_checkout else other or sys.executable, __file__, "--serve", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def ask(process: "subprocess.Popen[str]") -> float:
    """Seconds of the next step of a process."""
    assert process.stdin and process.stdout
    process.stdin.write("\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def answer(kind: str, side: str, width: str, batch: str, precision: str) -> None:
    """Does steps for those who ask; before the first one all is built."""
    importlib.import_module("i2i_keras.segmenters.segmenter")
    importlib.import_module("i2i_keras.translators.cyclegan")
    print("ready", flush=True)
    sys.stdin.readline()
    begin = time.perf_counter()
    run = RUNS[kind](int(side), int(width), int(batch), precision)
    run()
    print(time.perf_counter() - begin, flush=True)
    for _ in sys.stdin:
        print(run(), flush=True)


def images(side: int, batch: int) -> Any:
    """A batch of noise."""
    shape = (batch, side, side, 3)
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def cyclegan_run(side: int, width: int, batch: int, precision: str) -> Run:
    """A training step of a CycleGAN of 6 blocks."""
    import tensorflow as tf

    from i2i_keras import CycleGAN, CycleGANConfig

    config = CycleGANConfig(
        generator={"filters": width, "num_residual_blocks": 6},
        discriminator={"filters": width},
        pipeline={"batch_size": batch, "crop": (side, side)},
        precision=precision,
        xla="off",
    )
    model = CycleGAN(config)
    model.compile(steps=1000)
    step, pair = (
        tf.function(model.train_step, autograph=False),
        (tf.constant(images(side, batch)),) * 2,
    )
    return functools.partial(clock, lambda: float(step(pair)["cycle_loss"]))


def unet_run(side: int, width: int, batch: int, precision: str) -> Run:
    """A training step of a U-Net with the report's depth."""
    import tensorflow as tf

    from i2i_keras.segmenters.segmenter import SegmenterModel
    from i2i_keras.segmenters.segmenter_config import SegmenterConfig

    config = SegmenterConfig(unet={"filters": width}, steps=1000, precision=precision, xla="off")
    model = SegmenterModel(config, 19)
    model.compile(1000)
    labels = np.random.default_rng(1).integers(0, 19, (batch, side, side), np.int32)
    pair = tf.constant(images(side, batch)), tf.constant(labels)
    step = tf.function(model.train_step, autograph=False)
    return functools.partial(clock, lambda: float(step(pair)["loss"]))


def inference_run(side: int, width: int, batch: int, precision: str) -> Run:
    """One image through a generator of 6 blocks."""
    import tensorflow as tf

    from i2i_keras import ResNetConfig, build_generator
    from i2i_keras.training.compilation import policy

    with policy(precision):
        generator = build_generator(ResNetConfig(filters=width, num_residual_blocks=6), "g")
    call, picture = tf.function(generator, autograph=False), tf.constant(images(side, batch))
    return functools.partial(clock, lambda: float(call(picture)[0, 0, 0, 0]))


RUNS = {"cyclegan": cyclegan_run, "unet": unet_run, "inference": inference_run}

if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        answer(*sys.argv[2:])
    else:
        main()
