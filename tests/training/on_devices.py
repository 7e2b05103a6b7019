"""Trains tiny networks on the devices of a strategy.

Called with STRATEGY DATA FOLDER COUNT and names of `TRAININGS`; the batch is
one for COUNT devices. With `mirrored` trainings keep little for their gradients
and compute it again.

Of several workers each writes into a folder of its own, FOLDER/NUMBER.
"""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf

from i2i_keras import config
from i2i_keras.data.records import Record
from i2i_keras.run_folder import workers
from i2i_keras.segmenters import segmenter_config, segmenter_training, self_training
from i2i_keras.segmenters.self_training_config import SelfTrainingConfig
from i2i_keras.training import devices
from i2i_keras.translators import TRANSLATORS

SMALL = {"filters": 2, "num_downsamplings": 1}
GENERATOR = {**SMALL, "num_residual_blocks": 0, "outer_kernel": 3}
# All that goes by the whole batch: pool, clipping, penalties, noise, parts.
CYCLEGAN = {
    "generator": GENERATOR,
    "discriminator": {**SMALL, "dropout": 0.2, "spectral_norm": True},
    "pipeline": {"crop": [16, 16]},
    **{"pool_size": 5, "r1": 1.0, "r1_every": 2, "clip_norm": 0.1, "ema": 0.9, "accumulate": 2},
    **{"instance_noise": 0.1, "augment": ["color"]},
    **{"lambda_identity": 0.0, "num_samples": 1, "steps": 3, "checkpoint_every": 3},
}
# Batch norm in both networks, several updates of the discriminator, a penalty.
CUT = {
    "generator": {**GENERATOR, "norm": "batch"},
    "discriminator": {**SMALL, "norm": "instance"},
    "pipeline": {"crop": [16, 16]},
    **{"adversarial": "wgan_gp", "critic_steps": 2, "num_patches": 8, "projection": 4},
    **{"pool_size": 3, "num_samples": 1, "steps": 3, "checkpoint_every": 3},
}
SEGMENTER = {
    "unet": {"filters": 4, "depth": 1, "l2": 0.01},
    "pipeline": {"crop": [16, 16], "jitter": 0.2},
    **{"dice": 0.5, "class_weighting": "inverse_log", "accumulate": 2},
    **{"steps": 3, "checkpoint_every": 3},
}


def of_batch(table, size):
    return {**table, "pipeline": {**table["pipeline"], "batch_size": size}}


def train_translator(folder, data, method, table, recompute):
    x, y = (sorted((data / name).glob("*.png")) for name in ("x", "y"))
    kind = TRANSLATORS[method]
    kind.fit(config.build(kind.config, {**table, "recompute": recompute}), x, y, folder, 7)


def train_cyclegan(folder, data, count, recompute):
    train_translator(folder, data, "cyclegan", of_batch(CYCLEGAN, 2 * count), recompute)


def train_cut(folder, data, count, recompute):
    train_translator(folder, data, "cut", of_batch(CUT, count), recompute)


def of_segmenter(data, count, recompute):
    x, y, labels = (sorted((data / name).glob("*.png")) for name in ("x", "y", "label"))
    records = [Record(x.stem, x, label) for x, label in zip(x, labels, strict=True)]
    table = {**of_batch(SEGMENTER, 2 * count), "recompute": recompute}
    settings = config.build(segmenter_config.SegmenterConfig, table)
    return settings, segmenter_training.Examples(records, records[:1], y)


def train_unet(folder, *how):
    segmenter_training.fit(*of_segmenter(*how), 3, folder, 7)


def train_self_training(folder, *how):
    self_training.fit(
        SelfTrainingConfig(threshold=0.4, masked_weight=1.0, mask_block=4),
        *of_segmenter(*how),
        3,
        folder,
        7,
    )


TRAININGS = {
    "cyclegan": train_cyclegan,
    "cut": train_cut,
    "unet": train_unet,
    "self_training": train_self_training,
}


def main(strategy, data, folder, count, *trainings):
    cpus = [tf.config.LogicalDeviceConfiguration()] * 2
    if strategy == "mirrored":
        [cpu] = tf.config.list_physical_devices("CPU")
        tf.config.set_logical_device_configuration(cpu, cpus)
    tf.config.experimental.enable_op_determinism()
    with devices.team(strategy):
        if workers.total() > 1:
            folder /= str(workers.number())
        with devices.using(strategy, count):  # At once: of a batch in two parts one.
            for name in trainings:
                TRAININGS[name](folder / name, data, count, strategy == "mirrored")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:])
