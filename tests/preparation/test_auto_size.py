"""The working size that fits the images."""

import numpy as np
import pytest
from PIL import ExifTags, Image

from i2i_keras.errors import DataError
from i2i_keras.preparation.auto_size import MULTIPLE, auto_size, sizes, stretch, stretched


@pytest.mark.parametrize(
    ("shape", "pixels", "wanted"),
    [
        ((256, 256), 128 * 256, (176, 176)),
        ((1024, 2048), 128 * 256, (128, 256)),
        ((1024, 2048), 280 * 560, (280, 560)),  # The student report's.
        ((64, 128), 280 * 560, (64, 128)),
        ((100, 100), 280 * 560, (96, 96)),
    ],
)
def test_the_size_has_the_images_shape_and_is_not_above_them_or_the_budget(shape, pixels, wanted):
    assert auto_size([[shape], [shape]], pixels) == wanted


def test_any_shape_is_kept_within_a_tenth():
    rng = np.random.default_rng(0)
    for height, width in rng.integers(96, 3000, (300, 2)).tolist():
        if not 1 / 3 <= width / height <= 3:
            continue
        found = auto_size([[(height, width)], [(height, width)]], 128 * 256)
        assert all(side % MULTIPLE == 0 for side in found)
        assert 1 / 1.1 <= stretch((height, width), found) <= 1.1


def test_two_shapes_are_stretched_alike():
    found = auto_size([[(500, 500)], [(500, 1000)]], 280 * 560)
    factors = [stretch((500, 500), found), 1 / stretch((500, 1000), found)]
    assert factors == pytest.approx([2**0.5] * 2, rel=0.03)


def test_the_usual_image_counts_and_not_an_odd_one():
    domain = [(300, 400)] * 9 + [(10, 4000)]
    assert auto_size([domain, domain], 120 * 160) == auto_size([[(300, 400)]], 120 * 160)


def test_tiny_images_are_refused():
    with pytest.raises(DataError, match="sides below 8 pixels are too small"):
        auto_size([[(5, 5)]], 1000)


def test_sizes_are_as_images_are_seen(tmp_path):
    image, exif = Image.new("RGB", (30, 20)), Image.Exif()
    image.save(tmp_path / "plain.png")
    exif[ExifTags.Base.Orientation] = 6  # Turned by 90 degrees.
    image.save(tmp_path / "turned.jpg", exif=exif)
    (tmp_path / "broken.png").write_bytes(b"no image")
    files = [tmp_path / name for name in ("plain.png", "turned.jpg", "broken.png")]
    assert sizes(files) == [(20, 30), (30, 20)]


def test_a_stretch_of_more_than_a_tenth_is_said():
    assert stretched([(100, 100)], (100, 109), "source image") == ""
    assert stretched([(100, 100)] * 3, (100, 200), "source image") == (
        "Of 3 source images, at 100 x 200 (height x width), 3 become 2.00 times as wide as they"
        " are (medians); set prepare.size, or prepare.fit = 'crop'."
    )
    both = stretched([(100, 50), (100, 100), (100, 200)], (100, 100), "target image")
    assert "1 becomes 2.00 times as wide as it is and 1 becomes 2.00 times as high as it is" in both
    one = stretched([(100, 100)], (100, 200), "target image")
    assert one.startswith("Of 1 target image, at 100 x 200 (height x width), 1 becomes 2.00 times")
