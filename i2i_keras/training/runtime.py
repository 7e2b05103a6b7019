"""How TensorFlow computes in this process: the same bits again, and threads."""

import os
from typing import Literal

import tensorflow as tf

Determinism = Literal["auto", "on", "off"]


def make_deterministic(choice: Determinism) -> None:
    """Makes this process compute the same bits each time, from now on.

    On a CPU the time of a step did not change measurably. On a GPU some
    operations become slower and a few are refused, so `auto` leaves it alone.

    Args:
        choice: `on`, `off`, or `auto`, which is `on` without a GPU.
    """
    if choice == "on" or (choice == "auto" and not tf.config.list_physical_devices("GPU")):
        tf.config.experimental.enable_op_determinism()


def share_threads(count: int | None) -> None:
    """Limits the threads of one operation, so that several run side by side.

    It has no effect once TensorFlow has computed anything.

    Args:
        count: of threads; None = as many as there are cores.
    """
    if count:
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(count)
