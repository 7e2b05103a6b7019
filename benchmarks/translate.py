"""Images by the paper's generator, and a whole folder by a small one.

    python benchmarks/translate.py

The same network with the same weights, one image at a time, in float32: ours
as `translate` runs it; Keras' `predict` with the instance norm of
tensorflow-addons; torch, channels last; onnxruntime, on what torch exports.
Where the processor computes in bfloat16, ours and torch in it as well. Then a
folder of full frames by a network of the demo's size, beside a plain loop that
reads, translates and writes, as Pillow writes and as we do.
"""

import functools
import importlib.util
import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from PIL import Image
from side_by_side import (
    asks_for_smoke,
    clock,
    has_bfloat16,
    in_turn,
    instance_norm,
    speedups,
    table,
)

from i2i_keras.data import transforms
from i2i_keras.data.records import Record, images_in
from i2i_keras.models import norms
from i2i_keras.models.resnet import ResNetConfig, build_resnet
from i2i_keras.training import compilation
from i2i_keras.translators import inference
from i2i_keras.translators.apply import translate_records

Function = Callable[[Any], Any]


class Sizes(NamedTuple):
    """What is translated, and by what.

    Attributes:
        network: for single images.
        images: their (height, width), and the repeats of each.
        small: network for the folder.
        frames: in the folder.
        camera: (height, width) of frames that are drawn.
        repeats: of the folder.
    """

    network: ResNetConfig
    images: Mapping[tuple[int, int], int]
    small: ResNetConfig
    frames: int
    camera: tuple[int, int]
    repeats: int


FULL = Sizes(
    ResNetConfig(),
    {(256, 256): 7, (512, 1024): 3},
    ResNetConfig(filters=16, num_residual_blocks=4, upsampling="resize"),
    frames=12,
    camera=(1024, 2048),
    repeats=3,
)
TINY = ResNetConfig(filters=4, num_residual_blocks=1)
SMOKE = Sizes(TINY, {(32, 64): 1}, TINY, frames=2, camera=(64, 128), repeats=1)
PEERS = {"torch": ("torch",), "onnxruntime": ("torch", "onnx", "onnxruntime")}


def main() -> None:
    """Prints a table for each part and a line of JSON."""
    ratios = {}
    sizes = SMOKE if asks_for_smoke(__doc__) else FULL
    absent = {
        name
        for name, modules in PEERS.items()
        if not all(importlib.util.find_spec(module) for module in modules)
    }
    with tempfile.TemporaryDirectory() as folder:
        for precision in ("float32", "mixed_bfloat16"):
            if precision == "float32" or has_bfloat16():
                ratios |= networks(sizes, precision, absent, Path(folder))
        ratios |= whole_folder(sizes, Path(folder))
    if absent:
        print(f"left out, not installed: {', '.join(sorted(absent))}")
    print(json.dumps(ratios))


def networks(sizes: Sizes, precision: str, absent: set[str], folder: Path) -> dict[str, float]:
    """Times the paper's network in every runtime."""
    with compilation.policy(precision):
        generator = weighted(build_resnet(sizes.network, "ours"))
    translate = inference.any_size(generator)
    functions: dict[str, Function] = {"ours": lambda image: translate(image).numpy()}
    if precision == "float32":
        functions["keras_predict"] = textbook(generator, sizes.network)
    if "torch" not in absent:
        from torch_networks import in_onnxruntime, in_torch

        functions["torch"] = in_torch(generator, sizes.network, precision)
        if "onnxruntime" not in absent and precision == "float32":
            functions["onnxruntime"] = in_onnxruntime(generator, sizes.network, folder)
    check_equal(functions, 1e-3 if precision == "float32" else 0.2)

    ratios = {}
    for (height, width), repeats in sizes.images.items():
        image = np.random.default_rng(0).uniform(-1, 1, (1, height, width, 3)).astype(np.float32)
        timed = {
            name: functools.partial(clock, function, image) for name, function in functions.items()
        }
        found = in_turn(timed, repeats, warm_up=1)
        suffix = f"{height}x{width}" + ("" if precision == "float32" else "_bfloat16")
        print(f"{suffix}\n{table(found, 'images')}")
        ratios |= {f"{name}_{suffix}": ratio for name, ratio in speedups(found).items()}
    return ratios


def weighted(generator: keras.Model) -> keras.Model:
    """Gives a network weights with which a slip anywhere would show."""
    for number, weight in enumerate(generator.trainable_weights):
        noise = tf.random.stateless_normal(weight.shape, (number, 1))
        wide = np.prod(weight.shape[:-1]) ** -0.5 if weight.shape.rank == 4 else 0.2
        weight.assign(wide * noise + ("gamma" in weight.name))
    return generator


def check_equal(functions: dict[str, Function], atol: float) -> None:
    """Fails if two runtimes do not compute the same."""
    image = np.random.default_rng(1).uniform(-1, 1, (1, 64, 96, 3)).astype(np.float32)
    wanted = functions["ours"](image)
    for name, function in functions.items():
        worst = np.abs(function(image) - wanted).max()
        if worst > atol:
            raise RuntimeError(f"{name} computes another function: {worst:.2g}")


def textbook(generator: keras.Model, config: ResNetConfig) -> Function:
    """`predict` of the same network with the instance norm that one finds."""
    ours, norms.InstanceNormalization = norms.InstanceNormalization, instance_norm
    model = build_resnet(config, "textbook")
    norms.InstanceNormalization = ours
    model.set_weights(generator.get_weights())
    return lambda image: model.predict(image, verbose=0)


def whole_folder(sizes: Sizes, folder: Path) -> dict[str, float]:
    """Times a folder of full frames from files to files."""
    records = [Record(path.stem, path, None) for path in frames(sizes, folder / "frames")]
    translate = inference.any_size(weighted(build_resnet(sizes.small, "small")))
    outs = (folder / f"out{number}" for number in range(99))

    def run(function: Callable[..., object], *arguments: object) -> float:
        out = next(outs)
        out.mkdir()
        seconds = clock(function, translate, records, out, *arguments)
        for record in records:
            again = np.asarray(Image.open(out / f"{record.name}.png"))
            np.testing.assert_array_equal(again, expected[record.name])
        return seconds

    first = next(outs)
    translate_records(translate, records, first, "warm up", "")
    expected = {r.name: np.asarray(Image.open(first / f"{r.name}.png")) for r in records}
    timed = {
        "ours": functools.partial(run, translate_records, "translate", ""),
        "plain_loop": functools.partial(run, plain_loop),
        "plain_loop_fast_png": functools.partial(run, functools.partial(plain_loop, level=1)),
    }
    found = in_turn(timed, sizes.repeats)
    print(f"folder of {sizes.frames}\n{table(found, 'images', sizes.frames)}")
    return speedups(found)


def frames(sizes: Sizes, folder: Path) -> list[Path]:
    """Full frames: true ones below `I2I_REAL_DATA`, or drawn ones."""
    real = Path(os.environ.get("I2I_REAL_DATA", "")) / "cityscapes"
    found = sorted(real.glob("leftImg8bit/*/*/*.png"))
    if not found:
        from i2i_keras.datasets.streets import StreetsConfig, write_cityscapes

        streets = StreetsConfig(
            num_train=sizes.frames, num_val=1, num_test=1, camera_size=sizes.camera
        )
        write_cityscapes(folder / "raw", streets, "camera", workers=0)
        found = sorted(folder.glob("raw/leftImg8bit/train/*/*.png"))
    links = folder / "links"
    links.mkdir(parents=True)
    for number in range(sizes.frames):
        (links / f"{number}.png").symlink_to(found[number % len(found)].resolve())
    return images_in(links)


def plain_loop(
    translate: Function, records: Sequence[Record], out: Path, level: int | None = None
) -> None:
    """What one writes first."""
    options = {} if level is None else {"compress_level": level}
    for record in records:
        image = tf.constant(np.asarray(Image.open(record.image).convert("RGB")))
        fake = transforms.denormalize(translate(transforms.normalize(image)[tf.newaxis]))[0]
        Image.fromarray(fake.numpy()).save(out / f"{record.name}.png", **options)


if __name__ == "__main__":
    main()
