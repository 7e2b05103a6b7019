import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.segmenters import lost_classes


def test_shares_are_those_of_the_largest_logits():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3, 1, 5, 7, 4)).astype(np.float32)
    images = [tf.constant(image) for image in logits]
    shares = lost_classes.predicted_shares(tf.identity, images)
    expected = [(logits.argmax(-1) == number).mean() for number in range(4)]
    np.testing.assert_allclose(shares, expected)


def test_the_class_that_is_seen_least_for_what_it_is():
    labelled = np.array([0.7, 0.2, 0.096, 0.004])
    # The last is too rare to count, though nothing is seen of it.
    row = lost_classes.least_seen(np.array([0.8, 0.176, 0.024, 0.0]), labelled)
    assert row == {"least_seen": pytest.approx(0.25), "least_seen_class": 2.0}
    more = lost_classes.least_seen(np.array([0.7, 0.2, 0.1, 0.0]), np.array([1.0, 0.0, 0.0, 0.0]))
    assert more == {"least_seen": pytest.approx(0.7), "least_seen_class": 0.0}
    assert lost_classes.least_seen(np.ones(2) / 2, np.zeros(2)) == {}


def rows(*shares):
    return [{"least_seen": share, "least_seen_class": 1.0} for share in shares]


def test_a_class_that_stays_lost_is_warned_of_by_name():
    [warning] = lost_classes.diagnose(rows(0.9, 0.15, 0.1), ["road", "pole"])
    assert warning.kind == "lost pole"
    assert "pole is predicted 10% as often as the labels have it" in warning.text


@pytest.mark.parametrize("shares", [[0.1], [0.1, 0.2], [0.1, 0.1, 0.9], [0.9, 0.1]])
def test_what_comes_back_or_was_seen_once_only_is_not_warned_of(shares):
    assert lost_classes.diagnose(rows(*shares), ["road", "pole"]) == []


def test_a_history_without_it_says_nothing():
    assert lost_classes.diagnose([{"loss": 1.0}, {"loss": 0.5}], ["road"]) == []
