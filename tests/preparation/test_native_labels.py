"""Labels of the target's test images at their own size."""

import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.records import Record, read_image, read_label, read_records
from i2i_keras.datasets.spaces import LABEL_SPACES
from i2i_keras.errors import DataError
from i2i_keras.preparation.domains import Domain, DomainConfig
from i2i_keras.preparation.prepare import PrepareConfig, prepare
from i2i_keras.preparation.table import NATIVE_TABLE

SIZE = (18, 36)
SIZES = {"00000": (30, 54), "00001": (40, 70), "00002": (33, 51)}


@pytest.fixture(scope="module")
def raw(tmp_path_factory, save, save_palette):
    """By domain: a training image, and test images of several sizes."""
    domains = {}
    for seed, role in enumerate(("source", "target")):
        root, random = tmp_path_factory.mktemp(role), np.random.default_rng(seed)
        records = [
            Record(
                name,
                save(root / "images" / f"{name}.png", random.integers(0, 256, (*size, 3))),
                save_palette(root / "labels" / f"{name}.png", random.integers(0, 35, size)),
            )
            for name, size in SIZES.items()
        ]
        splits = {"train": records[:1], "val": [], "test": records[1:]}
        domains[role] = Domain(DomainConfig(format="gta5"), root, splits)
    return domains


def prepared(root, raw, **changes):
    prepare(PrepareConfig(**({"size": SIZE, "workers": 1} | changes)), raw, root)
    table = root / "prepare" / f"{NATIVE_TABLE}.csv"
    return read_records(root, table) if table.is_file() else None


@pytest.mark.parametrize("space", ["cityscapes19", "cityscapes34"])
def test_they_are_the_raw_ones_in_the_label_space(tmp_path, raw, space):
    records = prepared(tmp_path, raw, native_labels=True, label_space=space)
    originals = raw["target"].splits["test"]
    assert [record.name for record in records] == ["00001", "00002"]
    for record, original in zip(records, originals, strict=True):
        assert record.label == tmp_path / f"prepare/target-test/native/{record.name}.png"
        with Image.open(original.label) as image:
            ids = np.array(image)
        expected = LABEL_SPACES[space].labels["cityscapes"][ids]
        np.testing.assert_array_equal(read_label(record.label), expected)
        assert read_image(record.image).size == SIZE[::-1]


def test_they_are_of_the_same_records_as_the_others(tmp_path, raw):
    native = prepared(tmp_path, raw, native_labels=True)
    usual = read_records(tmp_path, tmp_path / "prepare" / "target-test.csv")
    assert [r[:2] for r in native] == [r[:2] for r in usual]
    assert [p.parent.name for p in tmp_path.rglob("native")] == ["target-test"]


def test_they_are_written_only_if_asked_for(tmp_path, raw):
    assert prepared(tmp_path, raw) is None
    assert not [*tmp_path.rglob("native")]


def test_they_change_nothing_else(tmp_path, raw):
    for folder, native in (("with", True), ("without", False)):
        prepared(tmp_path / folder, raw, native_labels=native)
    found = {
        folder: {
            path.relative_to(tmp_path / folder): path.read_bytes()
            for path in (tmp_path / folder).rglob("*")
            if path.suffix in (".png", ".csv") and "native" not in str(path)
        }
        for folder in ("with", "without")
    }
    assert found["with"] == found["without"]


def test_one_that_is_gone_is_written_again_and_no_other(tmp_path, raw):
    first, second = prepared(tmp_path, raw, native_labels=True)
    whole = second.label.read_bytes()
    written = first.label.stat().st_mtime_ns
    second.label.unlink()
    prepared(tmp_path, raw, native_labels=True)
    assert first.label.stat().st_mtime_ns == written
    assert second.label.read_bytes() == whole


def test_without_them_the_table_of_an_earlier_time_goes(tmp_path, raw):
    prepared(tmp_path, raw, native_labels=True)
    assert prepared(tmp_path, raw) is None


def test_unlabelled_test_images_have_none(tmp_path, raw):
    target = raw["target"]
    unlabelled = [record._replace(label=None) for record in target.splits["test"]]
    target = target._replace(splits=target.splits | {"test": unlabelled})
    assert prepared(tmp_path, raw | {"target": target}, native_labels=True) is None


def test_a_record_that_is_left_out_has_none(tmp_path, raw):
    target = raw["target"]
    test = target.splits["test"]
    broken = test[0]._replace(image=target.root / "gone.png")
    target = target._replace(splits=target.splits | {"test": [broken, test[1]]})
    with pytest.raises(DataError):
        prepared(tmp_path, raw | {"target": target}, native_labels=True)
    records = prepared(tmp_path, raw | {"target": target}, native_labels=True, on_bad="skip")
    assert [record.name for record in records] == ["00002"]


def test_runs_that_were_prepared_without_stay_valid():
    assert "native_labels" not in PrepareConfig().facts()
    assert PrepareConfig(native_labels=True).facts()["native_labels"] is True


def test_drives_whose_frames_have_the_same_names_do_not_clash(tmp_path, raw):
    """Names with `/` are folders, of native labels as of all others."""
    first, second = raw["target"].splits["test"]
    test = [first._replace(name="monday/0001"), second._replace(name="tuesday/0001")]
    domains = raw | {"target": raw["target"]._replace(splits=raw["target"].splits | {"test": test})}
    native = prepared(tmp_path, domains, native_labels=True)
    usual = read_records(tmp_path, tmp_path / "prepare" / "target-test.csv")
    folder = tmp_path / "prepare" / "target-test"
    for old, one, other in zip(test, native, usual, strict=True):
        assert one.name == other.name == old.name
        assert one.label == folder / "native" / f"{old.name}.png"
        assert other.image == folder / "images" / f"{old.name}.png"
        with Image.open(old.label) as image:
            assert read_label(one.label).shape == image.size[::-1]
        assert read_label(other.label).shape == SIZE
