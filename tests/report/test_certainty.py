import numpy as np
import pytest

from i2i_keras.plots import certainty


def labels_of(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_the_reliability_is_the_share_of_right_pixels_by_mean_confidence():
    # Of 15 bins two: 4 pixels of 0.5 of which 1 is right, 12 of 0.9, 9 right.
    sums = np.zeros((3, 15))
    sums[:, 7], sums[:, 13] = (4, 1, 2.0), (12, 9, 10.8)
    axes, shares = certainty.reliability({"target": sums}).axes
    _, line = axes.lines
    np.testing.assert_allclose(line.get_xydata(), [[50, 25], [90, 75]])
    assert labels_of(axes) == ["target"]
    heights, edges, _ = shares.patches[0].get_data()
    assert (heights[7], heights[13], heights.sum()) == (25, 75, 100)
    assert edges[7] == pytest.approx(100 * 7 / 15)


def test_the_kept_states_are_drawn_by_step_with_both_choices():
    axes = certainty.kept_checkpoints({120: 0.3, 40: 0.2, 80: 0.4}, kept=120).axes[0]
    states, best, taken = (line.get_xydata().tolist() for line in axes.lines)
    assert states == [[40, 20], [80, 40], [120, 30]]
    assert (best, taken) == ([[80, 40]], [[120, 30]])


def test_a_taken_state_that_was_not_scored_is_not_drawn():
    axes = certainty.kept_checkpoints({40: 0.2, 80: 0.4}, kept=120).axes[0]
    assert labels_of(axes) == ["checkpoints that were kept", "target labels' choice"]
