"""The newest states of a training, to go on from after any stop."""

from pathlib import Path

import tensorflow as tf

from i2i_keras import runs


class Checkpoints:
    """States of a model and all it holds: weights, optimizers, pools, step.

    TensorFlow writes a state under a temporary name and renames it; the
    newest two are kept.

    Args:
        model: its variables must all exist, those of its optimizers too.
        folder: of the training; states go to `folder/checkpoints`.
    """

    def __init__(self, model: tf.Module, folder: Path) -> None:
        self._manager = tf.train.CheckpointManager(
            tf.train.Checkpoint(model=model), str(folder / "checkpoints"), max_to_keep=2
        )

    def restore(self) -> int:
        """Restores the newest state; returns its step, or 0 without one."""
        newest = self._manager.latest_checkpoint
        if newest is None:
            return 0
        self._manager.checkpoint.restore(newest).assert_existing_objects_matched()
        return int(newest.rpartition("-")[2])

    def save(self, step: int) -> None:
        """Saves the state after `step` steps."""
        self._manager.save(checkpoint_number=step)


def save_weights(model: tf.Module, path: Path) -> None:
    """Writes `*.weights.h5`, atomically."""
    with runs.replacing(path) as draft:
        model.save_weights(draft)
