"""Streets that are broken in one way each: what the audit finds."""

import os
import re
import shutil

import pytest
from PIL import Image

from i2i_keras.errors import DataError
from i2i_keras.preparation.domains import DomainConfig, audit_domain

CAMERA = "cityscapes/leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png"
IDS = "cityscapes/gtFine/train/aachen/aachen_000000_000019_gtFine_labelIds.png"
GAME, PALETTE = "gta5/images/00001.png", "gta5/labels/00001.png"

NO_IMAGE, NO_LABEL = "unreadable image", "unreadable label"
# Way, file, kind of the finding, and the words that tell the reason.
BAD = [
    ("empty", CAMERA, NO_IMAGE, "cannot identify image file"),
    ("cut", CAMERA, NO_IMAGE, "truncated|checksum"),
    ("cut jpeg", CAMERA, NO_IMAGE, "truncated|checksum"),
    ("text", GAME, NO_IMAGE, "cannot identify image file"),
    ("folder", GAME, NO_IMAGE, "Is a directory"),
    ("bomb", GAME, NO_IMAGE, "2500000000 pixels. exceeds limit"),
    ("loop", GAME, NO_IMAGE, "Too many levels of symbolic links"),
    ("locked", GAME, NO_IMAGE, "Permission denied"),
    ("gone", CAMERA, "label without image", "is missing"),
    ("gone", GAME, "label without image", "is missing"),
    ("one color", GAME, "solid image", "is of one color"),
    ("gone", IDS, "image without label", "is missing"),
    ("gone", PALETTE, "image without label", "is missing"),
    ("empty", IDS, NO_LABEL, "cannot identify image file"),
    ("cut", PALETTE, NO_LABEL, "truncated|broken|checksum"),
    ("text", PALETTE, NO_LABEL, "cannot identify image file"),
    ("folder", IDS, NO_LABEL, "Is a directory"),
    ("bomb", IDS, NO_LABEL, "2500000000 pixels. exceeds limit"),
    ("loop", PALETTE, NO_LABEL, "Too many levels of symbolic links"),
    ("locked", IDS, NO_LABEL, "Permission denied"),
    ("jpeg", IDS, NO_LABEL, "is a JPEG, which blurs labels"),
    ("rgb", IDS, NO_LABEL, r"holds the same numbers three times \(RGB\)"),
    ("instances", IDS, NO_LABEL, "holds numbers up to 26000"),
    ("luma", PALETTE, "palette read as gray", "holds the gray values of GTA5's colors"),
    ("pillow's luma", PALETTE, "palette read as gray", "holds the gray values of GTA5's colors"),
    ("train ids", IDS, "train ids", "not class ids"),
    ("train ids", PALETTE, "train ids", "not class ids"),
    ("id 34", IDS, "unknown class", "^holds 34 in 10 pixels, which is no class of this data set$"),
    ("void", IDS, "void label", "has no pixel of any class"),
    ("half as wide", IDS, "other shape", "is 64 x 64, but its image 128 x 64"),
]


def audited(root, layout, label_space="", **domain):
    """What is found, and what each record is like."""
    config = DomainConfig(format=layout, **domain)
    found = audit_domain(config, root / layout, label_space, workers=1)
    return found.findings, found.rows


def told(findings):
    """Findings as the tests compare them."""
    return [(f.kind, f.table, f.file, f.bad) for f in findings]


@pytest.mark.parametrize("layout", ["cityscapes", "gta5"])
def test_nothing_is_wrong_with_good_streets(drawn, layout):
    findings, rows = audited(drawn, layout)
    assert findings == []
    assert [len(rows[split]) for split in ("train", "val", "test")] == [3, 2, 2]


def test_nothing_is_wrong_with_capitals_in_an_ending_and_hidden_files(streets):
    for file in (CAMERA, IDS, GAME, PALETTE):
        path = streets / file
        path.with_name(f"._{path.name}").write_bytes(b"Mac OS X")
        path.rename(path.with_name(path.name.removesuffix(".png") + ".PNG"))
    for layout in ("cityscapes", "gta5"):
        findings, rows = audited(streets, layout)
        assert findings == []
        assert all(row["pixels"] for row in rows["train"])
        assert len(rows["train"]) == 3


@pytest.mark.parametrize(
    ("way", "file", "kind", "words"), BAD, ids=[f"{way}-{file[-12:-4]}" for way, file, *_ in BAD]
)
def test_a_broken_file_is_found_and_nothing_else(streets, damage, way, file, kind, words):
    if way == "locked" and os.geteuid() == 0:
        pytest.skip("root may read everything")
    layout, _, name = file.partition("/")
    damage(way, streets / file)
    [finding] = audited(streets, layout)[0]
    assert told([finding]) == [(kind, "train", name, True)]
    assert re.search(words, finding.what)
    assert finding.todo


@pytest.mark.parametrize(
    ("way", "label", "kind", "words"),
    [
        ("inverted", "", "unknown class", r"holds the color \(\d+, \d+, \d+\) in \d+ pixels"),
        ("copy", IDS, "unreadable label", "holds L pixels, not colors"),
        ("jpeg", "", "unreadable label", "is a JPEG, which blurs labels"),
        ("16 bit", IDS, "unreadable label", "holds I;16 pixels, not colors"),
    ],
)
def test_a_wrong_color_file_is_found(streets, damage, way, label, kind, words):
    color = streets / IDS.replace("labelIds", "color")
    if label:
        shutil.copy(streets / label, color)
    else:
        Image.open(color).convert("RGB").save(color)  # JPEGs have no alpha.
    if way != "copy":
        damage(way, color)
    [finding] = audited(streets, "cityscapes", encoding="colors")[0]
    file = color.relative_to(streets / "cityscapes").as_posix()
    assert told([finding]) == [(kind, "train", file, True)]
    assert re.search(words, finding.what)


def test_ids_where_train_ids_are_expected_are_found(streets):
    labels = sorted((streets / "cityscapes" / "gtFine").rglob("*_labelIds.png"))
    for path in labels:
        path.rename(path.with_name(path.name.replace("labelIds", "labelTrainIds")))
    findings, _ = audited(streets, "cityscapes", encoding="train_ids")
    bad = [f.kind for f in findings if f.bad]
    assert bad == ["unknown class"] * len(labels) + ["foreign numbers"]


def test_train_ids_in_a_plain_folder_are_found_though_255_may_occur_there(streets, damage):
    damage("train ids", streets / IDS)
    shutil.move(streets / IDS, parent(streets / "folder/train/labels/a.png"))
    shutil.move(streets / CAMERA, parent(streets / "folder/train/images/a.png"))
    assert told(f for f in audited(streets, "folder")[0] if f.bad) == [
        ("train ids", "train", "train/labels/a.png", True)
    ]


def parent(path):
    """The path, whose folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def test_all_that_is_wrong_with_one_file_is_told(streets, damage):
    for way in ("half as wide", "id 34"):
        damage(way, streets / IDS)
    kinds = {f.kind for f in audited(streets, "cityscapes")[0]}
    assert kinds == {"unknown class", "other shape"}


@pytest.mark.parametrize("file", [CAMERA, IDS])
def test_a_label_of_a_few_pixels_less_or_more_is_but_a_note(streets, damage, file):
    damage("two columns less", streets / file)
    [finding] = audited(streets, "cityscapes")[0]
    assert told([finding]) == [("other size", "train", IDS.partition("/")[2], False)]
    label, image = ("126 x 64", "128 x 64")[:: 1 if file == IDS else -1]
    assert finding.what == f"is {label}, but its image {image}"


def test_a_copy_within_a_split_is_but_a_note(streets):
    shutil.copy(streets / GAME, streets / "gta5/images/00003.png")
    [finding] = audited(streets, "gta5")[0]
    assert told([finding]) == [("copy within split", "train", "images/00003.png", False)]
    assert finding.what == "has the same pixels as images/00001.png of train"


def test_a_copy_of_a_test_image_is_bad_where_it_is_trained_on(streets):
    # Frame 11 is of the test split, 22 of the val split.
    with Image.open(streets / "gta5/images/00011.png") as image:
        for frame in ("00002", "00022"):
            image.save(streets / f"gta5/images/{frame}.png", compress_level=1)
    findings, _ = audited(streets, "gta5")
    assert sorted(told(findings)) == [
        ("copy across splits", "train", "images/00002.png", True),
        ("copy across splits", "val", "images/00022.png", True),
    ]
    assert {f.what for f in findings} == {"has the same pixels as images/00011.png of test"}


@pytest.mark.parametrize(("frame", "who"), [(12160, "RobustNet"), (17705, "LSD-seg")])
def test_a_frame_known_to_be_bad_is_noted_with_who_says_so(streets, frame, who):
    for kind in ("images", "labels"):
        path = streets / "gta5" / kind / "00002.png"
        path.rename(path.with_stem(f"{frame:05}"))
    [finding] = audited(streets, "gta5")[0]
    split = "train" if frame == 12160 else "test"
    assert told([finding]) == [("known frame", split, f"images/{frame:05}.png", False)]
    assert who in finding.what


@pytest.mark.parametrize("layout", ["cityscapes", "gta5"])
def test_an_empty_split_is_noted(streets, layout):
    for path in (streets / layout).rglob("*"):
        if path.is_file() and {"val", "00022", "00023"} & {path.stem, *path.parts}:
            path.unlink()
    assert told(audited(streets, layout)[0]) == [("empty split", "val", "", False)]


def make_void(streets, damage, split):
    for path in sorted(streets.glob(f"cityscapes/gtFine/{split}/*/*_labelIds.png")):
        damage("void", path)


def test_a_split_all_of_whose_labels_are_void_is_a_withheld_one(streets, damage):
    make_void(streets, damage, "test")
    assert told(audited(streets, "cityscapes")[0]) == [("withheld labels", "test", "", False)]


def test_void_labels_are_bad_where_they_are_trained_on(streets, damage):
    make_void(streets, damage, "train")
    assert [(f.kind, f.bad) for f in audited(streets, "cityscapes")[0]] == [
        ("void label", True)
    ] * 3


def test_in_the_reports_34_classes_no_label_is_void(streets, damage):
    damage("void", streets / IDS)
    findings, rows = audited(streets, "cityscapes", label_space="cityscapes34")
    assert findings == []
    assert rows["train"][0]["pixels"] == {0: 64 * 128}


def test_a_set_without_labels_has_nothing_wrong(streets):
    shutil.rmtree(streets / "gta5/labels")
    findings, rows = audited(streets, "gta5")
    assert findings == []
    assert not any(row["pixels"] for row in rows["train"])


def test_a_layout_without_images_is_refused(tmp_path):
    (tmp_path / "cityscapes" / "leftImg8bit" / "train").mkdir(parents=True)
    with pytest.raises(DataError, match="has no images where cityscapes has them; give the"):
        audited(tmp_path, "cityscapes")
