"""For a machine with a GPU: steps with and without XLA, and if it is right.

    python benchmarks/gpu.py [--teraflops FLOAT32 BFLOAT16] [--smoke]

Median time and peak memory of a training step, CycleGAN (ResNet-9, 256x256,
batch 1) and the report's U-Net (256x256, batch 8), in two precisions, each
compiled and not, beside torch's where that is installed; each in a process of
its own. With what the data sheet of the GPU promises, in 10^12 operations a
second, also the share of it that is reached. Last, how far compiled norms are
from float64. About ten minutes on a GPU; without one it rehearses on the CPU.
"""

import argparse
import importlib.util
import json
import resource
import statistics
from collections.abc import Callable
from typing import Any, NamedTuple

import memory
import numpy as np
import tensorflow as tf
from flops import step_graph, total
from side_by_side import Run, clock, in_process
from train_segmenter import batch_of, torch_step

from i2i_keras.models.norms import BatchNormalization, InstanceNormalization, two_passes
from i2i_keras.segmenters.segmenter_config import SegmenterConfig
from i2i_keras.translators.cyclegan import CycleGANConfig

FULL = memory.Sizes(batch=8, crop=256, large_crop=256)
PRECISIONS = ("float32", "mixed_bfloat16")


class Step(NamedTuple):
    """What a step takes."""

    seconds: float
    gib: float
    gigaflops: float


def main() -> None:
    """Prints a table, the errors of norms and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--teraflops", nargs=2, type=float, metavar=("FLOAT32", "BFLOAT16"))
    parser.add_argument("--smoke", action="store_true")
    asked = parser.parse_args()
    sizes, repeats = (memory.SMOKE, 1) if asked.smoke else (FULL, 20)
    promised = dict(zip(PRECISIONS, asked.teraflops or (), strict=False))
    print(f"devices: {', '.join(found) if (found := devices()) else 'no GPU, a rehearsal'}")
    ratios = {}
    for network, ours, theirs in (
        ("CycleGAN", cyclegan_config, torch_cyclegan_step),
        ("U-Net", unet_config, torch_unet_step),
    ):
        for precision in PRECISIONS:
            steps = measured(ours, theirs, (sizes, precision), repeats)
            for name, step in steps.items():
                print(line(f"{network} {precision} {name}", step, promised.get(precision)))
            plain = steps["not compiled"]
            ratios |= {
                f"{network} {precision} {name}": round(plain.seconds / step.seconds, 2)
                for name, step in steps.items()
                if step is not plain
            }
    ratios |= {f"error of compiled {kind} norm": error for kind, error in errors().items()}
    print(json.dumps(ratios))


def devices() -> list[str]:
    """Names of the GPUs."""
    gpus = tf.config.list_physical_devices("GPU")
    return [tf.config.experimental.get_device_details(gpu)["device_name"] for gpu in gpus]


def measured(
    ours: Callable[..., Any], theirs: Callable[..., Run], given: tuple[Any, str], repeats: int
) -> dict[str, Step]:
    """Steps of a network by name, one after the other."""
    asked: dict[str, tuple[Any, ...]] = {
        "not compiled": (our_run, ours(*given, "off"), repeats),
        "XLA": (our_run, ours(*given, "on"), repeats),
    }
    if importlib.util.find_spec("torch"):
        asked["torch"] = (torch_run, theirs, ours(*given, "off"), repeats)
    found = {}
    for name, words in asked.items():
        with in_process(*words) as run:
            found[name] = Step(*run())
    return found


def line(name: str, step: Step, teraflops: float | None) -> str:
    """Of the table."""
    told = f"{name:38} {1000 * step.seconds:8.1f} ms {step.gib:6.2f} GiB"
    speed = step.gigaflops / 1000 / step.seconds
    told += f" {speed:7.2f} TF/s" if step.gigaflops else ""
    return told + (f" {100 * speed / teraflops:5.1f} %" if teraflops and speed else "")


# --- Steps, each in a process of its own --------------------------------------


def cyclegan_config(sizes: memory.Sizes, precision: str, xla: str) -> CycleGANConfig:
    """The paper's, but for precision and XLA."""
    config = memory.cyclegan_settings(sizes, precision, again=False)
    return config.model_copy(update={"xla": xla})


def unet_config(sizes: memory.Sizes, precision: str, xla: str) -> SegmenterConfig:
    """The report's, but for batch, precision and XLA."""
    config = memory.unet_settings(sizes, precision, again=False)
    return config.model_copy(update={"xla": xla})


def our_run(config: CycleGANConfig | SegmenterConfig, repeats: int) -> Callable[[], Step]:
    """Compiled as the settings say."""
    model, batch, reported = memory.made(config)
    given = tuple(map(tf.constant, batch))
    step = tf.function(model.train_step, autograph=False, jit_compile=config.xla == "on")
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in given]
    gigaflops = total(step_graph(model, *specs)) / 1e9
    return lambda: timed(lambda: float(step(given)[reported]), repeats, held, gigaflops)


def torch_run(
    make: Callable[[Any], Callable[[], object]], config: Any, repeats: int
) -> Callable[[], Step]:
    """Of torch, not compiled."""
    return lambda: timed(make(config), repeats, torch_held, 0.0)


def torch_cyclegan_step(config: CycleGANConfig) -> Callable[[], object]:
    """CycleGAN's in torch."""
    import torch_cyclegan

    batch = memory.batch_of_cyclegan(config)
    step = torch_cyclegan.torch_step(config)
    return lambda: step(*batch)


def torch_unet_step(config: SegmenterConfig) -> Callable[[], object]:
    """The U-Net's in torch."""
    step, batch = torch_step(config), batch_of(config)
    return lambda: step(*batch)


def timed(
    step: Callable[[], object], repeats: int, holding: Callable[[], float], gigaflops: float
) -> Step:
    """After three steps that count for nothing."""
    seconds = [clock(step) for _ in range(3 + repeats)][3:]
    return Step(statistics.median(seconds), holding(), gigaflops)


def held() -> float:
    """GiB at the peak: of the GPU, or else of the process."""
    if tf.config.list_physical_devices("GPU"):
        return float(tf.config.experimental.get_memory_info("GPU:0")["peak"]) / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def torch_held() -> float:
    """The same of torch."""
    import torch

    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_allocated()) / 2**30
    return held()


# --- Norms ------------------------------------------------------------------


def errors() -> dict[str, float]:
    """Of compiled norms, in deviations; the largest of a channel far from 0."""
    x = (10 + 0.01 * np.random.default_rng(0).standard_normal((2, 256, 256, 1))).astype(np.float32)
    found = {}
    for kind, axes, epsilon in (("instance", (1, 2), 1e-5), ("batch", (0, 1, 2), 1e-3)):
        layer = InstanceNormalization() if kind == "instance" else BatchNormalization()
        layer.build((None, None, None, 1))
        more = {"training": True} if kind == "batch" else {}

        @tf.function(autograph=False, jit_compile=True)
        def norm(images: tf.Tensor, layer: Any = layer, more: Any = more) -> tf.Tensor:
            with two_passes(True):
                return layer(images, **more)

        exact = x.astype(np.float64)
        exact = (exact - exact.mean(axes, keepdims=True)) / np.sqrt(
            exact.var(axes, keepdims=True) + epsilon
        )
        found[kind] = float(np.abs(norm(tf.constant(x)).numpy() - exact).max())
    return found


if __name__ == "__main__":
    main()
