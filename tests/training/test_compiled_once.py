"""What XLA compiles it compiles once: not anew for what changes in a step."""

import os
import subprocess
import sys

import pytest

POOL = """
import tensorflow as tf
from i2i_keras.translators.pool import ImagePool

pool = ImagePool(2, (4, 4), "pool")
step = tf.function(pool.exchange, jit_compile=True)
for number in range(6):
    step(tf.ones((1, 4, 4, 3)), tf.constant([number, 0]))
"""
MODELS = """
import sys
import numpy as np
import tensorflow as tf
from i2i_keras import config
from i2i_keras.segmenters.segmenter import SegmenterModel
from i2i_keras.segmenters.segmenter_config import SegmenterConfig
from i2i_keras.segmenters.self_training import SelfTrainingModel
from i2i_keras.segmenters.self_training_config import SelfTrainingConfig
from i2i_keras.translators.cut import CUT, CUTConfig
from i2i_keras.translators.cyclegan import CycleGAN, CycleGANConfig

SMALL = {"filters": 2, "num_downsamplings": 1}
TRANSLATOR = {
    "generator": {**SMALL, "num_residual_blocks": 2, "outer_kernel": 3},
    "discriminator": SMALL,
    "pipeline": {"batch_size": 2, "crop": [16, 16]},
    "augment": ["color", "translation", "cutout"],
    "pool_size": 2,
    "instance_noise": 0.1,
    "ema": 0.9,
    "r1": 1.0,
    "r1_every": 2,
}
SEGMENTER = {"unet": {"filters": 2, "depth": 1}, "pipeline": {"batch_size": 2, "crop": [16, 16]}}
segmenter = config.build(SegmenterConfig, SEGMENTER)
masking = SelfTrainingConfig(masked_weight=1.0, mask_block=4)
model = {
    "cyclegan": lambda: CycleGAN(config.build(CycleGANConfig, TRANSLATOR)),
    "cut": lambda: CUT(config.build(CUTConfig, {**TRANSLATOR, "num_patches": 4, "projection": 2})),
    "segmenter": lambda: SegmenterModel(segmenter, 3),
    "self_training": lambda: SelfTrainingModel(masking, segmenter, 3),
}[sys.argv[1]]()
model.compile(steps=10)
rng = np.random.default_rng(0)
images = [tf.constant(rng.uniform(-1, 1, (2, 16, 16, 3)).astype("float32")) for _ in range(2)]
labels = tf.constant(rng.integers(0, 3, (2, 16, 16), np.int32))
batch = {"segmenter": (images[0], labels), "self_training": (images[0], labels, images[1])}
step = tf.function(model.train_step, jit_compile=True)
for _ in range(4):
    step(batch.get(sys.argv[1], tuple(images)))
"""


def modules(tmp_path, program, *words):
    """Names of what XLA has compiled, each as often as it was."""
    flags = f"--xla_dump_to={tmp_path} --xla_dump_hlo_as_text"
    environment = {**os.environ, "XLA_FLAGS": flags, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", program, *words]
    subprocess.run(command, check=True, env=environment, timeout=900)
    found = sorted(tmp_path.glob("*before_optimizations.txt"))
    return [path.name for path in found if "train_step" in path.name or "exchange" in path.name]


def test_a_pool_is_compiled_once(tmp_path):
    assert len(modules(tmp_path, POOL)) == 1


@pytest.mark.slow  # Each compiles for a minute on two cores.
@pytest.mark.parametrize("model", ["cyclegan", "cut", "segmenter", "self_training"])
def test_a_step_is_compiled_once(tmp_path, model):
    assert len(modules(tmp_path, MODELS, model)) == 1
