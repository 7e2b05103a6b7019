"""What is said where the target has no labelled test images."""

import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.records import Record, read_label, write_records
from i2i_keras.experiment import contents, scoring, unscored
from i2i_keras.report import unscored as report
from i2i_keras.run_folder import files
from i2i_keras.run_folder.places import folder_name
from i2i_keras.run_folder.run import Run

ARMS = {
    "source_only": [[0, 0], [1, 2]],
    "adabn": [[0, 1], [1, 2]],
    "adapted:color": [[0, 1], [2, 2]],
}


@pytest.fixture
def run(tmp_path):
    """Two target images without labels, and predictions of three arms."""
    run = Run(tmp_path / "run")
    images = []
    for number in range(2):
        path = run.root / "prepare" / "images" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2)).save(path)
        images.append(Record(str(number), path, None))
    for table in ("target-test", "target-train"):
        chosen = images if table == "target-train" else []
        write_records(run.root, run.root / "prepare" / f"{table}.csv", chosen)
    counts = {"target-test": 0, "target-train": 2}
    facts = {"results": {"records": counts}, "seconds": 1.0, "fingerprint": "x"}
    files.write_json(run.root / "prepare" / "done.json", facts)
    for arm, classes in ARMS.items():
        for record in images:
            place = run.root / "evaluate" / "predictions" / folder_name(arm) / f"{record.name}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.array(classes, np.uint8)).save(place)
    return run


def summary(run):
    arms = {
        arm: {
            "num_images": 2,
            "confidence": 0.5,
            "shares": {str(n): float(np.mean(np.array(classes) == n)) for n in range(4)},
        }
        for arm, classes in ARMS.items()
    }
    agreement = unscored._agreement(run, [*ARMS], arms)
    return {"arms": arms, "agreement": agreement, "num_images": 2, "translators": ["color"]}


def test_agreement_is_the_share_of_equal_pixels(run):
    assert summary(run)["agreement"] == {
        "source_only, adabn": 0.75,
        "source_only, adapted:color": 0.5,
        "adabn, adapted:color": 0.75,
    }


def test_such_a_run_is_not_scored(run):
    assert not contents.is_scored(run)
    assert unscored._looked_at(run, 5)[0].label is None


def test_tables_show_what_is_predicted_and_how_far_arms_agree(run):
    shares, agreement = report.arm_tables(summary(run))
    texts = [[cell.text for cell in row] for row in shares.rows]
    assert texts[0] == ["mean confidence", "50.0", "50.0", "50.0"]
    assert texts[1] == ["0", "50.0", "25.0", "25.0"]
    assert [row[0] for row in texts] == ["mean confidence", "0", "1", "2"]  # None predicts 3.
    assert [cell.text for cell in agreement.rows[0]] == ["source_only", "100.0", "75.0", "50.0"]


def test_the_headline_claims_nothing(run):
    told = report.headline(summary(run))
    assert told.verdict == "none"
    assert "nothing was scored: the target has no labelled test images" in told.text
    none = report.headline({"arms": {}, "translators": ["cyclegan", "fourier"]})
    assert none.text == "Images were translated (cyclegan, fourier)."


def test_the_headline_tells_how_much_of_the_distance_in_style_is_left():
    distances = {"cyclegan": {"xy": 0.42, "yx": 1.1}, "fourier": {"xy": 0.9}}
    summary = {"arms": {}, "translators": [*distances], "style_distance": distances}
    told = "by cyclegan 42 % from source to target and 110 % from target to source are left"
    assert told in report.headline(summary).text
    del distances["fourier"]
    assert told.removeprefix("by cyclegan ") in report.headline(summary).text


def test_translations_are_told_by_direction_and_what_is_missing_is_a_hyphen():
    found = {"style_distance": 0.5, "luminance_correlation": 0.9, "diversity": None,
             "checkerboard": 1.25, "cycle_error": 3.0}  # fmt: skip
    quality = {"cyclegan": {"directions": {"xy": found, "yx": found}, "features": ""}}
    (table,) = report.translator_tables(quality)
    assert [cell.text for cell in table.rows[0]] == [
        *("cyclegan, source to target", "0.50", "0.90", "-", "1.25", "3.00"),
    ]
    assert any("evaluate.inception" in note for note in report.translator_notes(quality))


def test_a_segmenter_of_another_seed_is_not_scored_as_if_of_this(run, tiny_experiment):
    settings = tiny_experiment(run.root, 'arms=["source_only"]').settings("seed=1")
    facts = {"settings": {"seed": 0}, "results": {}, "seconds": 1.0, "fingerprint": "x"}
    files.write_json(run.root / "train-segmenter" / "source_only" / "done.json", facts)
    with pytest.raises(Exception, match="was made with seed = 0, here it is 1"):
        scoring.check(settings, run)


def test_predictions_are_label_maps_of_ours(run):
    path = next((run.root / "evaluate" / "predictions" / "adabn").glob("*.png"))
    assert read_label(path).tolist() == ARMS["adabn"]
