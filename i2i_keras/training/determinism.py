"""Whether the same training gives the same bits each time."""

from typing import Literal

import tensorflow as tf

Determinism = Literal["auto", "on", "off"]


def apply(choice: Determinism) -> None:
    """Makes TensorFlow deterministic, for the rest of the process.

    On a CPU the time of a step did not change measurably. On a GPU some
    operations become slower and a few are refused, so `auto` leaves it alone.

    Args:
        choice: `on`, `off`, or `auto`, which is `on` without a GPU.
    """
    if choice == "on" or (choice == "auto" and not tf.config.list_physical_devices("GPU")):
        tf.config.experimental.enable_op_determinism()
