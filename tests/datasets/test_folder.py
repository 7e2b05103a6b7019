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
    (tmp_path / "train").mkdir()
    with pytest.raises(DataError, match=r"WebP or GIF; put images there or into .*/train\.$"):
        by_folder(tmp_path)


def test_what_lies_there_instead_of_images_is_counted(tmp_path, add):
    add("a.mp4"), add("deep/b.MP4"), add("c.zip"), add(".hidden.mp4")
    with pytest.raises(DataError, match=r"but 2 \.mp4 and 1 \.zip; take frames out of videos"):
        by_folder(tmp_path)


def test_a_folder_that_is_missing_is_refused(tmp_path):
    with pytest.raises(DataError, match="nowhere is not a folder; give one with images"):
        by_folder(tmp_path / "nowhere")


@pytest.mark.parametrize("suffix", ["bmp", "TIF", "tiff", "WebP", "gif", "PNG", "jpeg"])
def test_images_have_many_suffixes_in_any_case_of_letters(tmp_path, add, suffix):
    image, label = add(f"train/images/a.{suffix}"), add("train/labels/a.TIF")
    assert by_folder(tmp_path)["train"] == [Record("a", image, label)]


@pytest.mark.parametrize("kind", ["labels", "masks", "annotations", "Masks"])
@pytest.mark.parametrize("split", ["train/", ""])
def test_the_folder_of_labels_has_three_names(tmp_path, add, kind, split):
    record = Record("a", add(f"{split}images/a.png"), add(f"{split}{kind}/a.png"))
    assert by_folder(tmp_path)["train"] == [record]


def test_two_labels_of_an_image_are_refused(tmp_path, add):
    add("images/a.png"), add("labels/a.png"), add("masks/a.png")
    with pytest.raises(DataError, match=r"labels/a\.png and .*masks/a\.png would both be 'a'"):
        by_folder(tmp_path)


@pytest.mark.parametrize(
    ("image", "label"),
    [
        ("images/drive1/0001.png", "labels/drive1/0001.png"),
        ("drive1/images/0001.png", "drive1/masks/0001.png"),
        ("drive1/0001.png", "drive1/labels/0001.png"),
        ("drive1/0001.png", "labels/drive1/0001.png"),
    ],
)
def test_names_are_paths_so_that_drives_do_not_clash(tmp_path, add, image, label):
    records = [
        Record("drive1/0001", add(f"test/{image}"), add(f"test/{label}")),
        Record(
            "drive2/0001",
            add(f"test/{image.replace('drive1', 'drive2')}"),
            add(f"test/{label.replace('drive1', 'drive2')}"),
        ),
    ]
    assert by_folder(tmp_path)["test"] == records


def test_splits_may_lie_within_images_and_labels(tmp_path, add):
    expected = {
        split: [Record("x/a", add(f"images/{split}/x/a.jpg"), add(f"masks/{split}/x/a.png"))]
        for split in ("train", "val", "test")
    }
    assert by_folder(tmp_path) == expected


def test_links_are_followed_and_loops_are_not(tmp_path, add):
    elsewhere = add("elsewhere/drive/1.png").parent.parent
    root = tmp_path / "root"
    root.mkdir()
    (root / "a").symlink_to(elsewhere)
    (root / "b").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(root)
    (elsewhere / "self").symlink_to("self")
    names = [record.name for record in by_folder(root)["train"]]
    assert names == ["a/drive/1", "b/drive/1"]


def test_hidden_files_and_folders_are_left_out(tmp_path, add):
    add(".cache/a.png"), add("._b.png")
    record = Record("c", add("c.png"), None)
    assert by_folder(tmp_path)["train"] == [record]
