"""One CycleGAN training step, at three sizes and in two precisions.

    python benchmarks/train_step.py

Ours with half of the cores for an operation, as the demo has it, beside the
textbook's (the instance norm of tensorflow-addons, or of Keras where that is
not to be had, each pass by itself, all cores, float32) and torch's (channels
last, in the precision of ours): the same networks, losses, pools and
optimizers, each in a process of its own, in turn. bfloat16 is timed where the
processor says that it has it. The last column counts the convolutions' own
work.
"""

import contextlib
import functools
import importlib.util
import json
import os
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from flops import step_graph, total
from side_by_side import (
    Run,
    Times,
    asks_for_smoke,
    clock,
    has_bfloat16,
    in_process,
    in_turn,
    instance_norm,
    speedups,
    table,
)

from i2i_keras.models import norms
from i2i_keras.models.discriminator import build_discriminator
from i2i_keras.models.resnet import build_resnet
from i2i_keras.translators.cyclegan import CycleGAN, CycleGANConfig
from i2i_keras.translators.losses import l1, lsgan_discriminator, lsgan_generator
from i2i_keras.translators.pool import ImagePool

# Side, filters, batch size and repeats; 6 blocks.
SIZES = ((64, 32, 1, 15), (64, 32, 4, 9), (128, 64, 1, 5))
SMOKE = ((32, 4, 1, 1),)
PRECISIONS = ("float32", "mixed_bfloat16")


def main() -> None:
    """Prints a table for each size and precision and a line of JSON."""
    ratios = {}
    torch = importlib.util.find_spec("torch") is not None
    for side, filters, batch, repeats in SMOKE if asks_for_smoke(__doc__) else SIZES:
        for precision in PRECISIONS if has_bfloat16() else PRECISIONS[:1]:
            config = CycleGANConfig(
                generator={"filters": filters, "num_residual_blocks": 6},
                discriminator={"filters": filters},
                pipeline={"batch_size": batch, "crop": (side, side)},
                precision=precision,
                xla="off",
            )
            found = side_by_side(config, repeats, torch)
            name = f"{side}x{side} batch {batch} {precision}"
            print(f"{name}\n{table(found, 'GF', step_gigaflops(config))}")
            suffix = name.replace(" ", "_")
            ratios |= {f"{key}_{suffix}": ratio for key, ratio in speedups(found).items()}
    if not torch:
        print("left out, not installed: torch")
    print(json.dumps(ratios))


def side_by_side(config: CycleGANConfig, repeats: int, torch: bool) -> dict[str, Times]:
    """Seconds of a step of each."""
    half = max(1, (os.cpu_count() or 2) // 2)
    with contextlib.ExitStack() as stack:
        runs = {
            "ours": stack.enter_context(in_process(our_run, config, threads=half)),
            "textbook": stack.enter_context(in_process(textbook_run, config)),
        }
        if torch:
            runs["torch"] = stack.enter_context(in_process(torch_run, config))
        return in_turn(runs, repeats, warm_up=3)  # The first traces.


def images(config: CycleGANConfig) -> list[np.ndarray]:
    """A batch of each domain."""
    shape = (config.pipeline.batch_size, *config.pipeline.crop, 3)
    rng = np.random.default_rng(0)
    return [rng.uniform(-1, 1, shape).astype(np.float32) for _ in range(2)]


def our_run(config: CycleGANConfig) -> Run:
    """A training step of ours."""
    model = CycleGAN(config)
    model.compile(steps=1000)
    step, batch = (
        tf.function(model.train_step, autograph=False),
        tuple(map(tf.constant, images(config))),
    )
    return functools.partial(clock, lambda: float(step(batch)["cycle_loss"]))


def torch_run(config: CycleGANConfig) -> Run:
    """A training step in torch."""
    from torch_cyclegan import torch_step

    return functools.partial(clock, torch_step(config), *images(config))


def textbook_run(config: CycleGANConfig) -> Run:
    """A training step as one writes it first, in float32."""
    norms.InstanceNormalization = instance_norm
    xy, yx = (build_resnet(config.generator, name) for name in ("xy", "yx"))
    d_x, d_y = (build_discriminator(config.discriminator, name) for name in ("d_x", "d_y"))
    pools = [ImagePool(config.pool_size, config.pipeline.crop, name) for name in "xy"]
    generators, discriminators = (keras.optimizers.Adam(2e-4, config.beta_1) for _ in range(2))
    x, y = map(tf.constant, images(config))

    def update(optimizer: keras.optimizers.Optimizer, tape: tf.GradientTape, *of: Any) -> None:
        loss, *networks = of
        variables = [v for network in networks for v in network.trainable_variables]
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    @tf.function(autograph=False)
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            fake_y, fake_x = xy(x, training=True), yx(y, training=True)
            cycle = l1(x, yx(fake_y, training=True)) + l1(y, xy(fake_x, training=True))
            identity = l1(y, xy(y, training=True)) + l1(x, yx(x, training=True))
            loss = config.lambda_cycle * cycle + config.lambda_identity * identity
            loss += lsgan_generator(d_y(fake_y, training=True))
            loss += lsgan_generator(d_x(fake_x, training=True))
        update(generators, tape, loss, xy, yx)
        with tf.GradientTape() as tape:
            loss = 0.0
            for pool, network, real, fake in zip(
                pools, (d_x, d_y), (x, y), (fake_x, fake_y), strict=True
            ):
                seen = pool.exchange(
                    fake, tf.stack([0, tf.convert_to_tensor(generators.iterations)])
                )
                logits = network(real, training=True), network(seen, training=True)
                loss += 0.5 * lsgan_discriminator(*logits)
        update(discriminators, tape, loss, d_x, d_y)
        return cycle

    return functools.partial(clock, lambda: float(step()))


def step_gigaflops(config: CycleGANConfig) -> float:
    """What a step computes, in 10^9 operations; see `flops.total`."""
    model = CycleGAN(config)
    model.compile(steps=1000)
    spec = tf.TensorSpec((config.pipeline.batch_size, *config.pipeline.crop, 3))
    return total(step_graph(model, spec, spec)) / 1e9


if __name__ == "__main__":
    main()
