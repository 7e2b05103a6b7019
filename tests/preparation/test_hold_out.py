"""A set that nobody has divided, and the folder's own splits."""

from pathlib import Path

import pytest
from PIL import Image

from i2i_keras.data.records import Record
from i2i_keras.errors import DataError
from i2i_keras.preparation.domains import DomainConfig
from i2i_keras.preparation.hold_out import HoldOutConfig, divide


def records(count):
    return [Record(f"{number:04}", Path(f"{number:04}.png"), None) for number in range(count)]


def numbers(split):
    return [int(record.name) for record in split]


def test_every_image_is_in_one_split():
    found = divide(records(205), HoldOutConfig())
    assert sorted(n for split in found.values() for n in numbers(split)) == [*range(205)]
    assert [*found] == ["train", "val", "test"]


@pytest.mark.parametrize(("test", "val"), [(0.2, 0.1), (0.5, 0.0), (0.0, 0.25), (0.0, 0.0)])
def test_shares_are_those_that_were_asked_for(test, val):
    found = divide(records(1000), HoldOutConfig(test=test, val=val, block=10))
    assert len(found["test"]) == 1000 * test
    assert len(found["val"]) == 1000 * val


def test_neighbors_stay_together():
    found = divide(records(1000), HoldOutConfig(block=25))
    split_of = {n: name for name, split in found.items() for n in numbers(split)}
    for start in range(0, 1000, 25):
        assert len({split_of[n] for n in range(start, start + 25)}) == 1


def test_the_seed_chooses_and_order_does_not_matter():
    one, two = (divide(records(300), HoldOutConfig(seed=seed)) for seed in (0, 1))
    assert numbers(one["test"]) != numbers(two["test"])
    assert divide(records(300)[::-1], HoldOutConfig()) == divide(records(300), HoldOutConfig())


def test_small_sets_have_smaller_blocks():
    found = divide(records(12), HoldOutConfig(block=20))
    assert {name: len(split) for name, split in found.items()} == {"train": 9, "val": 1, "test": 2}


def test_something_must_be_left_to_train_on():
    with pytest.raises(ValueError, match="leave nothing to train on"):
        HoldOutConfig(test=0.5, val=0.5)


# --- In a folder ------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """Ten images, of which those of an even number have a label."""
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    for number in range(10):
        Image.new("RGB", (4, 4)).save(tmp_path / "images" / f"{number}.png")
        if number % 2 == 0:
            Image.new("L", (4, 4), 7).save(tmp_path / "labels" / f"{number}.png")
    return tmp_path


def test_a_folder_is_held_out_by_its_settings(folder):
    config = DomainConfig(
        format="folder", split="hold_out", hold_out=HoldOutConfig(test=0.3, val=0)
    )
    found = config.find(folder)
    assert [len(found[split]) for split in ("train", "val", "test")] == [7, 0, 3]


def test_those_with_a_label_can_be_the_test(folder):
    found = DomainConfig(format="folder", split="labelled_as_test").find(folder)
    assert numbers(found["test"]) == [0, 2, 4, 6, 8]
    assert numbers(found["train"]) == [1, 3, 5, 7, 9]
    assert not any(record.label for record in found["train"])
    assert all(record.label for record in found["test"])


@pytest.mark.parametrize("split", ["hold_out", "labelled_as_test"])
def test_what_is_divided_already_is_not_divided_again(folder, split):
    (folder / "train").mkdir()
    (folder / "images").rename(folder / "train" / "images")
    (folder / "test").mkdir()
    Image.new("RGB", (4, 4)).save(folder / "test" / "a.png")
    with pytest.raises(DataError, match="has a folder test already; use split = 'by_folder'"):
        DomainConfig(format="folder", split=split).find(folder)


def test_records_prepared_without_a_hold_out_stay_valid():
    assert "hold_out" not in DomainConfig(format="folder").facts()
    assert DomainConfig(format="folder", split="hold_out").facts()["hold_out"]["test"] == 0.2
