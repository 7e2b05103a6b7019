import os
import threading
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # Before TensorFlow is imported.


@pytest.fixture(scope="session")
def real_data():
    """The folder of real Cityscapes and GTA5 frames."""
    if not os.environ.get("I2I_REAL_DATA"):
        pytest.skip("I2I_REAL_DATA names no folder of real data")
    return Path(os.environ["I2I_REAL_DATA"])


@pytest.fixture(scope="session")
def end():
    """From a process to its exit code and what is left to be read of it."""

    def wait(process):
        # Not by `communicate`, which misses what was read ahead.
        timer = threading.Timer(120, process.kill)
        timer.start()
        with process:
            err, out = process.stderr.read(), process.stdout.read()
        timer.cancel()
        return process.returncode, out, err

    return wait
