"""What MLflow itself reads of what was logged to it."""

import shutil
import sys
import threading
from pathlib import Path

import pytest

from i2i_keras import config
from i2i_keras.errors import SettingsError
from i2i_keras.experiment import run_settings
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder import files, workers
from i2i_keras.run_folder.run import Run
from i2i_keras.training import tracking
from i2i_keras.training.history import History, Watch

# First ours, which tells MLflow not to report its use.
pytest.importorskip("i2i_keras.training.mlflow_store", reason="without the extra tracking")
mlflow = pytest.importorskip("mlflow")

WATCH = Watch(lambda step: {}, "loss")
FACTS = {"seed": 0, "generator": {"filters": 64}}


@pytest.fixture(autouse=True)
def no_place_of_the_user(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(tracking, "_PATIENCE", 600.0)  # Of a machine that is busy.


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory):
    """MLflow takes seconds to make its tables."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def bare_run(tmp_path):
    """A run directory; nothing was logged beside it."""
    return Run(tmp_path / "runs" / "streets")


@pytest.fixture
def run(bare_run, empty_store):
    bare_run.root.parent.mkdir()
    shutil.copy(empty_store, bare_run.root.parent)
    return bare_run


def train(run, steps, last=0, fail=None):
    """A training's history from a step on; returns its folder."""
    folder = run.translator("cyclegan")
    with tracking.using("mlflow", run, folder, FACTS):
        history = History(folder, last, WATCH)
        for step in steps:
            history.add(step, {"loss": 1.0 / step, "rate": 0.5})
        if fail:
            raise fail
        history.close()
    return folder


def logged(run, uri=None, experiment="streets"):
    """All runs of an experiment as MLflow's client reads them, oldest first."""
    client = mlflow.MlflowClient(uri or f"sqlite:///{run.root.parent / 'mlflow.db'}")
    found = client.get_experiment_by_name(experiment)
    if found is None:
        return client, []
    runs = client.search_runs([found.experiment_id], order_by=["attributes.start_time ASC"])
    return client, runs


def points(client, run, name):
    return [(m.step, m.value) for m in client.get_metric_history(run.info.run_id, name)]


def names_of(client, run, folder):
    return [one.path for one in client.list_artifacts(run.info.run_id, folder)]


# --- What is logged ---------------------------------------------------------


def test_each_row_of_a_history_is_there_once_with_its_numbers(run):
    folder = train(run, [2, 4, 6])
    client, [found] = logged(run)
    rows = files.read_numbers(folder / "history.csv")
    for name in ("loss", "rate"):
        assert points(client, found, name) == [(row["step"], row[name]) for row in rows]
    assert found.info.run_name == "train-translator/cyclegan"
    assert found.info.status == "FINISHED"
    assert found.data.params == {"seed": "0", "generator.filters": "64"}


def test_the_sample_pictures_of_a_row_are_there(run, save):
    folder = run.translator("cyclegan")
    for step in (1, 2, 3):
        save(folder / "samples" / f"step-{step:06d}.png", [[step]])
    train(run, [1, 3])
    client, [found] = logged(run)
    kept = ["samples/step-000001.png", "samples/step-000003.png"]
    assert names_of(client, found, "samples") == kept
    copy = client.download_artifacts(found.info.run_id, kept[1], str(run.root))
    assert Path(copy).read_bytes() == (folder / kept[1]).read_bytes()


def test_more_settings_than_mlflow_takes_at_once_are_all_there(run):
    facts = {f"setting{number}": number for number in range(250)}
    with tracking.using("mlflow", run, run.translator("cyclegan"), facts):
        History(run.translator("cyclegan"), 0, WATCH)
    _, [found] = logged(run)
    assert found.data.params == {name: str(value) for name, value in facts.items()}


def test_a_training_that_was_stopped_goes_on_in_the_same_run(run):
    with pytest.raises(KeyboardInterrupt):
        train(run, [2, 4], fail=KeyboardInterrupt())
    _, [found] = logged(run)
    assert found.info.status == "KILLED"
    train(run, [6], last=4)
    client, [found] = logged(run)
    assert found.info.status == "FINISHED"
    assert [step for step, _ in points(client, found, "loss")] == [2, 4, 6]


def test_a_training_that_failed_is_said_to_have_failed(run):
    with pytest.raises(ValueError, match="diverged"):
        train(run, [2], fail=ValueError("diverged"))
    _, [found] = logged(run)
    assert found.info.status == "FAILED"


def test_where_a_training_goes_back_a_new_run_has_each_step_once(run):
    train(run, [2, 4, 6])
    train(run, [4, 6, 8], last=2)
    client, [old, new] = logged(run)
    assert old.info.status == "KILLED"
    assert [step for step, _ in points(client, old, "loss")] == [2, 4, 6]
    assert [step for step, _ in points(client, new, "loss")] == [2, 4, 6, 8]


def test_what_was_trained_before_it_was_tracked_is_there_from_the_first_row_on(run):
    History(run.translator("cyclegan"), 0, WATCH).add(2, {"loss": 0.5, "rate": 0.5})
    train(run, [4], last=2)
    client, [found] = logged(run)
    assert [step for step, _ in points(client, found, "loss")] == [2, 4]


def test_repetitions_are_runs_of_one_experiment(run):
    files.write_json(run.settings, {})
    for seed in (3, 5):
        train(run.member(seed), [2])
    _, found = logged(run)
    named = [f"seed-{seed}/train-translator/cyclegan" for seed in (3, 5)]
    assert [one.info.run_name for one in found] == named


def test_runs_of_one_name_in_two_folders_do_not_go_on_with_each_other(
    bare_run, empty_store, tmp_path, monkeypatch
):
    uri = f"sqlite:///{shutil.copy(empty_store, tmp_path / 'all.db')}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    train(bare_run, [2])
    train(Run(tmp_path / "others" / "streets"), [2])
    client, found = logged(bare_run, uri)
    assert [points(client, one, "loss") for one in found] == [[(2, 0.5)]] * 2
    assert not (bare_run.root.parent / "mlflow.db").exists()


def test_a_summary_is_logged_once_with_its_numbers_and_pictures(run, save):
    summary = {"arms": {"adapted:cyclegan": {"mean_iou": 0.25, "ci95": [0.2, 0.3], "gain": None}}}
    files.write_json(run.summary, summary)
    save(run.predictions("adapted:cyclegan") / "1.png", [[1]])
    for _ in range(2):
        tracking.log_summary("mlflow", run, summary)
    client, [found] = logged(run)
    assert found.info.run_name == "evaluate"
    assert found.data.metrics == {"mean_iou/adapted-cyclegan": 0.25}
    assert "summary.json" in names_of(client, found, None)
    folder = "predictions/adapted-cyclegan"
    assert names_of(client, found, folder) == [f"{folder}/1.png"]

    summary["arms"]["adapted:cyclegan"]["mean_iou"] = 0.5
    tracking.log_summary("mlflow", run, summary)
    _, found = logged(run)
    assert [one.data.metrics["mean_iou/adapted-cyclegan"] for one in found] == [0.25, 0.5]


def test_without_the_setting_nothing_is_logged(bare_run):
    folder = bare_run.translator("cyclegan")
    with tracking.using("none", bare_run, folder, FACTS):
        History(folder, 0, WATCH).add(2, {"loss": 0.5})
    tracking.log_summary("none", bare_run, {"arms": {}})
    assert not (bare_run.root.parent / "mlflow.db").exists()


def test_of_several_workers_the_chief_alone_logs(bare_run, monkeypatch):
    monkeypatch.setattr(workers, "follows", lambda: True)
    train(bare_run, [2])
    assert not (bare_run.root.parent / "mlflow.db").exists()


def test_nobody_is_told_that_mlflow_is_used(run):
    from mlflow.telemetry import get_telemetry_client

    train(run, [2])
    assert get_telemetry_client() is None


# --- What goes wrong --------------------------------------------------------


def test_a_failure_is_one_line_and_the_training_goes_on(run, monkeypatch, capsys):
    calls = []

    def fail(self, *given, **named):
        calls.append(named)
        raise OSError("the disk is full.\nand more")

    monkeypatch.setattr(mlflow.MlflowClient, "log_batch", fail)
    folder = train(run, [2, 4, 6])
    assert [row["step"] for row in files.read_numbers(folder / "history.csv")] == [2, 4, 6]
    told = capsys.readouterr().out.strip().splitlines()
    assert told == [
        "Warning: train-translator/cyclegan is not logged to MLflow any more"
        " (OSError: the disk is full); it goes on."
    ]
    assert len(calls) == 1


def test_a_place_that_is_none_is_one_line(bare_run, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nowhere://at-all")
    train(bare_run, [2, 4])
    [told] = capsys.readouterr().out.strip().splitlines()
    assert told.startswith("Warning: train-translator/cyclegan is not logged to MLflow any more (")


def test_what_does_not_answer_is_not_waited_for(run, monkeypatch, capsys):
    answered = threading.Event()
    monkeypatch.setattr(mlflow.MlflowClient, "log_batch", lambda *_, **__: answered.wait())
    monkeypatch.setattr(tracking, "_PATIENCE", 0.1)
    folder = train(run, [2, 4])
    answered.set()
    assert [row["step"] for row in files.read_numbers(folder / "history.csv")] == [2, 4]
    assert "no answer for 0 seconds" in capsys.readouterr().out


def test_an_extra_that_is_not_there_is_told_before_anything_is_trained(
    tiny_experiment, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    tracking.check("none")
    message = r"tracking = 'mlflow' needs an extra: pip install 'i2i_keras\[tracking\]'\."
    with pytest.raises(SettingsError, match=message):
        tracking.check("mlflow")
    result = tiny_experiment(tmp_path / "run", "tracking=mlflow").command("run")
    assert result.exit_code == 2
    assert "pip install 'i2i_keras[tracking]'" in result.output
    assert not (tmp_path / "run" / "prepare").exists()


# --- What does not depend on it ---------------------------------------------


def test_tracking_is_no_fact_of_a_training_and_may_change_at_any_time():
    one, two = (config.build(Settings, {"tracking": choice}) for choice in ("none", "mlflow"))
    assert one.translator.cyclegan.facts() == two.translator.cyclegan.facts()
    assert one.segmenter.facts() == two.segmenter.facts()
    [difference] = run_settings.differences(one, two)
    assert difference.is_free


@pytest.mark.slow
def test_a_run_has_the_same_bits_whether_it_is_tracked_or_not(tiny_experiment, tmp_path):
    arms = 'arms=["source_only", "adapted:cyclegan"]'
    roots = []
    for choice in ("none", "mlflow"):
        experiment = tiny_experiment(tmp_path / choice / "run", arms, f"tracking={choice}")
        result = experiment.command("run")
        assert result.exit_code == 0, result.output
        assert "not logged" not in result.output
        roots.append(experiment.root)
    plain, tracked = roots
    made = sorted(
        path.relative_to(plain)
        for ending in ("weights.h5", "history.csv", "summary.json", "samples/*.png")
        for path in plain.rglob(f"*{ending}")
    )
    assert len(made) > 6
    for path in made:
        assert (plain / path).read_bytes() == (tracked / path).read_bytes(), path

    client, found = logged(Run(tracked), experiment="run")
    stages = {one.info.run_name: one for one in found}
    assert {*stages} == {
        "train-translator/cyclegan",
        "train-segmenter/source_only",
        "train-segmenter/adapted-cyclegan",
        "evaluate",
    }
    for name in [*stages][:-1]:
        for row in files.read_numbers(tracked / name / "history.csv"):
            for column in row.keys() - {"step"}:
                known = dict(points(client, stages[name], column))
                assert known[row["step"]] == pytest.approx(row[column], rel=0, nan_ok=True)
    translator = stages["train-translator/cyclegan"]
    assert names_of(client, translator, "samples") == [
        "samples/step-000001.png",
        "samples/step-000002.png",
    ]
    summary = files.read_json(tracked / "evaluate" / "summary.json")["arms"]
    assert stages["evaluate"].data.metrics["mean_iou/source_only"] == pytest.approx(
        summary["source_only"]["mean_iou"]
    )
