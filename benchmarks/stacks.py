"""The same steps on both stacks, or of two versions of this package.

    python benchmarks/stacks.py [--smoke] OTHER

OTHER is the Python of an environment with the other stack and this package, or
the folder of another checkout. Each is a process of its own with half of the
cores for an operation. Each repeat is one step of the one and one of the other,
in turns of order. bfloat16 is timed where the processor says that it has it.
The ratio of the medians, the other's time by this one's, has a 95 % interval by
resampling the repeats. The first step, with all that is built and traced before
it, is timed once.
"""

import argparse
import functools
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from side_by_side import Run, clock, has_bfloat16

# Kind, side, width, batch size and repeats.
CASES = (
    ("cyclegan", 64, 32, 1, 100),
    ("cyclegan", 64, 32, 4, 50),
    ("cyclegan", 128, 64, 1, 30),
    ("unet", 128, 32, 4, 50),
    ("unet", 64, 16, 4, 100),
    ("inference", 256, 32, 1, 100),
)
SMOKE = (("cyclegan", 64, 4, 1, 2), ("unet", 64, 4, 1, 2), ("inference", 16, 4, 1, 2))
PRECISIONS = ("float32", "mixed_bfloat16")
WARM_UP = 3  # The first traces.


def main() -> None:
    """Prints a line for each case and precision, and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("other", metavar="OTHER")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: shows that it runs")
    asked = parser.parse_args()
    ratios = {}
    for kind, side, width, batch, repeats in SMOKE if asked.smoke else CASES:
        for precision in PRECISIONS if has_bfloat16() else PRECISIONS[:1]:
            name = f"{kind} {side}x{side} width {width} batch {batch} {precision}"
            words = [kind, str(side), str(width), str(batch), precision]
            firsts, seconds = interleave(("", asked.other), words, repeats)
            told = ", ".join(
                f"{1000 * statistics.median(values):.1f} ms (the first after {first:.1f} s)"
                for first, values in zip(firsts, seconds, strict=True)
            )
            ratio, low, high = ratio_of_medians(seconds)
            print(f"{name}: {told}, {ratio:.3f} times ({low:.3f} to {high:.3f})", flush=True)
            ratios[name.replace(" ", "_")] = [ratio, low, high]
    print(json.dumps(ratios))


def interleave(
    others: tuple[str, str], words: list[str], repeats: int
) -> tuple[list[float], list[list[float]]]:
    """Seconds up to the first step of each, and [repeats] of their steps."""
    served = [serve(other, words) for other in others]
    for process in served:
        assert process.stdout
        process.stdout.readline()  # Both have imported what they need.
    firsts = [ask(process) for process in served]
    seconds: list[list[float]] = [[], []]
    for repeat in range(WARM_UP + repeats):
        for index in (0, 1) if repeat % 2 else (1, 0):
            seconds[index].append(ask(served[index]))
    for process in served:
        process.communicate()  # Its input ends, and so does it.
    return firsts, [values[WARM_UP:] for values in seconds]


def ratio_of_medians(seconds: list[list[float]]) -> tuple[float, float, float]:
    """The second's median by the first's, with a bootstrap's 95 % interval."""
    first, second = np.array(seconds)
    draws = np.random.default_rng(0).integers(0, len(first), (2000, len(first)))
    ratios = np.median(second[draws], axis=1) / np.median(first[draws], axis=1)
    low, high = np.quantile(ratios, (0.025, 0.975))
    return float(np.median(second) / np.median(first)), float(low), float(high)


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
