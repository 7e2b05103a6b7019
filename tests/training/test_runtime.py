import os
import subprocess
import sys
from pathlib import Path

import pytest

START = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
from i2i_keras.training import runtime
"""
CHOICES = (
    START
    + """
for choice in ("off", "auto"):
    runtime.make_deterministic(choice)
    try:
        tf.random.uniform(())
    except RuntimeError:
        print(choice, "refuses what is random without a seed")
"""
)
THREADS = (
    START
    + """
runtime.share_threads(int(sys.argv[1]) or None)
tf.matmul(tf.ones((500, 500)), tf.ones((500, 500))).numpy()
print(len(os.listdir("/proc/self/task")))
"""
)


def python(code, *arguments):
    """What a process of its own prints: there is no way back."""
    command = [sys.executable, "-c", code, *arguments]
    environment = {**os.environ}
    environment.pop("TF_NUM_INTRAOP_THREADS", None)
    result = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=True, env=environment
    )
    return result.stdout.splitlines()


def test_auto_is_deterministic_where_there_is_no_gpu():
    lines = [line for line in python(CHOICES) if "refuses" in line]
    assert lines == ["auto refuses what is random without a seed"]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="no list of threads to look at")
def test_an_operation_gets_as_many_threads_as_it_is_given():
    counts = {given: int(python(THREADS, str(given))[-1]) for given in (0, 1, 3)}
    assert counts[3] == counts[1] + 2
    assert counts[0] == counts[1] + len(os.sched_getaffinity(0)) - 1
