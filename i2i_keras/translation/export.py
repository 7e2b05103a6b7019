"""Writes a generator in formats that run without this package.

What is written takes uint8 images and gives uint8 images of the same size:
normalization, padding to a size that the network can take and cropping are
within.
"""

import contextlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from i2i_keras.data import transforms
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.models.layers import InstanceNormalization, InverseTanh
from i2i_keras.translation import inference

# Gray levels of 255 by which other kernels may differ in rounding.
BOUND = 2

Images = NDArray[np.uint8]  # `(batch, height, width, 3)`.


class Format(NamedTuple):
    """One way to write a network.

    Attributes:
        batch: images that it takes at a time; None = any number.
        write: from a module with `translate` to a file or folder.
        read: from that to a function of images, run as its users will.
        modules: that have to be installed, by the extra of the format's name.
    """

    batch: int | None
    write: Callable[[tf.Module, Path], None]
    read: Callable[[Path], Callable[[Images], Images]]
    modules: tuple[str, ...] = ()


def export_generator(generator: keras.Model, kind: str, out: Path, picture: Images) -> int:
    """Writes a network, unless it comes out different.

    Args:
        generator: from images in [-1, 1] to images of the same size, computing
            in float32.
        kind: a key of `FORMATS`.
        out: file or folder that is made, whole or not at all.
        picture: `(height, width, 3)`, which the network itself and what was
            written are compared on, whole and cut to odd sides.

    Returns:
        The largest difference between the two, in gray levels of 255.

    Raises:
        SettingsError: there is no such format, or it needs an extra that is
            not installed.
        DataError: `out` exists, or the difference is above `BOUND`.
    """
    if kind not in FORMATS:
        raise SettingsError(f"No format {kind!r}; there are {', '.join(FORMATS)}.")
    chosen = FORMATS[kind]
    if any(importlib.util.find_spec(name) is None for name in chosen.modules):
        raise SettingsError(f"{kind} needs an extra: pip install 'i2i_keras[{kind}]'.")
    if out.exists():
        raise DataError(f"{out} is there already; delete it, or give another --out.")
    height, width = ((n - 1) // 2 * 2 + 1 for n in picture.shape[:2])
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".draft-", dir=out.parent) as folder:
        draft = Path(folder) / out.name
        with _silent():
            chosen.write(_module(generator, chosen.batch), draft)
            ours, theirs = inference.any_size(generator), chosen.read(draft)
            worst = max(
                _difference(ours, theirs, images[np.newaxis])
                for images in (picture, picture[:height, :width])
            )
        if worst > BOUND:
            raise DataError(
                f"{kind} gives up to {worst} of 255 other than the network itself, above the bound"
                f" of {BOUND}; {out} is not written, try another format."
            )
        draft.replace(out)
    return worst


def _difference(
    ours: Callable[[tf.Tensor], tf.Tensor], theirs: Callable[[Images], Images], images: Images
) -> int:
    wanted = transforms.denormalize(ours(transforms.normalize(tf.constant(images)))).numpy()
    return int(np.abs(theirs(images).astype(int) - wanted).max())


def _module(generator: keras.Model, batch: int | None) -> tf.Module:
    """The network from uint8 to uint8, of operations that all formats have."""
    multiple, parts = inference.stride(generator), inference.in_order(generator)

    @tf.function(
        input_signature=[tf.TensorSpec((batch, None, None, 3), tf.uint8, "image")], autograph=False
    )
    def translate(image: tf.Tensor) -> dict[str, tf.Tensor]:
        height, width = tf.shape(image)[1], tf.shape(image)[2]
        padded = transforms.mirror_to(transforms.normalize(image), multiple)
        values = inference.call(parts, {id(generator.input): padded}, _PLAIN)
        fake = values[id(generator.output)][:, :height, :width]
        return {"translated": transforms.denormalize(fake)}

    module = tf.Module()
    module.weights = generator.variables
    module.translate = translate
    return module


def _norm(norm: InstanceNormalization, x: tf.Tensor) -> tf.Tensor:
    mean, variance = tf.nn.moments(x, [1, 2], keepdims=True)
    return tf.nn.batch_normalization(x, mean, variance, norm.beta, norm.gamma, norm.epsilon)


def _inverse_tanh(layer: InverseTanh, x: tf.Tensor) -> tf.Tensor:
    """As `InverseTanh` has it, which TensorFlow Lite has not."""
    return 0.5 * tf.math.log((1.0 + 0.98 * x) / (1.0 - 0.98 * x))


_PLAIN = {InstanceNormalization: _norm, InverseTanh: _inverse_tanh}


def _write_saved_model(module: tf.Module, path: Path) -> None:
    tf.saved_model.save(module, str(path), signatures=module.translate)


def _read_saved_model(path: Path) -> Callable[[Images], Images]:
    loaded = tf.saved_model.load(str(path))
    return lambda images: loaded.signatures["serving_default"](tf.constant(images))[
        "translated"
    ].numpy()


def _write_tflite(module: tf.Module, path: Path) -> None:
    functions = [module.translate.get_concrete_function()]
    path.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions(functions, module).convert())


def _read_tflite(path: Path) -> Callable[[Images], Images]:
    runner: Any = tf.lite.Interpreter(str(path))
    source, result = runner.get_input_details()[0]["index"], runner.get_output_details()[0]["index"]

    def translate(images: Images) -> Images:
        runner.resize_tensor_input(source, images.shape)
        runner.allocate_tensors()
        runner.set_tensor(source, images)
        runner.invoke()
        translated: Images = runner.get_tensor(result)
        return translated

    return translate


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keeps what C++ says of its progress from the terminal."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


def _write_onnx(module: tf.Module, path: Path) -> None:
    import tf2onnx

    signature = module.translate.input_signature
    tf2onnx.convert.from_function(module.translate, signature, opset=17, output_path=str(path))


def _read_onnx(path: Path) -> Callable[[Images], Images]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def translate(images: Images) -> Images:
        translated: Images = session.run(["translated"], {"image": images})[0]
        return translated

    return translate


FORMATS = {
    "saved_model": Format(None, _write_saved_model, _read_saved_model),
    "tflite": Format(1, _write_tflite, _read_tflite),
    "onnx": Format(None, _write_onnx, _read_onnx, ("tf2onnx", "onnxruntime")),
}
