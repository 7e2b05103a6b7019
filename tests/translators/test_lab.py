import numpy as np
import pytest
from skimage import color as skimage_color

from i2i_keras.translators.lab import lab_to_rgb, rgb_to_lab

# Every 17th level of each channel: black, white, grays and the corners too.
GRID = np.stack(np.meshgrid(*3 * [np.arange(0, 256, 17) / 255.0]), axis=-1).reshape(-1, 3)


def test_it_is_that_of_scikit_image():
    np.testing.assert_allclose(rgb_to_lab(GRID), skimage_color.rgb2lab(GRID), atol=2e-3)


def test_the_way_back_is_that_of_scikit_image():
    lab = skimage_color.rgb2lab(GRID)
    np.testing.assert_allclose(lab_to_rgb(lab), skimage_color.lab2rgb(lab), atol=2e-5)


@pytest.mark.parametrize(("dtype", "atol"), [(np.float64, 1e-9), (np.float32, 1e-5)])
def test_there_and_back_changes_nothing(dtype, atol):
    rgb = GRID.astype(dtype)
    back = lab_to_rgb(rgb_to_lab(rgb))
    assert rgb_to_lab(rgb).dtype == back.dtype == dtype
    np.testing.assert_allclose(back, rgb, atol=atol)


def test_colors_that_srgb_has_not_are_outside_of_its_range_and_come_back_as_well():
    lab = np.array([[50.0, 120.0, -120.0], [120.0, 0.0, 0.0], [1.0, 40.0, 40.0], [-9.0, 0.0, 0.0]])
    rgb = lab_to_rgb(lab)
    assert np.isfinite(rgb).all()
    assert ((rgb < 0) | (rgb > 1)).any(axis=1).all()
    # Not by `rgb_to_lab`, which has no use for them: by the line below black.
    assert lab_to_rgb(lab[3:]) == pytest.approx(
        12.92 * -9.0 * 27 / 24389 * np.ones((1, 3)), rel=1e-3
    )
