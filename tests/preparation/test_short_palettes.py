"""255 that was cut to the few bits of a short palette."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.records import Record
from i2i_keras.datasets import DATASETS
from i2i_keras.preparation.domains import DomainConfig, audit_domain
from i2i_keras.preparation.short_palettes import short_palettes


def png(path, numbers, bits, colors):
    """A palette PNG by the book, byte by byte: low bits of each number."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    height, width = numbers.shape
    planes = (numbers[..., np.newaxis] >> np.arange(bits)[::-1]) & 1
    rows = np.packbits(planes.reshape(height, width * bits), axis=1)
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 3, 0, 0, 0))
        + chunk(b"PLTE", bytes(n % 256 for n in range(3 * colors)))
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )


def labels(folder, classes, bits, colors, ignore=255, count=3):
    """Records whose labels hold these classes and, cut to `bits`, 255."""
    chance = np.random.default_rng(0)
    numbers = [*classes, *([] if ignore is None else [ignore])]
    records = []
    for index in range(count):
        path = folder / f"{index}.png"
        pixels = chance.permutation(np.resize(np.array(numbers, np.uint8), 8 * 16)).reshape(8, 16)
        png(path, pixels, bits, colors)
        records.append(Record(str(index), folder / "images" / f"{index}.png", path))
    return records


@pytest.mark.parametrize(
    ("bits", "colors", "highest"), [(4, 5, 15), (4, 11, 15), (4, 15, 15), (2, 3, 3), (1, 1, 1)]
)
def test_a_number_without_a_color_gives_it_away(tmp_path, bits, colors, highest):
    records = labels(tmp_path, range(colors), bits, colors)
    with Image.open(records[0].label) as image:
        assert np.asarray(image).max() == highest
    [finding] = short_palettes({"source-train": records})
    assert finding.bad and (finding.table, finding.name) == ("source-train", "")
    assert f"holds {highest} in 3 label files, whose palette of {colors} color" in finding.what
    assert f"255 was cut to {bits} bit" in finding.what


@pytest.mark.parametrize("colors", [2, 3, 4, 5, 11, 15, 16, 17])
def test_what_pillow_writes_is_found_if_it_is_cut(tmp_path, colors):
    """Not with 2, 4 or 16 colors, of which the highest has one."""
    image = Image.new("P", (colors + 1, 1))
    image.putdata([*range(colors), 255])
    image.putpalette(list(range(3 * colors)))
    image.save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as there:
        survived = np.asarray(there).max() == 255
    found = [*short_palettes({"train": [Record("a", tmp_path, tmp_path / "a.png")]})]
    assert [finding.bad for finding in found] == (
        [] if survived or colors in (2, 4, 16) else [True]
    )


def test_fifteen_that_stands_alone_is_a_note(tmp_path):
    records = labels(tmp_path, range(11), 4, 16)
    [finding] = short_palettes({"train": records})
    assert not finding.bad and "15 may have been 255, cut to 4 bits" in finding.what


@pytest.mark.parametrize(
    ("classes", "bits", "colors"),
    [
        ([0, 1], 1, 2),
        ([0, 1, 2, 3], 2, 4),
        ([0, 3], 2, 4),
        (range(16), 4, 16),
        ([0, 2, 13, 15], 4, 16),
        (range(11), 4, 11),
        ([0, 7, 23], 8, 34),
        ([0, 7, 255], 8, 256),
    ],
)
def test_palettes_that_have_all_numbers_are_no_alarm(tmp_path, classes, bits, colors):
    records = labels(tmp_path, classes, bits, colors, ignore=None)
    assert [*short_palettes({"train": records})] == []


def test_what_is_no_palette_or_no_file_is_passed_by(tmp_path):
    Image.fromarray(np.full((3, 4), 15, np.uint8)).save(tmp_path / "gray.png")
    Image.new("1", (3, 4), 1).save(tmp_path / "bits.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    whole = labels(tmp_path, range(3), 2, 3, count=1)[0].label
    (tmp_path / "cut.png").write_bytes(whole.read_bytes()[:60])
    names = ("gray.png", "bits.png", "broken.png", "cut.png", "missing.png")
    records = [Record(name, tmp_path, tmp_path / name) for name in names]
    assert [*short_palettes({"train": records})] == []


def test_the_audit_tells(tmp_path):
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    for record in labels(tmp_path / "labels", [7, 8, 11, 13], 4, 14):
        pixels = np.random.default_rng(1).integers(0, 256, (8, 16, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "images" / record.label.name)
    findings = audit_domain(DomainConfig(format="folder"), tmp_path, "", workers=1).findings
    assert [f.kind for f in findings if f.bad][:1] == ["255 cut short"]


@pytest.mark.parametrize("layout", ["camvid", "cityscapes", "gta5", "idd_lite"])
def test_real_labels_are_no_alarm(real_data, layout):
    splits = DATASETS[layout.partition("_")[0]].splits
    found = next(iter(splits.values()))(real_data / layout, "ids")
    assert [*short_palettes(found)] == []
