"""FDA beside a plain FFT, written from the equations of Yang and Soatto."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from i2i_keras import config
from i2i_keras.errors import SettingsError
from i2i_keras.translators import fourier
from i2i_keras.translators.fourier import FourierConfig, fit, load


def noise(seed, size, low=0.3, high=0.7):
    """Pixels in double precision, of a mean color of their own."""
    rng = np.random.default_rng(seed)
    return rng.uniform(low, high, (*size, 3)) * rng.uniform(0.6, 1.0, 3)


def mask(height, width, half_width):
    """M of equation 2, the spectrum's center being the frequency zero."""
    down, right = (abs(np.arange(side) - side // 2) for side in (height, width))
    return (np.maximum(down[:, np.newaxis], right) <= half_width)[..., np.newaxis]


def spectrum(pixels):
    """Amplitude and phase, centered."""
    shifted = np.fft.fftshift(np.fft.fft2(pixels, axes=(0, 1)), axes=(0, 1))
    return np.abs(shifted), np.angle(shifted)


def adapted(source, target, half_width):
    """Equation 3, of two images of one size."""
    (own, phase), (other, _) = spectrum(source), spectrum(target)
    inside = mask(*source.shape[:2], half_width)
    mixed = (inside * other + (1 - inside) * own) * np.exp(1j * phase)
    return np.fft.ifft2(np.fft.ifftshift(mixed, axes=(0, 1)), axes=(0, 1)).real


def swap(source, target, half_width):
    return fourier.swap_amplitudes(source, fourier.amplitudes(target, half_width))


@settings(deadline=None)
@given(st.integers(1, 24), st.integers(1, 24), st.integers(0, 11), st.integers(0, 99))
def test_it_is_the_papers_equation(height, width, half_width, seed):
    half_width = min(half_width, (min(height, width) - 1) // 2)
    source, target = (noise(seed + n, (height, width)) for n in (0, 100))
    wanted = adapted(source, target, half_width)
    np.testing.assert_allclose(swap(source, target, half_width), wanted, atol=1e-9)


@pytest.mark.parametrize("half_width", [0, 1, 4])
def test_amplitudes_are_the_targets_inside_of_the_window_and_phases_the_sources(half_width):
    source, target = noise(0, (18, 27)), noise(1, (18, 27))
    (own, phase), (other, _) = spectrum(source), spectrum(target)
    amplitude, new_phase = spectrum(swap(source, target, half_width))
    inside = np.broadcast_to(mask(18, 27, half_width), own.shape)
    assert inside[..., 0].sum() == (2 * half_width + 1) ** 2
    np.testing.assert_allclose(amplitude[inside], other[inside], rtol=1e-9)
    np.testing.assert_allclose(amplitude[~inside], own[~inside], rtol=1e-9)
    np.testing.assert_allclose(np.cos(new_phase - phase), 1.0, atol=1e-9)
    assert not np.allclose(other[inside], own[inside])


def test_a_window_of_the_mean_alone_shifts_the_mean_color_and_nothing_else():
    source, target = noise(0, (16, 20), 0.0, 0.4), noise(1, (16, 20), 0.5, 1.0)
    shift = target.mean(axis=(0, 1)) - source.mean(axis=(0, 1))
    assert shift.min() > 0.1
    np.testing.assert_allclose(swap(source, target, 0), source + shift, atol=1e-9)


def test_the_own_amplitudes_change_nothing():
    source = noise(0, (15, 22))
    np.testing.assert_allclose(swap(source, source, 7), source, atol=1e-9)


def test_what_an_image_lacks_comes_with_the_phase_zero():
    source, target = np.zeros((8, 10, 3)), noise(1, (8, 10))
    np.testing.assert_allclose(swap(source, target, 2), adapted(source, target, 2), atol=1e-9)


# --- Sizes ------------------------------------------------------------------


def waves(seed, height, width):
    """A picture that is the same at any size: all waves of up to 2 periods."""
    rng = np.random.default_rng(seed)
    pixels = np.full((height, width, 3), 0.5)
    for periods in np.ndindex(5, 5):
        down, right = (
            np.arange(s) * (p - 2) / s for s, p in zip((height, width), periods, strict=True)
        )
        turns = down[:, np.newaxis, np.newaxis] + right[:, np.newaxis] + rng.random(3)
        pixels += rng.uniform(0.01, 0.02, 3) * np.cos(2 * np.pi * turns)
    return pixels


@pytest.mark.parametrize("size", [(16, 20), (32, 40), (48, 33), (13, 57)])
def test_an_image_of_another_size_gets_the_same_frequencies_across_it(size):
    kept = fourier.amplitudes(waves(1, 16, 20), 2)
    made = fourier.swap_amplitudes(waves(0, *size), kept)
    np.testing.assert_allclose(made, adapted(waves(0, *size), waves(1, *size), 2), atol=1e-9)


@pytest.mark.parametrize("size", [(4, 9), (3, 3), (1, 8), (1, 1)])
def test_a_small_image_gets_those_that_it_has(size):
    source, kept = noise(0, size), fourier.amplitudes(noise(1, (32, 32)), 5)
    down, right = ((side - 1) // 2 for side in size)
    amplitude, phase = spectrum(fourier.swap_amplitudes(source, kept))
    own, own_phase = spectrum(source)
    own = own.copy()
    rows, columns = (
        slice(side // 2 - n, side // 2 + n + 1) for side, n in zip(size, (down, right), strict=True)
    )
    half = kept[5 - down : 5 + down + 1, : right + 1] * size[0] * size[1]
    own[rows, columns] = np.concatenate([half[::-1, :0:-1], half], axis=1)
    np.testing.assert_allclose(amplitude, own, atol=1e-9)
    np.testing.assert_allclose(np.cos(phase - own_phase)[amplitude > 1e-6], 1.0, atol=1e-9)


# --- Settings ---------------------------------------------------------------


def write(folder, size, *seeds):
    folder.mkdir()
    paths = [folder / f"{seed}.png" for seed in seeds]
    for seed, path in zip(seeds, paths, strict=True):
        Image.fromarray(np.uint8(np.rint(255 * noise(seed, size, 0.0, 1.0)))).save(path)
    return paths


@pytest.mark.parametrize(
    ("table", "half_width"),
    [
        ({}, 1),  # 0.01 of 100.
        ({"beta": 0.0}, 0),
        ({"beta": 0.0199}, 1),
        ({"beta": 0.02}, 2),
        ({"beta": 0.49}, 49),
        ({"radius": 0}, 0),
        ({"radius": 3}, 3),
        ({"radius": 1000}, 49),
    ],
)
def test_the_window_is_as_wide_as_asked_for(table, half_width, tmp_path):
    x, y = write(tmp_path / "x", (100, 120), 0), write(tmp_path / "y", (100, 120), 1)
    facts = fit(config.build(FourierConfig, table), x, y, tmp_path / "fitted", 0)
    assert facts == {"num_references": [1, 1], "half_width": half_width, "warnings": []}
    source, target = (np.asarray(Image.open(path[0])) / 255.0 for path in (x, y))
    made = load(tmp_path / "fitted")(tf.constant(2.0 * source[np.newaxis] - 1.0, tf.float32))[0]
    wanted = np.clip(2.0 * adapted(source, target, half_width) - 1.0, -1.0, 1.0)
    np.testing.assert_allclose(made, wanted, atol=1e-5)
    assert np.abs(wanted).max() == 1.0  # Something was clipped.


def test_a_window_of_less_than_one_frequency_is_told_of(tmp_path):
    x, y = write(tmp_path / "x", (40, 60), 0), write(tmp_path / "y", (40, 60), 1)
    for table, told in (({}, 1), ({"beta": 0.02}, 1), ({"beta": 0.03}, 0), ({"radius": 0}, 0)):
        facts = fit(config.build(FourierConfig, table), x, y, tmp_path / "fitted", 0)
        assert len(facts["warnings"]) == told
        assert all("raise translator.fourier.beta" in warning for warning in facts["warnings"])


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"beta": 0.1, "radius": 2}, "beta and radius both say how large the window is; set one"),
        ({"beta": 0.5}, "Setting 'beta'"),
        ({"beta": -0.1}, "Setting 'beta'"),
        ({"radius": -1}, "Setting 'radius'"),
    ],
)
def test_windows_that_are_none_are_refused(table, words):
    with pytest.raises(SettingsError, match=words):
        config.build(FourierConfig, table)
