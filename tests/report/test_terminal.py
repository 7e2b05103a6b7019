"""Tables in a terminal and in a pipe."""

import io
import re

import pytest

from i2i_keras.report import tables, terminal
from i2i_keras.report.tables import Cell, Table
from i2i_keras.report.terminal import PIPE, Terminal, draw, result_text, terminal_of

WIDTHS = (40, 60, 80, 100, 140, 200)


@pytest.fixture
def wide(summary):
    """A result with all columns and long names."""
    arms = summary["arms"]
    arms["self_training:cyclegan"] = {
        "mean_iou": 0.381,
        "ci95": [0.36, 0.4],
        "gain": 0.001,
        "gain_ci95": [-0.005, 0.007],
    }
    arms["adapted:cyclegan"]["gap_closed_ci95"] = [0.41, 0.62]
    for facts in arms.values():
        facts |= {"std": 0.0123, "seeds": [0.3, 0.4], "native_mean_iou": 0.41}
        facts["label_chosen"] = {"mean_iou": 0.44}
    return summary


class Stream(io.StringIO):
    def isatty(self):
        return True


def numbers(text):
    return re.findall(r"\d+\.\d", text)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(wide, width):
    assert max(map(len, draw(tables.result_rows(wide), Terminal(width)).splitlines())) <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_shown_is_shown_whole_and_the_rest_is_named(wide, width):
    table = tables.result_rows(wide)
    text = draw(table, Terminal(width))
    body, _, rest = text.partition("Not shown, for want of room: ")
    named = " ".join(rest.split()).rstrip(".").split(", ") if rest else []
    kept = len(table.columns) - len(named)
    assert [*table.columns[kept:]] == named
    wanted = [number for row in table.rows for cell in row[:kept] for number in numbers(cell.text)]
    assert sorted(numbers(body)) == sorted(wanted)
    assert "…" not in text and "..." not in text


def test_at_80_columns_the_gap_that_is_closed_is_still_there(wide):
    text = draw(tables.result_rows(wide), Terminal(80))
    assert "(41.0 to 62.0)" in text and "+8.0" in text and "6.5 to 9.4" in text
    assert "self_training:\ncyclegan" in re.sub(r" .*", "", text)


def test_a_pipe_gets_one_line_a_row_that_a_script_can_read(wide):
    lines = draw(tables.result_rows(wide), PIPE).splitlines()
    fields = [re.split(r" {2,}", line) for line in lines]
    assert [len(row) for row in fields] == [9] * 5
    assert fields[0][:4] == ["Arm", "Mean IoU %", "95% interval", "Gain"]
    assert fields[4][0] == "self_training:cyclegan"
    assert fields[4][3] == "no measurable difference (+0.1)"
    assert "\x1b" not in "".join(lines)


def test_bold_is_for_titles_and_the_best_and_changes_no_place(wide):
    bold, plain = (draw(tables.result_rows(wide), Terminal(80, bold=b)) for b in (True, False))
    assert re.sub(r"\x1b\[\d+m", "", bold) == plain
    strong = re.findall(r"\x1b\[1m(.*?)\x1b\[0m", bold)
    assert "+8.0" in strong and "Arm" in strong and "oracle" not in strong


def test_whom_bold_marks_is_said_in_words_too(summary):
    assert result_text(summary).endswith("\n\nBest by more than chance: adapted:cyclegan.")
    summary["best"]["mean_iou"]["sure"] = False
    assert "Best" not in result_text(summary)


def test_names_are_at_the_left_and_numbers_at_the_right():
    table = Table(["Arm", "IoU"], [[Cell("a"), Cell("1.0")], [Cell("long"), Cell("10.0")]])
    assert draw(table) == "Arm    IoU\na      1.0\nlong  10.0"
    words = table._replace(numeric=False)
    assert draw(words) == "Arm   IoU\na     1.0\nlong  10.0"


def test_what_has_no_room_at_all_keeps_its_first_column():
    table = Table(["Arm", "IoU"], [[Cell("source_only"), Cell("1.0")]])
    assert draw(table, Terminal(5)).splitlines()[2] == "source_only"


def test_what_no_terminal_is_behind_is_a_pipe(monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    assert terminal_of(io.StringIO()) == PIPE


@pytest.mark.parametrize(
    ("name", "value", "bold"),
    [("NO_COLOR", "1", False), ("NO_COLOR", "", True), ("TERM", "dumb", False)],
)
def test_a_terminal_has_its_width_and_bold_unless_that_is_not_wanted(
    monkeypatch, name, value, bold
):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "72")
    monkeypatch.setenv(name, value)
    assert terminal_of(Stream()) == terminal.Terminal(72, bold)
