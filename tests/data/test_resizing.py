"""Resizing, against the definition of an area's mean."""

import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.resizing import average_areas, cropped, resize, shape_within


def means(pixels, size):
    """By the definition, pixel for pixel: overlaps of intervals as weights."""

    def weights(old, new):
        scale = old / new
        rows = [
            [max(0, min((j + 1) * scale, i + 1) - max(j * scale, i)) / scale for i in range(old)]
            for j in range(new)
        ]
        return np.array(rows)

    rows, columns = (weights(*sides) for sides in zip(pixels.shape, size, strict=False))
    return np.einsum("ah,hwc,bw->abc", rows, pixels.astype(float), columns)


@pytest.mark.parametrize("raw", [(21, 38), (20, 40), (40, 20), (13, 17), (9, 11)])
@pytest.mark.parametrize("size", [(10, 20), (9, 13), (1, 1)])
def test_area_is_the_mean_over_each_area(raw, size):
    pixels = np.random.default_rng(0).integers(0, 256, (*raw, 3), np.uint8)
    found = np.asarray(resize(Image.fromarray(pixels), size, "area"))
    np.testing.assert_allclose(found, means(pixels, size), atol=0.5 + 1e-4)


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_at_whole_factors_it_is_the_mean_of_blocks(factor):
    pixels = np.random.default_rng(1).integers(0, 256, (8 * factor, 6 * factor, 3), np.uint8)
    blocks = pixels.reshape(8, factor, 6, factor, 3).mean((1, 3))
    found = resize(Image.fromarray(pixels), (8, 6), "area")
    # Pillow's `reduce` rounds a little early.
    np.testing.assert_allclose(np.asarray(found), blocks, atol=0.6)
    np.testing.assert_allclose(average_areas(pixels, (8, 6)), blocks, atol=0.5 + 1e-4)


def test_pillows_box_is_another():
    pixels = np.random.default_rng(2).integers(0, 256, (21, 38, 3), np.uint8)
    box = Image.fromarray(pixels).resize((20, 10), Image.Resampling.BOX)
    assert abs(np.asarray(box) - means(pixels, (10, 20))).max() > 10


@pytest.mark.parametrize(
    ("outer", "size", "expected"),
    [
        ((100, 100), (50, 100), (50, 100)),
        ((1052, 1914), (512, 1024), (957, 1914)),
        ((90, 300), (30, 30), (90, 90)),
        ((64, 128), (32, 64), (64, 128)),
    ],
)
def test_the_largest_part_of_a_shape(outer, size, expected):
    assert shape_within(outer, size) == expected


def test_the_middle_is_kept():
    pixels = np.arange(5 * 9, dtype=np.uint8).reshape(5, 9)
    found = np.asarray(cropped(Image.fromarray(pixels), (20, 20)))
    np.testing.assert_array_equal(found, pixels[:, 2:7])
