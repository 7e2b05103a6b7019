import time

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras.data import each_image
from i2i_keras.data.records import Record
from i2i_keras.errors import DataError
from i2i_keras.translators.apply import translate_records, unfinished

RNG = np.random.default_rng(0)


def write(path, size=(5, 7)):
    """A random image; its pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = RNG.integers(0, 256, (*size, 3), np.uint8)
    Image.fromarray(array).save(path)
    return array


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def negative(images):
    return -images


@pytest.fixture
def records(tmp_path):
    """Two records of different sizes, one of them without a label."""
    places = [tmp_path / "source" / f"{name}.png" for name in "ab"]
    for place, size in zip(places, ((5, 7), (6, 4)), strict=True):
        write(place, size)
    return [Record("a", places[0], tmp_path / "a-label.png"), Record("b", places[1], None)]


@pytest.fixture
def many(tmp_path):
    """More records than are ever read ahead."""
    places = [tmp_path / "many" / f"{number:02}.png" for number in range(20)]
    for place in places:
        write(place)
    return [Record(place.stem, place, None) for place in places]


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


# --- What comes out ---------------------------------------------------------


def test_a_translated_record_keeps_its_name_and_label(records, out):
    translated = translate_records(negative, records, out, "", "")
    assert [(r.name, r.label) for r in translated] == [(r.name, r.label) for r in records]
    assert [r.image for r in translated] == [out / "a.png", out / "b.png"]


def test_files_decode_to_what_the_translator_gave(records, out):
    for old, new in zip(records, translate_records(negative, records, out, "", ""), strict=True):
        np.testing.assert_array_equal(pixels(new.image), 255 - pixels(old.image))


def test_the_identity_changes_no_pixel(records, out):
    for old, new in zip(records, translate_records(tf.identity, records, out, "", ""), strict=True):
        np.testing.assert_array_equal(pixels(new.image), pixels(old.image))


def test_a_translator_is_given_one_float_image_in_its_range(records, out):
    seen = []

    def record(images):
        seen.append((images.dtype, tuple(images.shape)))
        assert -1.0 <= tf.reduce_min(images) < tf.reduce_max(images) <= 1.0
        return images

    translate_records(record, records, out, "", "")
    assert seen == [(tf.float32, (1, 5, 7, 3)), (tf.float32, (1, 6, 4, 3))]


def test_the_same_input_gives_the_same_bytes(records, tmp_path):
    files = [translate_records(negative, records, tmp_path / n, "", "k")[0].image for n in "xy"]
    assert files[0].read_bytes() == files[1].read_bytes()


# --- Again ------------------------------------------------------------------


def times(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def never(images):
    raise AssertionError("There is nothing to translate.")


def test_what_is_there_is_kept(records, out):
    translate_records(negative, records, out, "", "k")
    before = times(out)
    translate_records(never, records, out, "", "k")
    assert times(out) == before


def test_another_translator_makes_all_of_it_anew(records, out):
    translate_records(negative, records, out, "", "k")
    new = translate_records(tf.identity, records, out, "", "another")
    np.testing.assert_array_equal(pixels(new[0].image), pixels(records[0].image))


def test_a_changed_input_is_translated_anew_and_no_other(records, out):
    translate_records(negative, records, out, "", "k")
    before = times(out)
    write(records[0].image)
    translate_records(negative, records, out, "", "k")
    assert [name for name, when in times(out).items() if when != before[name]] == ["a.png"]
    np.testing.assert_array_equal(pixels(out / "a.png"), 255 - pixels(records[0].image))


def test_a_moved_or_touched_input_is_not(records, out):
    translate_records(negative, records, out, "", "k")
    records[0].image.touch()
    moved = records[1].image.rename(records[1].image.with_name("elsewhere.png"))
    records[1] = records[1]._replace(image=moved)
    assert unfinished(records, out, "k") == []


@pytest.mark.parametrize("content", [b"", b"no image"])
def test_what_is_not_from_a_translator_is_not_kept(records, out, content):
    write(out / "a.png")
    (out / "b.png").write_bytes(content)
    assert unfinished(records, out, "k") == records


# --- Threads ----------------------------------------------------------------


def test_images_are_read_while_the_network_is_at_work(many, out):
    reread = iter(many)

    def slow(images):
        if next(reread) is many[0]:
            time.sleep(0.5)
            many[1].image.unlink()
        return images

    translate_records(slow, many, out, "", "k")
    assert (out / "01.png").is_file()


def test_images_are_written_while_the_network_is_at_work(many, out):
    calls = []

    def wait(images):
        calls.append(None)
        end = time.monotonic() + 30
        while len(calls) > 1 and not (out / f"{len(calls) - 2:02}.png").is_file():
            assert time.monotonic() < end, "The image before was not written."
            time.sleep(0.01)
        return images

    translate_records(wait, many, out, "", "k")


def test_only_a_few_images_are_held_in_memory(many, out):
    def destroy(images):
        time.sleep(0.2)
        many[2 + 2 * each_image.AHEAD].image.unlink(missing_ok=True)
        return images

    with pytest.raises(DataError, match="is missing"):
        translate_records(destroy, many, out, "", "k")


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_stop_leaves_whole_files_and_a_restart_does_the_rest(many, out, error):
    count = iter(range(12))

    def stop(images):
        if next(count) == 11:
            raise error
        return -images

    with pytest.raises(error):
        translate_records(stop, many, out, "", "k")
    there = [path.name for path in sorted(out.iterdir())]
    assert 1 <= len(there) <= 11
    for name in there:
        np.testing.assert_array_equal(pixels(out / name), 255 - pixels(many[int(name[:2])].image))

    translated = []
    translate_records(lambda x: translated.append(x) or -x, many, out, "", "k")
    assert len(translated) == len(many) - len(there)
    assert unfinished(many, out, "k") == []


def test_a_broken_image_is_named(records, out):
    records[0].image.write_bytes(b"no image")
    with pytest.raises(DataError, match=r"a.png cannot be read as an image"):
        translate_records(negative, records, out, "", "")


def test_a_folder_that_cannot_be_written_to_is_named(records, out):
    out.write_text("a file", "utf-8")
    with pytest.raises(DataError, match="out"):
        translate_records(negative, records, out, "", "")


# --- What was cut off or changed ----------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-20],
        lambda data: data[: len(data) // 2],
        lambda data: data[:-30] + bytes([data[-30] ^ 1]) + data[-29:],
    ],
    ids=["end", "half", "one bit"],
)
def test_a_translation_that_is_not_whole_is_made_anew(records, out, change):
    translate_records(negative, records, out, "", "x")
    whole = (out / "a.png").read_bytes()
    (out / "a.png").write_bytes(change(whole))
    assert [record.name for record in unfinished(records, out, "x")] == ["a"]
    translate_records(negative, records, out, "", "x")
    assert (out / "a.png").read_bytes() == whole


def test_a_translation_that_is_no_number_is_refused_and_not_black(records, out):
    with pytest.raises(DataError, match="Translated images hold what is not a number"):
        translate_records(lambda images: images * np.nan, records, out, "", "x")
    assert not [*out.rglob("*.png")]
