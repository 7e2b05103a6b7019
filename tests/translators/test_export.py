import importlib.util

import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.errors import DataError, SettingsError
from i2i_keras.models.formats import FORMATS
from i2i_keras.models.resnet import ResNetConfig, build_resnet
from i2i_keras.translators import inference
from i2i_keras.translators.export import BOUND, export_generator

MISSING = any(importlib.util.find_spec(name) is None for name in FORMATS["onnx"].modules)
without_onnx = pytest.mark.skipif(MISSING, reason="the extra onnx is not installed")
KINDS = [
    pytest.param(kind, marks=without_onnx) if kind == "onnx" else kind for kind in sorted(FORMATS)
]


def generator(**changes):
    config = {"filters": 2, "num_residual_blocks": 1, "outer_kernel": 3, **changes}
    network = build_resnet(ResNetConfig(**config), "generator")
    for number, weight in enumerate(network.trainable_weights):
        weight.assign_add(0.3 * tf.random.stateless_normal(weight.shape, (number, 0)))
    return network


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(0).integers(0, 256, (25, 34, 3), np.uint8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "changes",
    [{"skip": True}, {"norm": "batch", "upsampling": "resize"}],
    ids=str,
)
def test_what_is_written_is_the_network(tmp_path, picture, kind, changes):
    network, out = generator(**changes), tmp_path / "deep" / "exported"
    worst = export_generator(network, kind, out, picture)
    assert 0 <= worst <= BOUND
    assert [path.name for path in out.parent.iterdir()] == ["exported"]

    translate = FORMATS[kind].read(out)
    for size in ((1, 1), (3, 40), (32, 32), (25, 34)):
        images = np.resize(picture, (1, *size, 3))
        fakes = translate(images)
        assert (fakes.dtype, fakes.shape) == (np.uint8, images.shape)
        normal = tf.constant(images / 127.5 - 1.0, tf.float32)
        wanted = 127.5 * (inference.any_size(network)(normal) + 1.0)
        # Half a gray level for rounding, and one for what kernels differ by.
        np.testing.assert_allclose(fakes, wanted, atol=1.5)


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "tflite"])
def test_images_of_a_batch_do_not_see_each_other(tmp_path, picture, kind):
    export_generator(generator(), kind, tmp_path / "exported", picture)
    translate = FORMATS[kind].read(tmp_path / "exported")
    images = np.stack([picture, picture[::-1] // 2])
    apart = np.concatenate([translate(images[:1]), translate(images[1:])])
    np.testing.assert_allclose(translate(images), apart, atol=1)


def test_what_comes_out_different_is_not_written(tmp_path, picture, monkeypatch):
    other = FORMATS["saved_model"]._replace(read=lambda path: lambda images: images)
    monkeypatch.setitem(FORMATS, "saved_model", other)
    with pytest.raises(DataError, match=r"saved_model gives up to \d+ of 255 other .* bound of 2"):
        export_generator(generator(), "saved_model", tmp_path / "exported", picture)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path, picture):
    (tmp_path / "mine").write_text("mine", "utf-8")
    with pytest.raises(DataError, match="mine is there already; delete it, or give another"):
        export_generator(generator(), "saved_model", tmp_path / "mine", picture)
    assert (tmp_path / "mine").read_text("utf-8") == "mine"


def test_an_unknown_format_is_refused(tmp_path, picture):
    with pytest.raises(SettingsError, match="No format 'pb'; there are saved_model, tflite, onnx"):
        export_generator(generator(), "pb", tmp_path / "out", picture)


def test_a_missing_extra_is_named(tmp_path, picture, monkeypatch):
    absent = FORMATS["onnx"]._replace(modules=("no_such_module",))
    monkeypatch.setitem(FORMATS, "onnx", absent)
    with pytest.raises(SettingsError, match=r"needs an extra: pip install 'i2i_keras\[onnx\]'"):
        export_generator(generator(), "onnx", tmp_path / "out", picture)
