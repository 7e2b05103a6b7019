"""One CycleGAN step at 64x64, 32 filters, 6 blocks, batch 1, float32.

    python benchmarks/train_step.py

Ours beside the textbook's: the same networks and losses with the instance norm
of tensorflow-addons and identity passes, in turn in one process.
"""

import functools
import json

import keras
import tensorflow as tf
import tensorflow_addons as tfa
from side_by_side import clock, in_turn, speedups, table

from i2i_keras.data.pipeline import PipelineConfig
from i2i_keras.models import layers
from i2i_keras.models.discriminator import DiscriminatorConfig
from i2i_keras.models.generator import GeneratorConfig
from i2i_keras.translation.cyclegan import CycleGAN, CycleGANConfig

REPEATS = 15
CONFIG = CycleGANConfig(
    generator=GeneratorConfig(filters=32, num_residual_blocks=6),
    discriminator=DiscriminatorConfig(filters=32),
    pipeline=PipelineConfig(batch_size=1, crop=(64, 64)),
    xla="off",
)


def build(instance_norm: type[keras.layers.Layer]) -> tf.types.experimental.GenericFunction:
    """A traced training step with a given instance norm."""
    ours, layers.InstanceNormalization = layers.InstanceNormalization, instance_norm
    model = CycleGAN(CONFIG)
    layers.InstanceNormalization = ours
    model.compile(steps=1000)
    return tf.function(model.train_step)


def main() -> None:
    """Prints a table and a line of JSON."""
    steps = {
        "ours": build(layers.InstanceNormalization),
        "tfa_norm": build(lambda name: tfa.layers.InstanceNormalization(epsilon=1e-5, name=name)),
    }
    batch = tuple(tf.random.stateless_uniform((1, 64, 64, 3), (i, 0), -1, 1) for i in range(2))

    def run(step: tf.types.experimental.GenericFunction) -> float:
        return clock(lambda: float(step(batch)["cycle_loss"]))

    runs = {name: functools.partial(run, step) for name, step in steps.items()}
    medians = in_turn(runs, REPEATS, warm_up=2)  # The first traces.
    print(table(medians))
    print(json.dumps(speedups(medians)))


if __name__ == "__main__":
    main()
