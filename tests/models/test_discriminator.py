import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from i2i_keras.models.discriminator import DiscriminatorConfig, build_discriminator
from i2i_keras.models.layers import LeakyReLU
from i2i_keras.models.norms import SpectralNormalization
from i2i_keras.training.compilation import policy

IMAGES = np.random.default_rng(0).uniform(-1, 1, (2, 32, 48, 3)).astype(np.float32)


def build(**changes):
    config = DiscriminatorConfig(**({"filters": 4} | changes))
    return build_discriminator(config, "discriminator")


def convolutions(model):
    kinds = keras.layers.Conv2D, keras.layers.Conv2DTranspose
    return [layer for layer in model.layers if isinstance(layer, kinds)]


@pytest.fixture(scope="module")
def published():
    """The paper's 70x70 PatchGAN."""
    return build_discriminator(DiscriminatorConfig(), "discriminator")


def test_the_default_has_the_size_of_the_authors_patchgan(published):
    # Theirs has a bias where ours has the offset of the norm, and no scale.
    weights = [w for w in published.trainable_weights if "gamma" not in w.name]
    assert sum(np.prod(w.shape) for w in weights) == 2_764_737


def test_the_default_is_built_of_the_papers_layers(published):
    assert [(*layer.kernel.shape, layer.strides[0]) for layer in convolutions(published)] == [
        (4, 4, 3, 64, 2),
        (4, 4, 64, 128, 2),
        (4, 4, 128, 256, 2),
        (4, 4, 256, 512, 1),
        (4, 4, 512, 1, 1),
    ]


def test_the_first_and_the_last_convolution_are_not_normalized(published):
    scaled = [layer.name for layer in published.layers if hasattr(layer, "gamma")]
    assert scaled == [f"conv{stage}_norm" for stage in (1, 2, 3)]
    biased = [layer.name for layer in convolutions(published) if layer.use_bias]
    assert biased == ["conv0", "head"]


def test_the_activations_are_leaky_by_a_fifth(published):
    slopes = [
        -float(layer(tf.constant(-1.0)))
        for layer in published.layers
        if isinstance(layer, LeakyReLU)
    ]
    np.testing.assert_allclose(slopes, [0.2] * 4)


def test_an_image_of_256_pixels_has_30_by_30_patches(published):
    assert published.compute_output_shape((1, 256, 256, 3)) == (1, 30, 30, 1)


def test_logits_are_not_bounded():
    model = build(norm="none")
    assert np.abs(model(1e6 * IMAGES)).max() > 1.0
    assert model.output.dtype == tf.float32


@pytest.mark.parametrize(("num_downsamplings", "field"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_a_logit_sees_a_patch_of_the_documented_size(num_downsamplings, field):
    # Norms look at the whole image, hence none.
    model = build(num_downsamplings=num_downsamplings, norm="none")
    x = tf.random.stateless_normal((1, 192, 192, 3), (0, 0))
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = model(x)
        logit = logits[0, logits.shape[1] // 2, logits.shape[2] // 2, 0]
    seen = np.abs(tape.gradient(logit, x)[0]).max(axis=-1) > 0
    for side in (0, 1):
        places = np.flatnonzero(seen.any(axis=side))
        assert len(places) == np.ptp(places) + 1 == field
        assert 0 < places[0] < places[-1] < 191


def test_the_width_doubles_up_to_eight_times():
    widths = [layer.filters for layer in convolutions(build(num_downsamplings=5))]
    assert widths == [4, 8, 16, 32, 32, 32, 1]


def test_the_norm_is_a_setting():
    counts = {
        norm: sum("gamma" in w.name for w in build(norm=norm).weights)
        for norm in ("instance", "batch", "none")
    }
    assert counts == {"instance": 3, "batch": 3, "none": 0}
    assert all(layer.use_bias for layer in convolutions(build(norm="none")))


def test_dropout_is_active_in_training_only():
    model = build(dropout=0.5)
    assert np.array_equal(model(IMAGES), model(IMAGES, training=False))
    assert not np.array_equal(model(IMAGES, training=True), model(IMAGES, training=True))


def test_there_is_no_dropout_unless_asked():
    model = build()
    assert np.array_equal(model(IMAGES, training=True), model(IMAGES, training=True))


def test_spectral_norm_brings_every_kernel_to_a_largest_singular_value_of_one():
    keras.utils.set_random_seed(0)  # How fast it does is a matter of luck.
    model = build(spectral_norm=True)
    wrapped = [layer.layer for layer in model.layers if isinstance(layer, SpectralNormalization)]
    assert len(wrapped) == 5
    before = np.array([layer.kernel.numpy().max() for layer in wrapped])
    for _ in range(30):
        model(IMAGES, training=True)
    for layer in wrapped:
        kernel = layer.kernel.numpy()
        largest = np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]
        np.testing.assert_allclose(largest, 1.0, rtol=0.02)
    assert not np.allclose(before, [layer.kernel.numpy().max() for layer in wrapped])


def test_spectral_norm_leaves_the_kernels_alone_outside_of_training():
    model = build(spectral_norm=True)
    before = model.get_weights()
    model(IMAGES, training=False)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_two_discriminators_begin_with_other_weights():
    one, two = build(), build()
    for a, b in zip(convolutions(one), convolutions(two), strict=True):
        assert not np.array_equal(a.kernel, b.kernel), a.name


def test_layers_of_one_shape_begin_with_other_weights():
    kernels = [layer.kernel for layer in convolutions(build(num_downsamplings=5))]
    for one, two in itertools.combinations(kernels[4:6], 2):
        assert not np.array_equal(one, two)


def test_the_random_seed_decides_on_the_weights():
    weights = []
    for _ in range(2):
        keras.utils.set_random_seed(7)
        weights.append(build().get_weights())
    for one, two in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize(
    "changes", [{}, {"norm": "batch"}, {"norm": "none", "spectral_norm": True}]
)
def test_half_precision_gives_almost_the_same_logits_in_float32(precision, changes):
    precise = build(**changes)
    with policy(precision):
        model = build(**changes)
    model.set_weights(precise.get_weights())
    logits, expected = (m(IMAGES).numpy() for m in (model, precise))
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected, atol=0.03 * np.abs(expected).max())
    # Computed in it, not only cast to it at the end.
    rounded = tf.cast(tf.cast(logits, precision.removeprefix("mixed_")), tf.float32)
    assert np.mean(rounded != logits) > 0.5


@pytest.mark.parametrize(
    "wrong",
    [
        {"filters": 0},
        {"num_downsamplings": 0},
        {"norm": "layer"},
        {"dropout": 1.0},
        {"dropout": -0.1},
        {"spectral": True},
    ],
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        DiscriminatorConfig(**wrong)
