import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras.data.records import Record
from i2i_keras.errors import DataError
from i2i_keras.translation.apply import translate_records

RNG = np.random.default_rng(0)


@pytest.fixture
def records(tmp_path):
    """Two records of different sizes, one of them without a label."""
    found = []
    for name, size, label in (("a", (5, 7, 3), tmp_path / "a-label.png"), ("b", (6, 4, 3), None)):
        image = tmp_path / f"{name}-source.png"
        Image.fromarray(RNG.integers(0, 256, size, np.uint8)).save(image)
        found.append(Record(name, image, label))
    return found


def negative(images):
    return -images


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def test_a_translated_record_keeps_its_name_and_label(records, tmp_path):
    translated = translate_records(negative, records, tmp_path / "out", "")
    assert [(r.name, r.label) for r in translated] == [(r.name, r.label) for r in records]
    assert [r.image for r in translated] == [tmp_path / "out" / f"{n}.png" for n in "ab"]


def test_files_decode_to_what_the_translator_gave(records, tmp_path):
    for old, new in zip(
        records, translate_records(negative, records, tmp_path / "out", ""), strict=True
    ):
        np.testing.assert_array_equal(pixels(new.image), 255 - pixels(old.image))


def test_the_identity_changes_no_pixel(records, tmp_path):
    for old, new in zip(
        records, translate_records(tf.identity, records, tmp_path / "out", ""), strict=True
    ):
        np.testing.assert_array_equal(pixels(new.image), pixels(old.image))


def test_a_translator_is_given_one_float_image_in_its_range(records, tmp_path):
    seen = []

    def record(images):
        seen.append((images.dtype, tuple(images.shape)))
        assert -1.0 <= tf.reduce_min(images) < tf.reduce_max(images) <= 1.0
        return images

    translate_records(record, records, tmp_path / "out", "")
    assert seen == [(tf.float32, (1, 5, 7, 3)), (tf.float32, (1, 6, 4, 3))]


def test_what_an_interrupted_call_wrote_is_kept(records, tmp_path):
    translate_records(negative, records[:1], tmp_path / "out", "")
    before = (tmp_path / "out" / "a.png").read_bytes()
    translated = translate_records(tf.identity, records, tmp_path / "out", "")
    assert (tmp_path / "out" / "a.png").read_bytes() == before
    np.testing.assert_array_equal(pixels(translated[1].image), pixels(records[1].image))


def test_a_translator_that_fails_leaves_no_half_of_a_file(records, tmp_path):
    def fail(images):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        translate_records(fail, records, tmp_path / "out", "")
    assert not list(tmp_path.glob("out/*"))


def test_a_broken_image_is_named(records, tmp_path):
    records[0].image.write_bytes(b"no image")
    with pytest.raises(DataError, match=r"a-source.png cannot be read as an image"):
        translate_records(negative, records, tmp_path / "out", "")
