"""Warnings of a training, as they are kept while it is under way."""

import pytest

from i2i_keras.report.reading import read_warnings
from i2i_keras.run_folder import places
from i2i_keras.run_folder.run import Run
from i2i_keras.training.history import History, Warning, Watch


def diagnose(rows):
    return [Warning("high", "It is high.")] if rows[-1]["loss"] > 5 else []


WATCH = Watch(lambda step: {}, "loss", diagnose)


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


def train(run, losses, last=0):
    history = History(run.translator("cut"), last, WATCH)
    for step, loss in losses.items():
        history.add(step, {"loss": loss})
    history.close()


def test_a_warning_is_there_to_be_read_from_its_row_on(run):
    train(run, {1: 1.0})
    assert read_warnings(run, run.translator("cut")) == []
    train(run, {2: 9.0, 3: 9.5}, last=1)
    assert read_warnings(run, run.translator("cut")) == ["step 2: It is high."]


def test_who_goes_on_from_an_earlier_step_has_no_later_warning(run):
    train(run, {1: 1.0, 2: 9.0})
    train(run, {2: 2.0}, last=1)
    assert read_warnings(run, run.translator("cut")) == []
    assert not (run.translator("cut") / places.WARNINGS).exists()


def test_a_warning_outlives_a_restart(run):
    train(run, {1: 9.0})
    (run.translator("cut") / places.WARNINGS).unlink()
    train(run, {2: 1.0}, last=1)
    assert read_warnings(run, run.translator("cut")) == ["step 1: It is high."]
