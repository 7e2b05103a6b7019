import pytest

from i2i_keras.data.records import Record
from i2i_keras.datasets import DATASETS
from i2i_keras.errors import DataError
from i2i_keras.preparation.domains import DomainConfig, audit_domain

DATASET = DATASETS["camvid"]


def official(root):
    return DATASET.splits["official"](root, "ids")


def add_frame(root, split, name, suffix=".png"):
    image, label = root / split / f"{name}{suffix}", root / f"{split}annot" / f"{name}.png"
    for path in (image, label):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return Record(name, image, label)


@pytest.fixture
def tree(tmp_path):
    """A tiny set in the true layout, and its records by split."""
    frames = {
        "train": ["0001TP_006690", "0016E5_07959"],
        "val": ["0016E5_07961"],
        "test": ["Seq05VD_f00000"],
    }
    return tmp_path, {
        split: [add_frame(tmp_path, split, name) for name in names]
        for split, names in frames.items()
    }


def fill(save, records, last=4):
    """Makes files of three pixels of the empty ones; `last`: of the test's."""
    for value, record in enumerate(r for some in records.values() for r in some):
        save(record.image, [[[value, 0, 0], [0, 9, 9], [7, 7, 7]]])
        save(record.label, [[3, 11, last if record in records["test"] else 4]])


def test_the_official_split_is_that_of_the_folders(tree):
    root, records = tree
    assert official(root) == records


def test_that_is_the_only_split_and_labels_are_numbers():
    assert ([*DATASET.splits], DATASET.encodings) == (["official"], ("ids",))
    assert [*DATASET.numbers] == [*range(12)]


@pytest.mark.parametrize("suffix", [".jpg", ".JPG", ".jpeg"])
def test_images_may_be_jpegs(tree, suffix):
    root, records = tree
    extra = add_frame(root, "val", "a", suffix)
    assert official(root)["val"] == [*records["val"], extra]


def test_a_split_that_is_not_there_is_empty(tmp_path):
    record = add_frame(tmp_path, "train", "a")
    assert official(tmp_path) == {"train": [record], "val": [], "test": []}


def test_a_split_without_any_label_is_an_unlabelled_one(tree):
    root, records = tree
    records["test"][0].label.unlink()
    unlabelled = [record._replace(label=None) for record in records["test"]]
    assert official(root) == records | {"test": unlabelled}


@pytest.mark.parametrize("which", ["image", "label"])
def test_what_is_missing_is_named_where_it_should_be(tree, which):
    root, records = tree
    getattr(records["train"][1], which).unlink()
    assert official(root) == records


def test_the_audit_finds_the_label_that_is_missing(tree, save):
    root, records = tree
    fill(save, records)
    records["train"][1].label.unlink()
    audited = audit_domain(DomainConfig(format="camvid"), root, "", workers=1)
    [finding] = [finding for finding in audited.findings if finding.bad]
    assert (finding.kind, finding.file) == ("image without label", "trainannot/0016E5_07959.png")
    assert audited.rows["val"][0]["pixels"] == {0: 1, 1: 1, 255: 1}  # In idd7.


@pytest.mark.parametrize("number", [12, 255])
def test_a_number_above_11_is_no_class_and_no_train_id(tree, save, number):
    root, records = tree
    fill(save, records, last=number)
    findings = audit_domain(DomainConfig(format="camvid"), root, "", workers=1).findings
    [finding] = [finding for finding in findings if finding.bad]
    assert (finding.kind, finding.table) == ("unknown class", "test")
    assert finding.what.startswith(f"holds {number} in 1 pixel")


def test_hidden_files_of_macos_are_no_frames(tree):
    root, records = tree
    for path in (records["train"][0].image, records["train"][0].label):
        path.with_name(f"._{path.name}").touch()
    assert official(root) == records


def test_two_images_of_one_name_are_refused(tree):
    root, records = tree
    twin = records["val"][0].image.with_suffix(".jpg")
    twin.touch()
    with pytest.raises(DataError, match=r"would both be '0016E5_07961'; rename one"):
        official(root)


def test_a_folder_that_is_not_camvid_is_refused(tmp_path):
    with pytest.raises(DataError) as error:
        official(tmp_path)
    assert str(error.value) == (
        f"{tmp_path} has no image at {{split}}/{{name}}.{{png,jpg,jpeg}}; give the root of CamVid,"
        " and check the split."
    )
