"""Peak memory of a training step, and what it costs to compute things again.

    python benchmarks/memory.py

The report's U-Net (batch 32 of 256x256) and the paper's CycleGAN (ResNet-9,
crops of 512x512, batch 1), each with and without `recompute`, in two precisions
(the second with `recompute` alone), and torch's plain step of the U-Net. Each
is a process of its own that does nothing but three steps, one process after the
other. Peak memory is the kernel's; the time is that of the faster of the last
two steps.
"""

import functools
import importlib.util
import json
import resource
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from side_by_side import Run, asks_for_smoke, clock, in_process
from train_segmenter import NUM_CLASSES, batch_of, torch_step

from i2i_keras.data.pipeline import PipelineConfig
from i2i_keras.models.unet import UNetConfig
from i2i_keras.segmenters.segmenter import SegmenterModel
from i2i_keras.segmenters.segmenter_config import SegmenterConfig
from i2i_keras.translators.cyclegan import CycleGAN, CycleGANConfig

STEPS = 3


class Sizes(NamedTuple):
    """Of both networks, and of their images."""

    unet: UNetConfig = UNetConfig()
    batch: int = 32
    crop: int = 256
    generator: tuple[int, int] = (64, 9)  # Filters, blocks.
    large_crop: int = 512


SMOKE = Sizes(UNetConfig(filters=4, depth=2), 2, 32, (4, 1), 32)


class Cost(NamedTuple):
    """What a step takes, of memory and of time."""

    gib: float
    seconds: float


def main() -> None:
    """Prints a table and a line of JSON."""
    sizes = SMOKE if asks_for_smoke(__doc__) else Sizes()
    found: dict[str, dict[str, Cost]] = {
        network: {name: cost(our_run, settings(sizes, *asked)) for name, asked in ASKED.items()}
        for network, settings in (("U-Net", unet_settings), ("CycleGAN", cyclegan_settings))
    }
    if importlib.util.find_spec("torch"):
        found["U-Net"]["torch"] = cost(torch_run, sizes)
    else:
        print("left out, not installed: torch")
    for network, costs in found.items():
        for name, (gib, seconds) in costs.items():
            print(f"{network:9} {name:22} {gib:6.2f} GiB {1000 * seconds:8.0f} ms")
    print(json.dumps(ratios(found)))


ASKED = {
    "plain": ("float32", False),
    "recompute": ("float32", True),
    "recompute, bfloat16": ("mixed_bfloat16", True),
}


def ratios(found: dict[str, dict[str, Cost]]) -> dict[str, float]:
    """What the targets are of."""
    told = {}
    for network, costs in found.items():
        plain, again, half = costs["plain"], costs["recompute"], costs["recompute, bfloat16"]
        told |= {
            f"{network} memory, recompute to plain": again.gib / plain.gib,
            f"{network} time, recompute to plain": again.seconds / plain.seconds,
            f"{network} memory, bfloat16 to float32 with recompute": half.gib / again.gib,
        }
        if "torch" in costs:
            told[f"{network} memory, recompute to torch"] = again.gib / costs["torch"].gib
    return {name: round(ratio, 2) for name, ratio in told.items()}


def cost(make: Callable[..., Run], *arguments: object) -> Cost:
    """Of a step in a process of its own."""
    with in_process(cost_run, make, *arguments) as run:
        return Cost(*run())


def cost_run(make: Callable[..., Run], *arguments: object) -> Callable[[], Cost]:
    """GiB that this process has held at most, and seconds of a step."""

    def run() -> Cost:
        step = make(*arguments)
        seconds = min([step() for _ in range(STEPS)][1:])
        return Cost(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, seconds)

    return run


def unet_settings(sizes: Sizes, precision: str, again: bool) -> SegmenterConfig:
    """The report's, but for precision and `recompute`."""
    pipeline = PipelineConfig(batch_size=sizes.batch, crop=(sizes.crop, sizes.crop))
    return SegmenterConfig(
        pipeline=pipeline, precision=precision, recompute=again, unet=sizes.unet, xla="off"
    )


def cyclegan_settings(sizes: Sizes, precision: str, again: bool) -> CycleGANConfig:
    """The paper's, but for the crop, precision and `recompute`."""
    filters, blocks = sizes.generator
    return CycleGANConfig(
        generator={"filters": filters, "num_residual_blocks": blocks},
        discriminator={"filters": filters},
        pipeline={"batch_size": 1, "crop": (sizes.large_crop, sizes.large_crop)},
        precision=precision,
        recompute=again,
        xla="off",
    )


def made(config: CycleGANConfig | SegmenterConfig) -> tuple[Any, tuple[np.ndarray, ...], str]:
    """A model, a batch for it, and what its step reports."""
    if isinstance(config, SegmenterConfig):
        model = SegmenterModel(config, NUM_CLASSES)
        model.compile(steps=1000)
        return model, batch_of(config), "loss"
    model = CycleGAN(config)
    model.compile(steps=1000)
    return model, batch_of_cyclegan(config), "cycle_loss"


def batch_of_cyclegan(config: CycleGANConfig) -> tuple[np.ndarray, np.ndarray]:
    """Images of both domains."""
    shape = (config.pipeline.batch_size, *config.pipeline.crop, 3)
    x, y = np.random.default_rng(0).uniform(-1, 1, (2, *shape)).astype(np.float32)
    return x, y


def our_run(config: CycleGANConfig | SegmenterConfig) -> Run:
    """A step of ours."""
    model, batch, reported = made(config)
    step, given = tf.function(model.train_step, autograph=False), tuple(map(tf.constant, batch))
    return functools.partial(clock, lambda: float(step(given)[reported]))


def torch_run(sizes: Sizes) -> Run:
    """A step of the U-Net in torch."""
    config = unet_settings(sizes, "float32", False)
    return functools.partial(clock, torch_step(config), *batch_of(config))


if __name__ == "__main__":
    main()
