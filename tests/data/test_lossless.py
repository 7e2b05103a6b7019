import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.encodings import LabelReader
from i2i_keras.data.lossless import lossy_kind
from i2i_keras.data.records import read_image
from i2i_keras.errors import FileError

NOISE = np.random.default_rng(0).integers(0, 256, (33, 17, 3), np.uint8)
KINDS = {
    "png": ("a.png", {}, ""),
    "bmp": ("a.bmp", {}, ""),
    "tiff": ("a.tif", {}, ""),
    "tiff lzw": ("a.tiff", {"compression": "tiff_lzw"}, ""),
    "tiff jpeg": ("a.tif", {"compression": "jpeg"}, "a TIFF of JPEG or WebP pixels"),
    "jpeg": ("a.jpg", {}, "a JPEG"),
    "webp": ("a.webp", {}, "a lossy WebP"),
    "webp lossless": ("a.webp", {"lossless": True}, ""),
    # An ICC profile brings the chunk VP8X, several frames ANIM and ANMF.
    "webp extended": ("a.webp", {"icc_profile": b"odd"}, "a lossy WebP"),
    "webp extended lossless": ("a.webp", {"lossless": True, "icc_profile": b"odd"}, ""),
    "webp film": ("a.webp", {"save_all": True}, "a lossy WebP"),
    "webp film lossless": ("a.webp", {"lossless": True, "save_all": True}, ""),
}


@pytest.fixture(params=KINDS)
def written(request, tmp_path):
    """A file of noise, and what is lossy about it."""
    name, options, kind = KINDS[request.param]
    more = [Image.fromarray(255 - NOISE)] if "save_all" in options else []
    Image.fromarray(NOISE).save(tmp_path / name, **options, append_images=more)
    return tmp_path / name, kind


def test_a_file_is_lossy_if_its_pixels_are_not_those_that_were_written(written):
    path, kind = written
    with Image.open(path) as image:
        changed = bool((np.asarray(image.convert("RGB")) != NOISE).any())
        assert lossy_kind(path, image) == kind
    assert changed == bool(kind)


def test_lossy_labels_are_refused_and_lossless_ones_read(written):
    path, kind = written
    colors = tuple((tuple(color), 7) for color in NOISE.reshape(-1, 3).tolist())
    reader = LabelReader(np.arange(256, dtype=np.uint8), np.ones(256, bool), colors)
    if not kind:
        assert (reader.numbers(path) == 7).all()
        return
    with pytest.raises(FileError, match=f"is {kind}, which blurs labels; give a PNG"):
        reader.numbers(path)


@pytest.mark.parametrize("name", ["a.bmp", "a.tif", "a.TIFF", "a.webp", "a.gif"])
def test_images_of_other_suffixes_are_read(tmp_path, name):
    pixels = np.zeros((5, 7, 3), np.uint8)
    pixels[2:] = 255, 0, 102
    options = {"lossless": True} if name.endswith("webp") else {}
    Image.fromarray(pixels).save(tmp_path / name, **options)
    np.testing.assert_array_equal(read_image(tmp_path / name), pixels)


def test_of_a_gif_the_first_frame_is_read(tmp_path):
    frames = [Image.new("RGB", (4, 3), (n, n, n)) for n in (50, 100, 150)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read_image(tmp_path / "a.gif"), np.full((3, 4, 3), 50))


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.gif"])
@pytest.mark.parametrize("mode", ["L", "P"])
def test_numbers_of_labels_survive_other_suffixes(tmp_path, name, mode):
    ids = np.array([[0, 7, 255], [33, 11, 7]], np.uint8)
    image = Image.fromarray(ids)
    if mode == "P":
        image = Image.new("P", (3, 2))
        image.putdata(ids.ravel().tolist())
        image.putpalette(np.random.default_rng(0).integers(0, 256, 768).tolist())
    image.save(tmp_path / name, **({"optimize": False} if name == "a.gif" else {}))
    reader = LabelReader(np.arange(256, dtype=np.uint8), np.ones(256, bool))
    np.testing.assert_array_equal(reader.numbers(tmp_path / name), ids)
