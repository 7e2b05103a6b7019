import itertools

import numpy as np
import pytest

from i2i_keras.data.records import Record
from i2i_keras.datasets.gta5 import DATASET, SOLID_FRAMES, official, official_frames, val_as_test
from i2i_keras.errors import DataError


def add_frame(root, frame):
    image, label = (root / kind / f"{frame:05}.png" for kind in ("images", "labels"))
    for path in (image, label):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return Record(f"{frame:05}", image, label)


@pytest.fixture
def tree(tmp_path):
    """The first two frames of each split, in the true layout."""
    return tmp_path, {
        split: [add_frame(tmp_path, frame) for frame in frames[:2]]
        for split, frames in official_frames().items()
    }


def test_the_official_split_has_the_authors_numbers():
    counts = {split: len(frames) for split, frames in official_frames().items()}
    assert counts == {"train": 12_403, "val": 6_382, "test": 6_181}


def test_every_frame_is_in_one_official_split():
    frames = sorted(itertools.chain(*official_frames().values()))
    assert frames == list(range(1, 24_967))


def test_official_frames_are_in_order():
    for frames in official_frames().values():
        assert frames == sorted(frames)


def test_the_official_splits_are_interleaved_runs():
    runs = {
        split: int(np.sum(np.diff(frames) != 1)) + 1 for split, frames in official_frames().items()
    }
    assert runs == {"train": 358, "val": 242, "test": 283}


def test_the_solid_frames_are_15_of_the_train_split():
    assert len(SOLID_FRAMES) == 15
    assert {*SOLID_FRAMES} <= {*official_frames()["train"]}


def test_frames_go_to_their_official_split(tree):
    root, records = tree
    assert official(root) == records


def test_the_default_is_the_official_split():
    assert [*DATASET.splits] == ["official", "val_as_test"]


def test_val_can_be_the_test(tree):
    root, records = tree
    assert val_as_test(root) == {"train": records["train"], "val": [], "test": records["val"]}


def test_images_without_labels_are_an_unlabelled_set(tree):
    root, records = tree
    for record in itertools.chain(*records.values()):
        record.label.unlink()
    assert {record.label for record in itertools.chain(*official(root).values())} == {None}


def test_what_lacks_its_other_half_stays_a_record(tree):
    root, records = tree
    records["train"][1].label.unlink()
    records["train"][0].image.unlink()
    assert official(root) == records


def test_hidden_files_are_no_frames(tree):
    root, records = tree
    (root / "images" / "._00001.png").touch()
    (root / "images" / ".DS_Store").touch()
    assert official(root) == records


def test_an_image_whose_name_is_no_number_is_refused(tree):
    root, _ = tree
    (root / "images" / "night.png").touch()
    with pytest.raises(
        DataError, match=r"night\.png is not a frame of GTA5, whose name is a number; rem"
    ):
        official(root)


def test_a_folder_that_is_not_gta5_is_refused(tmp_path):
    with pytest.raises(DataError, match="has no folder images; give the root of GTA5"):
        official(tmp_path)


@pytest.mark.parametrize("name", ["00000.png", "24967.png"])
def test_a_frame_that_gta5_does_not_have_is_refused(tree, name):
    root, _ = tree
    (root / "images" / name).touch()
    with pytest.raises(DataError, match="not a frame of GTA5, which has 1 to 24966; remove it"):
        official(root)
