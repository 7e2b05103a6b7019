"""From what was counted of arms to what is said of them; nothing is trained."""

import numpy as np
import pytest

from i2i_keras.datasets.spaces import LABEL_SPACES, write_space
from i2i_keras.evaluation import metrics
from i2i_keras.evaluation.metrics import Metric
from i2i_keras.evaluation.summary import read_arm_file
from i2i_keras.experiment import counting, scoring
from i2i_keras.report import tables
from i2i_keras.report.reading import read_scores
from i2i_keras.run_folder import files, places
from i2i_keras.run_folder.run import Run

ARMS = {"source_only": 30, "adapted:color": 90, "oracle": 300}
IMAGES = 8


def share_of_first_class(confusion, evaluated=None):
    return confusion[:, 0].sum() / confusion.sum()


TOY = Metric("toy", "First class %", share_of_first_class, digits=2, compared=True)


@pytest.fixture
def settings(tmp_path, tiny_experiment):
    wanted = ("evaluate.num_quality_images=0", "evaluate.bootstrap_samples=50")
    return tiny_experiment(tmp_path, f"arms={[*ARMS]}".replace("'", '"')).settings(*wanted)


@pytest.fixture
def run(tmp_path, settings):
    """A run whose arms were counted: 8 images, 19 classes."""
    run, rng = Run(tmp_path / "run"), np.random.default_rng(0)
    write_space(run.label_space, LABEL_SPACES["cityscapes19"])
    finish(run.records, {"labelled": {"target-test": IMAGES}})
    for arm, hits in ARMS.items():
        finish(run.segmenter(arm), {})
        results = {"loss": 0.25, "calibration_error": 0.07, "num_images": IMAGES}
        asked = {"num_pictures": settings.evaluate.num_pictures}
        finish(run.scores(arm), results, asked, {"segmenter": "x"})
        counts = rng.integers(0, 20, (IMAGES, 19, 19)) + np.eye(19, dtype=int) * hits
        np.savez_compressed(run.confusions(arm), confusions=counts)
    return run


def finish(stage, results, settings=None, inputs=None):
    facts = {"settings": settings or {}, "inputs": inputs or {}, "fingerprint": "x"}
    files.write_json(stage / places.DONE, {**facts, "seconds": 1.0, "results": results})


def test_a_metric_is_one_row_that_scores_and_report_read(run, settings, monkeypatch):
    before = scoring.evaluate(settings, run)
    assert "toy" not in before["best"] and "toy" not in read_arm_file(run, "oracle")

    monkeypatch.setattr(metrics, "METRICS", (*metrics.METRICS, TOY))
    summary = scoring.evaluate(settings, run)

    scores = read_scores(run, ARMS)
    values = [facts["toy"] for facts in scores.values()]
    counts = [np.load(run.confusions(arm))["confusions"].sum(axis=0) for arm in ARMS]
    assert values == pytest.approx([found[:, 0].sum() / found.sum() for found in counts])
    table = tables.result_rows(summary, scores)
    assert table.columns[-1] == "First class %"
    assert [row[-1].text for row in table.rows] == [f"{100 * value:.2f}" for value in values]
    assert summary["best"]["toy"]["arm"] == max(("source_only", "adapted:color"), key=_by(values))
    assert {**summary, "best": None} == {**before, "best": None}


def _by(values):
    return dict(zip(ARMS, values, strict=True)).get


def test_a_compared_metric_has_the_interval_of_its_own_draws(run, settings, monkeypatch):
    accuracy = Metric("again", "Again %", metrics.pixel_accuracy, compared=True)
    monkeypatch.setattr(metrics, "METRICS", (*metrics.METRICS, accuracy))
    lead = scoring.evaluate(settings, run)["best"]["again"]
    assert (lead["arm"], lead["next"], lead["sure"]) == ("adapted:color", "source_only", True)
    low, high = lead["ci95"]
    assert low < lead["difference"] < high


def test_the_worst_the_middle_and_the_best_image_are_kept_for_the_report():
    hits = np.array([3, 9, 0, 5, 7])
    confusions = np.ones((5, 2, 2), int) + hits[:, None, None] * np.eye(2, dtype=int)
    assert counting.extremes(confusions) == [2, 3, 1]
    confusions[2] = 0  # Without a pixel that counts.
    assert counting.extremes(confusions) == [0, 3, 1]
    assert counting.extremes(confusions[2:3]) == []
    assert counting.extremes(confusions[:1]) == [0]


def test_pairs_and_class_intervals_are_left_for_the_report(run, settings):
    summary = scoring.evaluate(settings, run)
    differences = {(pair["arm"], pair["other"]): pair for pair in summary["pairs"]}
    assert len(differences) == 3
    gain = summary["arms"]["oracle"]
    pair = differences["source_only", "oracle"]
    assert pair["difference"] == pytest.approx(-gain["gain"])
    assert pair["ci95"] == pytest.approx([-end for end in reversed(gain["gain_ci95"])], abs=1e-3)
    facts = read_arm_file(run, "oracle")
    low, high = facts["iou_ci95"]["road"]
    assert low < facts["iou"]["road"] < high
