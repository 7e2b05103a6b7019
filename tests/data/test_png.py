"""Plain PNGs, as Pillow, TensorFlow and the standard read them."""

import io
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras.data.image_files import broken_chunk
from i2i_keras.data.png import plain_png

RNG = np.random.default_rng(0)
SHAPES = [(1, 1), (7, 13), (7, 13, 3), (300, 500, 3)]


@pytest.fixture(params=SHAPES, ids=str)
def pixels(request):
    return RNG.integers(0, 256, request.param, np.uint8)


def test_pillow_reads_what_was_written(pixels):
    with Image.open(io.BytesIO(plain_png(pixels))) as image:
        assert image.format == "PNG" and image.mode == {2: "L", 3: "RGB"}[pixels.ndim]
        np.testing.assert_array_equal(np.asarray(image), pixels)


def test_tensorflow_reads_what_was_written(pixels):
    channels = {2: 1, 3: 3}[pixels.ndim]
    read = tf.io.decode_png(plain_png(pixels), channels=channels).numpy()
    np.testing.assert_array_equal(read, pixels.reshape(read.shape))


def test_every_chunk_has_its_checksum(pixels, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(plain_png(pixels))
    assert broken_chunk(path) == ""
    data = bytearray(plain_png(pixels))
    data[-20] ^= 1  # Before the checksum of the pixels and the last chunk.
    path.write_bytes(data)
    assert broken_chunk(path) == "IDAT"
    with Image.open(io.BytesIO(plain_png(pixels))) as image:
        image.verify()


def test_no_row_is_filtered_or_compressed():
    pixels = np.tile(np.arange(100, dtype=np.uint8), (50, 1))
    data = plain_png(pixels)
    rows = zlib.decompressobj().decompress(data[data.index(b"IDAT") + 4 :])
    assert len(data) > pixels.size
    assert {rows[place] for place in range(0, len(rows), 101)} == {0}


def test_a_file_says_what_it_is_told_to_say():
    with Image.open(io.BytesIO(plain_png(np.zeros((2, 3), np.uint8), {"origin": "ab"}))) as image:
        assert image.info == {"origin": "ab"}
