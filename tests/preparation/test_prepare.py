import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from pydantic import ValidationError

from i2i_keras.data.records import Record, read_image, read_label, read_records
from i2i_keras.datasets.spaces import LABEL_SPACES
from i2i_keras.errors import DataError
from i2i_keras.preparation.domains import Domain, DomainConfig
from i2i_keras.preparation.prepare import PrepareConfig, prepare

SIZE = (18, 36)
RAW_SIZE = (30, 54)
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def raw(tmp_path_factory, save, save_palette):
    """GTA5-like records: two labelled for training, one unlabelled."""
    root = tmp_path_factory.mktemp("raw")
    records = [
        Record(
            f"{number:05}",
            save(root / "images" / f"{number:05}.png", RNG.integers(0, 256, (*RAW_SIZE, 3))),
            save_palette(root / "labels" / f"{number:05}.png", RNG.integers(0, 35, RAW_SIZE)),
        )
        for number in range(3)
    ]
    return {"train": records[:2], "val": [], "test": [records[2]._replace(label=None)]}


def copied(splits, folder):
    """The same records in other files, whose images differ."""
    found = {}
    for split, records in splits.items():
        found[split] = []
        for record in records:
            image = folder / "images" / record.image.name
            image.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.asarray(read_image(record.image)) ^ 1).save(image)
            found[split].append(record._replace(image=image))
    return found


def ids_of(path):
    with Image.open(path) as image:
        return np.array(image)


def config(**changes):
    return PrepareConfig(**({"size": SIZE, "workers": 1} | changes))


def domain(splits):
    first = splits["train"][0].image if splits["train"] else None
    return Domain(DomainConfig(format="gta5"), first.parent.parent if first else None, splits)


def prepared(root, raw, **changes):
    """Prepares records as the source and gives back those for training."""
    prepare(config(**changes), {"source": domain(raw)}, root)
    return read_records(root, root / "prepare" / "source-train.csv")


def files(root):
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def nearest(pixels, size=SIZE):
    """TensorFlow's nearest neighbor, which the report used."""
    return tf.image.resize(pixels, size, method="nearest").numpy()


def test_tables_name_the_records_and_their_number_is_told(tmp_path, raw):
    other = copied(raw, tmp_path / "other")
    facts = prepare(config(), {"source": domain(raw), "target": domain(other)}, tmp_path)
    assert facts["skipped"] == 0
    assert facts["records"] == {
        **{"source-train": 2, "source-val": 0, "source-test": 1},
        **{"target-train": 2, "target-val": 0, "target-test": 1},
    }
    folder = tmp_path / "prepare" / "source-train"
    assert read_records(tmp_path, tmp_path / "prepare" / "source-train.csv") == [
        Record(name, folder / "images" / f"{name}.png", folder / "labels" / f"{name}.png")
        for name in ("00000", "00001")
    ]
    assert [r.label for r in read_records(tmp_path, tmp_path / "prepare/target-test.csv")] == [None]


def test_images_and_labels_have_the_working_size(tmp_path, raw):
    for record in prepared(tmp_path, raw):
        assert read_image(record.image).size == SIZE[::-1]
        assert read_label(record.label).shape == SIZE


@pytest.mark.parametrize("space", LABEL_SPACES)
def test_at_the_raw_size_labels_are_only_renumbered(tmp_path, raw, space):
    records = prepared(tmp_path, raw, size=RAW_SIZE, label_space=space)
    for record, original in zip(records, raw["train"], strict=True):
        expected = LABEL_SPACES[space].labels["cityscapes"][ids_of(original.label)]
        np.testing.assert_array_equal(read_label(record.label), expected)


def test_at_the_raw_size_images_stay_as_they_are(tmp_path, raw):
    for method in ("area", "bilinear", "nearest"):
        records = prepared(tmp_path / method, raw, size=RAW_SIZE, image_resize=method)
        for record, original in zip(records, raw["train"], strict=True):
            np.testing.assert_array_equal(read_image(record.image), read_image(original.image))


@pytest.mark.parametrize("method", ["area", "nearest"])
def test_labels_take_the_nearest_pixel_as_tensorflow_does(tmp_path, raw, method):
    records = prepared(tmp_path, raw, image_resize=method)
    for record, original in zip(records, raw["train"], strict=True):
        ids = nearest(ids_of(original.label)[..., None])[..., 0]
        np.testing.assert_array_equal(
            read_label(record.label), LABEL_SPACES["cityscapes19"].labels["cityscapes"][ids]
        )


def test_nearest_images_are_those_of_the_reports_figure_6(tmp_path, raw):
    records = prepared(tmp_path, raw, image_resize="nearest")
    for record, original in zip(records, raw["train"], strict=True):
        expected = nearest(np.asarray(read_image(original.image)))
        np.testing.assert_array_equal(read_image(record.image), expected)


@pytest.mark.parametrize("raw_size", [(1024, 2048), (1052, 1914)])
def test_both_data_sets_come_to_the_reports_size_as_in_its_figure_6(tmp_path, save, raw_size):
    # Cityscapes' ratio 128 : 35 meets pixel borders, where rounding decides.
    rows, columns = np.indices(raw_size)
    place = np.stack([rows % 256, columns % 256, rows // 256 * 16 + columns // 256], axis=-1)
    original = Record("a", save(tmp_path / "raw" / "images" / "a.png", place), None)
    [record] = prepared(tmp_path, {"train": [original]}, size=(280, 560), image_resize="nearest")
    np.testing.assert_array_equal(read_image(record.image), nearest(place, (280, 560)))


def test_area_keeps_the_mean_of_what_it_joins(tmp_path, raw):
    size = (RAW_SIZE[0] // 2, RAW_SIZE[1] // 3)
    records = prepared(tmp_path, raw, size=size, image_resize="area")
    for record, original in zip(records, raw["train"], strict=True):
        blocks = np.asarray(read_image(original.image), float).reshape(size[0], 2, size[1], 3, 3)
        joined = np.asarray(read_image(record.image), float)
        # Pillow rounds twice: after the rows and after the columns.
        np.testing.assert_allclose(joined, blocks.mean(axis=(1, 3)), atol=1.0)


def test_images_and_labels_are_cropped_to_the_shape(tmp_path, raw):
    height, width = RAW_SIZE
    side = min(height, width)
    fit = {"size": (side, side), "image_resize": "nearest"}
    done = prepare(config(**fit, fit="crop"), {"source": domain(raw)}, tmp_path / "crop")
    top, left = (height - side) // 2, (width - side) // 2
    inside = (slice(top, top + side), slice(left, left + side))
    records = read_records(tmp_path / "crop", tmp_path / "crop/prepare/source-train.csv")
    for record, original in zip(records, raw["train"], strict=True):
        np.testing.assert_array_equal(
            np.asarray(read_image(record.image)), np.asarray(read_image(original.image))[inside]
        )
    lost = 1 - side * side / (height * width)
    assert f"{100 * lost:.0f}% of the pixels are cropped off" in done["stretched"][0]
    stretched = prepare(config(**fit), {"source": domain(raw)}, tmp_path / "stretch")
    assert "times as" in stretched["stretched"][0]


def test_a_label_of_another_size_than_its_image_is_aligned(tmp_path, save):
    # GTA5's labels are at times a few pixels larger or smaller.
    ids = np.full((31, 51), 7)
    ids[:, 25:] = 23
    original = Record(
        "a",
        save(tmp_path / "images" / "a.png", RNG.integers(0, 256, (30, 50, 3))),
        save(tmp_path / "labels" / "a.png", ids),
    )
    [record] = prepared(tmp_path, {"train": [original]}, label_space="cityscapes34")
    expected = np.where(np.arange(SIZE[1]) < SIZE[1] // 2, 7, 23)
    np.testing.assert_array_equal(read_label(record.label), np.tile(expected, (SIZE[0], 1)))


def without_journal(root):
    """All files but those that say in which order the records were done."""
    return {name: data for name, data in files(root).items() if not name.endswith(".jsonl")}


def test_prepare_continues_where_it_stopped(tmp_path, raw):
    first, second = prepared(tmp_path, raw)
    whole = without_journal(tmp_path)
    journal = tmp_path / "prepare/source-train/examined.jsonl"
    lines = journal.read_text("utf-8").splitlines(keepends=True)
    journal.write_text(lines[0] + lines[1][:50], "utf-8")  # Killed in the middle of a line.
    kept = bytes(first.image.stat().st_size)
    first.image.write_bytes(kept)
    second.image.write_bytes(b"cut")

    prepared(tmp_path, raw)

    assert first.image.read_bytes() == kept
    assert second.image.read_bytes() != b"cut"
    first.image.unlink()
    prepared(tmp_path, raw)
    assert without_journal(tmp_path) == whole


def test_a_raw_file_that_changed_is_prepared_anew(tmp_path, raw):
    own = copied(raw, tmp_path / "raw")
    [record, _] = prepared(tmp_path, own, size=RAW_SIZE)
    pixels = np.asarray(read_image(own["train"][0].image)) ^ 2
    Image.fromarray(pixels).save(own["train"][0].image)
    prepared(tmp_path, own, size=RAW_SIZE)
    np.testing.assert_array_equal(read_image(record.image), pixels)


def test_a_broken_image_leaves_no_half_file_and_no_table(tmp_path, raw):
    own = copied(raw, tmp_path / "raw")
    broken = own["train"][1].image
    broken.write_bytes(broken.read_bytes()[:500])

    with pytest.raises(DataError, match=r"00001\.png .* cannot be read as an image"):
        prepared(tmp_path / "run", own)

    assert {*files(tmp_path / "run")} == {
        "prepare/audit.json",
        "prepare/source-test/examined.jsonl",
        "prepare/source-test/images/00002.png",
        "prepare/source-train/examined.jsonl",
        "prepare/source-train/images/00000.png",
        "prepare/source-train/labels/00000.png",
        "prepare/source-train/labels/00001.png",
        "prepare/source-val/examined.jsonl",
    }


def test_a_domain_without_training_images_is_refused(tmp_path, raw):
    with pytest.raises(
        DataError, match=r" has no training images where gta5 has them; check target\.root"
    ):
        prepare(config(), {"target": domain(raw | {"train": []})}, tmp_path)


def many(raw):
    original = raw["train"][0]
    return {"train": [original._replace(name=f"{number:02}") for number in range(16)]}


def test_two_processes_write_the_same_as_one(tmp_path, raw):
    for workers in (1, 2):
        prepared(tmp_path / str(workers), many(raw), workers=workers)
    assert files(tmp_path / "1") == files(tmp_path / "2")


def test_a_broken_image_is_named_from_another_process_too(tmp_path, raw):
    splits = many(copied(raw, tmp_path / "raw"))
    broken = tmp_path / "raw" / "images" / "broken.png"
    broken.write_text("not found")
    splits["train"][3] = Record("broken", broken, None)
    with pytest.raises(DataError, match=r"broken\.png .* cannot be read as an image"):
        prepared(tmp_path / "run", splits, workers=2)
    assert not [name for name in files(tmp_path / "run") if ".draft" in name or ".csv" in name]


def test_worker_processes_do_not_load_tensorflow():
    code = "import sys, i2i_keras.preparation.prepare; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_domain_takes_the_first_split_unless_told(tmp_path):
    for split in ("train", "val"):
        folder = tmp_path / "leftImg8bit" / split / "ulm"
        folder.mkdir(parents=True)
        (folder / "ulm_000000_000019_leftImg8bit.png").touch()
    counts = {
        split: [
            len(r) for r in DomainConfig(format="cityscapes", split=split).find(tmp_path).values()
        ]
        for split in ("", "official", "val_as_test")
    }
    assert counts == {"": [1, 1, 0], "official": [1, 1, 0], "val_as_test": [1, 0, 1]}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"format": "nuscenes"}, "no data set 'nuscenes'; there are cityscapes, gta5, acdc, bdd1"),
        ({"format": "gta5", "split": "mine"}, "gta5 has no split 'mine'; there are official, val"),
    ],
)
def test_an_unknown_data_set_or_split_is_refused_with_those_there_are(wrong, words):
    with pytest.raises(ValidationError, match=words):
        DomainConfig(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"size": (0, 8)}, {"label_space": "camvid"}, {"image_resize": "cubic"}, {"worker": 1}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        PrepareConfig(**wrong)


def test_uncompressed_files_have_the_same_pixels(raw, tmp_path):
    tables = {}
    for name, compress in (("small", True), ("plain", False)):
        root = tmp_path / name
        prepare(config(compress=compress), {"source": domain(raw)}, root)
        tables[name] = read_records(root, root / "prepare/source-train.csv")
    for small, plain in zip(tables["small"], tables["plain"], strict=True):
        np.testing.assert_array_equal(ids_of(plain.image), ids_of(small.image))
        np.testing.assert_array_equal(ids_of(plain.label), ids_of(small.label))
        assert plain.label.stat().st_size > SIZE[0] * SIZE[1] > small.label.stat().st_size


def test_what_was_prepared_before_files_could_be_plain_stays_valid():
    assert "compress" not in PrepareConfig().facts()
    assert PrepareConfig(compress=False).facts()["compress"] is False
