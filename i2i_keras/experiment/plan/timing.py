"""What a network's forward pass takes, and how many a training step has."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from i2i_keras.models.generator import build_generator
from i2i_keras.translators import patch_nce
from i2i_keras.translators.adversarial_config import AdversarialConfig
from i2i_keras.translators.cut import CUTConfig
from i2i_keras.translators.cycada import CyCADAConfig
from i2i_keras.translators.cyclegan import CycleGANConfig

Network = Callable[..., Any]

# A pass that is trained through: forward, and back to inputs and to weights.
TRAINED = 3.0
# Self-training: labelled and mixed images are trained on, a teacher looks.
SELF_TRAINED = 2 * TRAINED + 1
_THROUGH = 2.0  # Forward, and back to inputs alone.
_PENALTY = 6.0  # A pass whose gradient is trained through in turn.
_BUDGET = 1.0  # Seconds for repeats of one measurement.


class Passes(NamedTuple):
    """Forward passes of a batch that a training step takes the time of.

    Attributes:
        generator: through generators.
        discriminator: through discriminators.
        ways: how many generators there are, which do not wait for each other.
        encoder: through CUT's encoder and projections.
        segmenter: through that which CyCADA keeps.
    """

    generator: float
    discriminator: float
    ways: int
    encoder: float = 0.0
    segmenter: float = 0.0


class Pass(NamedTuple):
    """What one forward pass takes.

    Attributes:
        seconds: of one image.
        start: seconds before the first one: to build and to trace one pass.
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


def cycada_passes(config: CyCADAConfig) -> Passes:
    """Of CycleGAN's step and of what a segmenter sees before and after."""
    looks = len(config.semantic_directions) * bool(config.lambda_semantic)
    return cyclegan_passes(config)._replace(segmenter=(1 + _THROUGH) * looks)


def cut_passes(config: CUTConfig) -> Passes:
    """Of a step that updates the generator and the discriminator."""
    each = 1 + bool(config.lambda_identity)
    more = config.num_critic_steps - 1
    return Passes(
        generator=TRAINED * each + more,
        discriminator=_THROUGH + _critics(config),
        ways=1,
        encoder=TRAINED * each,
    )


def _critics(config: AdversarialConfig) -> float:
    """Passes of one discriminator's own updates, of reals and of fakes."""
    often = {"gradient_penalty": 1.0, "r1": 1.0 / config.r1_every}
    penalties = sum(_PENALTY * often[name] for name in config.penalties)
    return config.num_critic_steps * (2 * TRAINED + penalties)


def build_encoder(config: CUTConfig) -> Network:
    """What CUT compares patches of: an encoder and its projections."""
    generator = build_generator(config.generator, "generator")
    encoder = patch_nce.build_encoder(generator, patch_nce.layer_names(config.generator))
    heads = patch_nce.build_heads(encoder, config.projection)

    def project(image: tf.Tensor, training: bool) -> Any:
        features, seed = encoder(image, training=training), tf.constant([0, 0], tf.int64)
        patches = patch_nce.take_patches(features, config.num_patches, seed)
        return heads(patches, training=training)

    return project


def measure(
    build: Callable[[], Network], batch_size: int, crop: tuple[int, int], ways: int = 1
) -> Pass:
    """Times a forward pass in training, at the crop and of two images at most.

    Nothing random that trainings use is drawn, but for weights, whose seed each
    training sets anew.

    Args:
        build: makes the network, from a batch of images to tensors.
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
        found = (tf.nest.flatten(network(image, training=True)) for image in images)
        return [tf.add_n([tf.reduce_sum(tensor) for tensor in tensors]) for tensors in found]

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
    return Pass(min(found) / (size * ways), start / ways, crop[0] * crop[1])
