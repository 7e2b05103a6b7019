"""What holds of every label, however odd: found out by hypothesis."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from i2i_keras.data.pipeline import PipelineConfig, training_batches
from i2i_keras.data.records import Record, read_label
from i2i_keras.datasets import DATASETS
from i2i_keras.datasets.readers import build_reader
from i2i_keras.datasets.spaces import LABEL_SPACES
from i2i_keras.preparation.examine import examine
from i2i_keras.preparation.working_size import Conversion, Work, write_record

ANY = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=24))
SIZES = st.tuples(st.integers(2, 40), st.integers(2, 40))
# Every data set with every kind of label file and every space that knows it.
READERS = [
    (name, encoding, space)
    for name, dataset in DATASETS.items()
    for encoding in dataset.encodings
    for space in LABEL_SPACES
    if dataset.coding.name in LABEL_SPACES[space].labels
]
FEW = settings(max_examples=25, deadline=None, derandomize=True)
# Each example builds a pipeline: none to spare for a smaller counterexample.
FEWER = settings(FEW, max_examples=4, phases=[Phase.generate])


def label_of(pixels, reader):
    """What a label file of these pixels is read as."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.png"
        Image.fromarray(pixels).save(path)
        return examine("train", Record("a", path, path), reader, path.parent).label


@pytest.mark.parametrize(("name", "encoding", "space"), READERS)
def test_any_number_becomes_a_label_or_is_ignored(name, encoding, space):
    reader = build_reader(DATASETS[name], encoding, LABEL_SPACES[space])
    classes = len(LABEL_SPACES[space].names)

    @FEW
    @given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
    def check(pixels):
        if encoding != "colors":
            pixels = pixels[..., 0]
        label = label_of(pixels, reader)
        assert (label.dtype, label.shape) == (np.uint8, pixels.shape[:2])
        assert ((label < classes) | (label == 255)).all()

    check()


@pytest.mark.parametrize(("name", "encoding", "space"), READERS)
def test_what_may_not_occur_is_ignored(name, encoding, space):
    reader = build_reader(DATASETS[name], encoding, LABEL_SPACES[space])
    assert (reader.labels[~reader.valid] == 255).all()


@pytest.fixture(scope="module", params=LABEL_SPACES)
def identity(request, tmp_path_factory):
    """A space and the reader of labels that are labels of that space."""
    space = LABEL_SPACES[request.param]
    values = [f'"{name}" = [{index}]' for index, name in enumerate(space.names)]
    toml = tmp_path_factory.mktemp("identity") / "m.toml"
    toml.write_text("\n".join(['classes = "label_space"', "[values]", *values, "ignored = [255]"]))
    return space, build_reader(DATASETS["folder"], "ids", space, str(toml))


@FEW
@given(ids=ANY)
def test_labels_of_a_space_are_labels_of_that_space(identity, ids):
    space, again = identity
    once = label_of(ids, build_reader(DATASETS["gta5"], "ids", space))
    np.testing.assert_array_equal(label_of(once, again), once)


@FEW
@given(ids=ANY)
def test_labels_of_34_classes_are_aligned_but_once(ids):
    reader = build_reader(DATASETS["cityscapes"], "ids", LABEL_SPACES["cityscapes34"])
    once = label_of(ids, reader)
    np.testing.assert_array_equal(label_of(once, reader), once)


def prepared(ids, size, space):
    """The label that is written at a working size."""
    reader = build_reader(DATASETS["gta5"], "ids", LABEL_SPACES[space])
    with tempfile.TemporaryDirectory() as folder:
        raw, done = (Path(folder) / name for name in ("raw.png", "done.png"))
        Image.fromarray(ids).save(raw)
        work = Work("source-train", raw.parent, reader, size, "area", "stretch", 0)
        image = Path(folder) / "image.png"
        write_record(work, Conversion("key", Record("a", raw, raw), Record("a", image, done)))
        return read_label(done)


@FEW
@given(ids=ANY, size=SIZES)
@pytest.mark.parametrize("coarse", ["cityscapes19", "idd7"])
def test_joining_classes_and_resizing_commute(coarse, ids, size):
    to_coarse = LABEL_SPACES[coarse].labels["cityscapes"]
    fine = prepared(ids, size, "cityscapes34")
    np.testing.assert_array_equal(prepared(ids, size, coarse), to_coarse[fine])


@FEW
@given(ids=ANY, size=SIZES)
def test_resizing_invents_no_class(ids, size):
    label = label_of(ids, build_reader(DATASETS["gta5"], "ids", LABEL_SPACES["cityscapes19"]))
    assert {*prepared(ids, size, "cityscapes19").flat} <= {*label.flat}


HEIGHT, WIDTH, COUNT = 10, 14, 5


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Images whose red, green and blue are row, column and record."""
    folder = tmp_path_factory.mktemp("records")
    found = []
    for number in range(COUNT):
        rows, columns = np.indices((HEIGHT, WIDTH), np.uint8)
        image = np.dstack([rows, columns, np.full_like(rows, number)])
        paths = folder / f"{number}.png", folder / f"label {number}.png"
        Image.fromarray(image).save(paths[0])
        Image.fromarray(label_for(image)).save(paths[1])
        found.append(Record(str(number), *paths))
    return found


def label_for(image):
    """A label that tells the place and the record, to go with the image."""
    rows, columns, number = (np.asarray(image[..., i], np.uint8) for i in range(3))
    return rows * WIDTH + columns + number


def batches(records, seed, count, crop=(HEIGHT, WIDTH), size=COUNT):
    config = PipelineConfig(batch_size=size, crop=crop)
    for images, labels in training_batches(config, records, seed).take(count):
        yield np.round((images.numpy() + 1) * 127.5).astype(int), labels.numpy()


@FEWER
@given(
    crop=st.tuples(st.integers(1, HEIGHT), st.integers(1, WIDTH)), seed=st.integers(0, 2**32 - 1)
)
def test_crop_and_flip_keep_image_and_label_together(records, crop, seed):
    for images, labels in batches(records, seed, 2, crop):
        assert images.shape == (COUNT, *crop, 3)
        for image, label in zip(images, labels, strict=True):
            np.testing.assert_array_equal(label, label_for(image))
            rows, columns = image[..., 0], image[..., 1]
            assert (np.diff(rows, axis=0) == 1).all()
            assert (np.abs(np.diff(columns, axis=1)) == 1).all()


@FEWER
@given(seed=st.integers(0, 2**32 - 1))
def test_two_epochs_differ_and_two_runs_of_one_seed_do_not(records, seed):
    crop = (HEIGHT // 2, WIDTH // 2)
    first, again = ([*batches(records, seed, 3, crop)] for _ in range(2))
    for (images, labels), (images_again, labels_again) in zip(first, again, strict=True):
        np.testing.assert_array_equal(images, images_again)
        np.testing.assert_array_equal(labels, labels_again)
    orders = [images[:, 0, 0, 2].tolist() for images, _ in first]
    assert [sorted(order) for order in orders] == [[*range(COUNT)]] * 3
    assert orders[0] != orders[1] or orders[1] != orders[2]
    windows = [images[np.argsort(order)] for (images, _), order in zip(first, orders, strict=True)]
    assert not np.array_equal(windows[0], windows[1])


def test_another_seed_gives_another_order(records):
    orders = {
        tuple(images[:, 0, 0, 2]) for seed in range(3) for images, _ in batches(records, seed, 1)
    }
    assert len(orders) == 3


@FEW
@given(size=SIZES, raw=st.tuples(st.integers(1, 40), st.integers(1, 40)))
def test_labels_are_resized_as_tensorflow_resizes(size, raw):
    ids = np.random.default_rng(0).integers(0, 34, raw, np.uint8)
    expected = tf.image.resize(ids[..., None], size, method="nearest")[..., 0]
    np.testing.assert_array_equal(prepared(ids, size, "cityscapes34"), expected)
