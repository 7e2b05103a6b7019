"""Which data set a folder is, and what its labels hold."""

import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.labels import CLASSES
from i2i_keras.datasets import streets
from i2i_keras.errors import DataError
from i2i_keras.preparation.detect import detect

# A street: sky, building and a tree, a car and a person, road.
IDS = np.repeat(
    [[23, 23, 23, 23], [11, 11, 21, 23], [11, 11, 21, 21], [26, 24, 8, 8], [7, 7, 7, 7]],
    [2, 2, 2, 1, 6],
    axis=0,
).astype(np.uint8)


def folder(root, label=None, count=4, labelled=None):
    """Images, and a label for the first of them or for all."""
    (root / "images").mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", (4, 2), (number, 0, 0)).save(root / "images" / f"{number}.png")
    if label is not None:
        (root / "labels").mkdir()
        for number in range(count if labelled is None else labelled):
            Image.fromarray(label).save(root / "labels" / f"{number}.png")
    return root


def test_a_folder_of_images_is_an_unlabelled_one(tmp_path):
    found = detect(folder(tmp_path))
    assert (found.config.format, found.config.split, found.labelled("train")) == ("folder", "", 0)


def test_a_labelled_folder_that_nobody_has_divided_is_held_out(tmp_path):
    found = detect(folder(tmp_path, IDS, count=20))
    assert (found.config.split, found.config.encoding, found.codes) == ("hold_out", "ids", ())
    assert found.labelled("test") == 4


def test_a_few_labels_are_for_the_test(tmp_path):
    found = detect(folder(tmp_path, IDS, count=9, labelled=3))
    assert found.config.split == "labelled_as_test"
    assert (found.labelled("train"), found.labelled("test")) == (0, 3)


def test_splits_stay_as_they_were_made(tmp_path):
    folder(tmp_path / "train", IDS)
    folder(tmp_path / "test", IDS)
    assert detect(tmp_path).config.split == ""


@pytest.mark.parametrize("encoding", ["train_ids", "colors"])
def test_other_files_of_cityscapes_are_recognized(tmp_path, encoding):
    rows = [CLASSES[number] for number in IDS.ravel()]
    codes = [row.train_id if encoding == "train_ids" else row.color for row in rows]
    label = np.array(codes, np.uint8).reshape(*IDS.shape, *([3] if encoding == "colors" else []))
    assert detect(folder(tmp_path, label)).config.encoding == encoding


def test_classes_of_their_own_are_listed(tmp_path):
    numbers = np.array([[1, 2, 200, 255]], np.uint8)
    assert detect(folder(tmp_path / "numbers", numbers)).codes == (1, 2, 200, 255)
    colors = np.array([[[9, 9, 9], [1, 2, 3]]], np.uint8)
    assert detect(folder(tmp_path / "colors", colors)).codes == ((1, 2, 3), (9, 9, 9))


def test_photos_are_no_labels(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (20, 20, 3), np.uint8)
    with pytest.raises(DataError, match="hold more than 64 numbers or colors, which is no label"):
        detect(folder(tmp_path, noise))


@pytest.mark.parametrize(("layout", "write"), [
    ("cityscapes", lambda root, config: streets.write_cityscapes(root, config, "camera", 1)),
    ("gta5", lambda root, config: streets.write_gta5(root, config, "game", 1)),
])  # fmt: skip
def test_layouts_are_recognized(tmp_path, layout, write):
    few = {f"num_{split}": 1 for split in ("train", "val", "test")}
    size = {"camera_size": (64, 128), "game_size": (64, 128)}
    write(tmp_path / "set", streets.StreetsConfig(**few, **size))
    found = detect(tmp_path / "set")
    assert (found.config.format, found.labelled("train")) == (layout, 1)


@pytest.mark.parametrize("name", ["cityscapes", "gta5", "camvid", "idd_lite"])
def test_real_data_sets_are_recognized(real_data, name):
    found = detect(real_data / name)
    assert found.config.format == name.removesuffix("_lite")
    assert found.labelled("train") > 0


def test_a_folder_with_numbered_frames_is_not_gta5(tmp_path):
    root = folder(tmp_path, IDS)
    for path in [*root.glob("*/*.png")]:
        path.rename(path.with_name(f"{int(path.stem) + 1:05}.png"))
    assert detect(root).config.format == "folder"


def test_what_is_no_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="nowhere is not a folder; give one with images"):
        detect(tmp_path / "nowhere")
