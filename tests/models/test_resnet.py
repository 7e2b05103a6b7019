import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from i2i_keras.models.resnet import ResNetConfig, build_resnet
from i2i_keras.training.compilation import policy

TINY = {"filters": 4, "num_residual_blocks": 2}
IMAGES = np.random.default_rng(0).uniform(-1, 1, (2, 16, 24, 3)).astype(np.float32)


def build(**changes):
    return build_resnet(ResNetConfig(**(TINY | changes)), "generator")


def convolutions(model):
    kinds = keras.layers.Conv2D, keras.layers.Conv2DTranspose
    return [layer for layer in model.layers if isinstance(layer, kinds)]


def layers_of(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


@pytest.fixture(scope="module")
def published():
    """The paper's network for 256 pixels."""
    return build_resnet(ResNetConfig(), "generator")


@pytest.fixture(scope="module")
def tiny():
    return build()


def test_the_default_has_the_size_of_the_authors_resnet_9(published):
    # Theirs has a bias where ours has the offset of the norm, and no scale.
    weights = [w for w in published.trainable_weights if "gamma" not in w.name]
    assert sum(np.prod(w.shape) for w in weights) == 11_378_179


def test_the_default_is_built_of_the_papers_layers(published):
    assert [(*layer.kernel.shape, *layer.strides) for layer in convolutions(published)] == [
        (7, 7, 3, 64, 1, 1),  # c7s1-64
        (3, 3, 64, 128, 2, 2),  # d128
        (3, 3, 128, 256, 2, 2),  # d256
        *[(3, 3, 256, 256, 1, 1)] * 18,  # R256, nine times
        (3, 3, 128, 256, 2, 2),  # u128, transposed: outputs come first
        (3, 3, 64, 128, 2, 2),  # u64
        (7, 7, 64, 3, 1, 1),  # c7s1-3
    ]
    assert len(layers_of(published, keras.layers.Add)) == 9


def test_all_convolutions_but_the_last_are_normalized(published):
    assert sum("gamma" in w.name for w in published.weights) == 23
    biased = [layer.name for layer in convolutions(published) if layer.use_bias]
    assert biased == ["head_conv"]


def test_all_kernels_begin_in_the_papers_gaussian(published):
    for layer in convolutions(published):
        np.testing.assert_allclose(np.std(layer.kernel), 0.02, rtol=0.05)


@pytest.mark.parametrize("size", [(8, 8), (16, 24), (20, 12)])
def test_an_image_comes_out_in_its_size(tiny, size):
    assert tiny(np.zeros((1, *size, 3))).shape == (1, *size, 3)


def test_the_output_stays_in_the_range_of_images(tiny):
    output = tiny(100 * IMAGES).numpy()
    assert output.dtype == np.float32
    assert np.abs(output).max() <= 1.0


def test_two_generators_begin_with_other_weights():
    one, two = build(), build()
    for a, b in zip(convolutions(one), convolutions(two), strict=True):
        assert not np.array_equal(a.kernel, b.kernel), a.name


def test_layers_of_one_shape_begin_with_other_weights(tiny):
    for one, two in itertools.combinations(convolutions(tiny), 2):
        if one.kernel.shape == two.kernel.shape:
            assert not np.array_equal(one.kernel, two.kernel), (one.name, two.name)


def test_the_random_seed_decides_on_the_weights():
    weights = []
    for _ in range(2):
        keras.utils.set_random_seed(7)
        weights.append(build().get_weights())
    for one, two in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("changes", "kernels"),
    [
        ({"filters": 8}, [(7, 3, 8), (3, 8, 16), (3, 16, 32), (3, 8, 16), (7, 8, 3)]),
        ({"num_downsamplings": 1}, [(7, 3, 4), (3, 4, 8), (3, 4, 8), (7, 4, 3)]),
        ({"num_downsamplings": 0}, [(7, 3, 4), (7, 4, 3)]),
        ({"outer_kernel": 5}, [(5, 3, 4), (3, 4, 8), (3, 8, 16), (3, 4, 8), (5, 4, 3)]),
        ({"upsampling": "resize"}, [(7, 3, 4), (3, 4, 8), (3, 8, 16), (3, 16, 8), (3, 8, 4)]),
    ],
)
def test_width_depth_kernels_and_upsampling_are_settings(changes, kernels):
    model = build(**changes)
    found = {tuple(layer.kernel.shape[1:]) for layer in convolutions(model)}
    assert {*kernels} <= found
    assert model(IMAGES).shape == IMAGES.shape


@pytest.mark.parametrize("blocks", [0, 6])
def test_the_number_of_blocks_is_a_setting(blocks):
    assert len(layers_of(build(num_residual_blocks=blocks), keras.layers.Add)) == blocks


def test_resized_upsampling_has_no_transposed_convolution(tiny):
    counts = [
        len(layers_of(model, keras.layers.Conv2DTranspose))
        for model in (tiny, build(upsampling="resize"))
    ]
    assert counts == [2, 0]


def test_batch_norm_is_the_reports_choice():
    model = build(norm="batch")
    assert len(layers_of(model, keras.layers.BatchNormalization)) == 9
    assert not any(layer.use_bias for layer in convolutions(model)[:-1])


def test_without_a_norm_convolutions_have_biases():
    model = build(norm="none")
    assert all(layer.use_bias for layer in convolutions(model))
    assert not any("gamma" in w.name for w in model.weights)


@pytest.mark.parametrize("position", ["before", "after"])
@pytest.mark.parametrize("place", ["stem", "down1", "block0_1", "up1"])
def test_the_norm_comes_before_or_after_the_activation(position, place):
    model = build(norm_position=position)
    norm, relu = (model.get_layer(f"{place}_{kind}") for kind in ("norm", "relu"))
    assert (relu.input is norm.output) == (position == "before")
    assert (norm.input is relu.output) == (position == "after")


def test_reflected_borders_are_not_seen_and_zeros_are():
    image = np.full((1, 16, 16, 3), 0.5, np.float32)
    spread = {}
    for padding in ("reflect", "zero"):
        keras.utils.set_random_seed(0)
        model = build(padding=padding, norm="none", num_downsamplings=0)
        spread[padding] = np.ptp(model(image), axis=(1, 2)).max()
    assert spread["reflect"] < 1e-7 < spread["zero"]


@pytest.mark.parametrize("filters", [4, 64])
@pytest.mark.parametrize("outer_kernel", [3, 7])
def test_with_a_skip_it_starts_as_the_identity(filters, outer_kernel):
    model = build(skip=True, filters=filters, outer_kernel=outer_kernel)
    change = np.abs(model(IMAGES) - IMAGES)
    # In gray levels; the tanh leaves 2 % of the range at its ends.
    assert 127.5 * change.mean() < 2
    assert 127.5 * change.max() < 6


def test_without_a_skip_it_does_not(tiny):
    assert 127.5 * np.abs(tiny(IMAGES) - IMAGES).mean() > 20


def test_a_skip_reaches_white_and_black_once_it_has_learned_to():
    model = build(skip=True)
    model.get_layer("head_conv").bias.assign([9.0, -9.0, 0.0])
    extremes = model(IMAGES).numpy()
    assert extremes[..., 0].min() > 0.999 and extremes[..., 1].max() < -0.999


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize(
    "changes",
    [{}, {"norm": "batch", "padding": "zero"}, {"norm": "none", "upsampling": "resize"}],
)
def test_half_precision_gives_almost_the_same_image_in_float32(precision, changes):
    precise = build(**changes)
    with policy(precision):
        model = build(**changes)
    model.set_weights(precise.get_weights())
    assert model.get_layer("stem_conv").compute_dtype == precision.removeprefix("mixed_")
    assert {tf.as_dtype(w.dtype) for w in model.weights} == {tf.float32}
    images = model(IMAGES)
    assert images.dtype == tf.float32
    np.testing.assert_allclose(images, precise(IMAGES), atol=0.05)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_a_skip_does_not_round_the_image_to_half_precision(precision):
    with policy(precision):
        model = build(skip=True)
    model.get_layer("head_conv").kernel.assign(tf.zeros((7, 7, 4, 3)))
    np.testing.assert_allclose(model(IMAGES), 0.98 * IMAGES, atol=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"filters": 0},
        {"num_residual_blocks": -1},
        {"outer_kernel": 4},
        {"norm": "layer"},
        {"norm_position": "both"},
        {"padding": "mirror"},
        {"upsampling": "nearest"},
        {"blocks": 9},
    ],
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        ResNetConfig(**wrong)
