import numpy as np
import pytest

from i2i_keras.plots import gains


def test_the_gain_is_drawn_with_its_samples_and_its_interval(summary):
    arms = summary["arms"]
    drawn = np.random.default_rng(0).normal(0.08, 0.01, 500)
    drawn[0] = np.nan  # A test set on which there is no score.
    samples = {"adapted:cyclegan": drawn, "oracle": drawn + 0.1}
    axes = gains.gain_distributions(arms, samples).axes[0]
    zero, interval, point = axes.lines[:3]
    assert set(zero.get_xdata()) == {0}
    assert interval.get_xdata() == pytest.approx([6.5, 9.4])
    assert list(point.get_xdata()) == pytest.approx([8])
    heights, edges, baseline = axes.patches[0].get_data()
    assert edges[[0, -1]] == pytest.approx([100 * np.nanmin(drawn), 100 * np.nanmax(drawn)])
    counts = np.histogram(drawn[1:], 40)[0]
    np.testing.assert_allclose((baseline - heights) / 0.7, counts / counts.max())
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == ["adapted:cyclegan", "oracle"]


def test_of_several_trainings_each_gain_is_marked(summary):
    arms = summary["arms"]
    arms["source_only"]["seeds"], arms["oracle"]["seeds"] = [0.3, 0.4], [0.5, 0.55]
    axes = gains.gain_distributions(arms, {"oracle": np.array([0.1, 0.2])}).axes[0]
    assert list(axes.lines[-1].get_xdata()) == pytest.approx([20, 15])


def test_each_image_is_a_dot_and_those_that_gained_are_counted():
    first, second = np.array([0.2, 0.5, np.nan]), np.array([0.4, 0.3, np.nan])
    axes = gains.image_by_image(first, second, ("source_only", "adapted:cyclegan")).axes[0]
    dots = axes.collections[0].get_offsets()[:2]
    np.testing.assert_allclose(dots, [[20, 40], [50, 30]])
    assert axes.get_title() == "above the line: 1 of 2 images"
    assert axes.get_xlim() == axes.get_ylim() == pytest.approx((17, 53))


def test_images_without_any_score_are_no_dots():
    nothing = np.array([np.nan])
    axes = gains.image_by_image(nothing, nothing, ("a", "b")).axes[0]
    assert axes.get_xlim() == (0, 100)


def test_a_gain_without_an_interval_is_drawn_without_one(summary):
    arms = summary["arms"]
    arms["oracle"]["gain_ci95"] = None  # Of a single test image.
    axes = gains.gain_distributions(arms, {"oracle": np.full(9, 0.1)}).axes[0]
    assert len(axes.lines) == 2  # Zero, and the gain.
