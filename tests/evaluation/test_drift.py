import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras.data.records import Record
from i2i_keras.evaluation.drift import summarize, transitions

NAMES = ("road", "sky", "car")


def records(folder, pictures):
    folder.mkdir()
    made = []
    for index, picture in enumerate(pictures):
        path = folder / f"{index}.png"
        Image.fromarray(np.repeat(np.array(picture, np.uint8)[..., None], 3, axis=2)).save(path)
        made.append(Record(str(index), path, None))
    return made


def by_brightness(images):
    """A segmenter of three classes: dark, middle and bright."""
    return -tf.square(images[..., :1] - tf.constant([-1.0, 0.0, 1.0]))


def test_pixels_are_counted_by_what_they_were_and_became(tmp_path):
    before = records(tmp_path / "before", [[[0, 0, 128], [128, 255, 255]], [[0, 0, 0], [0, 0, 0]]])
    after = records(tmp_path / "after", [[[0, 255, 128], [0, 255, 128]], [[0, 0, 0], [0, 0, 128]]])
    counts = transitions(by_brightness, before, after, 3, 1)
    np.testing.assert_array_equal(counts, [[6, 1, 1], [1, 1, 0], [0, 1, 1]])


def test_a_translation_that_changes_nothing_drifts_nowhere(tmp_path):
    before = records(tmp_path / "before", [[[0, 128, 255], [7, 200, 90]]])
    facts = summarize(transitions(by_brightness, before, before, 3, 1), NAMES)
    assert facts["drifted"] == 0
    assert facts["sentences"] == []


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
