import pytest

from i2i_keras.report.making import making_tables
from i2i_keras.run_folder import files, places
from i2i_keras.run_folder.run import Run


@pytest.fixture
def made(tmp_path, finish):
    run = Run(tmp_path)
    finish(run.records, {"prepare": {"size": [24, 48]}})
    finish(run.translator("cut"), {"steps": 5}, {"warnings": []})
    finish(run.segmenter("label_safe:cut"), {})
    files.write_json(run.settings, {"preset": "demo", "settings": {}})
    return run


def table(run, title):
    (found,) = [one for one in making_tables(run, ()) if one.title == title]
    return {row[0].text: [cell.text for cell in row[1:]] for row in found.rows}


def test_each_stage_has_the_command_that_makes_it(made):
    assert table(made, "Commands") == {
        "all of it, see settings.json": ["i2i-keras run --run RUN"],
        "prepare": ["i2i-keras prepare --run RUN"],
        "train-translator/cut": ["i2i-keras train-translator --method cut --run RUN"],
        "train-segmenter/label_safe-cut": [
            "i2i-keras train-segmenter --arm label_safe:cut --run RUN"
        ],
    }


def test_each_stage_has_its_hashes(made):
    path = made.records / places.DONE
    facts = {**files.read_json(path), "inputs": {"source files": "ab"}, "checksums": "cd"}
    files.write_json(path, facts)
    assert table(made, "Hashes")["prepare"] == ["0", "source files ab", "cd"]


def test_settings_and_versions_are_folded_away(made):
    assert table(made, "Settings of prepare") == {"prepare.size": ["[24, 48]"]}
    assert table(made, "Versions")["tensorflow"] == ["2.15.1"]


def test_of_nothing_that_is_done_nothing_is_told(tmp_path):
    assert making_tables(Run(tmp_path), ()) == []
