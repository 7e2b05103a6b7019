"""The one callback: progress, history, checkpoints, and a clean stop."""

import contextlib
import math
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import keras
import tensorflow as tf
from tqdm import tqdm

from i2i_keras import runs
from i2i_keras.errors import DataError
from i2i_keras.training.checkpoints import Checkpoints

Row = dict[str, float]


def train(
    model: keras.Model,
    batches: Callable[[int], tf.data.Dataset],
    folder: Path,
    steps: int,
    checkpoint_every: int,
    observe: Callable[[int], Mapping[str, float]],
) -> None:
    """Fits a compiled model, from where an earlier call was stopped.

    Args:
        model: its variables all exist.
        batches: endless batches from a given step on.
        folder: gets `history.csv` and the checkpoints.
        steps: length of the whole training.
        checkpoint_every: steps between two rows of the history and two
            checkpoints.
        observe: called with the step at each checkpoint; what it returns goes
            into the history as well.

    Raises:
        KeyboardInterrupt: stopped by SIGINT or SIGTERM, after saving.
        DataError: a loss is not finite any more.
    """
    checkpoints = Checkpoints(model, folder)
    first = checkpoints.restore()
    if first >= steps:
        return
    history = _read_history(folder / "history.csv", first)
    progress = Progress(steps, first, checkpoint_every, folder.name)

    def save(step: int, losses: Row) -> None:
        history.append({"step": step, **losses, **observe(step)})
        runs.write_table(folder / "history.csv", history, columns=list(history[-1]))
        checkpoints.save(step)

    progress.save = save
    with _signals_to(progress):
        model.fit(
            batches(first).take(steps - first),
            steps_per_epoch=steps - first,
            callbacks=[progress],
            verbose=0,
        )
    if progress.stopped:
        raise KeyboardInterrupt


class Progress(keras.callbacks.Callback):
    """Shows the time left, saves at intervals, and stops when asked to.

    Args:
        steps: length of the whole training.
        first: steps done before.
        checkpoint_every: steps between two calls of `save`.
        description: what the progress bar says.
    """

    def __init__(self, steps: int, first: int, checkpoint_every: int, description: str) -> None:
        super().__init__()
        self.steps = steps
        self.step = first
        self.checkpoint_every = checkpoint_every
        self.description = description
        self.stopped = False
        self.save: Callable[[int, Row], None] = lambda step, losses: None

    def on_train_begin(self, logs: Row | None = None) -> None:
        self.bar = tqdm(
            total=self.steps,
            initial=self.step,
            desc=f"train {self.description}",
            unit="step",
            mininterval=2.0,
        )

    def on_train_batch_end(self, batch: int, logs: Row | None = None) -> None:
        losses = {name: float(value) for name, value in (logs or {}).items()}
        self.step += 1
        self.bar.update()
        if self.step % self.checkpoint_every and self.step < self.steps and not self.stopped:
            return
        self._refuse_divergence(losses)
        self.bar.set_postfix({name: f"{value:.3g}" for name, value in losses.items()})
        self.save(self.step, losses)
        self.model.reset_metrics()
        self.model.stop_training = self.stopped

    def on_train_end(self, logs: Row | None = None) -> None:
        self.bar.close()

    def _refuse_divergence(self, losses: Row) -> None:
        for name, value in losses.items():
            if not math.isfinite(value):
                raise DataError(
                    f"{name} of {self.description} is {value} at step {self.step};"
                    " lower its learning_rate, delete the stage's folder and run it again."
                )


@contextlib.contextmanager
def _signals_to(progress: Progress) -> Iterator[None]:
    """Lets SIGINT and SIGTERM end the training after the step that runs now."""

    def stop(number: int, frame: FrameType | None) -> None:
        progress.stopped = True

    handlers = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _read_history(path: Path, first: int) -> list[dict[str, Any]]:
    """Rows up to the checkpoint that the training goes on from."""
    if not path.is_file():
        return []
    return [row for row in runs.read_table(path) if int(row["step"]) <= first]
