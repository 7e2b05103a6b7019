"""What a network's forward pass takes, and how many a training step has."""

import time
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from i2i_keras.translation.adversarial_config import AdversarialConfig
from i2i_keras.translation.cut_config import CUTConfig
from i2i_keras.translation.cyclegan_config import CycleGANConfig

# A pass that is trained through: forward, and back to inputs and to weights.
TRAINED = 3.0
_THROUGH = 2.0  # Forward, and back to inputs alone.
_PENALTY = 6.0  # A pass whose gradient is trained through in turn.
_ENCODER = 0.5  # The share of a generator that is CUT's encoder.
_BUDGET = 1.0  # Seconds for repeats of one measurement.


class Passes(NamedTuple):
    """Forward passes of a batch that a training step takes the time of.

    Attributes:
        generator: through generators.
        discriminator: through discriminators.
        ways: how many generators there are, which do not wait for each other.
    """

    generator: float
    discriminator: float
    ways: int


class Pass(NamedTuple):
    """What one forward pass takes.

    Attributes:
        seconds: of one image.
        start: seconds before the first one: to build and to trace.
        pixels: of the image.
    """

    seconds: float
    start: float
    pixels: int

    def at(self, size: tuple[int, int]) -> float:
        """Seconds of one image of another size."""
        return self.seconds * size[0] * size[1] / self.pixels


def cyclegan_passes(config: CycleGANConfig) -> Passes:
    """Of a step that updates both generators and both discriminators."""
    each = 1 + bool(config.lambda_cycle) + bool(config.lambda_identity)
    more = config.num_critic_steps - 1
    return Passes(
        generator=2 * (TRAINED * each + more),
        discriminator=2 * (_THROUGH + _critics(config)),
        ways=2,
    )


def cut_passes(config: CUTConfig) -> Passes:
    """Of a step that updates the generator and the discriminator."""
    each = 1 + bool(config.lambda_identity)
    more = config.num_critic_steps - 1
    return Passes(
        generator=TRAINED * each * (1 + _ENCODER) + more,
        discriminator=_THROUGH + _critics(config),
        ways=1,
    )


def _critics(config: AdversarialConfig) -> float:
    """Passes of one discriminator's own updates, of reals and of fakes."""
    often = {"gradient_penalty": 1.0, "r1": 1.0 / config.r1_every}
    penalties = sum(_PENALTY * often[name] for name in config.penalties)
    return config.num_critic_steps * (2 * TRAINED + penalties)


def measure(
    build: Callable[[], keras.Model], batch_size: int, crop: tuple[int, int], ways: int = 1
) -> Pass:
    """Times a forward pass in training, at the crop and of two images at most.

    Nothing random that trainings use is drawn, but for weights, whose seed each
    training sets anew.

    Args:
        build: makes the network.
        batch_size: of the training.
        crop: (height, width).
        ways: passes that are computed at once, as those of two generators are.
    """
    tf.function(lambda: tf.zeros(()))()  # TensorFlow's own start is not the network's.
    start, size = time.perf_counter(), min(batch_size, 2)
    network = build()
    draw = np.random.default_rng(0)
    images = [tf.constant(draw.uniform(-1, 1, (size, *crop, 3)), tf.float32) for _ in range(ways)]

    @tf.function(autograph=False)
    def passes(*images: tf.Tensor) -> list[tf.Tensor]:
        return [tf.reduce_sum(network(image, training=True)) for image in images]

    def timed() -> float:
        begin = time.perf_counter()
        for total in passes(*images):
            total.numpy()
        return time.perf_counter() - begin

    timed()
    start = time.perf_counter() - start
    found = [timed()]
    while len(found) < 3 or (sum(found) < _BUDGET / 4 and len(found) < 20):
        if sum(found) > _BUDGET:
            break
        found.append(timed())
    return Pass(min(found) / (size * ways), start, crop[0] * crop[1])
