"""How tasks at work are shown."""

import re

import pytest

from i2i_keras.experiment.cluster import display
from i2i_keras.experiment.cluster.board import State
from i2i_keras.experiment.cluster.display import Display
from i2i_keras.report.terminal import Terminal

STATES = {
    "train-translator cyclegan": State("one", "20 of 1800 steps, 01:10 left"),
    "evaluate oracle": State("two"),
}


@pytest.fixture
def told():
    return []


@pytest.fixture
def terminal(monkeypatch, told):
    """A display on a terminal, of which lines that stay go to `told`."""
    monkeypatch.setattr(display, "terminal_of", lambda stream: Terminal(80))
    return Display(told.append)


def test_in_a_pipe_each_beginning_is_a_line(told, capsys):
    shown = Display(told.append)
    shown.show({"evaluate oracle": STATES["evaluate oracle"]}, "2 of 9 tasks done")
    shown.show(STATES, "3 of 9 tasks done")
    shown.tell("evaluate oracle: done")
    assert told == [
        "evaluate oracle: begun on two (2 of 9 tasks done)",
        "train-translator cyclegan: begun on one (3 of 9 tasks done)",
        "evaluate oracle: done",
    ]
    assert not capsys.readouterr().out


def test_in_a_terminal_there_is_one_table_and_it_is_the_newest(terminal, capsys):
    terminal.show(STATES, "3 of 9 tasks done; about 4 min left")
    first = capsys.readouterr().out
    assert first.splitlines() == [
        "at work                    on   progress",
        "-------------------------  ---  ----------------------------",
        "train-translator cyclegan  one  20 of 1800 steps, 01:10 left",
        "evaluate oracle            two",
        "3 of 9 tasks done; about 4 min left",
    ]
    terminal.show({"evaluate oracle": STATES["evaluate oracle"]}, "4 of 9 tasks done")
    second = capsys.readouterr().out
    # As many lines up as were written, and nothing below.
    assert second.startswith("\x1b[5A\x1b[J")
    assert "cyclegan" not in second


def test_what_stays_is_told_above_the_table(terminal, told, capsys):
    terminal.show(STATES, "3 of 9 tasks done")
    capsys.readouterr()
    terminal.tell("oracle: done in 3 s")
    terminal.clear()
    assert told == ["oracle: done in 3 s"]
    assert capsys.readouterr().out == "\x1b[5A\x1b[J"


def test_a_table_has_no_more_lines_than_the_terminal(terminal, capsys, monkeypatch):
    monkeypatch.setenv("LINES", "10")
    terminal.show({f"task {number}": State("one") for number in range(50)}, "0 of 50 tasks done")
    out = capsys.readouterr().out
    assert len(re.findall(r"^task ", out, re.M)) == 6
    assert out.count("\n") == 9
