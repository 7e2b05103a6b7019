"""Formats in which a function of images runs without this package."""

import importlib.util
import json
import os
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from i2i_keras.errors import DataError, SettingsError, unknown
from i2i_keras.run_folder import writing
from i2i_keras.silence import silent

Images = NDArray[np.uint8]  # `(batch, height, width, 3)`.
Result = TypeVar("Result")
# From images to what the function makes of each: `(batch, height, width, ...)`.
Written = Callable[[Images], NDArray[np.uint8]]

# The file of class names, one a line; what TensorFlow Lite's tools look for.
LABELS = "labels.txt"


class Function(NamedTuple):
    """What is written.

    Attributes:
        compute: from a tensor of images, uint8 `(batch, height, width, 3)` of
            any size, to one of uint8 of the same height and width, by
            operations that all formats have.
        result: what that is called.
        weights: all variables that it reads.
        labels: names of the classes by number, where it gives classes.
    """

    compute: Callable[[tf.Tensor], tf.Tensor]
    result: str
    weights: tuple[tf.Variable, ...]
    labels: tuple[str, ...] = ()


class Format(NamedTuple):
    """One way to write a function of images.

    Attributes:
        batch: images that it takes at a time; None = any number.
        write: from a module with `run`, class names and a file or folder.
        read: from that to a function of images, run as its users will.
        modules: that have to be installed, by the extra of the format's name.
    """

    batch: int | None
    write: Callable[[tf.Module, tuple[str, ...], Path], None]
    read: Callable[[Path], Written]
    modules: tuple[str, ...] = ()


def write(function: Function, kind: str, out: Path, check: Callable[[Written], Result]) -> Result:
    """Writes a function, unless it comes out different.

    Args:
        function: what is written.
        kind: a key of `FORMATS`.
        out: file or folder that is made, whole or not at all.
        check: compares what was written, as it reads; raises if that is wrong.

    Returns:
        What `check` does.

    Raises:
        SettingsError: see `check_format`.
        DataError: `out` exists, or cannot be written.
    """
    check_format(kind)
    chosen = FORMATS[kind]
    if os.path.lexists(out):
        raise DataError(f"{out} is there already; delete it, or give another --out.")
    with writing.draft_folder(out.parent) as folder, silent():
        draft = folder / out.name
        try:
            chosen.write(_module(function, chosen.batch), function.labels, draft)
        except (OSError, tf.errors.OpError) as error:
            raise writing.not_written(out, error) from None
        result = check(chosen.read(draft))
        writing.move(draft, out)
    return result


def check_format(kind: str) -> None:
    """Refuses a format that cannot be written.

    Raises:
        SettingsError: there is no such format, or it needs an extra that is
            not installed.
    """
    if kind not in FORMATS:
        raise SettingsError(f"{unknown('No format', kind, FORMATS)}.")
    if any(importlib.util.find_spec(name) is None for name in FORMATS[kind].modules):
        raise SettingsError(f"{kind} needs an extra: pip install 'i2i_keras[{kind}]'.")


def _module(function: Function, batch: int | None) -> tf.Module:
    signature = [tf.TensorSpec((batch, None, None, 3), tf.uint8, "image")]

    @tf.function(input_signature=signature, autograph=False)
    def run(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {function.result: function.compute(image)}

    module = tf.Module()
    module.weights = function.weights
    module.run = run
    return module


def _write_saved_model(module: tf.Module, labels: tuple[str, ...], path: Path) -> None:
    tf.saved_model.save(module, str(path), signatures=module.run)
    if labels:
        (path / "assets.extra").mkdir()
        (path / "assets.extra" / LABELS).write_text(_lines(labels), "utf-8")


def _read_saved_model(path: Path) -> Written:
    loaded = tf.saved_model.load(str(path))

    def run(images: Images) -> NDArray[np.uint8]:
        (result,) = loaded.signatures["serving_default"](tf.constant(images)).values()
        return np.asarray(result)

    return run


def _write_tflite(module: tf.Module, labels: tuple[str, ...], path: Path) -> None:
    functions = [module.run.get_concrete_function()]
    path.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions(functions, module).convert())
    if labels:
        # A zip behind the model, as TensorFlow Lite's "associated files" are.
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(LABELS, _lines(labels))


def _read_tflite(path: Path) -> Written:
    with warnings.catch_warnings():
        # TensorFlow 2.21 says that it is to move into another package.
        warnings.simplefilter("ignore", UserWarning)
        runner: Any = tf.lite.Interpreter(str(path))
    source, result = runner.get_input_details()[0]["index"], runner.get_output_details()[0]["index"]

    def run(images: Images) -> NDArray[np.uint8]:
        runner.resize_tensor_input(source, images.shape)
        runner.allocate_tensors()
        runner.set_tensor(source, images)
        runner.invoke()
        return np.asarray(runner.get_tensor(result))

    return run


def _write_onnx(module: tf.Module, labels: tuple[str, ...], path: Path) -> None:
    import tf2onnx

    signature = module.run.input_signature
    model, _ = tf2onnx.convert.from_function(module.run, signature, opset=17)
    if labels:
        model.metadata_props.add(key="labels", value=json.dumps(labels))
    path.write_bytes(model.SerializeToString())


def _read_onnx(path: Path) -> Written:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def run(images: Images) -> NDArray[np.uint8]:
        return np.asarray(session.run(None, {"image": images})[0])

    return run


def _lines(labels: tuple[str, ...]) -> str:
    return "".join(f"{label}\n" for label in labels)


FORMATS = {
    "saved_model": Format(None, _write_saved_model, _read_saved_model),
    "tflite": Format(1, _write_tflite, _read_tflite),
    "onnx": Format(None, _write_onnx, _read_onnx, ("tf2onnx", "onnxruntime")),
}
