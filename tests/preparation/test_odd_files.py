"""Images and labels that cameras and other programs write in their own way."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.records import Record, image_size, read_image
from i2i_keras.datasets.spaces import find_space
from i2i_keras.errors import FileError
from i2i_keras.preparation.bit_depth import bits_in_use
from i2i_keras.preparation.domains import Domain, DomainConfig, audit_domain
from i2i_keras.preparation.examine import Reading, examine
from i2i_keras.preparation.prepare import PrepareConfig, prepare
from tests.data.test_sixteen_bits import png

ORIENTATION = 274  # EXIF's tag.
RNG = np.random.default_rng(0)


def reader(encoding="ids"):
    config = DomainConfig(format="folder", encoding=encoding)
    return config.labels(find_space("cityscapes19")).reader


def photo(path, size=(40, 60), turned=0):
    """An image as it is stored, with an EXIF orientation or without."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if turned:
        exif[ORIENTATION] = turned
    Image.fromarray(RNG.integers(0, 256, (*size, 3), np.uint8)).save(path, exif=exif)
    return path


def label(path, size, numbers=(7, 23)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.choice(np.array(numbers, np.uint8), size)).save(path)
    return path


def found(record, exif="", encoding="ids"):
    root = record.image.parent
    seen = examine("train", record, reader(encoding), root, Reading(exif))
    return {finding.kind: finding for finding in seen.findings}


@pytest.mark.parametrize(
    ("turned", "shape", "exif", "kind", "todo"),
    [
        (6, (60, 40), "", None, ""),
        (6, (40, 60), "", "turned image", "set exif = 'ignore'"),
        (6, (40, 60), "ignore", None, ""),
        (6, (60, 40), "ignore", "turned image", "set exif = 'apply'"),
        (3, (40, 60), "", "turned image", "'ignore' if it fits the stored pixels"),
        (3, (40, 60), "apply", None, ""),
        (3, (40, 60), "ignore", None, ""),
        (0, (40, 60), "", None, ""),
    ],
)
def test_an_image_that_is_turned_beside_a_label_that_is_not(
    tmp_path, turned, shape, exif, kind, todo
):
    image = photo(tmp_path / "a.png", (40, 60), turned)
    findings = found(Record("a", image, label(tmp_path / "b.png", shape)), exif)
    assert [*findings] == ([kind] if kind else [])
    if kind:
        assert findings[kind].bad and todo in findings[kind].todo


def test_exif_can_be_left_alone(tmp_path):
    path = photo(tmp_path / "a.png", (40, 60), 6)
    assert image_size(path) == (60, 40) and image_size(path, turn=False) == (40, 60)
    stored = np.asarray(read_image(path, turn=False))
    # 6: the stored rows are columns, the first one on the right.
    np.testing.assert_array_equal(np.asarray(read_image(path)), np.rot90(stored, -1))


def test_a_domain_that_ignores_exif_is_prepared_so(tmp_path):
    for name in ("a", "b"):
        photo(tmp_path / "raw" / f"{name}.png", (40, 60), 6)
    for exif, size in (("ignore", (40, 60)), ("apply", (60, 40))):
        config = DomainConfig(format="folder", exif=exif)
        domain = Domain(config, tmp_path / "raw", config.find(tmp_path / "raw"))
        assert domain.sizes() == [size, size]
        prepare(
            PrepareConfig(size=size, image_resize="nearest", workers=1),
            {"source": domain},
            tmp_path / exif,
        )
        done = read_image(tmp_path / exif / "prepare/source-train/images/a.png")
        raw = read_image(tmp_path / "raw/a.png", turn=exif == "apply")
        np.testing.assert_array_equal(np.asarray(done), np.asarray(raw))


def deep(path, most, channels=1):
    """A 16-bit PNG whose highest count is `most`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    counts = RNG.integers(0, most + 1, (40, 40, channels), np.uint16)
    counts[0, 0, 0] = most
    path.write_bytes(png(counts))
    return counts


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_counts_of_a_camera_are_scaled_by_the_bits_of_the_whole_set(tmp_path, channels):
    counts = {
        name: deep(tmp_path / "raw" / f"{name}.png", most, channels)
        for name, most in (("dark", 300), ("bright", (1 << 14) - 1))
    }
    config = DomainConfig(format="folder")
    domain = Domain(config, tmp_path / "raw", config.find(tmp_path / "raw"))
    done = prepare(PrepareConfig(size=(40, 40), workers=1), {"source": domain}, tmp_path / "run")
    assert done["bits"] == {"source": 14}
    assert "source: its 16-bit images use 14 bits" in done["noted"][0]
    for name, values in counts.items():
        images = tmp_path / "run/prepare/source-train/images"
        expected = np.broadcast_to(values[..., :3] >> 6, (40, 40, 3))
        np.testing.assert_array_equal(np.asarray(read_image(images / f"{name}.png")), expected)


@pytest.mark.parametrize(
    ("most", "bits"), [(255, 8), (256, 10), (1023, 10), (4095, 12), (4096, 14), (16384, 16)]
)
def test_bits_in_use(tmp_path, most, bits):
    deep(tmp_path / "a.png", 3), deep(tmp_path / "b.png", most)
    assert bits_in_use(sorted(tmp_path.iterdir())) == bits


def test_bits_can_be_set(tmp_path):
    counts = deep(tmp_path / "raw" / "a.png", 300)
    config = DomainConfig(format="folder", bits=12)
    domain = Domain(config, tmp_path / "raw", config.find(tmp_path / "raw"))
    prepare(PrepareConfig(size=(40, 40), workers=1), {"source": domain}, tmp_path / "run")
    done = read_image(tmp_path / "run/prepare/source-train/images/a.png")
    np.testing.assert_array_equal(np.asarray(done)[..., 0], counts[..., 0] >> 4)


def test_an_image_of_few_gray_values_is_noted(tmp_path):
    few, many = (tmp_path / name for name in ("few.png", "many.png"))
    Image.fromarray(RNG.choice(np.arange(0, 150, 10, np.uint8), (40, 40))).save(few)
    Image.fromarray(RNG.choice(np.arange(0, 160, 10, np.uint8), (40, 40))).save(many)
    findings = found(Record("few", few, None))
    assert findings["few gray values"].what == "has no more than 15 gray values"
    assert not findings["few gray values"].bad
    assert found(Record("many", many, None)) == {}


def test_float_images_are_refused_with_advice(tmp_path):
    path = tmp_path / "a.tif"
    Image.fromarray(np.ones((4, 4), np.float32)).save(path)
    with pytest.raises(FileError, match="floating-point pixels; save it as a PNG"):
        read_image(path)


def test_a_deep_color_tiff_is_not_read_by_its_upper_byte(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(_tiff(np.arange(12, dtype="<u2").reshape(2, 2, 3)))
    with pytest.raises(FileError, match="TIFF of 16 bits a channel"):
        read_image(path)


def _tiff(pixels):
    """By the TIFF 6.0 specification: one strip, no compression."""
    height, width, channels = pixels.shape
    data = pixels.tobytes()
    bits = 8 + len(data)
    tags = [
        *((256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, bits), (259, 3, 1, 1)),
        *((262, 3, 1, 2), (273, 4, 1, 8), (277, 3, 1, channels), (278, 3, 1, height)),
        (279, 4, 1, len(data)),
    ]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    head = struct.pack("<2sHI", b"II", 42, bits + 6)
    return head + data + struct.pack("<3H", 16, 16, 16) + directory + struct.pack("<I", 0)


def gray_png(path, rows, bits):
    """A gray PNG of few bits, by the specification; rows of packed bytes."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    width = len(rows[0]) * 8 // bits
    head = struct.pack(">IIBBBBB", width, len(rows), bits, 0, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", data), chunk(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


@pytest.mark.parametrize(
    ("bits", "rows", "numbers"),
    [
        (1, [[0b01100000]], [0, 1, 1, 0, 0, 0, 0, 0]),
        (2, [[0b01101100]], [1, 2, 3, 0]),
        (4, [[0x17, 0xF0]], [1, 7, 15, 0]),
    ],
)
def test_numbers_of_few_bits_are_not_stretched(tmp_path, bits, rows, numbers):
    gray_png(tmp_path / "a.png", rows, bits)
    assert reader().numbers(tmp_path / "a.png").tolist() == [numbers]


def test_numbers_in_16_bits_or_beside_alpha_are_read(tmp_path):
    numbers = np.array([[7, 23], [11, 255]], np.uint16)
    (tmp_path / "deep.png").write_bytes(png(numbers[..., np.newaxis]))
    alpha = np.stack([numbers, np.full((2, 2), 9)], axis=-1).astype(np.uint8)
    Image.fromarray(alpha).save(tmp_path / "la.png")
    for name in ("deep.png", "la.png"):
        np.testing.assert_array_equal(reader().numbers(tmp_path / name), numbers)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.full((2, 2, 3), 7, np.uint16), "holds 16 bits a channel.*set format = 'synthia'"),
        (np.full((2, 2, 1), 26003, np.uint16), "numbers up to 26003.*are they instances?"),
    ],
)
def test_other_deep_labels_are_refused_with_advice(tmp_path, pixels, words):
    (tmp_path / "a.png").write_bytes(png(pixels))
    with pytest.raises(FileError, match=words):
        reader().numbers(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("mode", "color", "words"),
    [
        ("RGB", (7, 7, 7), "holds the same numbers three times.*save one channel"),
        ("RGBA", (128, 64, 128, 255), "holds RGBA pixels, not class numbers; if its colors"),
        ("RGB", (128, 64, 128), "set encoding = 'colors'.*or if red is the class"),
    ],
)
def test_labels_in_color_get_advice(tmp_path, mode, color, words):
    Image.new(mode, (2, 2), color).save(tmp_path / "a.png")
    with pytest.raises(FileError, match=words):
        reader().numbers(tmp_path / "a.png")


def test_colors_of_no_class_are_named_with_their_pixels(tmp_path):
    pixels = np.full((40, 40, 3), (128, 64, 128), np.uint8)
    pixels[0, :3], pixels[1, :2] = (1, 2, 3), (9, 9, 9)
    Image.fromarray(pixels).save(tmp_path / "label.png")
    record = Record("a", photo(tmp_path / "a.png", (40, 40)), tmp_path / "label.png")
    what = found(record, encoding="colors")["unknown class"].what
    assert what.startswith("holds the color (1, 2, 3) in 3 pixels, (9, 9, 9) in 2 pixels, which is")


def test_the_audit_reads_deep_images_as_prepare_does(tmp_path):
    deep(tmp_path / "a.png", 20)
    [finding] = [
        one
        for one in audit_domain(DomainConfig(format="folder", bits=16), tmp_path, "", 1).findings
        if one.name
    ]
    assert finding.kind == "solid image"
    named = audit_domain(DomainConfig(format="folder"), tmp_path, "", 1).findings
    assert "solid image" not in [one.kind for one in named]
