import pytest

from i2i_keras.data.records import Record
from i2i_keras.datasets import DATASETS
from i2i_keras.errors import DataError
from i2i_keras.preparation.domains import DomainConfig, audit_domain

DATASET = DATASETS["idd"]


def official(root):
    return DATASET.splits["official"](root, "ids")


def val_as_test(root):
    return DATASET.splits["val_as_test"](root, "ids")


def add_frame(root, split, drive, frame):
    image = root / "leftImg8bit" / split / drive / f"{frame}_image.jpg"
    label = root / "gtFine" / split / drive / f"{frame}_label.png"
    for path in (image, label, label.with_name(f"{frame}_inst_label.png")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return Record(f"{drive}_{frame}", image, label)


@pytest.fixture
def tree(tmp_path):
    """A tiny set in the true layout, and its records by split."""
    frames = {
        "train": [("0", "024541"), ("0", "024703"), ("1", "024541")],
        "val": [("119", "929319")],
        "test": [("100", "033693")],
    }
    return tmp_path, {
        split: [add_frame(tmp_path, split, *frame) for frame in some]
        for split, some in frames.items()
    }


def fill(save, records):
    """Makes files of a few pixels of the empty ones."""
    for value, record in enumerate([r for some in records.values() for r in some]):
        save(record.image, [[[40 * value] * 3] * 16] * 8 + [[[255, 0, 0]] * 16] * 8)
        save(record.label, [[value, 255] * 8] * 16)


def test_the_official_split_is_that_of_the_folders_without_instances(tree):
    root, records = tree
    assert official(root) == records


def test_the_default_is_the_official_split_and_labels_are_numbers():
    assert [*DATASET.splits] == ["official", "val_as_test"]
    assert DATASET.encodings == ("ids",)
    assert [*DATASET.numbers] == [0, 1, 2, 3, 4, 5, 6, 255]


def test_val_can_be_the_test(tree):
    root, records = tree
    assert val_as_test(root) == {"train": records["train"], "val": [], "test": records["val"]}


def test_frames_of_one_number_are_told_apart_by_their_drive(tree):
    root, _ = tree
    names = [record.name for record in official(root)["train"]]
    assert names == ["0_024541", "0_024703", "1_024541"]


def test_test_images_without_labels_are_an_unlabelled_split(tree):
    root, records = tree
    for path in (root / "gtFine" / "test").rglob("*.png"):
        path.unlink()
    unlabelled = [record._replace(label=None) for record in records["test"]]
    assert official(root) == records | {"test": unlabelled}


@pytest.mark.parametrize("which", ["image", "label"])
def test_what_is_missing_is_named_where_it_should_be(tree, which):
    root, records = tree
    getattr(records["train"][2], which).unlink()
    assert official(root) == records


def test_the_audit_finds_the_label_that_is_missing(tree, save):
    root, records = tree
    fill(save, records)
    records["train"][2].label.unlink()
    audited = audit_domain(DomainConfig(format="idd"), root, "", workers=1)
    [finding] = [finding for finding in audited.findings if finding.bad]
    assert (finding.kind, finding.file) == ("no label", "gtFine/train/1/024541_label.png")
    assert audited.rows["train"][1]["pixels"] == {1: 128, 255: 128}


def test_a_number_above_6_is_no_class(tree, save):
    root, records = tree
    fill(save, records)
    save(records["val"][0].label, [[7] * 16] * 16)
    findings = audit_domain(DomainConfig(format="idd"), root, "", workers=1).findings
    [finding] = [finding for finding in findings if finding.bad]
    assert (finding.kind, finding.table) == ("unknown class", "val")
    assert finding.what.startswith("holds 7 in 256 pixels")


def test_hidden_files_of_macos_are_no_frames(tree):
    root, records = tree
    for path in (records["train"][0].image, records["train"][0].label):
        path.with_name(f"._{path.name}").touch()
    assert official(root) == records


@pytest.mark.parametrize("split", [official, val_as_test])
def test_a_folder_that_is_not_idd_is_refused(tmp_path, split):
    with pytest.raises(DataError) as error:
        split(tmp_path)
    assert str(error.value) == (
        f"{tmp_path} has no image at leftImg8bit/{{split}}/**/{{name}}_image.jpg; give the root of"
        " IDD Lite, and check the split."
    )
