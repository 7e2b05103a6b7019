"""What lies in a plain folder and is not taken."""

import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from i2i_keras import config
from i2i_keras.cli import main
from i2i_keras.data import each_image
from i2i_keras.errors import DataError
from i2i_keras.experiment import contents
from i2i_keras.experiment.settings import Settings
from i2i_keras.preparation.domains import DomainConfig
from i2i_keras.preparation.overlooked import overlooked
from i2i_keras.run_folder.run import Run

CHANCE = np.random.default_rng(0)
FOLDER = DomainConfig(format="folder")


def photo(path, count=3):
    """Writes pictures of many colors; `{}` in the path is the number."""
    for number in range(count):
        place = path.parent / path.name.format(number)
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(CHANCE.integers(0, 256, (16, 24, 3), np.uint8)).save(place)


def label(path, count=3):
    """The same of Cityscapes ids."""
    for number in range(count):
        place = path.parent / path.name.format(number)
        place.parent.mkdir(parents=True, exist_ok=True)
        ids = CHANCE.choice(np.array([7, 8, 11, 23, 24, 26], np.uint8), (16, 24))
        Image.fromarray(ids).save(place)


def other(path, count=3):
    """The same of something that is no image."""
    for number in range(count):
        place = path.parent / path.name.format(number)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"?")


def found(root, role="source", split="train"):
    """The findings of a kind of their own, and whether they are bad."""
    splits = FOLDER.find(root)
    assert splits[split]
    return overlooked(splits, root, role)


# What is written beside photos at images/N.jpg, and what is said of it.
LABEL_LIKE = {
    "gt": (label, "gt/{}.png", "gt holds 3 .png, which looks like labels"),
    "called otherwise": (label, "what/{}.png", "what holds 3 .png, which looks like"),
    "numbered otherwise": (label, "what/label{}.png", "what holds 3 .png, which looks like"),
    "in a tree": (label, "trainannot/a/{}.png", "trainannot holds 3 .png, which looks"),
    "deep in gtFine": (label, "gtFine/train/a/{}_x.png", "gtFine holds 3 .png, which looks"),
    "JPEG": (photo, "SegmentationClass/{}.jpg", "SegmentationClass holds 3 .jpg, which looks"),
    "polygons": (other, "annotations/{}.json", "annotations holds 3 .json, which is no label"),
    "arrays": (other, "masks/{}.npy", "masks holds 3 .npy, which is no label image"),
    "boxes": (other, "labels/{}.txt", "labels holds 3 .txt, which is no label image"),
    "beside": (other, "images/{}_mask.npy", "images holds 3 .npy, which is no label image"),
}


@pytest.mark.parametrize("case", LABEL_LIKE)
def test_what_looks_like_labels_is_bad_where_there_are_none(tmp_path, case):
    write, place, words = LABEL_LIKE[case]
    photo(tmp_path / "images" / "{}.jpg")
    assert not found(tmp_path)
    write(tmp_path / place)
    [finding] = found(tmp_path)
    assert finding.bad and finding.table == "source-train"
    assert finding.what.startswith("has no labels, but ") and words in finding.what


AMONG = {
    "by name": (("{}.jpg", "{}_labelIds.png"), "0_labelIds.png, 1_labelIds.png"),
    "by folder": (("rgb/{}.png", "gt/{}.png"), "gt/0.png, gt/1.png"),
    "by a twin": (("rgb/{}.png", "what/{}.png"), "what/0.png, what/1.png"),
}


@pytest.mark.parametrize("case", AMONG)
def test_labels_among_the_images_are_bad(tmp_path, case):
    (images, labels), words = AMONG[case]
    photo(tmp_path / images), label(tmp_path / labels)
    [finding] = found(tmp_path)
    assert finding.bad and f"of its 6 images 3 look like labels ({words}" in finding.what


def nothing_odd(root):
    photo(root / "{}.jpg")


def drives(root):
    for drive in ("drive1", "drive2"):
        photo(root / "images" / drive / "{}.png")


def with_a_readme(root):
    photo(root / "images" / "{}.png"), other(root / "README.md", 1), other(root / "list.txt", 1)


def masks_that_faces_wear(root):
    photo(root / "with_mask" / "{}.png"), photo(root / "faces" / "{}.png")


def pixel_art(root):
    """Pictures of few colors, alone."""
    for drive in ("a", "b"):
        label(root / drive / "{}.png")


def labelled(root):
    photo(root / "images" / "{}.png"), label(root / "labels" / "{}.png")


@pytest.mark.parametrize(
    "write", [nothing_odd, drives, with_a_readme, masks_that_faces_wear, pixel_art, labelled]
)
def test_there_is_no_false_alarm(tmp_path, write):
    write(tmp_path)
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    ("role", "split", "bad"),
    [
        *(("source", split, True) for split in ("train", "val", "test")),
        *(("target", split, split == "test") for split in ("train", "val", "test")),
        *(("", split, True) for split in ("train", "val", "test")),
    ],
)
def test_of_a_target_only_test_labels_are_missed(tmp_path, role, split, bad):
    photo(tmp_path / "train" / "images" / "{}.png")
    photo(tmp_path / split / "images" / "{}.png")
    label(tmp_path / split / "gt" / "{}.png")
    [finding] = found(tmp_path, role, split)
    assert finding.table == (f"{role}-{split}" if role else split)
    assert finding.bad == bad
    assert f"{split}/gt holds 3 .png" in finding.what


def test_labels_of_another_split_are_not_those_of_this_one(tmp_path):
    for split in ("train", "test"):
        photo(tmp_path / split / "images" / "{}.png")
    label(tmp_path / "train" / "gt" / "{}.png")
    assert [(f.table, f.bad) for f in found(tmp_path, "target")] == [("target-train", False)]


def test_labels_of_which_none_has_the_name_of_an_image_are_bad(tmp_path):
    photo(tmp_path / "images" / "{}.jpg"), label(tmp_path / "labels" / "{}_mask.png")
    [finding] = found(tmp_path)
    assert finding.bad
    assert "has 3 images and 3 labels, but no label has the name of an image" in finding.what
    assert "labels/0_mask.png" in finding.what and finding.todo.endswith("such as 0.png")


def test_what_is_no_image_is_counted_in_a_note(tmp_path):
    photo(tmp_path / "train" / "images" / "{}.jpg", 1)
    other(tmp_path / "train" / "images" / "{}.HEIC", 4)
    photo(tmp_path / "validation" / "{}.jpg", 2)
    other(tmp_path / "film.mp4", 1)
    findings = found(tmp_path)
    assert not any(finding.bad for finding in findings)
    assert [f"{f.file} {f.what}" for f in findings] == [
        " holds 1 .mp4, not taken as images or labels",
        "train/images holds 4 .heic, not taken as images or labels",
        "validation holds 2 .jpg, not taken as images or labels",
    ]


def test_folders_that_seem_to_be_splits_are_noted(tmp_path):
    photo(tmp_path / "training" / "{}.jpg"), photo(tmp_path / "Validation" / "{}.jpg", 1)
    whats = [finding.what for finding in found(tmp_path)]
    assert whats == ["has 1 image of a folder Validation", "has 3 images of a folder training"]


def test_translations_of_the_images_beside_them_are_noted(tmp_path):
    photo(tmp_path / "{}.jpg"), photo(tmp_path / "drive" / "{}.jpg")
    assert found(tmp_path) == []
    out = tmp_path / "fake"
    maker = each_image.Maker(lambda pixels: [pixels], lambda name: [out / f"{name}.png"], "copy")
    each_image.make_of_each(FOLDER.find(tmp_path)["train"], maker, "copy")
    [finding] = found(tmp_path)
    assert not finding.bad
    assert finding.what == "has 6 images of a folder fake that i2i-keras has made"
    assert found(out) == []  # Alone they are meant.


def audit(root):
    result = CliRunner().invoke(main, ["audit", str(root), "--format", "folder"])
    return result.exit_code, result.stdout


def test_an_image_without_label_and_a_label_without_image_are_named(tmp_path):
    photo(tmp_path / "images" / "{}.jpg", 4), label(tmp_path / "labels" / "{}.png", 2)
    label(tmp_path / "labels" / "2_gt.png", 1)
    code, told = audit(tmp_path)
    assert code == 1
    assert "bad: image without label (2)\n  labels/2.png is missing, but 2_gt.png lies" in told
    assert "  labels/3.png is missing; put it there" in told
    assert "bad: label without image (1)\n  images/2_gt.png is missing;" in told


@pytest.mark.parametrize("place", ["gt/{}.png", "labels/{}_mask.png", "images/{}_mask.png"])
def test_audit_prepare_and_the_plan_all_refuse(tmp_path, place):
    source, target = tmp_path / "source", tmp_path / "target"
    photo(source / "images" / "{}.jpg"), label(source / place)
    photo(target / "{}.jpg")
    code, told = audit(source)
    assert code == 1 and ("bad: labels not taken" in told or "bad: names differ" in told)
    words = ["--preset", "translation", "--source", source, "--target", target]
    words += ["--run", tmp_path / "run", "--set=prepare.workers=1", "--set=source.encoding=ids"]
    words += ["--set=source.use_labels=true"]
    for command in (["run", "--dry-run"], ["prepare"], ["run"]):
        result = CliRunner().invoke(main, [str(word) for word in [*command, *words]])
        assert result.exit_code == 1
        assert "(source-train) has " in result.output and " label" in result.output
    shutil.rmtree(source / place.partition("/")[0])
    photo(source / "images" / "{}.jpg")
    result = CliRunner().invoke(main, [str(word) for word in ["run", "--dry-run", *words]])
    assert result.exit_code == 0, result.output
    assert "source-train: 3 images, 0 labelled" in result.output


def test_the_plan_tells_what_is_no_fault(tmp_path):
    photo(tmp_path / "source" / "{}.jpg"), photo(tmp_path / "target" / "{}.jpg")
    other(tmp_path / "target" / "film.mp4", 1)
    roots = [f"{role}.root={tmp_path / role}" for role in ("source", "target")]
    roots += ["source.use_labels=true"]
    settings = config.build(Settings, config.read("translation", roots))
    there = contents.look(settings, Run(tmp_path / "run"))
    [note] = there.noted
    assert note.startswith(f"{tmp_path}/target (target-train) holds 1 .mp4, not taken")
    label(tmp_path / "source" / "gt" / "{}.png")
    with pytest.raises(DataError, match="of its 6 images 3 look like labels"):
        contents.look(settings, Run(tmp_path / "run"))


# --- Data sets with a name ----------------------------------------------------


@pytest.fixture
def cityscapes(tmp_path, drawn):
    """Drawn streets in Cityscapes' layout, but for the folder of labels."""
    shutil.copytree(drawn / "cityscapes", tmp_path / "cityscapes")
    (tmp_path / "cityscapes" / "gtFine").rename(tmp_path / "cityscapes" / "gtFine_trainvaltest")
    return tmp_path / "cityscapes"


def test_labels_that_a_named_data_set_has_elsewhere_are_bad(cityscapes):
    result = CliRunner().invoke(main, ["audit", str(cityscapes), "--format", "cityscapes"])
    assert result.exit_code == 1
    assert "train has no labels, but gtFine_trainvaltest holds" in result.output
    assert "lay labels out as cityscapes has them (docs/datasets.md)" in result.output
    # A target's training images need none.
    one = DomainConfig(format="cityscapes")
    bad = {f.table: f.bad for f in one.overlooked(one.find(cityscapes), cityscapes, "target")}
    assert bad["target-test"] and not bad.get("target-train")


def test_a_named_data_set_without_labels_is_no_fault(cityscapes):
    one = DomainConfig(format="cityscapes")
    shutil.rmtree(cityscapes / "gtFine_trainvaltest")
    assert one.overlooked(one.find(cityscapes), cityscapes, "source") == []


def test_a_split_without_labels_beside_labelled_ones_is_no_fault(cityscapes):
    one = DomainConfig(format="cityscapes")
    shutil.copytree(cityscapes / "gtFine_trainvaltest" / "train", cityscapes / "gtFine" / "train")
    assert one.overlooked(one.find(cityscapes), cityscapes, "source") == []
