import pytest

from i2i_keras.data.records import Record
from i2i_keras.datasets.folder import by_folder
from i2i_keras.errors import DataError


@pytest.fixture
def add(tmp_path):
    def touch(place):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    return touch


def test_images_and_labels_of_each_split_are_joined(tmp_path, add):
    expected = {
        split: [
            Record("a", add(f"{split}/images/a.jpg"), add(f"{split}/labels/a.png")),
            Record("b", add(f"{split}/images/b.png"), add(f"{split}/labels/b.png")),
        ]
        for split in ("train", "val", "test")
    }
    assert by_folder(tmp_path) == expected


def test_a_split_needs_no_labels(tmp_path, add):
    labelled = Record("a", add("test/images/a.png"), add("test/labels/a.png"))
    unlabelled = Record("b", add("train/images/b.png"), None)
    assert by_folder(tmp_path) == {"train": [unlabelled], "val": [], "test": [labelled]}


@pytest.mark.parametrize("place", ["train/", "train/images/", "images/", ""])
def test_images_alone_may_lie_in_four_places(tmp_path, add, place):
    records = [Record("a", add(f"{place}a.png"), None), Record("b", add(f"{place}b.JPG"), None)]
    assert by_folder(tmp_path) == {"train": records, "val": [], "test": []}


def test_the_image_that_lacks_its_label_stays_a_record(tmp_path, add):
    a = Record("a", add("train/images/a.png"), add("train/labels/a.png"))
    b = Record("b", add("train/images/b.png"), tmp_path / "train/labels/b.png")
    assert by_folder(tmp_path)["train"] == [a, b]


def test_two_images_of_one_name_are_refused(tmp_path, add):
    add("train/a.png"), add("train/a.jpg")
    with pytest.raises(DataError, match=r"a\.jpg and .*a\.png would both be 'a'; rename one"):
        by_folder(tmp_path)


def test_a_folder_without_images_is_refused(tmp_path, add):
    add("train/notes.txt")
    with pytest.raises(DataError, match=r"holds no PNG or JPEG; put images there or into .*/train"):
        by_folder(tmp_path)


def test_a_folder_that_is_missing_is_refused(tmp_path):
    with pytest.raises(DataError, match="nowhere is not a folder; give one with images"):
        by_folder(tmp_path / "nowhere")
