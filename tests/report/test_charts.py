import numpy as np
import pytest

from i2i_keras.plots import charts


def history(**metrics):
    arrays = {name: np.array(values, float) for name, values in metrics.items()}
    return {"step": np.arange(len(next(iter(arrays.values()))), dtype=float)} | arrays


def test_train_and_validation_and_both_directions_share_panels():
    figure = charts.loss_curves(
        history(loss=[3, 2], val_loss=[np.nan, 2], adversarial_xy=[1, 1], adversarial_yx=[1, 1])
    )
    lines = {a.get_title(): [line.get_label() for line in a.lines] for a in figure.axes}
    assert lines == {"loss": ["train", "validation"], "adversarial": ["x to y", "y to x"]}
    assert figure.axes[0].lines[1].get_xdata().tolist() == [1.0]


def test_a_metric_without_any_value_gets_no_panel():
    figure = charts.loss_curves(history(loss=[3, 2], val_accuracy=[np.nan, np.nan]))
    assert [axes.get_title() for axes in figure.axes] == ["loss"]


def test_a_loss_that_has_no_weight_gets_no_panel():
    figure = charts.loss_curves(history(identity_loss=[0, 0], drifted=[0, 0], cycle_loss=[0, 1]))
    # A share that is always zero says something.
    assert [axes.get_title() for axes in figure.axes] == ["drifted", "cycle loss"]


def test_small_numbers_stand_at_their_ticks():
    figure = charts.loss_curves(history(learning_rate=[3e-4, 0]))
    figure.png()
    assert figure.axes[0].yaxis.get_offset_text().get_text() == ""
    assert "0.0003" in {text.get_text() for text in figure.axes[0].get_yticklabels()}


def test_a_loss_over_decades_is_shown_on_a_log_scale():
    figure = charts.loss_curves(history(loss=[1000, 1], cycle_loss=[2, 1]))
    assert [axes.get_yscale() for axes in figure.axes] == ["log", "linear"]
    figure.png()
    texts = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert {"1", "10", "100", "1000"} <= {*texts}  # Formulas would be drawn as they are written.


def test_a_long_noisy_curve_is_shown_with_its_mean():
    noise = np.random.default_rng(0).normal(5, 1, 400)
    raw, smooth = charts.loss_curves(history(loss=noise)).axes[0].lines
    np.testing.assert_array_equal(raw.get_ydata(), noise)
    assert np.std(smooth.get_ydata()) < 0.5
    assert np.mean(smooth.get_ydata()) == pytest.approx(5, abs=0.1)


def test_the_bars_are_as_long_as_the_iou_and_absent_classes_have_none():
    iou = {
        "source_only": {"road": 0.5, "car": None, "train": None},
        "oracle": {"road": 0.9, "car": 0.25, "train": None},
    }
    axes = charts.iou_bars(iou).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["road", "car"]
    lengths = [[bar.get_width() for bar in bars] for bars in axes.containers]
    assert lengths == [[50.0, 0.0], [90.0, 25.0]]


def test_the_result_bars_show_mean_and_interval(summary):
    summary["arms"]["adapted:cut"] = {"mean_iou": None, "ci95": None}
    axes = charts.result_bars(summary["arms"]).axes[0]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([38, 46, 54])
    assert list(axes.lines[0].get_xdata()) == pytest.approx([36, 40])
    assert len(axes.get_yticklabels()) == 4


def test_drift_is_drawn_over_the_steps_of_all_pixels_and_of_some_classes():
    rows = [
        {"step": 10, "drifted": 0.5, "kept": {"road": 0.25, "car": None, "sky": 1.0}},
        {"step": 30, "drifted": 0.25, "kept": {"road": 1.0, "car": 0.5, "sky": 1.0}},
    ]
    (axes,) = charts.drift_curves(rows, ["road", "car"]).axes
    lines = {line.get_label(): line.get_xydata() for line in axes.lines}
    assert [*lines] == ["all", "road", "car"]
    np.testing.assert_array_equal(lines["all"], [[10, 50], [30, 25]])
    np.testing.assert_array_equal(lines["road"], [[10, 75], [30, 0]])
    np.testing.assert_array_equal(lines["car"], [[10, np.nan], [30, 50]])


def test_no_two_arms_of_a_usual_run_share_a_color():
    arms = ["source_only", "adapted:cyclegan", "mixed:cyclegan", "adapted:cut", "oracle"]
    assert len(set(charts.arm_colors(arms).values())) == len(arms)
