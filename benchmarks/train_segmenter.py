"""One training step of the report's U-Net, in two precisions, and its memory.

    python benchmarks/train_segmenter.py

Ours beside Keras' own, that of `fit`, on the same network and torch's
(channels last, in the precision of ours): 31 million parameters, 256x256, batch
4, 34 classes, cross entropy without the ignored pixels and weight decay, Adam;
each in a process of its own, in turn. First, ours and torch's are given the
same weights and have to find the same loss. A step of our other network, that
of MobileNetV2 at its full width, is in the table too. bfloat16 is timed where
the processor says that it has it. For memory see `memory.py`.
"""

import contextlib
import functools
import importlib.util
import json
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from flops import step_graph, total
from side_by_side import (
    Run,
    asks_for_smoke,
    clock,
    has_bfloat16,
    in_process,
    in_turn,
    speedups,
    table,
)

from i2i_keras.data.labels import IGNORE
from i2i_keras.data.pipeline import PipelineConfig
from i2i_keras.models.mobile_unet import MobileUNetConfig
from i2i_keras.models.unet import UNetConfig, build_unet
from i2i_keras.segmenters.segmenter import SegmenterModel
from i2i_keras.segmenters.segmenter_config import SegmenterConfig
from i2i_keras.training import compilation

NUM_CLASSES, PARAMETERS = 34, 31_047_586


class Sizes(NamedTuple):
    """Of a batch and of both networks, and how many repeats there are."""

    side: int = 256
    batch: int = 4
    repeats: int = 5
    unet: UNetConfig = UNetConfig()
    mobile_unet: MobileUNetConfig = MobileUNetConfig(alpha=1.0, depth=5)


SMOKE = Sizes(32, 2, 1, UNetConfig(filters=4, depth=2), MobileUNetConfig(alpha=0.35, filters=4))
PRECISIONS = ("float32", "mixed_bfloat16")
TOLERANCE = 1e-3

Step = Callable[[np.ndarray, np.ndarray], float]  # From images and labels to the loss.


def main() -> None:
    """Prints tables for each precision and a line of JSON."""
    sizes = SMOKE if asks_for_smoke(__doc__) else Sizes()
    torch = importlib.util.find_spec("torch") is not None
    precisions = PRECISIONS if has_bfloat16() else PRECISIONS[:1]
    peers = [our_step, keras_step, *([torch_step] if torch else [])]
    if torch:
        with in_process(difference_run, settings(sizes._replace(batch=1), "float32")) as difference:
            print(f"losses differ by {difference():.1e}")
    ratios = {}
    for precision in precisions:
        config = settings(sizes, precision)
        with contextlib.ExitStack() as stack:
            runs = {
                name_of(make): stack.enter_context(in_process(timed_run, make, config))
                for make in (*peers, mobile_unet_step)
            }
            found = in_turn(runs, sizes.repeats, warm_up=2)  # The first traces.
        name = f"{sizes.side}x{sizes.side} batch {sizes.batch} {precision}"
        suffix = name.replace(" ", "_")
        other = {"mobile_unet": found.pop("mobile_unet")}  # No peer: another network.
        print(f"{name}\n{table(found, 'GF', step_gigaflops(config))}\n{table(other)}")
        ratios |= {f"{key}_{suffix}": ratio for key, ratio in speedups(found).items()}
    if not torch:
        print("left out, not installed: torch")
    print(json.dumps(ratios))


def settings(sizes: Sizes, precision: str) -> SegmenterConfig:
    """The report's, but for precision and batch size."""
    pipeline = PipelineConfig(batch_size=sizes.batch, crop=(sizes.side, sizes.side))
    return SegmenterConfig(
        pipeline=pipeline,
        precision=precision,
        xla="off",
        unet=sizes.unet,
        mobile_unet=sizes.mobile_unet,
    )


def batch_of(config: SegmenterConfig) -> tuple[np.ndarray, np.ndarray]:
    """Images, and labels a few of which are ignored."""
    rng = np.random.default_rng(0)
    shape = (config.pipeline.batch_size, *config.pipeline.crop)
    labels = rng.integers(0, NUM_CLASSES + 1, shape, np.int32)
    images = rng.uniform(-1, 1, (*shape, 3)).astype(np.float32)
    return images, np.where(labels == NUM_CLASSES, IGNORE, labels)


# --- A step of each ---------------------------------------------------------


def our_model(config: SegmenterConfig) -> SegmenterModel:
    """What `segmenter_training.fit` trains."""
    model = SegmenterModel(config, NUM_CLASSES)
    model.compile(steps=1000)
    parameters = sum(weight.shape.num_elements() for weight in model.trainable_weights)
    check_size(config, parameters)
    return model


def our_step(config: SegmenterConfig) -> Step:
    """The step of `segmenter_training.fit`."""
    return as_graph(our_model(config))


def mobile_unet_step(config: SegmenterConfig) -> Step:
    """The step of our other network."""
    other = config.model_copy(update={"network": "mobile_unet"})
    model = SegmenterModel(other, NUM_CLASSES)
    model.compile(steps=1000)
    return as_graph(model)


def as_graph(model: SegmenterModel) -> Step:
    """As `devices.step_of` makes it."""
    step = tf.function(model.train_step, autograph=False)
    return lambda *batch: float(step(tuple(map(tf.constant, batch)))["loss"])


def keras_step(config: SegmenterConfig) -> Step:
    """The network in Keras' own training, with one iterator as in `fit`.

    `train_on_batch` makes one for each call, whose end may take ten seconds;
    see findings/tfdata_iterator_ends_late.sh.
    """
    with compilation.policy(config.precision):
        model = build_unet(config.unet, NUM_CLASSES)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=IGNORE)
    optimizer = keras.optimizers.Adam(config.learning_rate)
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=False)
    model.make_train_function()
    batches = iter(tf.data.Dataset.from_tensors(batch_of(config)).repeat())
    return lambda *batch: float(model.train_function(batches)["loss"])


def torch_step(config: SegmenterConfig) -> Step:
    """The same in torch."""
    import torch_unet

    model = torch_unet.torch_unet(config.unet, NUM_CLASSES)
    check_size(config, sum(parameter.numel() for parameter in model.parameters()))
    return torch_unet.torch_step(model, config.unet, config.learning_rate, config.precision)


def check_size(config: SegmenterConfig, parameters: int) -> None:
    """Fails if it is another network than the report's."""
    if config.unet == UNetConfig() and parameters != PARAMETERS:
        raise RuntimeError(f"{parameters:,} parameters instead of {PARAMETERS:,}")


def name_of(make: Callable[[SegmenterConfig], Step]) -> str:
    """What tables call a step."""
    return make.__name__.removesuffix("_step").replace("our", "ours")


# --- What is asked of each, in a process of its own --------------------------


def timed_run(make: Callable[[SegmenterConfig], Step], config: SegmenterConfig) -> Run:
    """Seconds of a step."""
    return functools.partial(clock, make(config), *batch_of(config))


def difference_run(config: SegmenterConfig) -> Run:
    """Between the losses of ours and of torch, with the same weights."""
    import torch_unet

    model, batch = our_model(config), batch_of(config)
    ours = as_graph(model)
    theirs = torch_unet.torch_unet(config.unet, NUM_CLASSES, model.network)
    step = torch_unet.torch_step(theirs, config.unet, config.learning_rate, config.precision)

    def run() -> float:
        loss = ours(*batch)
        difference = abs(loss - step(*batch))
        if not difference < TOLERANCE:
            raise RuntimeError(f"torch's loss is {difference:.2g} off")
        return difference

    return run


def step_gigaflops(config: SegmenterConfig) -> float:
    """What a step computes, in 10^9 operations; see `flops.total`."""
    shape = (config.pipeline.batch_size, *config.pipeline.crop)
    batch = tf.TensorSpec((*shape, 3)), tf.TensorSpec(shape, tf.int32)
    return total(step_graph(our_model(config), *batch)) / 1e9


if __name__ == "__main__":
    main()
