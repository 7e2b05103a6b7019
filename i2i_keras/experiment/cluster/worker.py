"""What a worker of a cluster does: one task of a plan, or a shard of it.

Nothing heavy is imported before the task is at work.
"""

import contextlib
import io
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from i2i_keras.config import Table
from i2i_keras.errors import DataError
from i2i_keras.run_folder.locks import Shard
from i2i_keras.run_folder.run import Done
from i2i_keras.silence import silence_tensorflow
from i2i_keras.training.signals import Stopped

# What progress bars say there.
ENVIRONMENT = {"TQDM_BAR_FORMAT": "{n_fmt} of {total_fmt} {unit}s, {remaining} left"}


class Order(NamedTuple):
    """A task, told in such words that any machine understands them.

    Attributes:
        name: as it is told; no other task of the run has it.
        kind: see `Task`.
        of: see `Task`.
        settings: see `Task`.
        root: the run directory.
        twin: of `Run`, its directory; None = there is none.
        folder: from which relative paths in the settings are seen.
        stack: which TensorFlow and Keras compute the others.
        shard: of a translation.
    """

    name: str
    kind: str
    of: str
    settings: Table
    root: str
    twin: str | None
    folder: str
    stack: str
    shard: Shard = Shard()


def do(order: Order, board: Any, *after: Done | None) -> Done | None:
    """Does a task, by the same code as `run` does in one process.

    Args:
        order: which one.
        board: that is told of its progress.
        after: what it waited for.

    Returns:
        How it ended; None of a shard, while others are not done.

    Raises:
        SettingsError: see the stages.
        DataError: likewise, or this machine is not like the others.
    """
    board.begin.remote(order.name, socket.gethostname())
    try:
        with _told(board, order.name):
            return _do(order)
    except Stopped:
        # It has saved. If the machine has asked for that, and not the run, Ray
        # sees a lost worker and lets another one go on.
        os._exit(1)
    finally:
        board.end.remote(order.name)


def _do(order: Order) -> Done | None:
    try:
        os.chdir(order.folder)
    except OSError as error:
        raise _unlike(f"has no folder {order.folder}", "where all have the same folders") from error
    silence_tensorflow()
    import tensorflow as tf

    from i2i_keras import config, stack
    from i2i_keras.experiment import translating
    from i2i_keras.experiment.plan.tasks import Task
    from i2i_keras.experiment.settings import Settings
    from i2i_keras.run_folder.run import Run

    if order.stack != stack.NAME:
        raise _unlike(f"has {stack.NAME}", f"with {order.stack}")
    twin = Run(Path(order.twin)) if order.twin else None
    settings, run = config.build(Settings, order.settings), Run(Path(order.root), twin)
    if order.shard.total == 1:
        # AutoGraph leaves what it writes in the temporary folder to the end of
        # a process, and Ray ends a worker without that. Nothing here needs it.
        do = tf.autograph.experimental.do_not_convert(Task.do)
        done: Done = do(Task(order.kind, order.of, settings, run))
        return done
    direction = "yx" if order.kind == "translate-back" else "xy"
    trained = translating.TrainedTranslator(run, order.of, direction)
    return translating.translate_shard(trained, order.shard)


def _unlike(what: str, wanted: str) -> DataError:
    here = socket.gethostname()
    return DataError(f"The machine {here} {what}; make the cluster of machines {wanted}.")


@contextlib.contextmanager
def _told(board: Any, name: str) -> Iterator[None]:
    """Hands on to the board what is written to the terminal."""
    with (
        contextlib.redirect_stdout(_Voice(board, name)),
        contextlib.redirect_stderr(_Voice(board, name)),
    ):
        yield


class _Voice(io.TextIOBase):
    """A stream: progress bars, which begin with a return, and lines.

    Args:
        board: gets the newest state of a bar, and each line.
        name: of the task that speaks.
    """

    def __init__(self, board: Any, name: str) -> None:
        self._board, self._name = board, name
        self._line, self._is_bar = "", False

    def write(self, text: str) -> int:
        for piece in re.findall(r"[\r\n]|[^\r\n]+", text):
            if piece in "\r\n":
                line = self._line.strip()
                if line and not self._is_bar:
                    self._board.tell.remote(self._name, line)
                self._line, self._is_bar = "", piece == "\r"
            else:
                self._line += piece
                if self._is_bar and piece.strip():
                    self._board.say.remote(self._name, self._line.strip())
        return len(text)
