"""Each data set that is shipped, drawn in its layout and encoding.

What a number means is written down here once more, by Cityscapes' train ids,
from the sources that docs/datasets.md names; histograms are counted by that.
"""

import functools
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras import config
from i2i_keras.data.pipeline import PipelineConfig, training_batches
from i2i_keras.data.records import read_label, read_records
from i2i_keras.datasets import DATASETS, streets
from i2i_keras.datasets.dataset import CITYSCAPES
from i2i_keras.datasets.spaces import LABEL_SPACES
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.preparation import numberings
from i2i_keras.preparation.detect import detect
from i2i_keras.preparation.domains import Domain, DomainConfig, audit_domain
from i2i_keras.preparation.prepare import PrepareConfig, prepare
from i2i_keras.segmenters.segmenter import SegmenterModel
from i2i_keras.segmenters.segmenter_config import SegmenterConfig

SIZE = (32, 64)
TRAIN_IDS = {number: number for number in range(19)}


# --- Label files -------------------------------------------------------------


def gray(path, numbers):
    Image.fromarray(numbers).save(path)


def palette(path, numbers):
    image = Image.fromarray(numbers).convert("P")
    image.putdata(numbers.ravel().tolist())
    image.putpalette([value for n in range(256) for value in (255 - n, n // 2, 7)])
    image.save(path)


def red(path, numbers):
    """As CARLA saves its raw frames: RGBA, and the tag in red."""
    rest = np.zeros_like(numbers)
    Image.fromarray(np.stack([numbers, rest, rest, rest + 255], axis=-1)).save(path)


def red_and_instances(path, numbers):
    """As CARLA's camera of instances: what they are is in green and blue."""
    random = np.random.default_rng(0).integers(0, 256, (2, *numbers.shape), np.uint8)
    Image.fromarray(np.stack([numbers, *random], axis=-1)).save(path)


def deep(path, numbers):
    """A PNG of 16-bit RGB: class, instance up to 1,000, nothing."""
    instances = np.random.default_rng(0).integers(0, 1000, numbers.shape)
    pixels = np.stack([numbers, instances, np.zeros_like(numbers)], axis=-1).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    height, width = numbers.shape
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in chunks
        )
    )


def colored(colors):
    def write(path, numbers):
        Image.fromarray(
            np.array([colors[n] for n in numbers.ravel()], np.uint8).reshape(*SIZE, 3)
        ).save(path)

    return write


# --- The data sets -----------------------------------------------------------


class Set(NamedTuple):
    """A data set, its files, and what their numbers mean.

    Attributes:
        settings: of the domain.
        folders: by split what stands for `{split}` in the paths.
        image: path of an image, of frame `{n}`.
        label: path of its label.
        write: writes a label file.
        truth: train id of each number; 255 = ignored.
        unlabelled: splits without labels.
    """

    settings: dict[str, str]
    folders: dict[str, str]
    image: str
    label: str
    write: Callable[[Path, Any], None]
    truth: dict[int, int]
    unlabelled: tuple[str, ...] = ()


FOLDERS = {"train": "train", "val": "val", "test": "test"}
ALL = {"train": ""}
SYNTHIA = {
    **{1: 10, 2: 2, 3: 0, 4: 1, 5: 4, 6: 8, 7: 5, 8: 13, 9: 7, 10: 11, 11: 18, 12: 17, 15: 6},
    **{16: 9, 17: 12, 18: 14, 19: 15, 20: 16, 21: 3, 0: 255, 13: 255, 14: 255, 22: 255},
}
VIPER = dict.fromkeys(range(32), 255) | {
    **{3: 0, 4: 1, 9: 2, 11: 4, 13: 6, 14: 7, 7: 8, 8: 8, 6: 9, 2: 10, 20: 11, 24: 13, 27: 14},
    **{26: 15, 29: 16, 23: 17, 22: 18},
}
CARLA_9 = {
    **{0: 255, 1: 2, 2: 4, 3: 255, 4: 11, 5: 5, 6: 0, 7: 0, 8: 1, 9: 8, 10: 13, 11: 3, 12: 7},
}
CARLA_10 = CARLA_9 | dict.fromkeys(range(13, 23), 255) | {13: 10, 18: 6, 22: 9}
CARLA_14 = dict.fromkeys(range(29), 255) | {n + 1: n for n in range(19)} | {24: 0}
LEVEL3 = dict.fromkeys([*range(26), 255], 255) | {
    **{0: 0, 2: 1, 3: 9, 4: 11, 5: 12, 6: 17, 7: 18, 9: 13, 10: 14, 11: 15, 14: 3, 15: 4},
    **{18: 7, 19: 6, 20: 5, 22: 2, 24: 8, 25: 10},
}
VISTAS_1 = dict.fromkeys(range(66), 255) | {
    **{13: 0, 24: 0, 41: 0, 2: 1, 15: 1, 17: 2, 6: 3, 3: 4, 45: 5, 47: 5, 48: 6, 50: 7, 30: 8},
    **{29: 9, 27: 10, 19: 11, 20: 12, 21: 12, 22: 12, 55: 13, 61: 14, 54: 15, 58: 16, 57: 17},
    52: 18,
}
VISTAS_2 = dict.fromkeys(range(124), 255) | {
    **dict.fromkeys([21, *range(35, 59), 74], 0),
    **{4: 1, 24: 1, 27: 2, 12: 3, 5: 4, 85: 5, 86: 5, 88: 5, 64: 8, 63: 9, 61: 10, 30: 11},
    **dict.fromkeys(range(90, 96), 6),
    **dict.fromkeys([99, 100, 101, 103], 7),
    **{31: 11, 32: 12, 33: 12, 34: 12, 108: 13, 114: 14, 107: 15, 111: 16, 110: 17, 105: 18},
}
IDS = dict.fromkeys(range(34), 255) | {
    **{7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12},
    **{26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18},
}
VOID_255 = TRAIN_IDS | {255: 255}
# The converted colors of CARLA's versions; only some of them are the same.
PALETTE_9 = {
    **{0: (0, 0, 0), 1: (70, 70, 70), 2: (190, 153, 153), 3: (250, 170, 160), 4: (220, 20, 60)},
    **{5: (153, 153, 153), 6: (157, 234, 50), 7: (128, 64, 128), 8: (244, 35, 232)},
    **{9: (107, 142, 35), 10: (0, 0, 142), 11: (102, 102, 156), 12: (220, 220, 0)},
}
PALETTE_10 = PALETTE_9 | {
    **{2: (100, 40, 40), 3: (55, 90, 80), 13: (70, 130, 180), 14: (81, 0, 81)},
    **{15: (150, 100, 100), 16: (230, 150, 140), 17: (180, 165, 180), 18: (250, 170, 30)},
    **{19: (110, 190, 160), 20: (170, 120, 50), 21: (45, 60, 150), 22: (145, 170, 100)},
}
PALETTE_14 = {
    **{0: (0, 0, 0), 1: (128, 64, 128), 2: (244, 35, 232), 3: (70, 70, 70), 4: (102, 102, 156)},
    **{5: (190, 153, 153), 6: (153, 153, 153), 7: (250, 170, 30), 8: (220, 220, 0)},
    **{9: (107, 142, 35), 10: (152, 251, 152), 11: (70, 130, 180), 12: (220, 20, 60)},
    **{13: (255, 0, 0), 14: (0, 0, 142), 15: (0, 0, 70), 16: (0, 60, 100), 17: (0, 80, 100)},
    **{18: (0, 0, 230), 19: (119, 11, 32), 20: (110, 190, 160), 21: (170, 120, 50)},
    **{22: (55, 90, 80), 23: (45, 60, 150), 24: (157, 234, 50), 25: (81, 0, 81)},
    **{26: (150, 100, 100), 27: (230, 150, 140), 28: (180, 165, 180)},
}
VISTAS = {"train": "training", "val": "validation", "test": "testing"}
ACDC = "_gt_labelTrainIds.png"


def carla(version, write, truth, **settings):
    settings |= {"format": "carla", "variant": version, "split": "all"}
    paths = ("rgb/Town01/{n:08}.png", "semantic/Town01/{n:08}.png")
    return Set(settings, ALL, *paths, write, truth)


def vistas(version, place, truth):
    settings = {"format": "mapillary", "variant": version}
    paths = ("{split}/images/x{n}.jpg", f"{{split}}/{place}labels/x{{n}}.png")
    return Set(settings, VISTAS, *paths, palette, truth, ("test",))


def acdc(where, **settings):
    paths = (f"rgb_anon/{where}/GOPR/a{{n}}_rgb_anon.png", f"gt/{where}/GOPR/a{{n}}{ACDC}")
    settings |= {"format": "acdc"}
    return Set(settings, FOLDERS, *paths, gray, VOID_255, ("test",))


def bdd(variant, image, label):
    settings = {"format": "bdd100k", "variant": variant}
    return Set(settings, FOLDERS, image, label, gray, VOID_255, ("test",))


def idd(variant, truth):
    settings, drive = {"format": "idd20k", "variant": variant}, "{split}/201/{n}"
    paths = (f"leftImg8bit/{drive}_leftImg8bit.png", f"gtFine/{drive}_gtFine_label{variant}.png")
    return Set(settings, FOLDERS, *paths, gray, truth, ("test",))


def synscapes(variant, truth):
    settings = {"format": "synscapes", "variant": variant, "split": "all"}
    return Set(settings, ALL, "img/rgb/{n}.png", "img/class/{n}.png", gray, truth)


def foggy(beta):
    settings = {"format": "cityscapes", "split": f"foggy_{beta}"}
    image = f"leftImg8bit_foggy/{{split}}/ulm/ulm_{{n:06}}_000019_leftImg8bit_foggy_beta_{beta}.png"
    label = "gtFine/{split}/ulm/ulm_{n:06}_000019_gtFine_labelIds.png"
    return Set(settings, {"train": "train", "test": "val"}, image, label, gray, IDS)


SETS = {
    "synthia": Set(
        *({"format": "synthia"}, ALL, "RGB/{n:07}.png", "GT/LABELS/{n:07}.png"),
        *(deep, SYNTHIA),
    ),
    "acdc": acdc("fog/{split}"),
    "acdc flat": acdc("{split}"),
    "acdc at night": acdc("night/{split}", variant="night"),
    "dark zurich": Set(
        *({"format": "dark_zurich"}, {"train": "train", "val": "val"}),
        "rgb_anon/{split}/night/GOPR/a{n}_rgb_anon.png",
        f"gt/{{split}}/night/GOPR/a{{n}}{ACDC}",
        *(gray, VOID_255, ("train",)),
    ),
    "carla 0.9.9": carla("0.9.9", red, CARLA_9),
    "carla 0.9.10": carla("0.9.10", red, CARLA_10),
    "carla 0.9.14": carla("0.9.14", red, CARLA_14),
    "carla's instances": carla("0.9.14", red_and_instances, CARLA_14),
    "carla 0.9.9 in colors": carla("0.9.9", colored(PALETTE_9), CARLA_9, encoding="colors"),
    "carla 0.9.10 in colors": carla(*("0.9.10", colored(PALETTE_10), CARLA_10), encoding="colors"),
    "carla 0.9.14 in colors": carla(*("0.9.14", colored(PALETTE_14), CARLA_14), encoding="colors"),
    "bdd100k": bdd(
        *("10k", "images/10k/{split}/a{n}.jpg", "labels/sem_seg/masks/{split}/a{n}.png")
    ),
    "bdd100k's old package": bdd(
        *("seg", "seg/images/{split}/a{n}.jpg", "seg/labels/{split}/a{n}_train_id.png")
    ),
    "idd20k": idd("csTrainIds", VOID_255),
    "idd20k level 3": idd("level3Ids", LEVEL3),
    "mapillary v1.1": vistas("v1.1", "", VISTAS_1),
    "mapillary v1.2": vistas("v1.2", "v1.2/", VISTAS_1),
    "mapillary v2.0": vistas("v2.0", "v2.0/", VISTAS_2),
    "viper": Set(
        *({"format": "viper"}, FOLDERS, "{split}/img/001/001_{n:05}.jpg"),
        *("{split}/cls/001/001_{n:05}.png", palette, VIPER, ("test",)),
    ),
    "urbansyn": Set(
        *({"format": "urbansyn", "split": "all"}, ALL, "rgb/rgb_{n:04}.png", "ss/ss_{n:04}.png"),
        *(gray, TRAIN_IDS | {19: 255}),
    ),
    "synscapes": synscapes("", IDS),
    "synscapes in train ids": synscapes("train_ids", VOID_255),
    "kitti": Set(
        *({"format": "kitti", "split": "official"}, {"train": "training", "test": "testing"}),
        *("{split}/image_2/{n:06}_10.png", "{split}/semantic/{n:06}_10.png"),
        *(gray, IDS, ("test",)),
    ),
    "foggy cityscapes": foggy("0.02"),
}


@functools.cache
def street_ids(seed):
    _, ids = streets.draw_street("camera", (64, 128), seed)
    return ids[::2, ::2].copy()


def street(truth, seed):
    """A street's label in the numbers of a data set, all of which occur."""
    ids = street_ids(seed)
    void = next((number for number, train_id in truth.items() if train_id == 255), 0)
    number_of = {train_id: number for number, train_id in reversed(truth.items())}
    numbers = [number_of.get(IDS.get(int(value), 255), void) for value in ids.flat]
    middle = len(numbers) // 2
    numbers[middle : middle + len(truth)] = truth
    return np.array(numbers, np.uint8).reshape(SIZE)


def draw(root, one, count=2):
    """Writes a data set; returns the label maps of each split."""
    random, drawn = np.random.default_rng(zlib.crc32(one.image.encode())), {}
    for split, folder in one.folders.items():
        drawn[split] = []
        for n in range(1, count + 1):
            image, label = (
                root / path.format(split=folder, n=n) for path in (one.image, one.label)
            )
            image.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random.integers(0, 256, (*SIZE, 3), np.uint8)).save(image)
            numbers = street(one.truth, n % 4)
            if split not in one.unlabelled:
                label.parent.mkdir(parents=True, exist_ok=True)
                one.write(label, numbers)
                drawn[split].append(numbers)
    return drawn


def histogram(one, maps):
    """Pixels of each train id, counted one by one."""
    return Counter(one.truth[int(number)] for numbers in maps for number in numbers.flat)


@pytest.fixture(params=SETS)
def drawn(request, tmp_path):
    """A data set, where it lies, and its label maps."""
    one = SETS[request.param]
    return one, tmp_path / "raw", draw(tmp_path / "raw", one)


def test_every_data_set_and_variant_is_drawn():
    numbered = {one.settings["format"] for one in SETS.values()}
    assert numbered == {*DATASETS} - {"gta5", "camvid", "idd", "folder"}
    for name, dataset in DATASETS.items():
        some = [one.settings for one in SETS.values() if one.settings["format"] == name]
        if dataset.variants and name != "acdc":
            variants = {s.get("variant") or next(iter(dataset.variants)) for s in some}
            assert variants == {*dataset.variants}


def test_the_audit_finds_nothing_and_counts_what_was_drawn(drawn):
    one, root, maps = drawn
    audited = audit_domain(
        config.build(DomainConfig, one.settings), root, "cityscapes19", workers=1
    )
    assert [finding for finding in audited.findings if finding.bad] == []
    for split, rows in audited.rows.items():
        assert len(rows) == (2 if split in one.folders else 0)
        counted = sum((Counter(row["pixels"]) for row in rows), Counter())
        assert counted == histogram(one, maps.get(split, []))


@pytest.fixture(scope="module")
def model():
    """A tiny segmenter of 19 classes, the same for all."""
    unet = {"filters": 2, "depth": 1, "l2": 0.0}
    settings = {"unet": unet, "pipeline": {"batch_size": 2, "crop": [16, 16]}, "steps": 1}
    built = SegmenterModel(config.build(SegmenterConfig, settings), 19, None)
    built.compile(steps=100)
    return built


@pytest.mark.parametrize("role", ["source", "target"])
def test_it_is_prepared_in_both_roles(drawn, role, tmp_path):
    one, root, maps = drawn
    domain = config.build(DomainConfig, one.settings)
    settings = PrepareConfig(size=SIZE, workers=1)
    prepare(settings, {role: Domain(domain, root, domain.find(root))}, tmp_path)
    for split in one.folders:
        records = read_records(tmp_path, tmp_path / "prepare" / f"{role}-{split}.csv")
        labels = [read_label(record.label) for record in records if record.label]
        counted = Counter(int(label) for some in labels for label in some.flat)
        assert counted == histogram(one, maps[split])


def test_a_segmenter_learns_from_it(drawn, model, tmp_path):
    one, root, maps = drawn
    split = next(split for split in one.folders if maps[split])
    domain = config.build(DomainConfig, one.settings)
    splits = domain.find(root)
    splits = {"train": splits[split], "val": [], "test": []}  # Of Dark Zurich val has labels.
    prepare(PrepareConfig(size=SIZE, workers=1), {"source": Domain(domain, root, splits)}, tmp_path)
    records = read_records(tmp_path, tmp_path / "prepare" / "source-train.csv")
    batches = training_batches(PipelineConfig(batch_size=2, crop=(16, 16)), records, seed=0)
    before = [weights.numpy() for weights in model.network.trainable_variables]
    losses = model.train_step(next(iter(batches)))
    assert 0 < float(losses["loss"]) < np.inf
    after = [weights.numpy() for weights in model.network.trainable_variables]
    assert any((old != new).any() for old, new in zip(before, after, strict=True))


# --- What is refused ---------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"format": "carla"}, "set variant to one of 0.9.9, 0.9.10, 0.9.14"),
        ({"format": "carla", "variant": "0.9.13"}, "There are 0.9.9, 0.9.10, 0.9.14"),
        ({"format": "mapillary"}, "set variant to one of v1.1, v1.2, v2.0"),
        ({"format": "mapillary", "variant": "1.2"}, "Did you mean 'v1.2'?"),
        ({"format": "acdc", "variant": "nigt"}, "Did you mean 'night'?"),
        ({"format": "acdc", "variant": "fog+nigt"}, "Did you mean 'night'?"),
        ({"format": "acdc", "variant": "fog+"}, "acdc has no variant ''"),
        ({"format": "carla", "variant": "0.9.9+0.9.14"}, "'0.9.14' of carla have other labels"),
        ({"format": "acdc", "variant": "fog+nigt"}, "Did you mean 'night'?"),
        ({"format": "carla", "variant": "0.9.9+0.9.14"}, "'0.9.14' of carla have other labels"),
        ({"format": "bdd100k", "variant": "100k"}, "There are 10k, seg"),
        ({"format": "kitti", "variant": "2015"}, "it has none; leave it out"),
        ({"format": "synthia", "split": "val"}, "There are all, hold_out"),
        ({"format": "kitti", "split": "val"}, "there are hold_out, official"),
        ({"format": "dark_zurich", "split": "night"}, "official, val_as_test, all_times"),
        ({"format": "cityscapes", "split": "foggy_0.2"}, "Did you mean 'foggy_0.02'?"),
        ({"format": "synthia", "encoding": "colors"}, "synthia has no encoding 'colors'"),
        ({"format": "viper", "encoding": "colors"}, "viper has no encoding 'colors'"),
    ],
)
def test_a_wrong_variant_or_split_is_refused_with_the_right_ones(settings, words):
    with pytest.raises(SettingsError) as error:
        config.build(DomainConfig, settings)
    assert words in str(error.value)


def test_polygons_without_drawings_name_the_tool_that_draws_them(tmp_path):
    for variant in ("csTrainIds", "level3Ids"):
        one = SETS["idd20k"]._replace(unlabelled=("train", "val", "test"))
        draw(tmp_path / variant, one)
        polygons = tmp_path / variant / "gtFine/train/201/1_gtFine_polygons.json"
        polygons.parent.mkdir(parents=True)
        polygons.touch()
        with pytest.raises(DataError) as error:
            DomainConfig(format="idd20k", variant=variant).find(tmp_path / variant)
        assert str(error.value) == (
            f"{polygons} is no label image; draw the labels with preperation/createLabels.py"
            f" --id-type {variant[:-1]} of https://github.com/AutoNUE/public-code."
        )


@pytest.mark.parametrize(
    ("name", "chosen", "there"),
    [
        ("mapillary v2.0", "v1.2", "v2.0"),
        ("mapillary v1.2", "v2.0", "v1.2"),
        ("idd20k level 3", "", "level3Ids"),
    ],
)
def test_labels_of_another_variant_are_not_passed_over(name, chosen, there, tmp_path):
    draw(tmp_path, SETS[name])
    domain = DomainConfig(format=SETS[name].settings["format"], variant=chosen)
    with pytest.raises(DataError) as error:
        domain.find(tmp_path)
    assert f"those of {there!r}; set variant = {there!r}." in str(error.value)


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        *(("carla 0.9.9", "0.9.14"), ("carla 0.9.10", "0.9.14"), ("carla 0.9.10", "0.9.9")),
        *(("carla 0.9.14", "0.9.9"), ("carla 0.9.14", "0.9.10")),
        *(("mapillary v1.2", "v2.0"), ("mapillary v2.0", "v1.2")),
        *(("synscapes", "train_ids"), ("synscapes in train ids", "ids")),
    ],
)
def test_labels_that_are_read_as_another_variants_are_bad(name, variant, tmp_path):
    one = SETS[name]
    place = one.label.replace("v1.2/", "X/").replace("v2.0/", "X/").replace("X/", f"{variant}/")
    draw(tmp_path, one._replace(label=place), count=4)
    domain = config.build(DomainConfig, one.settings | {"variant": variant})
    found = audit_domain(domain, tmp_path, "cityscapes19", workers=1).findings
    assert {f.kind for f in found if f.bad} & {"foreign numbers", "train ids", "unknown class"}


# Numberings of data sets that have no name here, read by a description each.
SHIFT = CARLA_10
SELMA = dict.fromkeys([*range(23), 40, 41, *range(100, 106)], 255) | {
    **{1: 2, 2: 4, 5: 5, 6: 0, 7: 0, 8: 1, 9: 8, 11: 3, 12: 7, 13: 10, 18: 6, 22: 9},
    **{40: 11, 41: 12, 100: 13, 101: 14, 102: 15, 103: 16, 104: 17, 105: 18},
}
WILDDASH = (
    dict.fromkeys(range(81), 255)
    | IDS
    | {
        **{34: 14, 35: 13, 38: 0, 41: 0, 43: 0, 61: 0, 64: 0, 70: 0, 74: 0, 75: 0, 76: 0, 79: 0},
        **{52: 1, 65: 1, 77: 1, 80: 1, 56: 3, 45: 5, 46: 5, 47: 12, 48: 12, 49: 12, 58: 17, 78: 9},
    }
)
POLYGONS = dict.fromkeys(range(41), 255) | {
    **{7: 0, 8: 1, 10: 2, 15: 3, 11: 4, 20: 5, 25: 6, 26: 7, 29: 8, 28: 9, 30: 10, 31: 11},
    **{32: 12, 35: 13, 40: 14, 34: 15, 39: 16, 37: 17, 33: 18},
}
NAMELESS = {
    "shift": (SHIFT, red, 'channel = "red"'),
    "selma": (SELMA, gray, ""),
    "wilddash": (WILDDASH, gray, ""),
    "bdd100k's polygons": (POLYGONS, gray, ""),
}


@pytest.mark.parametrize("name", NAMELESS)
def test_other_numberings_are_read_by_a_description(name, tmp_path):
    truth, write, channel = NAMELESS[name]
    classes = "".join(
        f'[[classes]]\nname = "{number}"\nnumber = {number}\n'
        f'cityscapes = "{LABEL_SPACES["cityscapes19"].names[train_id]}"\n'
        for number, train_id in truth.items()
        if train_id != 255
    )
    ignored = [number for number, train_id in truth.items() if train_id == 255]
    (tmp_path / "own.toml").write_text(
        'title = "Own"\nimages = "{split}/{name}.png"\nlabels = "{split}/labels/{name}.png"\n'
        f"{channel}\nignored = {ignored}\n{classes}"
    )
    settings = {"format": str(tmp_path / "own.toml")}
    one = Set(settings, FOLDERS, "{split}/a{n}.png", "{split}/labels/a{n}.png", write, truth)
    maps = draw(tmp_path / "raw", one)
    found = audit_domain(config.build(DomainConfig, settings), tmp_path / "raw", "", workers=1)
    assert [finding for finding in found.findings if finding.bad] == []
    for split, rows in found.rows.items():
        counted = sum((Counter(row["pixels"]) for row in rows), Counter())
        assert counted == histogram(one, maps[split])


def test_whose_numbers_they_are_is_judged_by_their_titles():
    for name, dataset in DATASETS.items():
        for one in (dataset, *dataset.variants.values()):
            if one.coding != CITYSCAPES:
                assert one.title in numberings.NUMBERINGS, name


def audited(name, root):
    return audit_domain(config.build(DomainConfig, SETS[name].settings), root, "", workers=1)


@pytest.mark.parametrize("name", ["bdd100k", "viper"])
def test_what_has_no_partner_is_left_out_and_noted(name, tmp_path):
    one = SETS[name]
    draw(tmp_path, one, count=3)
    image, label = (
        tmp_path / path.format(split="train", n=n) for path, n in ((one.image, 1), (one.label, 2))
    )
    image.unlink()
    label.unlink()
    found = audited(name, tmp_path)
    assert [(f.kind, f.bad, tmp_path / f.file) for f in found.findings if f.table == "train"] == [
        ("no label, left out", False, Path(str(tmp_path / one.image.format(split="train", n=2)))),
        ("no image, left out", False, tmp_path / one.label.format(split="train", n=1)),
    ]
    assert len(found.rows["train"]) == 1


def test_elsewhere_an_image_without_label_is_bad(tmp_path):
    draw(tmp_path, SETS["acdc"])
    (tmp_path / SETS["acdc"].label.format(split="val", n=1)).unlink()
    found = audited("acdc", tmp_path)
    assert [(f.kind, f.bad) for f in found.findings] == [("image without label", True)]


def test_names_that_are_numbers_stand_in_order(tmp_path):
    draw(tmp_path, SETS["synscapes"], count=11)
    records = DomainConfig(format="synscapes", split="all").find(tmp_path)["train"]
    assert [int(record.image.stem) for record in records] == [*range(1, 12)]
    assert records[0].name == "00001"


def test_frames_of_two_sequences_may_share_a_number(tmp_path):
    draw(tmp_path, SETS["acdc"])
    fog, night = (tmp_path / kind / "fog/train/GOPR" for kind in ("rgb_anon", "gt"))
    for folder in (fog, night):
        (folder.parents[2] / "night/train").mkdir(parents=True)
        folder.rename(folder.parents[2] / "night/train/GOPR")
    draw(tmp_path, SETS["acdc"])
    names = [record.name for record in DomainConfig(format="acdc").find(tmp_path)["train"]]
    assert names == ["fog_GOPR_a1", "fog_GOPR_a2", "night_GOPR_a1", "night_GOPR_a2"]
    one = DomainConfig(format="acdc", variant="night").find(tmp_path)["train"]
    assert [record.name for record in one] == ["GOPR_a1", "GOPR_a2"]
    assert all("night" in record.image.parts for record in one)


def test_clear_frames_of_acdc_are_not_read(tmp_path):
    draw(tmp_path, SETS["acdc"])
    for kind in ("rgb_anon", "gt"):
        (tmp_path / kind / "fog/train").rename(tmp_path / kind / "fog/train_ref")
    assert DomainConfig(format="acdc").find(tmp_path)["train"] == []


def test_one_foggy_scene_is_in_one_split_once(tmp_path):
    for beta in ("0.005", "0.01", "0.02"):
        draw(tmp_path, foggy(beta))
    for beta in ("0.005", "0.01", "0.02"):
        splits = DomainConfig(format="cityscapes", split=f"foggy_{beta}").find(tmp_path)
        images = [r.image for records in splits.values() for r in records]
        assert len(images) == len({*images}) == 4
        assert all(f"beta_{beta}" in image.name for image in images)
        assert not {i for r in splits["train"] for i in [r.label]} & {
            r.label for r in splits["test"]
        }


@pytest.mark.parametrize("name", ["train", "val"])
def test_dark_zurich_has_labels_of_val_alone(tmp_path, name):
    draw(tmp_path, SETS["dark zurich"])
    records = DomainConfig(format="dark_zurich").find(tmp_path)[name]
    assert [record.label is not None for record in records] == [name == "val"] * 2


def test_twilight_and_day_are_taken_where_they_are_wanted(tmp_path):
    draw(tmp_path, SETS["dark zurich"])
    draw(
        tmp_path, SETS["dark zurich"]._replace(image="rgb_anon/{split}/day/GOPR/b{n}_rgb_anon.png")
    )
    counts = {
        split: len(DomainConfig(format="dark_zurich", split=split).find(tmp_path)["train"])
        for split in ("official", "all_times")
    }
    assert counts == {"official": 2, "all_times": 4}


@pytest.mark.parametrize(
    ("name", "other"),
    [("synthia", gray), ("carla 0.9.14", gray), ("carla 0.9.14", deep), ("kitti", deep)],
)
def test_a_label_of_another_kind_is_refused(name, other, tmp_path):
    draw(tmp_path, SETS[name]._replace(write=other))
    kinds = {f.kind for f in audited(name, tmp_path).findings if f.bad}
    assert kinds & {"unreadable label"}


# --- What a folder is --------------------------------------------------------

# Of the others a folder does not say what it is, or which version.
RECOGNIZED = {
    **{"synthia": "synthia", "acdc": "acdc", "dark zurich": "dark_zurich", "bdd100k": "bdd100k"},
    **{"viper": "viper", "synscapes": "synscapes", "kitti": "kitti", "urbansyn": "urbansyn"},
    "synscapes in train ids": "synscapes",
}


@pytest.mark.parametrize("name", SETS)
def test_a_folder_is_recognized_where_its_layout_is_its_own(name, tmp_path):
    draw(tmp_path, SETS[name])
    if name == "acdc":  # Known by two conditions.
        draw(tmp_path, acdc("snow/{split}"))
    if name == "urbansyn":
        draw(tmp_path, SETS[name]._replace(label="ss_colour/ss_colour_{n:04}.png"))
    found = [f for f, dataset in DATASETS.items() if dataset.recognize(tmp_path) is not None]
    assert found == ([RECOGNIZED[name]] if name in RECOGNIZED else [])


def test_what_is_recognized_is_read(tmp_path):
    maps = draw(tmp_path, SETS["synthia"], count=12)
    found = detect(tmp_path)
    assert (found.config.format, found.labelled("train")) == ("synthia", len(maps["train"]))
    draw(tmp_path / "kitti", SETS["kitti"], count=12)
    found = detect(tmp_path / "kitti")
    assert (found.config.format, found.config.split) == ("kitti", "hold_out")
    assert all(found.splits[split] for split in ("train", "val", "test"))


def test_tensorflow_reads_the_deep_labels_as_we_wrote_them(tmp_path):
    numbers = (np.arange(32 * 64) % 23).astype(np.uint8).reshape(SIZE)
    deep(tmp_path / "a.png", numbers)
    pixels = tf.io.decode_png((tmp_path / "a.png").read_bytes(), dtype=tf.uint16).numpy()
    np.testing.assert_array_equal(pixels[..., 0], numbers)
    assert pixels[..., 1].max() > 255


# --- Several variants --------------------------------------------------------


@pytest.fixture
def conditions(tmp_path):
    """From a variant of ACDC, drawn in three, to its training frames."""
    for condition in ("fog", "night", "rain"):
        draw(tmp_path, acdc(condition + "/{split}", variant=condition))

    def names(variant):
        found = DomainConfig(format="acdc", variant=variant).find(tmp_path)["train"]
        assert all(record.label for record in found)
        return [record.name for record in found]

    return names


def test_several_variants_are_the_images_of_each(conditions):
    """By the names that all of them have in one."""
    fog, rain = ([f"{name}_GOPR_a{n}" for n in (1, 2)] for name in ("fog", "rain"))
    assert conditions("fog+rain") == conditions("rain+fog") == fog + rain
    assert conditions("fog+night+rain") == conditions("all")


def test_an_image_of_two_variants_is_refused(conditions):
    with pytest.raises(DataError, match="belongs to both 'all' and 'fog'; leave one out"):
        conditions("all+fog")
