import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy import ndimage

from i2i_keras.data.labels import IGNORE
from i2i_keras.data.records import Record
from i2i_keras.errors import DataError
from i2i_keras.evaluation.calibration import expected_error, sum_by_bin
from i2i_keras.evaluation.confusion import confusion_matrix
from i2i_keras.evaluation.prediction import predict
from i2i_keras.models.unet import UNetConfig, build_unet

CLASSES = 4
SIZE = (13, 18)  # Multiples of 4 are 16 and 20.


@pytest.fixture(scope="module")
def unet():
    """With offsets of its own: at zero, dead features would tie all classes."""
    model, rng = build_unet(UNetConfig(filters=2, depth=2), CLASSES), np.random.default_rng(0)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(0.0, 0.3, variable.shape))
    return model


@pytest.fixture(scope="module")
def segment(unet):
    return tf.function(lambda images: unet(images, training=False), reduce_retracing=True)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("records"), np.random.default_rng(0)
    found = []
    for name in "abc":
        record = Record(name, folder / f"{name}.png", folder / f"{name}-label.png")
        Image.fromarray(rng.integers(0, 256, (*SIZE, 3), np.uint8)).save(record.image)
        truth = rng.choice([*range(CLASSES), IGNORE], SIZE).astype(np.uint8)
        Image.fromarray(truth).save(record.label)
        found.append(record)
    return found


@pytest.fixture(scope="module")
def prediction(segment, records, tmp_path_factory):
    """What the U-Net says, and the picture of record b."""
    picture = tmp_path_factory.mktemp("pictures") / "b.png"
    return predict(segment, records, CLASSES, 4, {"b": picture}), picture


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def logits(unet, record):
    """By hand: mirrored to a multiple of 4, and cut back."""
    image = pixels(record.image) / 127.5 - 1.0
    padded = np.pad(image, [(0, 3), (0, 2), (0, 0)], "symmetric").astype(np.float32)
    return unet(padded[np.newaxis], training=False).numpy()[0, : SIZE[0], : SIZE[1]]


def test_there_is_a_matrix_an_image_over_its_own_pixels(prediction, unet, records):
    matrices = prediction[0].confusions
    assert matrices.shape == (3, CLASSES, CLASSES)
    for matrix, record in zip(matrices, records, strict=True):
        truth = pixels(record.label)
        expected = confusion_matrix(truth, logits(unet, record).argmax(-1), CLASSES)
        np.testing.assert_array_equal(matrix, expected)
        assert matrix.sum() == (truth != IGNORE).sum()


def test_the_loss_is_the_mean_over_all_pixels_that_count(prediction, unet, records):
    losses = []
    for record in records:
        values, truth = logits(unet, record).astype(np.float64), pixels(record.label)
        there = truth != IGNORE
        log_sum = np.log(np.exp(values).sum(axis=-1))
        losses.append(log_sum[there] - values[there, truth[there]])
    np.testing.assert_allclose(prediction[0].loss, np.concatenate(losses).mean(), rtol=1e-5)


def test_the_calibration_error_is_over_all_pixels_that_count(prediction, unet, records):
    confidence, right = [], []
    for record in records:
        values, truth = logits(unet, record).astype(np.float64), pixels(record.label)
        shares = np.exp(values) / np.exp(values).sum(axis=-1, keepdims=True)
        there = truth != IGNORE
        confidence.append(shares.max(axis=-1)[there])
        right.append((shares.argmax(axis=-1) == truth)[there])
    confidence, right = np.concatenate(confidence), np.concatenate(right)
    error = 0.0
    for low in range(15):  # Guo et al., equation 3.
        inside = (confidence > low / 15) & (confidence <= (low + 1) / 15)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert error > 0.05
    assert prediction[0].calibration_error == pytest.approx(error, rel=1e-5)


def test_the_sums_by_confidence_are_of_the_same_pixels_as_the_matrices(prediction):
    counted, right, _ = prediction[0].by_confidence.sum(axis=1)
    confusion = prediction[0].confusions.sum(axis=0)
    assert (counted, right) == (confusion.sum(), np.trace(confusion))


def test_the_picture_is_the_prediction_at_the_images_size(prediction, unet, records):
    written = pixels(prediction[1])
    assert written.shape == SIZE
    np.testing.assert_array_equal(written, logits(unet, records[1]).argmax(-1))


def test_images_may_have_different_sizes(segment, records, tmp_path):
    small = records[0]._replace(image=tmp_path / "small.png", label=tmp_path / "label.png")
    Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(small.image)
    Image.fromarray(np.ones((8, 9), np.uint8)).save(small.label)
    found = predict(segment, [small, records[1]], CLASSES, 4, {})
    assert found.confusions[0].sum() == 8 * 9


# --- At native size ---------------------------------------------------------

NATIVE = {"a": (27, 36), "b": (40, 41), "c": SIZE}


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    """Labels of other sizes than the images."""
    folder, rng = tmp_path_factory.mktemp("native"), np.random.default_rng(1)
    labels = {name: folder / f"{name}.png" for name in NATIVE}
    for name, size in NATIVE.items():
        truth = rng.choice([*range(CLASSES), IGNORE], size).astype(np.uint8)
        Image.fromarray(truth).save(labels[name])
    return labels


def test_native_scores_are_those_of_logits_enlarged_by_hand(segment, unet, records, native):
    found = predict(segment, records, CLASSES, 4, {}, native).native
    losses, pairs = [], []
    for matrix, record in zip(found.confusions, records, strict=True):
        truth = pixels(native[record.name])
        # The padding of the images must not come in at their border.
        values = zoomed(logits(unet, record).astype(np.float64), truth.shape)
        expected = confusion_matrix(truth, values.argmax(-1), CLASSES)
        assert matrix.sum() == (truth != IGNORE).sum()
        assert np.abs(matrix - expected).sum() <= 2  # A tie in float32.
        there = truth != IGNORE
        log_sum = np.log(np.exp(values).sum(axis=-1))
        losses.append(log_sum[there] - values[there, truth[there]])
        pairs.append((np.exp(values.max(-1) - log_sum), values.argmax(-1) == truth, there))
    assert found.loss == pytest.approx(np.concatenate(losses).mean(), rel=1e-5)
    confidence, right = (np.concatenate([p[i][p[2]] for p in pairs]) for i in (0, 1))
    wanted = expected_error(sum_by_bin(confidence, right))
    assert found.calibration_error == pytest.approx(wanted, rel=1e-2)


def zoomed(values, size):
    """Bilinear with half-pixel centers, by scipy."""
    places = [
        np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
        for old, new in zip(values.shape, size, strict=False)
    ]
    grid = np.meshgrid(*places, indexing="ij")
    bands = [ndimage.map_coordinates(band, grid, order=1) for band in np.moveaxis(values, -1, 0)]
    return np.stack(bands, axis=-1)


def test_native_labels_leave_the_scores_at_working_size_alone(segment, prediction, records, native):
    both = predict(segment, records, CLASSES, 4, {}, native)
    assert prediction[0].native is None
    np.testing.assert_array_equal(both.confusions, prediction[0].confusions)
    assert both[1:3] == prediction[0][1:3]


def test_native_labels_of_the_working_size_give_the_scores_there(segment, records):
    labels = {record.name: record.label for record in records}
    found = predict(segment, records, CLASSES, 4, {}, labels)
    np.testing.assert_array_equal(found.native.confusions, found.confusions)
    assert found.native[1:3] == pytest.approx(found[1:3])


def test_a_native_label_that_is_missing_is_told(segment, records, native):
    some = {name: path for name, path in native.items() if name != "b"}
    with pytest.raises(DataError, match=r"b.png has no label of its native size; prepare it anew"):
        predict(segment, records, CLASSES, 4, {}, some)


# --- What is refused --------------------------------------------------------


def test_labels_that_say_nothing_are_refused(segment, records, tmp_path):
    blank = records[0]._replace(label=tmp_path / "blank.png")
    Image.fromarray(np.full(SIZE, IGNORE, np.uint8)).save(blank.label)
    with pytest.raises(DataError, match=r"All pixels of 1 test label are ignored; .*withheld"):
        predict(segment, [blank], CLASSES, 4, {})


def test_an_image_of_ignored_pixels_among_others_counts_nothing(segment, records, tmp_path):
    blank = records[0]._replace(label=tmp_path / "blank.png")
    Image.fromarray(np.full(SIZE, IGNORE, np.uint8)).save(blank.label)
    alone = predict(segment, [records[1]], CLASSES, 4, {})
    both = predict(segment, [blank, records[1]], CLASSES, 4, {})
    assert both.loss == alone.loss
    np.testing.assert_array_equal(both.confusions, [np.zeros((4, 4)), alone.confusions[0]])


def test_no_records_are_refused(segment):
    with pytest.raises(DataError, match=r"no test images to score; check the split"):
        predict(segment, [], CLASSES, 4, {})


def test_a_record_without_label_is_refused(segment, records):
    unlabelled = records[2]._replace(label=None)
    with pytest.raises(DataError, match=r"c.png has no label and cannot be scored"):
        predict(segment, [records[0], unlabelled], CLASSES, 4, {})
