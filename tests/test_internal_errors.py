"""What nobody has foreseen is said to be that, and what to do about it."""

import errno
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from i2i_keras.cli.group import Group


def run(error):
    @click.group(cls=Group)
    def main():
        pass

    @main.command()
    def work():
        raise error

    return CliRunner().invoke(main, ["work"])


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError("deep"), ZeroDivisionError()])
def test_an_internal_error_says_so_and_where_its_log_is(error, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    result = run(error)
    assert result.exit_code == 70
    assert f"Internal error ({type(error).__name__}: {error})" in result.output
    assert (
        "This is a fault of i2i-keras, neither of your data nor of your settings" in result.output
    )
    path = Path(re.search(r"please send (\S+\.log)", result.output).group(1))
    log = path.read_text()
    assert path.parent == tmp_path and "Traceback" in log and "raise error" in log
    assert "i2i_keras" in log and "tensorflow" in log and " work\n" in log
    assert "Traceback" not in result.output


def test_where_no_log_can_be_written_the_error_is_shown(monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", full)
    result = run(KeyError("x"))
    assert result.exit_code == 70
    assert "Traceback" in result.output and "please send the lines above" in result.output


def test_memory_that_is_not_there_is_no_internal_error():
    result = run(MemoryError())
    assert result.exit_code == 1 and "not enough memory; lower batch_size" in result.output


@pytest.mark.parametrize(
    ("error", "code"),
    [(click.Abort(), 1), (click.exceptions.Exit(3), 3), (click.UsageError("a"), 2)],
)
def test_how_commands_end_by_themselves_stays_so(error, code):
    result = run(error)
    assert result.exit_code == code and "Internal error" not in result.output
