"""Signals to a real process."""

import os
import pty
import signal
import subprocess
import sys

import pytest

PROCESS = """
import signal, time
{before}
from i2i_keras.training.signals import StopSignals
with StopSignals() as signals:
    print("ready", flush=True)
    while not signals.asked:
        time.sleep(0.01)
    print("asked", flush=True)
    time.sleep({seconds})
    print("saved", flush=True)
print("left", flush=True)
"""


def start(seconds, before=""):
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS.format(seconds=seconds, before=before)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_answered_and_lets_the_step_end(number, end):
    process = start(seconds=0)
    process.send_signal(number)
    code, out, err = end(process)
    assert (code, out) == (0, "asked\nsaved\nleft\n")
    assert err == "Stopping after this step; once more stops at once.\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_stops_at_once(number, end):
    process = start(seconds=600)
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "asked\n"
    process.send_signal(number)
    code, out, err = end(process)
    assert out == ""
    assert code != 0 and "KeyboardInterrupt" in err


def test_a_terminal_and_its_shell_may_both_say_that_it_is_gone(end):
    process = start(seconds=1)
    process.send_signal(signal.SIGHUP)
    assert process.stdout.readline() == "asked\n"
    process.send_signal(signal.SIGHUP)
    code, out, _ = end(process)
    assert (code, out) == (0, "saved\nleft\n")


def test_a_terminal_that_is_gone_takes_nothing_with_it():
    """A progress bar still writes to it before the training has saved."""
    code = PROCESS.format(seconds=0.1, before="").replace(
        'print("left"', 'sys.stderr.write("bar"); print("left"'
    )
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", f"import sys{code}"])
    assert b"ready" in os.read(terminal, 100)
    os.close(terminal)  # The kernel sends SIGHUP.
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_process_that_is_to_outlive_its_terminal_goes_on(end):
    process = start(seconds=0, before="signal.signal(signal.SIGHUP, signal.SIG_IGN)")
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    code, out, err = end(process)
    assert (code, out, err.count("Stopping")) == (0, "asked\nsaved\nleft\n", 1)
