import os
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from i2i_keras.cli import main

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # Before TensorFlow is imported.
TINY = Path(__file__).with_name("tiny.toml")


class Experiment:
    """A run directory of tests/tiny.toml, and what is done with it.

    Attributes:
        root: the run directory.
        changes: `dotted.key=value` each, to the preset.
    """

    def __init__(self, root, *changes):
        self.root, self.changes = root, changes

    def command(self, name, *arguments):
        """Calls a command on it."""
        changes = [f"--set={change}" for change in self.changes]
        words = [name, "--preset", TINY, "--run", self.root, *changes, *arguments]
        return CliRunner().invoke(main, [str(word) for word in words])

    def settings(self, *changes):
        """Its settings, and further changes to them."""
        from i2i_keras import config
        from i2i_keras.settings import Settings  # Not before a test wants TensorFlow.

        return config.build(Settings, config.read(str(TINY), [*self.changes, *changes]))

    def records(self, table):
        """Those of a table such as `records/source-train`."""
        from i2i_keras.data.records import read_records

        return read_records(self.root, self.root / f"{table}.csv")


@pytest.fixture(scope="session")
def tiny_preset():
    """The preset of `Experiment`."""
    return TINY


@pytest.fixture(scope="session")
def tiny_experiment():
    """`Experiment`, from where a run shall be and changes to the preset."""
    return Experiment


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
