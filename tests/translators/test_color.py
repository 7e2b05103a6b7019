import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from skimage import color as skimage_color
from skimage import exposure

from i2i_keras import config
from i2i_keras.errors import SettingsError
from i2i_keras.translators import color, references
from i2i_keras.translators.color import ColorConfig, fit, load


def picture(seed, low, high, size=(24, 30)):
    """Smooth patches of colors within limits, uint8."""
    rng = np.random.default_rng(seed)
    patches = rng.integers(low, high + 1, (6, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(patches).resize(size[::-1], Image.Resampling.BILINEAR))


def write(folder, *pictures):
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{number}.png" for number in range(len(pictures))]
    for path, pixels in zip(paths, pictures, strict=True):
        Image.fromarray(pixels).save(path)
    return paths


def translate(tmp_path, image, *targets, **settings):
    """What an image becomes, in levels from 0 to 255, not rounded."""
    x, y = write(tmp_path / "x", image), write(tmp_path / "y", *targets)
    fit(config.build(ColorConfig, settings), x, y, tmp_path / "fitted", 3)
    batch = tf.constant(image[np.newaxis], tf.float32) / 127.5 - 1.0
    return 127.5 * (load(tmp_path / "fitted")(batch)[0].numpy() + 1.0)


# --- Reinhard ---------------------------------------------------------------


def lab_moments(levels):
    """Means and deviations in scikit-image's color space."""
    lab = skimage_color.rgb2lab(np.asarray(levels, np.float64) / 255.0)
    return np.stack([lab.mean(axis=(0, 1)), lab.std(axis=(0, 1))])


def test_the_statistics_in_lab_become_those_of_the_target(tmp_path):
    image, target = picture(0, 90, 160), picture(1, 100, 180)
    made = translate(tmp_path, image, target)
    assert 0 < made.min() < made.max() < 255  # Nothing was clipped.
    np.testing.assert_allclose(lab_moments(made), lab_moments(target), atol=2e-3)
    assert np.abs(lab_moments(image) - lab_moments(target)).max() > 1


def test_before_they_are_clipped_the_statistics_are_right_in_any_case():
    lab, target = (np.random.default_rng(n).normal(n, 1 + n, (9, 7, 3)) for n in (30, 40))
    made = color.match_moments(lab, color.moments(target))
    np.testing.assert_allclose(made.mean(axis=(0, 1)), target.mean(axis=(0, 1)), rtol=1e-12)
    np.testing.assert_allclose(made.std(axis=(0, 1)), target.std(axis=(0, 1)), rtol=1e-12)
    # Affine by channel, with a positive slope.
    for channel in range(3):
        assert np.corrcoef(made[..., channel].ravel(), lab[..., channel].ravel())[0, 1] > 1 - 1e-9


def test_a_channel_without_contrast_gets_the_mean_and_no_amplified_rounding():
    lab = np.random.default_rng(0).normal(50, 9, (9, 7, 3))
    lab[..., 1] = 1e-5 * lab[..., 1]  # What is left of gray after rounding.
    made = color.match_moments(lab, np.array([[40.0, 5.0, 6.0], [3.0, 8.0, 2.0]]))
    np.testing.assert_allclose(made[..., 1], 5.0, atol=1e-9)
    assert made[..., 0].std() == pytest.approx(3.0)


def test_a_gray_picture_takes_on_a_tint_and_no_colorful_noise(tmp_path):
    gray = np.repeat(picture(0, 60, 190)[..., :1], 3, axis=2)
    made = translate(tmp_path, gray, picture(1, 100, 180))
    lab = skimage_color.rgb2lab(made / 255.0)
    assert lab[..., 1:].std(axis=(0, 1)).max() < 0.05
    np.testing.assert_allclose(
        lab.mean(axis=(0, 1)), lab_moments(picture(1, 100, 180))[0], atol=0.05
    )


def test_the_domain_has_the_statistics_of_all_of_its_pixels(tmp_path):
    image, targets = picture(0, 100, 150), [picture(n, 90 + n, 150 + n) for n in (1, 9, 20)]
    made = translate(tmp_path, image, *targets, reference="domain")
    assert 0 < made.min() < made.max() < 255
    np.testing.assert_allclose(lab_moments(made), lab_moments(np.concatenate(targets)), atol=2e-3)


# --- Histograms -------------------------------------------------------------


def matched(image, target):
    """By scikit-image, without its rounding."""
    return exposure.match_histograms(
        image.astype(np.float64), target.astype(np.float64), channel_axis=-1
    )


@pytest.mark.parametrize(("low", "high"), [(0, 255), (0, 30), (200, 255), (77, 77), (0, 1)])
def test_histograms_are_matched_as_by_scikit_image(low, high, tmp_path):
    image, target = picture(0, 20, 230), picture(1, low, high)
    made = translate(tmp_path, image, target, method="histogram")
    np.testing.assert_allclose(made, matched(image, target), atol=1e-3)


def test_the_own_histogram_changes_nothing(tmp_path):
    image = picture(0, 0, 255)
    made = translate(tmp_path, image, image, method="histogram")
    np.testing.assert_allclose(made, image, atol=1e-3)


def test_the_domain_has_the_histogram_of_all_of_its_pixels(tmp_path):
    image, targets = picture(0, 0, 255), [picture(n, 10 * n, 100 + 10 * n) for n in (0, 5, 9)]
    made = translate(tmp_path, image, *targets, method="histogram", reference="domain")
    np.testing.assert_allclose(made, matched(image, np.concatenate(targets)), atol=1e-3)


# --- References -------------------------------------------------------------


@pytest.mark.parametrize("method", ["reinhard", "histogram"])
def test_the_reference_of_an_image_is_the_one_that_was_chosen(method, tmp_path):
    image, targets = picture(0, 90, 160), [picture(n, 80 + 8 * n, 150 + 8 * n) for n in range(7)]
    made = translate(tmp_path, image, *targets, method=method)
    chosen = targets[references.choose((image / 255).astype(np.float32), 7, 3)]
    wanted = color.METHODS[method].measure((chosen / 255).astype(np.float32))
    transfer = color.METHODS[method].transfer((image / 255).astype(np.float32), wanted)
    np.testing.assert_allclose(made, np.clip(255.0 * transfer, 0, 255), atol=1e-3)


def test_the_domain_is_all_images_however_many_are_kept(tmp_path):
    image, targets = picture(0, 100, 150), [picture(n, 90 + n, 150 + n) for n in (1, 9, 20)]
    made = [
        translate(tmp_path / str(count), image, *targets, reference="domain", num_references=count)
        for count in (1, 3)
        if not (tmp_path / str(count)).mkdir()
    ]
    np.testing.assert_array_equal(*made)


@pytest.mark.parametrize(
    ("setting", "value"), [("method", "reinhart"), ("reference", "set"), ("num_references", 0)]
)
def test_other_values_are_refused(setting, value):
    with pytest.raises(SettingsError, match=f"Setting '{setting}'"):
        config.build(ColorConfig, {setting: value})
