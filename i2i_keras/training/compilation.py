"""Precision, XLA, and small or large batches: how a step is computed."""

import contextlib
import functools
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import keras
import tensorflow as tf

from i2i_keras import stack
from i2i_keras.models import replicas
from i2i_keras.models.norms import two_passes

Step = Callable[[keras.Model, Any], Any]
Xla = Literal["auto", "on", "off"]
Precision = Literal["float32", "mixed_bfloat16", "mixed_float16", "auto"]

# By their maker, what processors say that have bfloat16 at its full speed. The
# flag alone says too little: on an Intel with avx512_bf16 and without tiles
# (AMX) a step took 1.6 times as long as in float32.
_CPUINFO = Path("/proc/cpuinfo")
_FAST = {"AuthenticAMD": "avx512_bf16", "GenuineIntel": "amx_bf16"}
_AMPERE = (8, 0)  # The first GPUs that compute in it.


def uses_xla(choice: Xla) -> bool:
    """Whether a step is compiled; `auto` = on a GPU.

    On two cores the compilation alone takes one to three minutes.
    """
    gpu = bool(tf.config.list_physical_devices("GPU"))
    return {"auto": gpu, "on": True, "off": False}[choice]


def with_norms_of_two_passes(step: Step) -> Step:
    """A model's step, whose norms are right where XLA compiles it."""

    @functools.wraps(step)
    def train_step(model: keras.Model, batch: Any) -> Any:
        with two_passes(model.xla):
            return step(model, batch)

    return train_step


def precision_of(choice: Precision) -> Precision:
    """What is computed in; `auto` = bfloat16 where that is fast, else float32.

    That is on GPUs since Ampere, if all are, and without a GPU on AMD's
    processors since Zen 4 and on Intel's with AMX. Nothing is measured.
    """
    if choice != "auto":
        return choice
    gpus = tf.config.list_physical_devices("GPU")
    return "mixed_bfloat16" if (all(map(_is_ampere, gpus)) if gpus else _is_fast()) else "float32"


def _is_ampere(gpu: Any) -> bool:
    details = tf.config.experimental.get_device_details(gpu)
    return bool(details.get("compute_capability", (0, 0)) >= _AMPERE)


def _is_fast() -> bool:
    """Whether the processor computes in bfloat16 faster; Linux says so."""
    text = _CPUINFO.read_text("utf-8") if _CPUINFO.is_file() else ""
    facts = dict(re.findall(r"^(\w+)\s*: (.*)$", text, re.MULTILINE))
    flag = _FAST.get(facts.get("vendor_id", ""))
    return flag is not None and flag in facts.get("flags", "").split()


@contextlib.contextmanager
def policy(precision: Precision) -> Iterator[None]:
    """Networks built inside compute in a precision, and no others."""
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(precision_of(precision))
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(before)


def scaling(
    optimizer: keras.optimizers.Optimizer, precision: Precision
) -> keras.optimizers.Optimizer:
    """The optimizer, for float16 with a loss scale that finds its own size.

    Reference:
        Micikevicius et al., 2018, https://arxiv.org/abs/1710.03740, section
        3.2: small gradients would be zero in float16.
    """
    if precision_of(precision) == "mixed_float16":
        return stack.with_loss_scale(optimizer)
    return optimizer


def gradients(
    tape: tf.GradientTape,
    loss: tf.Tensor,
    variables: Sequence[tf.Variable],
    optimizer: keras.optimizers.Optimizer,
) -> list[tf.Tensor]:
    """Gradients of a loss, by way of the optimizer's loss scale, if any."""
    scale = stack.loss_scale(optimizer)
    if scale is None:
        return tape.gradient(loss, variables)
    scaled = tape.gradient(loss, variables, output_gradients=scale)
    return stack.unscaled(optimizer, scaled)


def apply(
    optimizer: keras.optimizers.Optimizer,
    gradients: Sequence[tf.Tensor],
    variables: Sequence[tf.Variable],
    clip_norm: float | None = None,
) -> tf.Tensor:
    """Updates variables by gradients, the same on all devices.

    Args:
        optimizer: of `stack.build`.
        gradients: of the loss of the whole batch, not scaled.
        variables: of the gradients, in order.
        clip_norm: greatest length of all gradients together; None = any.

    Returns:
        Their length before.
    """
    length = tf.linalg.global_norm(gradients)
    if clip_norm is not None:
        gradients, _ = tf.clip_by_global_norm(gradients, clip_norm, length)
    stack.apply_gradients(optimizer, gradients, variables)
    return length


def passes(
    network: Callable[[tf.Tensor], tf.Tensor], batches: Sequence[tf.Tensor], apart: bool
) -> list[tf.Tensor]:
    """Calls a network on several batches at once.

    Half as many operations, twice as large, take less time for small images.

    Args:
        network: from a batch to a tensor.
        batches: tensors of one shape.
        apart: one after the other all the same, as batch norm needs it.
    """
    if apart or len(batches) == 1:
        return [network(batch) for batch in batches]
    with replicas.joined(len(batches)):
        return tf.split(network(tf.concat(batches, 0)), len(batches))


def in_parts(
    function: Callable[..., tuple[Any, Any]], parts: int, *batches: tf.Tensor
) -> tuple[Any, Any]:
    """Calls a function on equal parts of batches, one after the other.

    Args:
        function: from the number of a part and that part of each batch to two
            structures of tensors: means over the part, and batches again.
        parts: number of parts; only one of them is in memory at a time.
        batches: tensors of equal first dimension, a multiple of `parts`.

    Returns:
        The means over whole batches, and the parts of batches put together.
    """
    if parts == 1:
        return function(0, *batches)
    total: Any = None
    rows: list[Any] = []
    for number, pieces in enumerate(zip(*(tf.split(b, parts) for b in batches), strict=True)):
        # Nothing else would keep a graph from computing all parts at once.
        with tf.control_dependencies(tf.nest.flatten(total) if rows else []):
            inputs = [tf.identity(piece) for piece in pieces]
        means, row = function(number, *inputs)
        total = tf.nest.map_structure(tf.add, total, means) if rows else means
        rows.append(row)
    return (
        tf.nest.map_structure(lambda value: value / parts, total),
        tf.nest.map_structure(lambda *values: tf.concat(values, axis=0), *rows),
    )
