"""How much memory a training step takes, told before it is too late."""

import os
from pathlib import Path

import keras
import tensorflow as tf

from i2i_keras.data.pipeline import PipelineConfig
from i2i_keras.errors import how_many
from i2i_keras.models import recompute

_GIB = 2**30
_RUNTIME = 0.5 * _GIB  # TensorFlow itself, and its threads' scratch.
# Operations whose results the backward pass reads.
_HELD = {
    *("Conv2D", "Conv2DBackpropInput", "DepthwiseConv2dNative", "Relu", "Relu6", "MaxPool"),
    *("ConcatV2", "ResizeBilinear"),
}


def step_bytes(
    network: keras.Model, crop: tuple[int, int], batch_size: int, again: bool = False
) -> int:
    """About how many bytes one training step needs at its peak.

    What the backward pass reads is held: the outputs of convolutions,
    activations and poolings (not those of batch norms, whose ReLU is enough).
    Where it is computed again, that is held of the largest part alone, and of
    all others what comes out of them. Besides, three times the largest of them
    for the gradients on their way, two copies of the logits, and four of the
    weights (gradients and Adam's two moments).

    Args:
        network: a segmenter; its layers know their precision.
        crop: (height, width) of the images.
        batch_size: of the images that are computed at once.
        again: whether `recompute` is set.
    """

    def forward(images: tf.Tensor) -> tf.Tensor:
        return network(images, training=True)

    # Shapes and types only: nothing is computed.
    images = tf.TensorSpec((batch_size, *crop, 3))
    graph = tf.function(forward, autograph=False).get_concrete_function(images).graph
    held = {
        operation.name: tensor.shape.num_elements() * tensor.dtype.size
        for operation in graph.get_operations()
        if operation.type in _HELD
        for tensor in operation.outputs
    }
    total = _of_parts(network, held) if again else sum(held.values())
    logits = batch_size * crop[0] * crop[1] * network.output_shape[-1] * 4
    weights = sum(int(tf.size(variable)) * 4 for variable in network.variables)
    return int(total + 3 * max(held.values()) + 2 * logits + 4 * weights + _RUNTIME)


def _of_parts(network: keras.Model, held: dict[str, int]) -> int:
    """Of each part what it hands on, and of the largest all."""
    inside = []
    for part in recompute.split(network):
        names = {layer.name for layer in part.layers}
        inside.append([size for name, size in held.items() if names & {*name.split("/")}])
    return sum(sizes[-1] for sizes in inside if sizes) + max(map(sum, inside))


def free_bytes() -> int | None:
    """What this machine has left; None where that cannot be known: on GPUs."""
    if tf.config.list_physical_devices("GPU"):
        return None
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    meminfo = Path("/proc/meminfo")
    if meminfo.is_file():
        lines = dict(line.split(":") for line in meminfo.read_text("utf-8").splitlines())
        found.append(int(lines["MemAvailable"].split()[0]) * 1024)
    limit, used = (Path("/sys/fs/cgroup") / f"memory.{name}" for name in ("max", "current"))
    if limit.is_file() and limit.read_text("utf-8").strip().isdigit():  # Of a container.
        found.append(int(limit.read_text("utf-8")) - int(used.read_text("utf-8")))
    return min(found)


def advice(
    network: keras.Model,
    pipeline: PipelineConfig,
    accumulate: int,
    free: int | None,
    again: bool = False,
) -> str | None:
    """Which settings would do where a step does not fit into memory.

    Args:
        network: that is trained.
        pipeline: its batches.
        accumulate: parts that a batch is computed in.
        free: bytes that there are, if that is known.
        again: whether `recompute` is set.

    Returns:
        A sentence, or None where all is well.
    """
    crop, batch_size = pipeline.crop, pipeline.batch_size
    needed = step_bytes(network, crop, batch_size // accumulate, again)
    if free is None or needed <= free:
        return None
    start = (
        f"A step with {how_many(batch_size // accumulate, 'image')} at once will take about"
        f" {needed / _GIB:.1f} GiB, and {free / _GIB:.1f} are free"
    )
    if not again and step_bytes(network, crop, batch_size // accumulate, True) <= free:
        return f"{start}; set segmenter.recompute = true, for the same numbers in more time."
    for parts in range(accumulate + 1, batch_size + 1):
        if (
            batch_size % parts == 0
            and step_bytes(network, crop, batch_size // parts, again) <= free
        ):
            return (
                f"{start}; set segmenter.accumulate = {parts}, which computes the same batch in"
                f" parts, or segmenter.pipeline.batch_size = {batch_size // parts}."
            )
    return f"{start}; not even one image would fit. Lower segmenter.pipeline.crop or the network."
