import itertools

import pytest

from i2i_keras.data.records import Record
from i2i_keras.datasets.cityscapes import DATASET, official, report, val_as_test
from i2i_keras.errors import DataError

# Pinned: another draw would make old scores of this split incomparable.
FIRST_TEST_FRAMES = [4, 11, 12, 13, 20, 24]


def add_frame(root, split, city, number):
    core = f"{city}_{number:06}_000019"
    image = root / "leftImg8bit" / split / city / f"{core}_leftImg8bit.png"
    label = root / "gtFine" / split / city / f"{core}_gtFine_labelIds.png"
    for path in (image, label, label.with_name(f"{core}_gtFine_color.png")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return Record(core, image, label)


@pytest.fixture
def tree(tmp_path):
    """A tiny set in the true layout, and its records by split."""
    frames = {
        "train": [("aachen", 0), ("aachen", 1), ("ulm", 0)],
        "val": [("lindau", 0)],
        "test": [("berlin", 0), ("bonn", 0)],
    }
    return tmp_path, {
        split: [add_frame(tmp_path, split, *frame) for frame in frames[split]] for split in frames
    }


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """The report's split of as many frames as Cityscapes has."""
    root = tmp_path_factory.mktemp("cityscapes")
    for split, city, count in (("train", "aachen", 2975), ("val", "lindau", 500)):
        folder = root / "leftImg8bit" / split / city
        folder.mkdir(parents=True)
        for number in range(count):
            (folder / f"{city}_{number:06}_000019_leftImg8bit.png").touch()
    return root, report(root)


def test_the_official_split_is_that_of_the_folders(tree):
    root, records = tree
    assert official(root) == records


def test_the_default_is_the_official_split():
    assert [*DATASET.splits] == [
        *("official", "val_as_test", "report", "coarse", "train_extra"),
        *("foggy_0.005", "foggy_0.01", "foggy_0.02"),
    ]


def test_val_can_be_the_test(tree):
    root, records = tree
    assert val_as_test(root) == {"train": records["train"], "val": [], "test": records["val"]}


def test_the_reports_split_has_the_reports_numbers(reports):
    _, splits = reports
    assert {split: len(records) for split, records in splits.items()} == {
        "train": 2082,
        "val": 500,
        "test": 893,
    }


def test_the_reports_split_parts_the_official_train_frames(reports):
    root, splits = reports
    assert sorted(splits["train"] + splits["test"]) == official(root)["train"]
    assert splits["val"] == official(root)["val"]


def test_the_reports_splits_do_not_overlap(reports):
    for one, two in itertools.combinations(reports[1].values(), 2):
        assert not {*one} & {*two}


def test_the_reports_split_is_drawn_once_for_all(reports):
    root, splits = reports
    assert report(root) == splits
    assert [int(record.name.split("_")[1]) for record in splits["test"][:6]] == FIRST_TEST_FRAMES


def test_test_images_without_labels_are_an_unlabelled_split(tree):
    root, records = tree
    for record in records["test"]:
        record.label.unlink()
    splits = official(root)
    assert [record.label for record in splits["test"]] == [None, None]
    assert splits["train"] == records["train"]


def test_what_lacks_its_other_half_stays_a_record(tree):
    root, records = tree
    records["train"][1].label.unlink()
    records["train"][2].image.unlink()
    assert official(root) == records


@pytest.mark.parametrize(
    ("encoding", "kind"), [("colors", "color"), ("train_ids", "labelTrainIds")]
)
def test_an_encoding_takes_its_own_files(tree, encoding, kind):
    root, records = tree
    for record in records["train"]:
        record.label.with_name(record.label.name.replace("labelIds", "labelTrainIds")).touch()
    found = official(root, encoding)["train"]
    assert [record.label.name for record in found] == [
        record.label.name.replace("labelIds", kind) for record in records["train"]
    ]


@pytest.mark.parametrize(("split", "folder"), [("coarse", "train"), ("train_extra", "train_extra")])
def test_coarse_labels_are_those_of_gt_coarse(tmp_path, split, folder):
    fine = add_frame(tmp_path, "val", "lindau", 0)
    frame = add_frame(tmp_path, folder, "troisdorf", 1)
    label = tmp_path / "gtCoarse" / folder / "troisdorf"
    label /= f"{frame.name}_gtCoarse_labelIds.png"
    label.parent.mkdir(parents=True)
    label.touch()
    splits = DATASET.splits[split](tmp_path, "ids")
    assert splits == {"train": [frame._replace(label=label)], "val": [], "test": [fine]}


def test_a_split_that_is_not_there_is_empty(tmp_path):
    record = add_frame(tmp_path, "val", "lindau", 0)
    assert official(tmp_path) == {"train": [], "val": [record], "test": []}


def test_hidden_files_of_macos_are_no_frames(tree):
    root, records = tree
    image = records["train"][0].image
    image.with_name(f"._{image.name}").touch()
    assert official(root) == records


def test_a_folder_that_is_not_cityscapes_is_refused(tmp_path):
    with pytest.raises(DataError, match="has no folder leftImg8bit; give the root of Cityscapes"):
        official(tmp_path)
