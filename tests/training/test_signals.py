"""Signals to a real process."""

import signal
import subprocess
import sys

import pytest

PROCESS = """
import time
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


def start(seconds):
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS.format(seconds=seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
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
