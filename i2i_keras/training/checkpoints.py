"""Checkpoints of a training, to go on from after any stop."""

import contextlib
import hashlib
import itertools
import json
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import pydantic
import tensorflow as tf

from i2i_keras import quiet, stack
from i2i_keras.config import Config
from i2i_keras.errors import DataError, DivergedError, SettingsError, how_many
from i2i_keras.run_folder import files, writing
from i2i_keras.run_folder.checksums import NAME as CHECKSUMS
from i2i_keras.run_folder.files import Facts
from i2i_keras.run_folder.places import BEGUN, DONE
from i2i_keras.training import finite

# Of a stage itself, not of what it has made.
_OF_STAGES = (DONE, BEGUN, CHECKSUMS)
# As earlier versions left them, `.draft-STEP`; today's names are hexadecimal.
_OLD_DRAFT = re.compile(r"\.draft-\d+([._].*)?$")
_NOTES = "notes/.ATTRIBUTES/VARIABLE_VALUE"
# The index last: without it there is no checkpoint.
_ENDINGS = (".data-00000-of-00001", ".index")


class CheckpointConfig(Config):
    """When checkpoints are saved, and which are kept and gone back to.

    Attributes:
        checkpoint_every: steps between two checkpoints, each with a row of the
            history.
        checkpoint_minutes: also after so many minutes without one; unset =
            never. For machines that may be taken away.
        keep_checkpoints: how many of the newest ones with a row are kept; the
            best one is kept besides, and that of a stop, or after so many
            minutes, until the next one.
        on_nan: what is done where a loss or a weight is no number any more:
            `stop`, or `rollback`: go on from the newest checkpoint, or the
            beginning, at half the learning rate, up to five times.
    """

    checkpoint_every: pydantic.PositiveInt = 1000
    checkpoint_minutes: pydantic.PositiveFloat | None = None
    keep_checkpoints: pydantic.PositiveInt = 2
    on_nan: Literal["stop", "rollback"] = "stop"


# Settings that change no number; what was trained without them stays valid.
NO_FACTS = frozenset({"on_nan", "recompute"})


class Restored(NamedTuple):
    """Where a training goes on.

    Attributes:
        step: steps done; 0 = none, there was no checkpoint.
        notes: what was saved beside the variables.
        unreadable: steps of later checkpoints that are broken.
    """

    step: int
    notes: Facts
    unreadable: list[int]


class Checkpoints:
    """Checkpoints of a model and all it holds: weights, optimizers, pools.

    A checkpoint is two files of tensors with checksums, `ckpt-STEP.*`. It is
    there once its index is, which is the last to be renamed into place.

    Args:
        model: its variables must all exist, those of its optimizers too.
        folder: of the training; they go to `folder/checkpoints`.
        keep: how many of the newest ones are kept.
        made_with: `fingerprint` of the training's settings; empty = any.
    """

    def __init__(self, model: tf.Module, folder: Path, keep: int = 2, made_with: str = "") -> None:
        self.folder = folder
        self._folder = folder / "checkpoints"
        self._keep, self._made_with, self._model = keep, made_with, model
        # In the checkpoint itself, so that both are always of the same step.
        self._notes = tf.Variable("{}", dtype=tf.string, trainable=False)
        self._checkpoint = tf.train.Checkpoint(model=model, notes=self._notes)

    def steps(self) -> list[int]:
        """Steps of all checkpoints, in order."""
        return list_checkpoints(self._folder.parent)

    def restore(self) -> Restored:
        """Restores the newest checkpoint that is whole and removes later ones.

        Raises:
            DataError: none is whole, or it is of another network or another
                Keras, or was made with other settings.
        """
        for path in self._folder.glob(".draft-*"):
            if _OLD_DRAFT.match(path.name):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        writing.sweep(self._folder)  # Of a save that was killed.
        unreadable: list[int] = []
        for step in reversed(self.steps()):
            if not _is_whole(self._prefix(step)):
                unreadable.append(step)
                continue
            _refuse_other_keras(self._prefix(step))
            try:
                # Partial: a saved metric may be one that is not made yet.
                status = self._checkpoint.read(self._prefix(step)).expect_partial()
                status.assert_existing_objects_matched()
            except (AssertionError, ValueError) as error:
                raise DataError(
                    f"{self._prefix(step)} is a checkpoint of another network; use its settings,"
                    " or delete the stage's folder to begin anew."
                ) from error
            notes = json.loads(self._notes.numpy())
            notes.pop("keras", None)
            self._refuse_others(notes)
            for late in unreadable:
                self.remove(late)
            return Restored(step, notes, unreadable)
        if unreadable:
            raise DataError(
                f"No checkpoint in {self._folder} can be read;"
                " delete the stage's folder to begin anew."
            )
        return Restored(0, {}, [])

    @contextlib.contextmanager
    def beginning(self) -> Iterator[Callable[[], None]]:
        """Keeps all variables as they are now; yields what restores them."""
        with writing.draft_folder(self._folder) as folder:
            prefix = self._write(folder, Path(self._prefix(0)))
            yield lambda: self._checkpoint.read(prefix).assert_consumed()

    def save(
        self,
        step: int,
        notes: Facts,
        best: int | None = None,
        rows: Collection[int] | None = None,
    ) -> None:
        """Saves the checkpoint of a step and removes old ones.

        Args:
            step: its number.
            notes: JSON that is saved with it.
            best: step of the one that is kept however old it is.
            rows: steps of those that a training without a stop has, too; others
                go, so that both leave the same in the end. None = any.

        Raises:
            DivergedError: a weight is no number any more.
            DataError: it cannot be written.
        """
        notes = {**notes, "keras": stack.KERAS}
        if self._made_with:
            notes["made_with"] = self._made_with
        self._notes.assign(json.dumps(notes))
        if name := finite.not_finite(self._model.trainable_variables):
            raise DivergedError(
                f"{name} of {self.folder.name} is no number any more after step {step}; its last"
                f" checkpoint is of step {max(self.steps(), default=0)}. Lower its learning_rate,"
                " delete the stage's folder and run it again."
            )
        with writing.draft_folder(self._folder) as folder:
            draft = self._write(folder, Path(self._prefix(step)))
            self.remove(step)
            for ending in _ENDINGS:
                writing.move(Path(draft + ending), Path(self._prefix(step) + ending))
        steps = self.steps()
        lasting = [old for old in steps if rows is None or old in rows]
        for old in {*steps} - {*lasting[-self._keep :], step, best}:
            self.remove(old)

    def _write(self, folder: Path, named: Path) -> str:
        try:
            written: str = self._checkpoint.write(str(folder / "ckpt"))
        except tf.errors.OpError as error:
            raise writing.not_written(named, error) from None
        return written

    def _refuse_others(self, notes: Facts) -> None:
        """Refuses one of other settings; old ones do not say theirs."""
        made_with = notes.get("made_with", "")
        if made_with and self._made_with and made_with != self._made_with:
            raise DataError(
                f"{self._folder} was made with other settings or another seed; go on with those,"
                " or delete the stage's folder to begin anew."
            )

    def _prefix(self, step: int) -> str:
        return str(self._folder / f"ckpt-{step}")

    def remove(self, step: int) -> None:
        """Removes the checkpoint of a step, if there is one."""
        for ending in reversed(_ENDINGS):
            Path(self._prefix(step) + ending).unlink(missing_ok=True)


def fingerprint(facts: Facts) -> str:
    """Of the settings of a training, but for those that change no step."""
    free = ("checkpoint_minutes", "keep_checkpoints")
    return files.fingerprint({name: fact for name, fact in facts.items() if name not in free})


def list_checkpoints(folder: Path) -> list[int]:
    """Steps of the checkpoints that a training has kept, in order."""
    return sorted(
        int(path.stem.partition("-")[2]) for path in (folder / "checkpoints").glob("ckpt-*.index")
    )


def list_readable(folder: Path) -> list[int]:
    """Those of `list_checkpoints` that this Keras can read."""
    prefix = folder / "checkpoints"
    steps = list_checkpoints(folder)
    return [step for step in steps if _keras_of(str(prefix / f"ckpt-{step}")) == stack.KERAS]


def newest(folder: Path) -> int:
    """The step that a training goes on from; 0 = it begins.

    Raises:
        DataError: the other Keras has begun it.
    """
    step = max(list_checkpoints(folder), default=0)
    if step:
        _refuse_other_keras(str(folder / "checkpoints" / f"ckpt-{step}"))
    return step


def tell_unreadable(folder: Path) -> None:
    """Says so where checkpoints are of the other Keras and left out."""
    others = len(list_checkpoints(folder)) - len(list_readable(folder))
    if others:
        told = f"Note: {how_many(others, 'checkpoint')} of {folder.name} left out, of another Keras"
        quiet.note(f"{told} than this one, {stack.KERAS}.")


def require_checkpoint(folder: Path, step: int) -> None:
    """Refuses a step of which a training has kept no checkpoint.

    Raises:
        SettingsError: it has not.
    """
    steps = list_checkpoints(folder)
    if step not in steps:
        there = f"those of {', '.join(map(str, steps))}" if steps else "none at all"
        raise SettingsError(f"{folder} keeps no checkpoint of step {step}; it keeps {there}.")


def hashes(folder: Path, step: int | None = None) -> list[str]:
    """Of the files that decide what a trained network does.

    Args:
        folder: of the training.
        step: of a checkpoint; None = what it saved in the end.
    """
    patterns = ["*.weights.h5", "*.npz", "*.json"]
    if step is not None:
        patterns = ["config.json", f"checkpoints/ckpt-{step}.*"]
    files = itertools.chain.from_iterable(folder.glob(pattern) for pattern in patterns)
    kept = [path for path in sorted(files) if path.name not in _OF_STAGES]
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in kept]


def load_network(folder: Path, step: int, name: str, network: tf.Module) -> None:
    """Gives a network the weights that it had in a checkpoint.

    Args:
        folder: of the training.
        step: of the checkpoint.
        name: of the attribute of the trained model that the network was.
        network: built as it was.

    Raises:
        DataError: the checkpoint is broken, or of another network or Keras.
    """
    prefix = str(folder / "checkpoints" / f"ckpt-{step}")
    _refuse_other_keras(prefix)
    checkpoint = tf.train.Checkpoint(model=tf.train.Checkpoint(**{name: network}))
    try:
        if not _are_files(prefix):
            raise LookupError(prefix)
        # Partial: optimizers and the other networks are left where they are.
        checkpoint.read(prefix).expect_partial().assert_existing_objects_matched()
    except (AssertionError, LookupError, ValueError, tf.errors.OpError) as error:
        raise DataError(
            f"{prefix} cannot be read as a checkpoint of {name}; delete its files to do without it."
        ) from error
    if variable := finite.not_finite(network.variables):
        raise DataError(
            f"{prefix} holds what is no number ({variable}); delete its files to do without it."
        )


def _refuse_other_keras(prefix: str) -> None:
    """Refuses a checkpoint of the other stack, which names variables otherwise.

    A broken one is left to what reads it.
    """
    made_with = _keras_of(prefix)
    if made_with != stack.KERAS:
        raise DataError(
            f"{prefix} is a checkpoint of Keras {made_with}, and this is Keras {stack.KERAS}; use"
            f" an environment with Keras {made_with}, or delete its stage's folder to begin anew."
            " Finished trainings serve both."
        )


def _keras_of(prefix: str) -> int:
    """The Keras that wrote a checkpoint; of a broken one this one."""
    if not _are_files(prefix):
        return stack.KERAS
    try:
        notes = tf.train.load_checkpoint(prefix).get_tensor(_NOTES)
    except (tf.errors.OpError, LookupError, RuntimeError, ValueError):
        return stack.KERAS
    made_with: int = json.loads(notes).get("keras", 2)  # Earlier versions knew no other.
    return made_with


def _are_files(prefix: str) -> bool:
    """Whether both are regular files; a pipe would be waited for."""
    return all(Path(prefix + ending).is_file() for ending in _ENDINGS)


def _is_whole(prefix: str) -> bool:
    """Whether every tensor is there and has its checksum."""
    if not _are_files(prefix):
        return False
    try:
        reader = tf.train.load_checkpoint(prefix)
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except (tf.errors.OpError, LookupError, RuntimeError, ValueError):  # Depends on the place.
        return False
    return True
