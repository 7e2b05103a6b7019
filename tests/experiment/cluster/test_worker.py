"""What workers tell of their tasks, and what they refuse."""

import contextlib
import sys
import time
from pathlib import Path

import pytest
from tqdm import tqdm

from i2i_keras.errors import DataError
from i2i_keras.experiment.cluster import worker
from i2i_keras.experiment.cluster.board import Board, State
from i2i_keras.experiment.cluster.worker import Order


class Called:
    """An actor's method without Ray: called at once."""

    def __init__(self, method):
        self.remote = method


class Actor:
    """A board as workers have it."""

    def __init__(self):
        self.board = Board()

    def __getattr__(self, name):
        return Called(getattr(self.board, name))


@pytest.fixture
def actor():
    return Actor()


@pytest.fixture
def order(tmp_path):
    return Order("prepare", "prepare", "", {}, str(tmp_path), None, str(tmp_path), "TensorFlow 0")


def test_a_progress_bar_is_the_state_of_its_task(actor):
    actor.board.begin("train", "here")
    with (
        worker._told(actor, "train"),
        contextlib.closing(
            tqdm(
                total=40,
                unit="step",
                bar_format=worker.ENVIRONMENT["TQDM_BAR_FORMAT"],
                mininterval=0,
            )
        ) as bar,
    ):
        bar.update(10)
        time.sleep(0.01)
        bar.update(10)
        said = actor.board.read().states["train"]
    assert said.node == "here"
    assert said.said.startswith("20 of 40 steps, 00:0") and said.said.endswith(" left")


def test_lines_are_told_once_and_in_full(actor):
    with worker._told(actor, "train"):
        sys.stdout.write("Warning: ")
        tqdm.write("it diverges.")
        tqdm.write("Note: one more.", file=sys.stderr)
    assert actor.board.read().lines == ["train: Warning: it diverges.", "train: Note: one more."]
    assert actor.board.read().lines == []


def test_a_task_that_begins_twice_has_lost_its_worker():
    board = Board()
    board.begin("train", "one")
    board.say("train", "3 of 4")
    board.begin("train", "two")
    found = board.read()
    assert found.lines == ["train: its worker on one was lost; again on two"]
    assert found.states == {"train": State("two")}
    board.end("train")
    board.say("train", "4 of 4")  # It comes late, and is of no one.
    assert board.read().states == {}


def test_a_machine_with_another_stack_is_refused(actor, order, monkeypatch):
    monkeypatch.chdir(Path.cwd())  # It goes elsewhere.
    with pytest.raises(DataError, match=r"has TensorFlow .*; make the cluster .* TensorFlow 0\."):
        worker.do(order, actor)
    assert actor.board.read().states == {}


def test_a_machine_without_the_folder_is_refused(actor, order, tmp_path):
    with pytest.raises(DataError, match=r"has no folder .*/nowhere; make the cluster of machines"):
        worker.do(order._replace(folder=str(tmp_path / "nowhere")), actor)
