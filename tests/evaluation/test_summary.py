import pytest

from i2i_keras.errors import DataError
from i2i_keras.evaluation.summary import is_scored, read_arm_file, read_summary, write_summary
from i2i_keras.run_folder.run import Run

EARLY = {
    "label_space": "cityscapes19",
    "num_images": 5,
    "bootstrap_samples": 10,
    "absent": [],
    "arms": {"source_only": {"mean_iou": 0.5, "ci95": [0.4, 0.6]}},
}


def test_a_summary_comes_back_byte_by_byte(tmp_path):
    run = Run(tmp_path)
    write_summary(run, EARLY)
    before = run.summary.read_bytes()
    write_summary(run, read_summary(run))
    assert run.summary.read_bytes() == before


def test_a_summary_of_an_earlier_version_is_one_that_was_scored():
    assert is_scored(EARLY)
    assert not is_scored({"scored": False, "arms": {}, "agreement": {}, "translators": []})


def test_what_is_missing_is_told_with_what_makes_it(tmp_path):
    with pytest.raises(DataError, match=r"summary\.json is missing; make it with: i2i-keras eval"):
        read_summary(Run(tmp_path))
    with pytest.raises(DataError, match=r"oracle\.json is missing; make it with: i2i-keras eval"):
        read_arm_file(Run(tmp_path), "oracle")
