from i2i_keras.report.scores import read_quality, read_scores
from i2i_keras.run_folder import files


def test_scores_are_read_by_arm_and_those_that_are_missing_left_out(tmp_path):
    for name in ("source_only", "adapted-cyclegan"):
        files.write_json(tmp_path / "scores" / f"{name}.json", {"arm": name})
    found = read_scores(tmp_path, ["adapted:cyclegan", "oracle", "source_only"])
    assert list(found) == ["adapted:cyclegan", "source_only"]
    assert found["adapted:cyclegan"] == {"arm": "adapted-cyclegan"}


def test_quality_is_read_once_for_all_arms_of_a_method(tmp_path):
    files.write_json(tmp_path / "scores" / "cyclegan.json", {"method": "cyclegan"})
    arms = ["source_only", "adapted:cyclegan", "mixed:cyclegan", "adabn"]
    assert read_quality(tmp_path, arms) == {"cyclegan": {"method": "cyclegan"}}
