import keras
import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from i2i_keras.models.unet import UNetConfig, build_unet
from i2i_keras.training.compilation import policy

IMAGES = np.random.default_rng(0).uniform(-1, 1, (2, 16, 32, 3)).astype(np.float32)


def build(num_classes=5, **changes):
    return build_unet(UNetConfig(**({"filters": 2} | changes)), num_classes)


def convolutions(model):
    """Transposed ones too, from input to output."""
    kinds = keras.layers.Conv2D, keras.layers.Conv2DTranspose
    return [layer for layer in model.layers if isinstance(layer, kinds)]


def count(model):
    return sum(np.prod(w.shape) for w in model.trainable_weights)


@pytest.fixture(scope="module")
def reports():
    return build_unet(UNetConfig(), num_classes=34)


def test_the_reports_network_has_the_reports_size(reports):
    assert count(reports) == 31_047_586


def test_the_default_is_built_of_the_papers_layers(reports):
    down = [64, 64, 128, 128, 256, 256, 512, 512, 1024, 1024]
    up = [width for level in (512, 256, 128, 64) for width in (level, level, level)]
    found = convolutions(reports)
    assert [layer.filters for layer in found] == [*down, *up, 34]
    assert [layer.kernel_size[0] for layer in found] == [3] * 10 + [2, 3, 3] * 4 + [1]


def test_every_convolution_but_the_head_has_a_batch_norm_and_a_relu(reports):
    for kind in (keras.layers.BatchNormalization, keras.layers.ReLU):
        assert sum(isinstance(layer, kind) for layer in reports.layers) == 22


def test_eight_convolutions_of_the_report_have_weight_decay(reports):
    decayed = [layer.name for layer in convolutions(reports) if layer.kernel_regularizer]
    assert decayed == [
        *("down0_conv0", "down0_conv1", "down1_conv0", "down1_conv1"),
        *("up0_transposed", "up0_conv0", "up0_conv1", "logits"),
    ]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_first_and_last_four_convolutions_have_weight_decay(depth):
    found = convolutions(build(depth=depth))
    decayed = [layer for layer in found if layer.kernel_regularizer]
    assert decayed == found[:4] + found[-4:]


def test_weight_decay_is_its_factor_times_the_squared_kernels():
    model = build(l2=0.25, depth=2)
    kernels = [layer.kernel.numpy() for layer in convolutions(model) if layer.kernel_regularizer]
    expected = 0.25 * sum(np.sum(kernel.astype(float) ** 2) for kernel in kernels)
    np.testing.assert_allclose(sum(model.losses), expected, rtol=1e-5)


def test_weight_decay_can_be_left_out():
    assert build(l2=0, depth=1).losses == []


def test_there_is_a_logit_for_each_class_at_each_pixel():
    logits = build(num_classes=7, depth=1)(IMAGES)
    assert logits.shape == (2, 16, 32, 7)
    assert logits.dtype == tf.float32


def test_logits_are_not_probabilities():
    logits = build(depth=1)(100 * IMAGES).numpy()
    assert logits.min() < 0
    assert not np.allclose(logits.sum(axis=-1), 1)


@pytest.mark.parametrize(
    ("changes", "widths"),
    [
        ({"filters": 4, "depth": 1}, [4, 4, 8, 8, 4, 4, 4, 5]),
        ({"filters": 3, "depth": 2}, [3, 3, 6, 6, 12, 12, 6, 6, 6, 3, 3, 3, 5]),
    ],
)
def test_width_and_depth_are_settings(changes, widths):
    model = build(**changes)
    assert [layer.filters for layer in convolutions(model)] == widths
    assert model(IMAGES).shape == (2, 16, 32, 5)


def test_the_sizes_halve_down_to_the_bottom_and_come_back():
    model = build(depth=2)
    names = ("down0_conv1", "down1_conv1", "bottom_conv1", "up1_conv1", "up0_conv1")
    inner = keras.Model(model.input, [model.get_layer(name).output for name in names])
    assert [y.shape[1:3] for y in inner(IMAGES)] == [(16, 32), (8, 16), (4, 8), (8, 16), (16, 32)]


def test_every_level_joins_its_own_skip():
    model = build(depth=2)
    for level in range(2):
        left, right = model.get_layer(f"up{level}_skip").input
        assert left is model.get_layer(f"down{level}_conv1_relu").output
        assert right is model.get_layer(f"up{level}_transposed_relu").output


def test_layers_of_one_shape_begin_with_other_weights():
    model = build(filters=8, depth=2)
    one, two = (model.get_layer(name).kernel for name in ("bottom_conv1", "bottom_conv0"))
    assert not np.array_equal(one[:, :, :16], two)


def test_the_random_seed_decides_on_the_weights():
    weights = []
    for seed in (7, 7, 8):
        keras.utils.set_random_seed(seed)
        weights.append(np.concatenate([w.ravel() for w in build(depth=1).get_weights()]))
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_gives_almost_the_same_logits_in_float32(precision):
    precise = build(depth=2)
    with policy(precision):
        model = build(depth=2)
    model.set_weights(precise.get_weights())
    logits, expected = (m(IMAGES).numpy() for m in (model, precise))
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected, atol=0.03 * np.abs(expected).max())


@pytest.mark.parametrize("wrong", [{"filters": 0}, {"depth": 0}, {"l2": -0.1}, {"width": 64}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        UNetConfig(**wrong)
