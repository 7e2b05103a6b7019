"""`status`: what of a run is done, what is running, and its scores."""

import json
import os
import shutil
import time
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from i2i_keras.cli import main
from i2i_keras.errors import DataError
from i2i_keras.run_folder import locks
from i2i_keras.run_folder.run import Run

OLD = Path(__file__).parents[1] / "old_run.zip"
CHANGES = ('arms=["source_only", "adapted:color"]', "evaluate.num_quality_images=2")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_experiment):
    """A run that is done."""
    root = tmp_path_factory.mktemp("finished") / "ein Läufchen"
    result = tiny_experiment(root, *CHANGES).command("run")
    assert result.exit_code == 0, result.output
    return root


@pytest.fixture
def run(finished, tmp_path):
    """A copy of it, to change."""
    return Path(shutil.copytree(finished, tmp_path / "runs" / finished.name, symlinks=True))


def call(*words, code=0):
    result = CliRunner().invoke(main, ["status", *map(str, words)])
    assert result.exit_code == code, result.output
    return result.stdout


def facts(root):
    """As JSON tells it, which knows no NaN."""

    def refuse(name):
        raise AssertionError(name)

    return json.loads(call(root, "--json"), parse_constant=refuse)


def tasks(root):
    return {task["task"]: task for task in facts(root)["tasks"]}


def begin_again(root, stage, **more):
    """Makes a stage that is done one that has begun."""
    done = root / stage / "done.json"
    left = json.loads(done.read_text("utf-8"))
    begun = {key: left[key] for key in ("settings", "inputs")} | {"seconds": 5.0, **more}
    done.unlink()
    (root / stage / "begun.json").write_text(json.dumps(begun))
    return root / stage


def tree(root):
    paths = sorted(path for path in root.rglob("*"))
    return [(str(path), path.lstat().st_mtime_ns) for path in paths]


def test_all_is_done_with_its_times_scores_and_report(finished):
    found = facts(finished)
    assert found["state"] == "done" and {task["state"] for task in found["tasks"]} == {"done"}
    summary = json.loads((finished / "evaluate" / "summary.json").read_text("utf-8"))
    assert found["arms"] == summary["arms"]
    assert found["report"] == str(finished / "report" / "index.html")
    for task in found["tasks"]:
        if task["task"] == "train-segmenter source_only":
            done = finished / "train-segmenter" / "source_only" / "done.json"
            assert task["seconds"] == json.loads(done.read_text("utf-8"))["seconds"]
    told = call(finished)
    assert "done, " in told and "adapted:color" in told and "Report: " in told


def test_nothing_is_written(run):
    before = tree(run)
    call(run), call(run, "--json")
    assert tree(run) == before


def test_what_is_not_begun_waits(run):
    shutil.rmtree(run / "train-segmenter" / "adapted-color")
    found = facts(run)
    assert found["state"] == "stopped"
    state = {task["task"]: task["state"] for task in found["tasks"]}
    assert state["train-segmenter adapted:color"] == "waiting"
    assert state["train-segmenter source_only"] == "done"


def test_a_training_that_was_stopped_has_the_step_that_it_goes_on_from(run):
    begin_again(run, "train-segmenter/source_only")
    task = tasks(run)["train-segmenter source_only"]
    assert (task["state"], task["step"], task["steps"]) == ("stopped", 2, 2)
    assert "stopped at step 2 of 2" in call(run)


def test_a_training_that_runs_tells_step_and_time_left(run):
    place = begin_again(run, "train-segmenter/source_only")
    progress = {"step": 1, "steps": 2, "seconds_left": 90.0}
    with locks.in_turn(run / ".locks", "train-segmenter-source_only"):
        # What a process before has left is not how far this one is.
        (place / ".progress.json").write_text(json.dumps(progress))
        later = time.time() + 10
        os.utime(place / "begun.json", (later, later))
        assert tasks(run)["train-segmenter source_only"]["step"] == 2
        os.utime(place / ".progress.json", (later + 1, later + 1))
        task = tasks(run)["train-segmenter source_only"]
        assert (task["state"], task["step"], task["steps"]) == ("running", 1, 2)
        assert task["seconds_left"] == 90.0
        told = call(run)
        assert "running, step 1 of 2" in told and "about 1.5 min left" in told
        assert facts(run)["state"] == "running"
    assert tasks(run)["train-segmenter source_only"]["state"] == "stopped"


@pytest.mark.parametrize("forgets", [False, True])
def test_a_stage_that_fails_leaves_why_until_it_is_done(tmp_path, forgets):
    run = Run(tmp_path / "run")

    def fail(folder):
        if forgets:  # So that it may begin with other files, as `prepare` does.
            run.forget_beginning(folder)
        raise DataError("There is no oil; put some in.\nAnd more of this.")

    with pytest.raises(DataError):
        run.stage("prepare", {"a": 1}, {}, fail)
    [task] = facts(run.root)["tasks"]
    assert (task["state"], task["why"]) == ("failed", "There is no oil; put some in.")
    assert "prepare failed: There is no oil; put some in." in call(run.root)
    run.stage("prepare", {"a": 1}, {}, lambda folder: {})
    [task] = facts(run.root)["tasks"]
    assert (task["state"], task["why"]) == ("done", None)


def test_what_has_changed_is_broken(run):
    path = run / "train-segmenter" / "source_only" / "done.json"
    path.write_text(path.read_text("utf-8").replace('"seconds": ', '"seconds": 1'))
    task = tasks(run)["train-segmenter source_only"]
    assert task["state"] == "broken" and "has changed" in task["why"]


def test_scores_are_told_before_all_arms_have_theirs(run):
    before = facts(run)["arms"]
    (run / "evaluate" / "summary.json").unlink()
    shutil.rmtree(run / "evaluate" / "adapted-color")
    found = facts(run)["arms"]
    assert [*found] == ["source_only"]
    assert found["source_only"]["mean_iou"] == before["source_only"]["mean_iou"]


def test_a_run_of_an_earlier_version_is_told(tmp_path):
    with zipfile.ZipFile(OLD) as file:
        file.extractall(tmp_path / "old")
    found = facts(tmp_path / "old")
    states = {task["task"]: task["state"] for task in found["tasks"]}
    assert states["train-segmenter source_only"] == "done"
    assert len(found["arms"]) == 8


def test_without_settings_stages_are_told_by_their_folders(run):
    (run / "settings.json").unlink()
    found = facts(run)
    assert found["preset"] is None and "keeps no settings" in found["notes"][0]
    states = {task["task"]: task["state"] for task in found["tasks"]}
    assert states["train-segmenter/source_only"] == "done"


def test_without_a_run_all_below_runs_are_told(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = json.loads(call("--json"))
    assert found["looked_in"] == "runs"
    assert [one["run"] for one in found["runs"]] == [f"runs/{run.name}"]
    told = call()
    assert run.name in told and "Looked below ./runs" in told
    assert "Looked below" not in call("--quiet")


def test_where_no_run_is_that_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "No run below ./runs" in call()
    assert json.loads(call("--json")) == {"looked_in": "runs", "runs": []}
    (tmp_path / "empty").mkdir()
    assert call("empty", code=1) == ""
