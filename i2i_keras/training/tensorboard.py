"""The history as curves in TensorBoard."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow as tf


class Curves:
    """Writes rows of a history to `folder/tensorboard`.

    The log is made anew from the history each time a training goes on, so that
    it has no step twice.

    Args:
        folder: of the training.
        rows: what the history holds already.
    """

    def __init__(self, folder: Path, rows: Sequence[Mapping[str, float]]) -> None:
        shutil.rmtree(folder / "tensorboard", ignore_errors=True)
        self._writer = tf.summary.create_file_writer(str(folder / "tensorboard"))
        for row in rows:
            self.add(row)

    def add(self, row: Mapping[str, float]) -> None:
        """Writes a row at once."""
        with self._writer.as_default(step=int(row["step"])):
            for name, value in row.items():
                if name != "step":
                    tf.summary.scalar(name, value)
        self._writer.flush()

    def close(self) -> None:
        """Ends the log."""
        self._writer.close()
