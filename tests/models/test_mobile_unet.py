import pickle

import h5py
import keras
import numpy as np
import pytest
from pydantic import ValidationError

from i2i_keras import stack
from i2i_keras.errors import DataError, FileError
from i2i_keras.models.mobile_unet import MobileUNetConfig, build_mobile_unet

IMAGES = np.random.default_rng(0).uniform(-1, 1, (2, 32, 64, 3)).astype(np.float32)


def build(**changes):
    return build_mobile_unet(MobileUNetConfig(**({"filters": 4, "alpha": 0.35} | changes)), 5)


def kernel(model, layer):
    return model.get_layer(layer).get_weights()[0]


@pytest.fixture(scope="module")
def encoder():
    """What Keras' own download is to everybody else: its network, no top."""
    keras.utils.set_random_seed(3)
    network = keras.applications.MobileNetV2((96, 96, 3), 0.35, include_top=False, weights=None)
    network.set_weights([w + 0.1 for w in network.get_weights()])  # Statistics, too.
    return network


@pytest.fixture(scope="module")
def weights(encoder, save_as_keras_does, tmp_path_factory):
    path = tmp_path_factory.mktemp("mobile") / "no_top.h5"
    save_as_keras_does(encoder, path)
    return path


@pytest.mark.parametrize(
    "depth", [1, 5, *(pytest.param(depth, marks=pytest.mark.slow) for depth in (2, 3, 4))]
)
def test_depth_is_how_often_the_size_is_halved(depth):
    model = build(depth=depth)
    bottom = keras.Model(model.input, model.get_layer("bottom_relu").output)
    assert MobileUNetConfig(depth=depth).stride == 2**depth
    assert bottom(IMAGES).shape[1:3] == (32 // 2**depth, 64 // 2**depth)
    assert model(IMAGES).shape == (2, 32, 64, 5)


def test_the_way_down_is_keras_mobilenet_of_the_same_width(encoder):
    model = build(depth=5)
    theirs = {layer.name: layer for layer in encoder.layers if layer.weights}
    shared = [layer for layer in model.layers if layer.name in theirs]
    # All but the last convolution to 1280 channels, and its norm.
    assert len(shared) == len(theirs) - 2
    for layer in shared:
        assert [w.shape for w in layer.weights] == [w.shape for w in theirs[layer.name].weights]


@pytest.mark.parametrize("depth", [2, 5])
def test_with_the_same_weights_it_sees_what_keras_network_sees(encoder, weights, depth):
    model = build(depth=depth, weights=str(weights))
    name = {2: "block_2_add", 5: "block_16_project_BN"}[depth]
    image = np.random.default_rng(1).uniform(-1, 1, (1, 96, 96, 3)).astype(np.float32)
    ours, theirs = (keras.Model(m.input, m.get_layer(name).output) for m in (model, encoder))
    np.testing.assert_allclose(ours(image), theirs(image), rtol=1e-3, atol=1e-4)


def test_every_level_joins_what_has_its_size():
    model = build(depth=4)
    skips = ["image", "expanded_conv_project_BN", "block_2_add", "block_5_add"]
    for level, name in enumerate(skips):
        tensors = model.get_layer(f"up{level}_skip").input
        assert tensors[0] is model.get_layer(name).output


def test_filters_double_downwards_but_for_the_bottom():
    model = build(filters=3, depth=3)
    names = ("up0_conv", "up1_conv", "up2_conv", "bottom_conv")
    assert [model.get_layer(name).filters for name in names] == [3, 6, 12, 12]


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_alpha_is_the_width_of_the_way_down(alpha):
    """32 is the paper's, table 2."""
    model = build(alpha=alpha, depth=3)
    assert model.get_layer("block_5_project").filters == 32 * alpha


def test_statistics_of_all_norms_follow_within_tens_of_steps():
    model = build(depth=5)
    norms = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    first = keras.Model(model.input, model.get_layer("Conv1").output)(IMAGES).numpy()
    model(IMAGES, training=True)
    assert {norm.momentum for norm in norms} == {0.9}
    moved = model.get_layer("bn_Conv1").moving_mean
    np.testing.assert_allclose(moved, 0.1 * first.mean(axis=(0, 1, 2)), rtol=1e-3, atol=1e-6)


def test_weights_of_a_file_are_what_training_begins_with(encoder, weights):
    model = build(weights=str(weights), depth=4)
    for name in ("Conv1", "block_12_project"):
        np.testing.assert_array_equal(kernel(model, name), kernel(encoder, name))
    assert not np.array_equal(kernel(build(depth=4), "Conv1"), kernel(encoder, "Conv1"))


def test_imagenet_is_what_keras_keeps_in_its_folder(encoder, weights, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    if stack.KERAS == 3:  # It asks for it once, when it is imported.
        monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path / ".keras"))
    kept = tmp_path / ".keras" / "models"
    kept.mkdir(parents=True)
    file = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"
    (kept / file).write_bytes(weights.read_bytes())
    model = build(weights="imagenet")
    np.testing.assert_array_equal(kernel(model, "Conv1"), kernel(encoder, "Conv1"))


def test_imagenet_weights_that_cannot_be_had_are_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "models").write_text("a file where Keras wants a folder")
    with pytest.raises(DataError, match=r"could not be had from Keras .* give the .h5 file"):
        build(weights="imagenet")


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(FileError, match=r"nowhere.h5 is not there; give an .h5 file"):
        build(weights="nowhere.h5")


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_weights_of_another_width_are_refused(weights, alpha):
    with pytest.raises(FileError, match=f"weights of MobileNetV2 with alpha {alpha}"):
        build(weights=str(weights), alpha=alpha)


def test_a_file_that_holds_something_else_is_refused(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["array"] = np.zeros(3)
    with pytest.raises(FileError, match="does not hold the weights"):
        build(weights=str(tmp_path / "other.h5"))


class Trap:
    def __reduce__(self):
        return exec, ("raise SystemExit('this code has run')",)


def test_a_pickle_is_not_opened_as_one(tmp_path):
    (tmp_path / "trap.h5").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(FileError, match="does not hold the weights"):
        build(weights=str(tmp_path / "trap.h5"))


def test_no_layer_of_a_file_is_made_or_called(encoder, weights, tmp_path):
    path = tmp_path / "whole.h5"
    path.write_bytes(weights.read_bytes())
    with h5py.File(path, "a") as file:  # As `model.save` writes it beside the weights.
        file.attrs["model_config"] = '{"class_name": "Lambda", "config": "raise SystemExit"}'
    np.testing.assert_array_equal(
        kernel(build(weights=str(path)), "Conv1"), kernel(encoder, "Conv1")
    )


@pytest.mark.parametrize(
    "wrong",
    [
        *({"alpha": 0}, {"depth": 0}, {"depth": 6}, {"filters": 0}, {"width": 1}),
        *({"weights": "weights"}, {"weights": ""}, {"weights": "imagenet", "alpha": 0.6}),
    ],
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        MobileUNetConfig(**wrong)
