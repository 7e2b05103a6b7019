import keras
import numpy as np
import pytest

from i2i_keras.models.resnet import ResNetConfig, build_resnet
from i2i_keras.translators.appearance import (
    both_ways,
    checkerboard,
    diversity,
    luminance_correlation,
    style_distance,
)


def scenes(seed, count=4, size=(64, 96)):
    """Images whose spectrum falls like that of photographs."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(size[0])[:, np.newaxis], np.fft.fftfreq(size[1]))
    fall = 1 / np.maximum(frequency, 1 / max(size)) ** 1.5
    waves = np.fft.fft2(rng.normal(size=(count, 3, *size))) * fall
    images = np.fft.ifft2(waves).real
    images /= 2.5 * images.std(axis=(2, 3), keepdims=True)
    return images.transpose(0, 2, 3, 1).clip(-1, 1).astype(np.float32)


STYLE = np.float32([0.3, 0.5, 0.6])  # Contrast of each color.
X, Y = scenes(0), STYLE * scenes(1)
COLORED = STYLE * X  # X in the style of Y.
ROWS, COLUMNS = np.indices(X.shape[1:3])


def pattern(period):
    """A checkerboard of fields of half a period, -1 and 1."""
    fields = ROWS // (period // 2) + COLUMNS // (period // 2)
    return np.float32(1 - 2 * (fields % 2))[np.newaxis, ..., np.newaxis]


# --- Style ------------------------------------------------------------------


def test_a_copy_is_as_far_from_the_target_as_the_input():
    assert style_distance(X, X, Y) == 1.0


def test_the_targets_style_is_near_the_target():
    assert style_distance(X, COLORED, Y) < 0.35


def test_half_the_way_is_between_copy_and_target():
    half = style_distance(X, (X + COLORED) / 2, Y)
    assert style_distance(X, COLORED, Y) < half < 1.0


def test_the_wrong_style_is_further_than_a_copy():
    assert style_distance(X, 1.5 * X, Y) > 1.2


def test_brightness_of_a_few_scenes_is_no_style():
    assert style_distance(X, COLORED + 0.2, Y) == pytest.approx(style_distance(X, COLORED, Y))


def test_blur_is_a_matter_of_style():
    target = scenes(1)
    blurred = (X[:, :-1, :-1] + X[:, 1:, :-1] + X[:, :-1, 1:] + X[:, 1:, 1:]) / 4
    assert style_distance(X, blurred, target) > 1.2


def test_targets_may_be_of_any_number_and_size():
    assert style_distance(X, COLORED, Y[:3, :40, :50]) < 0.5


def test_where_inputs_are_targets_there_is_no_distance_to_compare():
    assert np.isnan(style_distance(X, COLORED, X))


# --- Brightness -------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "expected"),
    [(X, 1.0), (0.3 * X + 0.2, 1.0), (-X, -1.0), (0.1 - 0.5 * X, -1.0)],
    ids=["copy", "contrast", "negative", "faint negative"],
)
def test_brightness_is_kept_or_inverted(output, expected):
    assert luminance_correlation(X, output) == pytest.approx(expected, abs=1e-6)


def test_other_scenes_are_hardly_related():
    assert abs(luminance_correlation(X, Y)) < 0.5


def test_a_flat_output_has_no_correlation():
    assert np.isnan(luminance_correlation(X, 0 * X))


# --- Diversity --------------------------------------------------------------


def test_a_copy_is_as_diverse_as_its_input():
    assert diversity(X, X) == 1.0
    assert diversity(X, 0.5 * X + 0.3) == pytest.approx(0.5, rel=1e-5)


def test_one_output_for_all_inputs_is_a_collapse():
    assert diversity(X, np.broadcast_to(Y[:1], X.shape)) == 0.0
    assert diversity(X, Y[:1] + 0.05 * X) < 0.06


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("inputs", [X[:1], np.repeat(X[:1], 3, axis=0)], ids=["one", "equal"])
def test_without_two_different_inputs_there_is_no_diversity(inputs):
    assert np.isnan(diversity(inputs, inputs))


# --- Checkerboards ----------------------------------------------------------


def test_clean_images_have_none():
    assert 0.4 < checkerboard(X, COLORED, Y) < 2.5


@pytest.mark.parametrize(("period", "strength"), [(2, 0.03), (4, 0.1)])
def test_a_pattern_at_the_period_of_an_upsampling_is_seen(period, strength):
    assert checkerboard(X, COLORED + strength * pattern(period), Y) > 10


def test_a_pattern_that_follows_the_image_is_seen():
    assert checkerboard(X, COLORED * (1 + 0.4 * pattern(2)), Y) > 10


def test_a_pattern_of_a_longer_period_is_none():
    assert checkerboard(X, COLORED + 0.05 * pattern(16), Y) < 2.5


def test_a_pattern_that_the_target_has_is_its_style():
    dotted = np.float32(0.03) * pattern(2)
    assert checkerboard(X, COLORED + dotted, Y + dotted) < 3


def test_images_below_a_tile_are_not_judged():
    assert np.isnan(checkerboard(X[:, :31], COLORED[:, :31], Y))


def test_flat_images_have_none():
    assert checkerboard(X, 0 * X, Y) < 3


@pytest.mark.parametrize(
    ("upsampling", "low", "high"), [("transposed", 10, np.inf), ("resize", 0, 5)]
)
def test_an_untrained_transposed_convolution_draws_one(upsampling, low, high):
    keras.utils.set_random_seed(0)
    config = ResNetConfig(
        filters=8, num_downsamplings=2, num_residual_blocks=1, upsampling=upsampling
    )
    generator = build_resnet(config, "generator")
    outputs = generator(X).numpy()
    assert low < checkerboard(X, outputs / np.abs(outputs).max(), Y) < high


# --- All --------------------------------------------------------------------


def test_both_ways_are_named():
    found = both_ways(X, COLORED, Y, Y)
    assert list(found)[::2] == [
        "style_distance_xy",
        "luminance_correlation_xy",
        "diversity_xy",
        "checkerboard_xy",
    ]
    assert found["style_distance_yx"] == 1.0
    assert found["style_distance_xy"] == style_distance(X, COLORED, Y)
