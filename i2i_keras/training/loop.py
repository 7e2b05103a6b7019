"""The loop of every training: progress, history, checkpoints, a clean stop."""

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import keras
import tensorflow as tf
from tqdm import tqdm

from i2i_keras.errors import how_many
from i2i_keras.run_folder import workers
from i2i_keras.run_folder.files import Facts
from i2i_keras.training import devices
from i2i_keras.training.checkpoints import CheckpointConfig, Checkpoints, Restored
from i2i_keras.training.history import History, Means, Row, Watch
from i2i_keras.training.signals import Stopped, StopSignals

_REFRESH = 2.0  # Seconds between two changes of the progress line.
# How the progress line shortens the columns' names. x and y are averaged.
_SHORT = {
    **dict.fromkeys(("x", "y", "xy", "yx", "loss", "learning", "norm"), ""),
    "discriminator": "D",
    "generator": "G",
    "adversarial": "adv",
    "identity": "id",
    "semantic": "sem",
    "accuracy": "acc",
    "gradient": "grad",
    "rate": "lr",
    "luminance": "lum",
    "correlation": "corr",
}


def train(
    model: keras.Model,
    batches: Callable[[int], tf.data.Dataset],
    checkpoints: Checkpoints,
    steps: int,
    config: CheckpointConfig,
    watch: Watch,
) -> Facts:
    """Fits a compiled model, from where an earlier call was stopped.

    The rows of the history depend on the steps alone: neither a stop nor a
    kill nor `checkpoint_minutes` changes one.

    Args:
        model: its variables all exist.
        batches: endless batches from a given step on; of each the share of
            `devices.share`.
        checkpoints: of the model; their folder also gets `history.csv` and
            `tensorboard/`.
        steps: length of the whole training.
        config: when to save.
        watch: what to look at besides the losses.

    Returns:
        `best_step`, whose checkpoint is kept, and `warnings`, both from the
        whole history.

    Raises:
        Stopped: by a first SIGINT or SIGTERM, after saving.
        KeyboardInterrupt: by a second one, without.
        DataError: a loss is not finite any more, or no checkpoint can be
            gone on from.
    """
    folder = checkpoints.folder
    with StopSignals() as signals:
        restored = checkpoints.restore()
        for step in restored.unreadable:
            tqdm.write(
                f"Warning: the checkpoint of step {step} of {folder.name} is broken;"
                f" going on from step {restored.step}."
            )
        _tell_devices(restored, folder.name)
        history = History(folder, restored.step, watch)
        if restored.step < steps:
            keeper = Keeper(
                checkpoints,
                history,
                Means(restored.notes.get("sums", {}), folder, watch.files),
            )
            with tqdm(
                total=steps,
                initial=restored.step,
                desc=f"train {folder.name}",
                unit="step",
                mininterval=_REFRESH,
                dynamic_ncols=True,
            ) as bar:
                progress, compute = (
                    Progress(bar, config, watch, keeper, signals),
                    devices.step_of(model),
                )
                given = devices.distribute(lambda: batches(restored.step))
                for _, batch in zip(range(restored.step, steps), given, strict=False):
                    if progress.add(compute(batch)):
                        break
        history.close()
        if workers.agree(signals.asked)[0]:
            raise Stopped
    return {"best_step": history.best_step, "warnings": history.warnings}


def _tell_devices(restored: Restored, name: str) -> None:
    """Says so where other devices go on; earlier versions knew but one."""
    before = restored.notes.get("devices", 1)
    if restored.step and before != devices.count():
        tqdm.write(
            f"Note: {name} was trained on {how_many(before, 'device')} and goes on on"
            f" {devices.count()}: with the same images in each step, but other rounding."
        )


class Keeper(NamedTuple):
    """Where a training leaves what it has found."""

    checkpoints: Checkpoints
    history: History
    means: Means

    def save(self, step: int) -> None:
        """Saves a checkpoint, with the means of a row that is not full yet."""
        notes = {"sums": self.means.sums, "devices": devices.count()}
        self.checkpoints.save(step, notes, self.history.best_step)


class Progress:
    """Counts steps on a bar, keeps rows and checkpoints, stops when asked to.

    Args:
        bar: counts steps to the end, from those done before.
        config: when to save.
        watch: what to look at besides the losses.
        keeper: gets rows and checkpoints.
        signals: tell when to stop.
    """

    def __init__(
        self,
        bar: "tqdm[None]",
        config: CheckpointConfig,
        watch: Watch,
        keeper: Keeper,
        signals: StopSignals,
    ) -> None:
        self.bar, self.config, self.watch = bar, config, watch
        self.keeper, self.signals = keeper, signals
        self.step = bar.n
        self.saved = self.shown = time.monotonic()
        self.observed: Row = {}

    def add(self, losses: Mapping[str, float]) -> bool:
        """Takes note of a step; returns whether it shall be the last."""
        self.step += 1
        means = self.keeper.means
        means.add(self.step, losses)
        complete = self.step % self.config.checkpoint_every == 0 or self.step == self.bar.total
        values = means.values()
        if complete:
            self._add_row(values)
        # Once: a signal that comes later is for the next step.
        stops, due = workers.agree(self.signals.asked, self._is_due())
        if complete or stops or due:
            self.keeper.save(self.step)
            self.saved = time.monotonic()
        self._show(values)
        return stops

    def _add_row(self, values: Row) -> None:
        self.observed = dict(self.watch.observe(self.step))
        for warning in self.keeper.history.add(self.step, {**values, **self.observed}):
            tqdm.write(f"Warning: {warning}")
        self.keeper.means.clear()

    def _is_due(self) -> bool:
        minutes = self.config.checkpoint_minutes
        return minutes is not None and time.monotonic() - self.saved >= 60 * minutes

    def _show(self, values: Row) -> None:
        now = time.monotonic()
        if now - self.shown >= _REFRESH or self.step == self.bar.total:
            self.bar.set_postfix_str(brief({**values, **self.observed}), refresh=False)
            self.shown = now
        self.bar.update()


def brief(row: Mapping[str, float]) -> str:
    """A row of the history in one short line.

    Columns whose names differ by `x`, `y`, `xy` or `yx` only are averaged.
    """
    groups: dict[str, list[float]] = {}
    for name, value in row.items():
        words = [_SHORT.get(word, word) for word in name.split("_")]
        groups.setdefault(" ".join(filter(None, words)) or name, []).append(value)
    return ", ".join(f"{name} {sum(group) / len(group):.3g}" for name, group in groups.items())
