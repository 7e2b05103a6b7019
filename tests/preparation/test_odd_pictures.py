"""Pictures of odd kinds: each is read right, or refused without harm."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.records import read_image, read_records
from i2i_keras.preparation.domains import Domain, DomainConfig, audit_domain
from i2i_keras.preparation.prepare import PrepareConfig, prepare

SIDE = 48  # Square, so that a picture lies as well as it stands.
FOLDER = DomainConfig(format="folder")
TURNED = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels[::-1, ::-1].transpose(1, 0, 2),
    8: lambda pixels: np.rot90(pixels),
}


def decoded(path):
    with Image.open(path) as image:
        return np.array(image)


def as_rgb(gray):
    return np.stack([gray] * 3, axis=-1)


def write_pngs(folder, rgb):
    """Writes PNGs of many kinds; gives back what each should be read as."""
    gray, alpha = rgb[..., 1], rgb[..., 2] | 1
    sixteen_bits = gray.astype(np.uint16) << 8 | rgb[..., 0]
    palette = Image.fromarray(rgb).quantize(64)
    written = {
        "gray": (Image.fromarray(gray), {}, as_rgb(gray)),
        "16 bits of gray": (Image.fromarray(sixteen_bits), {}, as_rgb(gray)),
        "gray and alpha": (Image.fromarray(np.dstack([gray, alpha])), {}, as_rgb(gray)),
        "rgba": (Image.fromarray(np.dstack([rgb, alpha])), {}, rgb),
        "black and white": (Image.fromarray(gray > 99), {}, as_rgb(np.uint8(gray > 99) * 255)),
        "palette": (palette, {}, np.array(palette.convert("RGB"))),
        "transparent palette": (
            palette.rotate(90),
            {"transparency": bytes(range(0, 256, 4))},
            np.rot90(palette.convert("RGB")),
        ),
    }
    for name, (image, options, _) in written.items():
        image.save(folder / f"{name}.png", **options)
    return {name: expected for name, (_, _, expected) in written.items()}


def write_jpegs(folder, rgb):
    """Writes JPEGs of many kinds; gives back what each should be read as."""
    image, exif = Image.fromarray(rgb), Image.Exif()
    image.save(folder / "upright.JPEG")
    expected = {"upright": decoded(folder / "upright.JPEG")}
    image.convert("L").transpose(Image.Transpose.ROTATE_180).save(folder / "gray jpeg.jpg")
    expected["gray jpeg"] = as_rgb(decoded(folder / "gray jpeg.jpg"))
    image.convert("CMYK").save(folder / "four inks.jpg", quality=95)
    inks = 255 - decoded(folder / "four inks.jpg").astype(int)
    expected["four inks"] = np.round(inks[..., :3] * inks[..., 3:] / 255)
    for orientation, turn in TURNED.items():
        exif[0x112] = orientation
        pixels = np.roll(rgb, orientation, axis=0)  # No two alike.
        plain = Image.fromarray(pixels)
        plain.save(folder / "plain", "JPEG")
        plain.save(folder / f"turned {orientation}.jpg", exif=exif)
        plain.save(folder / f"turned {orientation} png.PNG", exif=exif)
        expected[f"turned {orientation}"] = turn(decoded(folder / "plain"))
        expected[f"turned {orientation} png"] = turn(pixels)
    return expected


@pytest.fixture(scope="module")
def odd(tmp_path_factory, drawn):
    """Odd pictures, what they should be read as, and what became of them."""
    root, run = tmp_path_factory.mktemp("odd"), tmp_path_factory.mktemp("run")
    rgb = decoded(drawn / "gta5/images/00001.png")[-SIDE:, -SIDE:]
    expected = write_pngs(root, rgb) | write_jpegs(root, rgb[:, ::-1])
    name = "Straße nach Köln, 街 'n` roll; 100%"
    Image.fromarray(rgb[::-1]).save(root / f"{name}.png")
    Image.fromarray(255 - rgb).save(root / "a jpeg.png", "JPEG")
    expected |= {name: rgb[::-1], "a jpeg": decoded(root / "a jpeg.png")}
    for hidden in ("._gray.png", ".upright.jpeg", "._.png"):
        (root / hidden).write_bytes(b"Mac OS X")
    config = PrepareConfig(size=(SIDE, SIDE), workers=1)
    prepare(config, {"source": Domain(FOLDER, root, FOLDER.find(root))}, run)
    records = read_records(run, run / "prepare/source-train.csv")
    return root, expected, {r.name: np.asarray(read_image(r.image)) for r in records}


def test_nothing_is_wrong_with_odd_pictures(odd):
    assert [f for f in audit_domain(FOLDER, odd[0], "", workers=1).findings if f.bad] == []


def test_the_same_picture_in_another_kind_of_file_is_a_copy(odd):
    findings = audit_domain(FOLDER, odd[0], "", workers=1).findings
    assert [(f.file, f.what) for f in findings if f.kind == "copy within split"] == [
        (f"gray{kind}.png", "has the same pixels as 16 bits of gray.png of train")
        for kind in ("", " and alpha")
    ]


def test_every_odd_picture_is_prepared_and_no_hidden_file(odd):
    _, expected, prepared = odd
    assert prepared.keys() == expected.keys()


NAMES = [
    *("gray", "16 bits of gray", "gray and alpha", "rgba", "black and white", "palette"),
    *("transparent palette", "gray jpeg", "upright", "a jpeg"),
    *(f"turned {n}{png}" for n in TURNED for png in ("", " png")),
    "Straße nach Köln, 街 'n` roll; 100%",
]


@pytest.mark.parametrize("name", NAMES)
def test_an_odd_picture_comes_out_as_it_should(odd, name):
    _, expected, prepared = odd
    np.testing.assert_array_equal(prepared[name], expected[name])


def test_four_inks_come_out_as_the_colors_they_print(odd):
    _, expected, prepared = odd
    np.testing.assert_allclose(prepared["four inks"], expected["four inks"], atol=1)


def refused(root):
    """What is said of the bad pictures of a folder."""
    findings = audit_domain(FOLDER, root, "", workers=1).findings
    return [(f.kind, f.file, f.what) for f in findings if f.bad]


def test_a_name_that_tables_could_not_hold_is_found(drawn, tmp_path):
    shutil.copy(drawn / "gta5/images/00001.png", tmp_path / os.fsdecode(b"\xff \xe4.png"))
    what = "has a name that is not UTF-8"
    assert refused(tmp_path) == [("name not UTF-8", "\\xff \\xe4.png", what)]


@pytest.mark.parametrize("exif", [b"MM", b"MM\0*", b"MM\0*\0\0", b"XY\0*\0\0\0\x08"])
def test_broken_exif_data_are_no_traceback(drawn, tmp_path, exif):
    with Image.open(drawn / "gta5/images/00001.png") as image:
        image.save(tmp_path / "a.png", exif=exif)
    [(kind, file, what)] = refused(tmp_path)
    assert (kind, file) == ("unreadable image", "a.png")
    assert what.startswith("cannot be ")


PEAK = """
import sys
from pathlib import Path
from i2i_keras.datasets.readers import build_reader
from i2i_keras.datasets import DATASETS
from i2i_keras.preparation.examine import examine
from i2i_keras.data.records import Record
from i2i_keras.datasets.spaces import LABEL_SPACES

def peak():
    [line] = [x for x in Path("/proc/self/status").read_text().splitlines() if "VmPeak" in x]
    return int(line.split()[1])

image, label = map(Path, sys.argv[1:])
reader = build_reader(DATASETS["cityscapes"], "ids", LABEL_SPACES["cityscapes19"])
before = peak()
seen = examine("train", Record("a", image, label), reader, image.parent)
print(len(seen.findings), (peak() - before) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_what_a_bomb_declares_is_never_allocated(damage, tmp_path):
    # Not even as addresses: the peak is of virtual memory, in MiB.
    paths = [tmp_path / "image.png", tmp_path / "label.png"]
    for path in paths:
        damage("bomb", path)
    command = [sys.executable, "-c", PEAK, *map(str, paths)]
    found, mebibytes = subprocess.run(command, capture_output=True, check=True).stdout.split()
    assert (int(found), float(mebibytes)) == (2, pytest.approx(0, abs=50))
