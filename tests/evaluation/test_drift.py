import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy import stats

from i2i_keras.data.records import Record
from i2i_keras.evaluation.drift import (
    count_transitions,
    measure_by_step,
    measure_drift,
    summarize,
)
from i2i_keras.segmenters.eye import Eye, read_pixels

NAMES = ("road", "sky", "car")
COLORS = np.array([[128, 64, 128], [70, 130, 180], [0, 0, 142]], np.uint8)


def by_brightness(images):
    """A segmenter of three classes: dark, middle and bright."""
    return -tf.square(images[..., :1] - tf.constant([-1.0, 0.0, 1.0]))


def gray(picture):
    return np.repeat(np.array(picture, np.uint8)[..., None], 3, axis=2)


def look(segment, pictures, multiple=1):
    return [Eye(segment, multiple).look(picture) for picture in pictures]


@pytest.fixture(scope="module")
def by_color():
    """A 1x1 convolution that gives each pixel the class of the nearest color.

    |x - c|^2 = |x|^2 - 2 x c + |c|^2, of which the first is the same for all c.
    """
    inputs = keras.Input((None, None, 3))
    convolution = keras.layers.Conv2D(len(COLORS), 1)
    model = keras.Model(inputs, convolution(inputs))
    colors = COLORS / 127.5 - 1.0
    convolution.set_weights([2 * colors.T[np.newaxis, np.newaxis], -(colors**2).sum(1)])
    return model


@pytest.fixture(scope="module")
def painted():
    """Pictures in the classes' colors, and their classes, of several sizes."""
    rng = np.random.default_rng(0)
    labels = [rng.integers(0, 3, size) for size in ((9, 12), (5, 7), (8, 8))]
    return [COLORS[label] for label in labels], np.concatenate([lab.ravel() for lab in labels])


def swap(picture):
    """A translator that exchanges the colors of road and sky."""
    road, sky = ((picture == COLORS[index]).all(-1, keepdims=True) for index in (0, 1))
    return np.where(road, COLORS[1], np.where(sky, COLORS[0], picture)).astype(np.uint8)


# --- Looking ----------------------------------------------------------------


def test_confidence_is_the_softmax_of_the_class_that_is_seen():
    seen = Eye(by_brightness, 1).look(gray([[0, 255, 130]]))
    value = 130 / 127.5 - 1.0
    logits = -(np.array([value + 1, value, value - 1]) ** 2)
    assert seen.classes.tolist() == [[0, 2, 1]]
    assert seen.confidence[0, 2] == pytest.approx(np.exp(logits[1]) / np.exp(logits).sum())


def test_entropy_is_that_of_the_softmax_in_parts_of_the_largest():
    seen = Eye(by_brightness, 1).look(gray([[0, 255, 130]]))
    value = 130 / 127.5 - 1.0
    odds = np.exp(-(np.array([value + 1, value, value - 1]) ** 2))
    assert seen.entropy.shape == (1, 3)
    assert seen.entropy[0, 2] == pytest.approx(stats.entropy(odds, base=3), rel=1e-5)


def test_what_was_padded_is_not_looked_at():
    shapes = []

    def segment(images):
        shapes.append(images.shape[1:3])
        return by_brightness(images)

    (seen,) = look(segment, [gray(np.full((5, 6), 255))], multiple=4)
    assert shapes == [(8, 8)]
    np.testing.assert_array_equal(seen.classes, np.full((5, 6), 2))


def test_the_image_of_a_record_is_looked_at(tmp_path):
    picture = gray([[0, 128, 255], [255, 0, 0]])
    Image.fromarray(picture).save(tmp_path / "a.png")
    record = Record("a", tmp_path / "a.png", None)
    np.testing.assert_array_equal(read_pixels(record), picture)
    assert Eye(by_brightness, 1).look_at(record).classes.tolist() == [[0, 1, 2], [2, 0, 0]]


# --- Counting ---------------------------------------------------------------


def test_pixels_are_counted_by_what_they_were_and_became():
    before = [gray([[0, 0, 128], [128, 255, 255]]), gray([[0, 0, 0], [0, 0, 0]])]
    after = [gray([[0, 255, 128], [0, 255, 128]]), gray([[0, 0, 0], [0, 0, 128]])]
    counts = count_transitions(look(by_brightness, before), look(by_brightness, after), 3)
    np.testing.assert_array_equal(counts, [[6, 1, 1], [1, 1, 0], [0, 1, 1]])


def test_an_image_without_its_translation_is_refused():
    seen = look(by_brightness, [gray([[0]])])
    with pytest.raises(ValueError, match="shorter"):
        count_transitions(seen * 2, seen, 3)


def test_the_identity_drifts_nowhere(by_color, painted):
    pictures, classes = painted
    counts = count_transitions(look(by_color, pictures), look(by_color, pictures), 3)
    np.testing.assert_array_equal(counts, np.diag(np.bincount(classes)))
    facts = summarize(counts, NAMES)
    assert facts["drifted"] == 0
    assert facts["kept"] == {"road": 1, "sky": 1, "car": 1}
    assert facts["sentences"] == []


def test_two_colors_that_were_swapped_are_named_both_ways_and_no_other(by_color, painted):
    pictures, classes = painted
    road, sky, car = np.bincount(classes)
    after = [swap(picture) for picture in pictures]
    counts = count_transitions(look(by_color, pictures), look(by_color, after), 3)
    np.testing.assert_array_equal(counts, [[0, road, 0], [sky, 0, 0], [0, 0, car]])
    facts = summarize(counts, NAMES)
    assert sorted(facts["sentences"]) == [
        "road became sky in 100% of its pixels.",
        "sky became road in 100% of its pixels.",
    ]
    assert facts["kept"] == {"road": 0, "sky": 0, "car": 1}
    assert facts["drifted"] == pytest.approx((road + sky) / len(classes))


# --- Telling ----------------------------------------------------------------


def test_shares_are_of_what_was_seen_before():
    facts = summarize(np.array([[90, 10, 0], [0, 3, 1], [0, 0, 0]]), NAMES)
    assert facts["drifted"] == pytest.approx(11 / 104)
    assert facts["kept"] == {"road": 0.9, "sky": 0.75, "car": None}
    assert facts["sentences"] == [
        "road became sky in 10% of its pixels.",
        "sky became car in 25% of its pixels.",
    ]


def test_small_changes_are_not_told():
    assert summarize(np.array([[96, 4, 0], [0, 9, 0], [0, 0, 9]]), NAMES)["sentences"] == []


def test_of_a_class_that_stayed_nothing_is_told():
    # The largest entries are the diagonal's, which is no change.
    assert summarize(np.diag([900, 800, 700]), NAMES)["sentences"] == []


def test_without_a_pixel_there_is_no_drift():
    assert measure_drift(np.zeros((3, 3), np.int64), NAMES) == {
        "drifted": None,
        "kept": dict.fromkeys(NAMES),
    }


# --- Over the steps ---------------------------------------------------------


def test_each_state_is_measured_on_the_same_images(by_color, painted):
    pictures, classes = painted
    states = [(100, swap), (200, lambda picture: picture)]
    rows = measure_by_step(Eye(by_color, 4), pictures, states, NAMES)
    swapped = count_transitions(look(by_color, pictures), look(by_color, map(swap, pictures)), 3)
    assert rows == [
        {"step": 100, **measure_drift(swapped, NAMES)},
        {"step": 200, "drifted": 0.0, "kept": dict.fromkeys(NAMES, 1.0)},
    ]
    assert rows[0]["drifted"] == pytest.approx((classes < 2).mean())
