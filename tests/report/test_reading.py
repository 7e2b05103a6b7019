from i2i_keras.report.reading import methods_of, read_quality, read_scores
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run


def test_scores_are_read_by_arm_and_those_that_are_missing_left_out(tmp_path):
    run = Run(tmp_path)
    for name in ("source_only", "adapted:cyclegan"):
        files.write_json(run.score_file(name), {"arm": name})
    found = read_scores(run, ["adapted:cyclegan", "oracle", "source_only"])
    assert list(found) == ["adapted:cyclegan", "source_only"]
    assert found["adapted:cyclegan"] == {"arm": "adapted:cyclegan"}


def test_quality_is_read_once_for_all_arms_of_a_method(tmp_path):
    run = Run(tmp_path)
    files.write_json(run.score_file("cyclegan"), {"method": "cyclegan"})
    methods = methods_of(["source_only", "adapted:cyclegan", "mixed:cyclegan", "adabn"])
    assert methods == ["cyclegan"]
    assert read_quality(run, [*methods, "cut"]) == {"cyclegan": {"method": "cyclegan"}}
