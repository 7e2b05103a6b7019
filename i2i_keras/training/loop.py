"""The loop of every training: progress, history, checkpoints, a clean stop."""

import contextlib
import dataclasses
import itertools
import time
from collections.abc import Callable, Iterable, Mapping

import keras
import tensorflow as tf
from tqdm import tqdm

from i2i_keras import quiet
from i2i_keras.errors import DataError, DivergedError, how_many
from i2i_keras.run_folder import files, workers
from i2i_keras.run_folder.files import Facts
from i2i_keras.run_folder.places import PROGRESS
from i2i_keras.training import devices, rollback
from i2i_keras.training.checkpoints import CheckpointConfig, Checkpoints, Restored
from i2i_keras.training.history import History, Means, Row, Watch
from i2i_keras.training.rollback import WayBack
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
        model: its variables all exist; `rates` scales its learning rates.
        batches: endless batches from a given step on; of each the share of
            `devices.share`.
        checkpoints: of the model; their folder also gets `history.csv` and
            `tensorboard/`.
        steps: length of the whole training.
        config: when to save, and what to do where it diverges.
        watch: what to look at besides the losses.

    Returns:
        `best_step`, whose checkpoint is kept, and `warnings`, both from the
        whole history.

    Raises:
        Stopped: by a first SIGINT or SIGTERM, after saving.
        KeyboardInterrupt: by a second one, without.
        DivergedError: a loss is not finite any more; going back did not help.
        DataError: no checkpoint can be gone on from.
    """
    name = checkpoints.folder.name
    with contextlib.ExitStack() as open_ones:
        signals = open_ones.enter_context(StopSignals())
        restored = checkpoints.restore()
        _tell_broken(restored, name)
        _tell_devices(restored, name)
        back = open_ones.enter_context(rollback.way_back(model, checkpoints, restored, config))

        def attempt(keeper: Keeper) -> None:
            with _bar(name, restored.step, steps) as bar:
                compute = devices.step_of(model)
                given = devices.distribute(lambda: batches(restored.step))
                todo = itertools.islice(given, steps - restored.step)
                Progress(bar, config, watch, keeper, signals).follow(map(compute, todo))

        keeper = Keeper.of(checkpoints, restored, watch, back)
        while restored.step < steps:
            try:
                attempt(keeper)
                break
            except DivergedError as error:
                restored = back.go(keeper.step, error)
                keeper = Keeper.of(checkpoints, restored, watch, back)
                if restored.step:  # With its notes of the way back.
                    keeper.save()
        keeper.history.close()
        if keeper.step == steps:
            (checkpoints.folder / PROGRESS).unlink(missing_ok=True)
        if workers.agree(signals.asked)[0]:
            raise Stopped
    warnings = back.warnings() + keeper.history.warnings
    return {"best_step": keeper.history.best_step, "warnings": warnings}


def _bar(name: str, first: int, steps: int) -> "tqdm[None]":
    return quiet.bar(
        total=steps,
        initial=first,
        desc=f"train {name}",
        unit="step",
        mininterval=_REFRESH,
        dynamic_ncols=True,
    )


def _tell_broken(restored: Restored, name: str) -> None:
    for step in restored.unreadable:
        quiet.warn(
            f"Warning: the checkpoint of step {step} of {name} is broken;"
            f" going on from step {restored.step}."
        )


def _tell_devices(restored: Restored, name: str) -> None:
    """Says so where other devices go on; earlier versions knew but one."""
    before = restored.notes.get("devices", 1)
    if restored.step and before != devices.count():
        quiet.note(
            f"Note: {name} was trained on {how_many(before, 'device')} and goes on on"
            f" {devices.count()}: with the same images in each step, but other rounding."
        )


@dataclasses.dataclass
class Keeper:
    """Where a training leaves what it has found.

    Attributes:
        step: that was computed last.
    """

    checkpoints: Checkpoints
    history: History
    means: Means
    way_back: WayBack
    step: int

    @classmethod
    def of(
        cls, checkpoints: Checkpoints, restored: Restored, watch: Watch, way_back: WayBack
    ) -> "Keeper":
        """One that goes on from a checkpoint."""
        history = History(checkpoints.folder, restored.step, watch)
        means = Means(restored.notes.get("sums", {}), checkpoints.folder, watch.files)
        return cls(checkpoints, history, means, way_back, restored.step)

    def save(self) -> None:
        """Saves a checkpoint, with the means of a row that is not full yet."""
        notes = {"sums": self.means.sums, "devices": devices.count(), **self.way_back.notes()}
        rows = [int(row["step"]) for row in self.history.rows]
        self.checkpoints.save(self.step, notes, self.history.best_step, rows)


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
        self.saved = self.shown = time.monotonic()
        self.steps: int = bar.total
        self.since: tuple[int, float] | None = None
        self.observed: Row = {}

    def follow(self, losses: Iterable[Mapping[str, float]]) -> None:
        """Takes note of steps, up to the last or a stop."""
        for values in losses:
            if self.add(values):
                return

    def add(self, losses: Mapping[str, float]) -> bool:
        """Takes note of a step; returns whether it shall be the last."""
        self.keeper.step += 1
        means = self.keeper.means
        means.add(self.keeper.step, losses)
        complete = (
            self.keeper.step % self.config.checkpoint_every == 0
            or self.keeper.step == self.bar.total
        )
        values = means.values()
        if complete:
            self._add_row(values)
        # Once: a signal that comes later is for the next step.
        stops, due = workers.agree(self.signals.asked, self._is_due())
        if complete or stops or due:
            self.keeper.save()
            self.saved = time.monotonic()
        self._show(values)
        return stops

    def _add_row(self, values: Row) -> None:
        self.observed = dict(self.watch.observe(self.keeper.step))
        for warning in self.keeper.history.add(self.keeper.step, {**values, **self.observed}):
            quiet.warn(f"Warning: {warning}")
        self.keeper.means.clear()

    def _is_due(self) -> bool:
        minutes = self.config.checkpoint_minutes
        return minutes is not None and time.monotonic() - self.saved >= 60 * minutes

    def _show(self, values: Row) -> None:
        now = time.monotonic()
        if now - self.shown >= _REFRESH or self.keeper.step == self.bar.total:
            self.bar.set_postfix_str(brief({**values, **self.observed}), refresh=False)
            self.shown = now
            self._leave_progress()
        self.bar.update()

    def _leave_progress(self) -> None:
        """Leaves for `status` how far it is."""
        step, steps = self.keeper.step, self.steps
        # From the first time on: what was before may have compiled the step.
        first, then = self.since = self.since or (step, self.shown)
        left = (self.shown - then) / (step - first) * (steps - step) if step > first else None
        facts = {"step": step, "steps": steps, "seconds_left": left and round(left, 1)}
        with contextlib.suppress(DataError, OSError):  # It is not worth a training.
            files.write_json(self.keeper.checkpoints.folder / PROGRESS, facts)


def brief(row: Mapping[str, float]) -> str:
    """A row of the history in one short line.

    Columns whose names differ by `x`, `y`, `xy` or `yx` only are averaged.
    """
    groups: dict[str, list[float]] = {}
    for name, value in row.items():
        words = [_SHORT.get(word, word) for word in name.split("_")]
        groups.setdefault(" ".join(filter(None, words)) or name, []).append(value)
    return ", ".join(f"{name} {sum(group) / len(group):.3g}" for name, group in groups.items())
