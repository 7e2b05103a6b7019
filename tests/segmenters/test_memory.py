import subprocess
import sys

import pytest

from i2i_keras.data.pipeline import PipelineConfig
from i2i_keras.models.unet import UNetConfig, build_unet
from i2i_keras.segmenters import memory

GIB = 2**30


@pytest.fixture(scope="module")
def unet():
    return build_unet(UNetConfig(filters=4, depth=2), 3)


def advice(network, free, accumulate=1, again=False):
    """Of batches of eight images."""
    pipeline = PipelineConfig(batch_size=8, crop=(64, 64))
    return memory.advice(network, pipeline, accumulate, free, again)


def test_the_reports_batch_takes_what_it_was_measured_to_take():
    # 15.1 GiB at the peak of a step: docs/results.md.
    needed = memory.step_bytes(build_unet(UNetConfig(), 34), (256, 256), 32)
    assert needed / GIB == pytest.approx(15.1, rel=0.1)


def test_what_is_held_grows_with_images_and_pixels(unet):
    one, two = (memory.step_bytes(unet, (64, 64), size) for size in (1, 2))
    wide = memory.step_bytes(unet, (64, 128), 1)
    assert two == wide > one


def test_where_a_step_fits_nothing_is_said(unet):
    needed = memory.step_bytes(unet, (64, 64), 8)
    assert advice(unet, needed) is None
    assert advice(unet, None) is None


def test_where_it_does_not_fit_parts_are_named_that_do(unet):
    free = memory.step_bytes(unet, (64, 64), 3, again=True)
    told = advice(unet, free, again=True)
    assert told.startswith("A step with 8 images at once will take about")
    assert told.endswith(
        "set segmenter.accumulate = 4, which computes the same batch in parts, or"
        " segmenter.pipeline.batch_size = 2."
    )
    assert advice(unet, free, accumulate=4, again=True) is None


def test_where_it_does_not_fit_computing_again_is_named_first(unet):
    whole, again = (memory.step_bytes(unet, (64, 64), 8, choice) for choice in (False, True))
    assert again < whole
    told = advice(unet, whole - 1)
    assert told.endswith("set segmenter.recompute = true, for the same numbers in more time.")
    assert "accumulate" in advice(unet, again - 1)


def test_where_nothing_would_fit_that_is_said(unet):
    assert "not even one image would fit" in advice(unet, 1000)


def test_this_machine_has_something_left():
    free = memory.free_bytes()
    assert free is None or 0.01 * GIB < free < 2**50


STEP = """
import sys
import tensorflow as tf
from i2i_keras import config
from i2i_keras.segmenters.segmenter import SegmenterModel
from i2i_keras.segmenters.segmenter_config import SegmenterConfig
size = int(sys.argv[1])
table = {"pipeline": {"batch_size": size}, "accumulate": int(sys.argv[2])}
table["recompute"] = sys.argv[3] == "True"
model = SegmenterModel(config.build(SegmenterConfig, table), 34)
model.compile(10)
images, labels = tf.zeros((size, 256, 256, 3)), tf.zeros((size, 256, 256), tf.int32)
step = tf.function(model.train_step)
for _ in range(2):
    step((images, labels))
# Its own, in kB: what `resource` tells has that of the process that began it.
print(int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]) * 1024)
"""


@pytest.mark.slow  # Two steps of 31 million parameters.
@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc elsewhere")
@pytest.mark.parametrize(
    ("size", "accumulate", "again"), [(6, 1, False), (6, 3, False), (6, 1, True)]
)
def test_the_estimate_is_that_of_a_real_step(size, accumulate, again):
    command = [sys.executable, "-c", STEP, str(size), str(accumulate), str(again)]
    used = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    network = build_unet(UNetConfig(), 34)
    needed = memory.step_bytes(network, (256, 256), size // accumulate, again)
    assert used / needed == pytest.approx(1.0, abs=0.25)
