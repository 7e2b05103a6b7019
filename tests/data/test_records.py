import os
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from i2i_keras.data.encodings import LabelReader
from i2i_keras.data.records import (
    Record,
    counted,
    has_deep_counts,
    image_size,
    images_in,
    open_image,
    orientation,
    read_image,
    read_label,
    read_records,
    spread,
    write_records,
)
from i2i_keras.data.rows import check_pair
from i2i_keras.errors import DataError, FileError

IDS = np.array([[0, 4, 7, 11, 17, 18], [21, 23, 26, 34, 33, 31]])
# What libpng's gray conversion makes of GTA5's colors of these ids.
LUMA = np.array([[0, 20, 90, 70, 153, 153], [119, 117, 16, 16, 45, 58]])


def test_records_come_back_from_their_table(tmp_path):
    records = [
        Record("one, two", tmp_path / "images" / "one, two.png", tmp_path / "labels" / "1.png"),
        Record("drei-ä", tmp_path / "images" / "drei-ä.png", None),
    ]
    for record in records:
        record.image.parent.mkdir(exist_ok=True)
        record.image.touch()
    write_records(tmp_path, tmp_path / "train.csv", records)
    assert read_records(tmp_path, tmp_path / "train.csv") == records


def test_an_image_that_is_gone_is_named(tmp_path):
    write_records(tmp_path, tmp_path / "a.csv", [Record("a", tmp_path / "x" / "a.png", None)])
    with pytest.raises(DataError, match=r"a\.png is missing; delete"):
        read_records(tmp_path, tmp_path / "a.csv")


def test_a_table_holds_no_absolute_path(tmp_path):
    write_records(tmp_path, tmp_path / "a.csv", [Record("a", tmp_path / "x" / "a.png", None)])
    assert (tmp_path / "a.csv").read_text() == "name,image,label\na,x/a.png,\n"
    moved = tmp_path / "moved" / "x" / "a.png"
    moved.parent.mkdir(parents=True)
    moved.touch()
    assert read_records(tmp_path / "moved", tmp_path / "a.csv")[0].image == moved


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(DataError, match=r"train\.csv is missing; make it with its command"):
        read_records(tmp_path, tmp_path / "train.csv")


def test_images_are_listed_by_name_without_hidden_and_other_files(tmp_path):
    for name in ("b.PNG", "a.jpg", "c.jpeg", "._a.jpg", ".hidden.png", "notes.txt", "d.png.part"):
        (tmp_path / name).touch()
    assert [path.name for path in images_in(tmp_path)] == ["a.jpg", "b.PNG", "c.jpeg"]


def test_tensorflow_would_read_the_luma_of_a_palette_label(tmp_path, save_palette):
    path = save_palette(tmp_path / "label.png", IDS)
    pixels = tf.io.decode_png(tf.io.read_file(str(path)), channels=1)
    np.testing.assert_array_equal(pixels[..., 0], LUMA)


def test_a_prepared_label_is_read_as_it_is(tmp_path, save):
    path = save(tmp_path / "label.png", np.arange(256).reshape(8, 32))
    np.testing.assert_array_equal(read_label(path), np.arange(256).reshape(8, 32))


@pytest.mark.parametrize("mode", ["RGB", "P", "I;16"])
def test_what_is_no_prepared_label_is_refused(tmp_path, mode):
    Image.new(mode, (3, 2)).save(tmp_path / "label.png")
    with pytest.raises(DataError, match=r"label\.png holds .* pixels, not labels; prepare the"):
        read_label(tmp_path / "label.png")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_every_image_is_read_as_rgb(tmp_path, mode):
    Image.new("RGB", (3, 2), (102, 102, 102)).convert(mode).save(tmp_path / "image.png")
    image = read_image(tmp_path / "image.png")
    assert (image.mode, image.size) == ("RGB", (3, 2))
    np.testing.assert_array_equal(image, np.full((2, 3, 3), 102))


def test_a_missing_image_is_named(tmp_path):
    with pytest.raises(DataError, match=r"a\.png is missing; put it there, or take away"):
        open_image(tmp_path / "a.png")


def test_what_is_no_image_is_refused_in_a_sentence(tmp_path):
    (tmp_path / "a.png").write_text("not found")
    with pytest.raises(DataError, match=r"a\.png cannot be read as an image \(.*\); replace it\.$"):
        open_image(tmp_path / "a.png")


def test_a_folder_in_place_of_an_image_is_refused(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(DataError, match=r"a\.png cannot be read as an image"):
        open_image(tmp_path / "a.png")


@pytest.fixture(scope="module", params=["png", "jpg"])
def whole(request, tmp_path_factory, save):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3))
    return save(tmp_path_factory.mktemp("whole") / f"whole.{request.param}", pixels)


def read_or_refuse(path, damaged):
    path.write_bytes(damaged)
    try:
        read_image(path)
    except DataError as error:
        assert str(error).startswith(f"{path} cannot be read as an image")


def test_a_file_cut_anywhere_is_read_or_refused_in_a_sentence(whole):
    content = whole.read_bytes()
    for length in range(len(content)):
        read_or_refuse(whole.with_stem("cut"), content[:length])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1)
)
def test_a_damaged_file_is_read_or_refused_in_a_sentence(whole, changes):
    damaged = bytearray(whole.read_bytes())
    for place, value in changes:
        damaged[int(place * len(damaged))] = value
    read_or_refuse(whole.with_stem("damaged"), damaged)


def test_samples_are_taken_from_all_over_a_table():
    assert spread(list(range(9)), 3) == [0, 4, 8]
    assert spread(list(range(2)), 4) == [0, 1]
    assert spread([], 4) == []


def test_records_count_whose_label_has_a_pixel_that_is_not_ignored(tmp_path):
    records = [Record("none", tmp_path / "image.png", None)]
    for name, label in {"withheld": [[255, 255]], "some": [[255, 0]]}.items():
        Image.fromarray(np.array(label, np.uint8)).save(tmp_path / f"{name}.png")
        records.append(Record(name, tmp_path / "image.png", tmp_path / f"{name}.png"))
    assert [record.name for record in counted(records)] == ["some"]


# --- EXIF data of PNGs --------------------------------------------------------


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize("place", ["none", "first", "last", "text last"])
def test_an_orientation_is_found_wherever_it_stands_in_a_png(tmp_path, place):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 4)).save(path, **({"exif": exif} if place == "first" else {}))
    data, end = path.read_bytes()[:-12], png_chunk(b"IEND", b"")
    if place == "last":
        data += png_chunk(b"eXIf", exif.tobytes()[6:])  # Without the prefix of a JPEG's.
    if place == "text last":
        code = exif.tobytes().hex().encode()
        text = b"\nexif\n%8d\n" % (len(code) // 2) + code
        data += png_chunk(b"tEXt", b"Raw profile type exif\0" + text)
    path.write_bytes(data + end)
    assert orientation(path) == (1 if place == "none" else 6)
    assert image_size(path) == ((4, 8) if place == "none" else (8, 4))
    assert read_image(path).size == image_size(path)[::-1]
    assert image_size(path, turn=False) == (4, 8)


def test_a_png_is_not_decoded_to_know_its_size(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 4)).save(path)

    def load(self):
        raise AssertionError("it is decoded")

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", load)
    assert image_size(path) == (4, 8) and orientation(path) == 1
    assert not has_deep_counts(path)


# --- Tables that were touched ------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name,image,label\na,/etc/hostname,\n", "has '/etc/hostname', which leads out of the run"),
        ("name,image,label\na,x/../../b.png,\n", "which leads out of the run"),
        ("name,image,label\na,x/a.png,../label.png\n", "'../label.png', which leads out"),
        ("name,image,label\n../../a,x/a.png,\n", "'../../a', which leads out of the run"),
        ("name,image,label\na,out/a.png,\n", "'out/a.png', which leads out of the run"),
        ("name,image,label\na,x/link.png,\n", "'x/link.png', which leads out of the run"),
        ("name,image,label\na,x/a.png,\na,x/b.png,\n", "has 'a' twice"),
        ("name,image,label\n,x/a.png,\n", "has a row without a name or an image"),
        ("name,image,label\na,,\n", "has a row without a name or an image"),
        ("name,image\na,x/a.png\n", "has no column 'label'"),
        ("", "has no column 'name'"),
        ("name,image,label\na,x/a.png\n", "has another number of fields in row 2"),
        ("name,image,label\na,x/a.png,,,,\n", "has another number of fields in row 2"),
        (
            f"name,image,label\n{'a' * 200_000},x/a.png,\n",
            "cannot be read as a table .field larger",
        ),
        ('name,image,label\n"a,x/a.png,\n', "cannot be read as a table .unexpected end"),
        ("name,image,label\n\udcff,x/a.png,\n", "cannot be read as a table"),
    ],
)
def test_a_table_that_was_touched_ends_in_one_sentence(tmp_path, text, told):
    root, outside = tmp_path / "run", tmp_path / "outside"
    for folder in (root / "x", outside):
        folder.mkdir(parents=True)
    for path in (root / "x" / "a.png", root / "x" / "b.png", outside / "a.png"):
        path.touch()
    (root / "x" / "out").symlink_to(outside)
    (root / "x" / "link.png").symlink_to(outside / "a.png")
    text = text.replace(",out/", ",x/out/")
    told = told.replace("'out/", "'x/out/")
    (root / "a.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=rf"a\.csv .*{told}"):
        read_records(root, root / "a.csv")


def test_the_folder_of_a_stage_may_lie_elsewhere(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "a.png").touch()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "prepare").symlink_to(tmp_path / "disk")
    (tmp_path / "run" / "a.csv").write_text("name,image,label\na,prepare/a.png,\n")
    assert len(read_records(tmp_path / "run", tmp_path / "run" / "a.csv")) == 1


@pytest.mark.parametrize(
    ("image", "label", "told"),
    [
        ((4, 6), None, "image.png holds L pixels, where RGB was prepared"),
        ((4, 6, 4), None, "image.png holds RGBA pixels, where RGB was prepared"),
        ((4, 6, 3), (4, 5), "label.png is of 5x4 pixels, its image of 6x4"),
        ((4, 6, 3), (4, 6, 3), "label.png holds RGB pixels, not labels"),
    ],
)
def test_prepared_files_of_another_kind_are_refused(tmp_path, save, image, label, told):
    paths = save(tmp_path / "image.png", np.zeros(image)), None
    if label:
        paths = paths[0], save(tmp_path / "label.png", np.zeros(label))
    with pytest.raises(FileError, match=told):
        check_pair(*paths)


@pytest.mark.parametrize("read", [open_image, read_image, read_label, image_size, check_pair])
def test_a_pipe_or_device_is_not_read(tmp_path, read):
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("/dev/zero")
    for name in ("a.png", "b.png"):
        with pytest.raises(FileError, match=f"{name} is no regular file; put one in its place"):
            read(*([tmp_path / name, None] if read is check_pair else [tmp_path / name]))


def test_questions_to_a_pipe_are_answered(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    assert (orientation(tmp_path / "a.png"), has_deep_counts(tmp_path / "a.png")) == (1, False)


# --- Whatever is in a file of that name --------------------------------------


@pytest.mark.parametrize("kind", ["PPM", "TGA", "ICO", "PCX", "EPS", "PDF", "JPEG2000", "SGI"])
def test_no_other_decoder_is_shown_a_file(tmp_path, kind):
    path = tmp_path / "a.png"
    Image.new("RGB", (16, 16)).save(path, kind)
    for read in (read_image, image_size):
        with pytest.raises(FileError, match=r"a\.png cannot be read as an image"):
            read(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "MPO", "BMP", "TIFF", "WEBP", "GIF"])
def test_the_decoders_that_are_named_are_shown_it(tmp_path, kind):
    path = tmp_path / "a.png"
    Image.new("RGB", (16, 12)).save(path, kind)
    assert read_image(path).size == (16, 12)
    assert image_size(path) == (12, 16)


def flip_a_pixel(path):
    """Changes what is compressed, and leaves its checksum."""
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 40] ^= 1
    path.write_bytes(data)


def test_a_png_of_other_pixels_than_were_written_is_refused(tmp_path, save):
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3))
    path = save(tmp_path / "a.png", pixels)
    flip_a_pixel(path)
    with pytest.raises(FileError, match="the checksum of its IDAT is wrong"):
        read_image(path)


def test_a_label_of_88_megapixels_is_refused_before_it_takes_memory(tmp_path):
    path = tmp_path / "a.png"
    Image.new("P", (9400, 9400)).save(path)
    reader = LabelReader(np.arange(256, dtype=np.uint8), np.ones(256, bool))
    with pytest.raises(FileError, match=r"is of 9400x9400 pixels, more than 33,554,432 in all"):
        reader.numbers(path)
