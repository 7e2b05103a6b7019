"""On which devices a training computes: one, several, or several machines'.

All of them see the images that one device would: each its share of every
batch. See `models.replicas` for what they do together in a step.
"""

import contextlib
import math
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import keras
import tensorflow as tf

from i2i_keras.data.pipeline import Share
from i2i_keras.errors import DataError, SettingsError, how_many
from i2i_keras.run_folder import workers
from i2i_keras.run_folder.workers import Team
from i2i_keras.training import meeting

Strategy = Literal["auto", "one", "mirrored", "multiworker"]
Step = Callable[[Any], dict[str, float]]

# What collective operations end with when one of the processes is gone.
_GONE = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)
_ONE = tf.distribute.get_strategy()
_current = _team_strategy = _ONE


@contextlib.contextmanager
def team(choice: Strategy) -> Iterator[None]:
    """Joins the other processes of TF_CONFIG, if there are any.

    Args:
        choice: of the settings; `one` and `mirrored` join nobody.

    Raises:
        SettingsError: `multiworker` without others, TF_CONFIG is wrong, or
            TensorFlow has computed something already.
        DataError: one of the others is gone.
    """
    global _team_strategy
    cluster = meeting.read_config()
    total = len(cluster.places)
    if total < 2:
        if choice == "multiworker":
            raise SettingsError(
                "strategy = 'multiworker' needs TF_CONFIG in the environment, which names two"
                " workers or more; set it, or use 'auto'."
            )
        yield
        return
    if choice not in ("auto", "multiworker"):
        yield
        return
    meeting.meet(cluster)
    try:
        _team_strategy = _connect()
        with workers.working(Team(cluster.number, total, _sums)):
            yield
    except _GONE as error:
        raise DataError(
            "Another worker of TF_CONFIG has ended, or cannot be reached; start the same command"
            " again on all of them: it goes on from the last checkpoint."
        ) from error
    finally:
        _team_strategy = _ONE


@contextlib.contextmanager
def using(choice: Strategy, batch_size: int) -> Iterator[None]:
    """Trainings inside compute on the devices of a strategy.

    Args:
        choice: of the settings.
        batch_size: of what is computed at once, which they share; `auto` takes
            no more devices than divide it.

    Raises:
        SettingsError: the batch cannot be shared.
    """
    global _current
    chosen = _strategy(choice, batch_size)
    if batch_size % chosen.num_replicas_in_sync:
        raise SettingsError(
            f"{how_many(batch_size, 'image')} at once (pipeline.batch_size by accumulate) cannot be"
            f" shared by {chosen.num_replicas_in_sync} devices; give a multiple of them, or set"
            " strategy = 'one'."
        )
    before, _current = _current, chosen
    try:
        yield
    finally:
        _current = before


def scope() -> contextlib.AbstractContextManager[Any]:
    """In which the networks and the optimizers of a training are made."""
    return contextlib.nullcontext() if _current is _ONE else _current.scope()


def count() -> int:
    """Devices of the training, on all machines."""
    number: int = _current.num_replicas_in_sync
    return number


def share(parts: int) -> Share:
    """What this process reads of each batch.

    Args:
        parts: of a batch that are computed one after the other.
    """
    own = count() // workers.total()
    first = own * (workers.number() if count() > own else 0)
    return Share(count(), tuple(range(first, first + own)), parts)


def distribute(batches: Callable[[], tf.data.Dataset]) -> Any:
    """Batches for `step_of`.

    Args:
        batches: makes those of `training_batches` with this `share`.
    """
    if _current is _ONE:
        return batches()
    return _current.distribute_datasets_from_function(lambda context: batches())


def step_of(model: keras.Model) -> Step:
    """The step of a compiled model, as a graph, on all devices.

    Args:
        model: whose `train_step` returns scalars, the same on all devices; XLA
            compiles it where `model.xla` is true.

    Returns:
        From a batch to these, by name, in their order.
    """
    strategy, names = _current, list[str]()
    # AutoGraph would rewrite every function on the way: two fifths of the time
    # that CUT took to be traced. No condition of ours is a tensor's.
    train_step = (
        tf.function(model.train_step, autograph=False, jit_compile=True)
        if getattr(model, "xla", False)
        else None
    )

    def own(batch: Any) -> tf.Tensor:
        found: Mapping[str, tf.Tensor] = (train_step or model.train_step)(batch)
        names[:] = getattr(model, "reported", found)
        return tf.stack([tf.cast(found[name], tf.float32) for name in names])

    @tf.function(autograph=False, reduce_retracing=True)
    def compute(batch: Any) -> tf.Tensor:
        if strategy is _ONE:
            return own(batch)
        return strategy.experimental_local_results(strategy.run(own, (batch,)))[0]

    return lambda batch: dict(zip(names, compute(batch).numpy().tolist(), strict=True))


def _connect() -> tf.distribute.Strategy:
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise SettingsError(f"strategy = 'multiworker' comes too late: {error}.") from error
    finally:
        # TensorFlow has taken it, and does nothing with it (2.15, 2.21).
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))


def _strategy(choice: Strategy, batch_size: int) -> tf.distribute.Strategy:
    if choice == "one":
        return _ONE
    if choice in ("auto", "multiworker") and _team_strategy is not _ONE:
        return _team_strategy
    devices = tf.config.list_logical_devices("GPU")
    if choice == "auto":
        devices = devices[: math.gcd(len(devices), batch_size)]
        return _ONE if len(devices) < 2 else _mirrored(devices)
    devices = devices or tf.config.list_logical_devices("CPU")
    return _mirrored(devices)


def _mirrored(devices: list[Any]) -> tf.distribute.Strategy:
    names = [device.name for device in devices]
    if devices[0].device_type == "GPU":
        return tf.distribute.MirroredStrategy(names)
    # Between CPUs its own way of adding waits for itself, or adds what does not
    # belong together, if a step has many sums (TensorFlow 2.15).
    return tf.distribute.MirroredStrategy(names, tf.distribute.ReductionToOneDevice())


def _sums(values: list[int]) -> list[int]:
    strategy = _team_strategy

    def own() -> tf.Tensor:
        context = tf.distribute.get_replica_context()
        return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.constant(values))

    found = strategy.experimental_local_results(strategy.run(tf.function(own)))
    return [int(value) for value in found[0].numpy()]
