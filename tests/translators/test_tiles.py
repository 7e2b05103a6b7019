import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras.data import transforms
from i2i_keras.models.resnet import ResNetConfig, build_resnet
from i2i_keras.training import compilation
from i2i_keras.translators import inference, tiles

FRAMES = "cityscapes/leftImg8bit/val/*/*.png"
real_data = pytest.mark.skipif(
    "I2I_REAL_DATA" not in os.environ, reason="I2I_REAL_DATA names no real data"
)


def network(**changes):
    """A small generator whose norms and kernels do something."""
    config = {"filters": 4, "num_residual_blocks": 1, **changes}
    generator = build_resnet(ResNetConfig(**config), "generator")
    for number, weight in enumerate(generator.trainable_weights):
        noise = tf.random.stateless_normal(weight.shape, (number, 0))
        # As wide as the kernel's inputs are many, so that nothing saturates.
        scale = np.prod(weight.shape[:-1]) ** -0.5 if weight.shape.rank == 4 else 0.3
        weight.assign(scale * noise + (1.0 if "gamma" in weight.name else 0.0))
    return generator


def picture(height, width):
    """Bright at one end and dark at the other, so that tiles differ."""
    slope = np.linspace(-0.7, 0.7, width)[:, np.newaxis]
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (1, height, width, 3))
    return tf.constant(noise + slope, tf.float32)


def levels(fakes):
    return 127.5 * np.asarray(fakes)


@pytest.mark.parametrize(
    "changes",
    [
        {"skip": True},
        {"norm": "batch", "upsampling": "resize"},
        {"norm": "none", "num_downsamplings": 0},
        {"norm_position": "after", "padding": "zero"},
        {"num_downsamplings": 3, "outer_kernel": 3},
    ],
    ids=str,
)
def test_tiles_give_what_the_whole_gives(changes):
    generator, image = network(**changes), picture(75, 106)
    stride = inference.stride(generator)
    padded = transforms.mirror_to(image, stride)
    wanted = levels(generator(padded, training=False)[:, :75, :106])
    assert wanted.std() > 10
    fakes = tiles.in_tiles(generator, 16)(image)
    np.testing.assert_allclose(levels(fakes), wanted, atol=0.1)


def test_statistics_of_single_tiles_would_not_do():
    generator, image = network(), picture(64, 96)
    whole = levels(tiles.in_tiles(generator, 32)(image))
    left = levels(inference.any_size(generator)(image[:, :, :48]))
    assert np.abs(whole[:, :, :24] - left[:, :, :24]).mean() > 2


def test_bfloat16_differs_as_little_in_tiles():
    with compilation.policy("mixed_bfloat16"):
        generator = network()
    image = picture(48, 64)
    fakes = tiles.in_tiles(generator, 16)(image)
    assert fakes.dtype == tf.float32
    assert np.abs(levels(fakes) - levels(inference.any_size(generator)(image))).mean() < 2


@pytest.mark.parametrize("size", [(1, 1), (1, 70), (3, 5), (8, 8), (33, 35), (64, 20)])
def test_pictures_of_any_size_keep_it(size):
    generator, image = network(), picture(*size)
    assert tiles.in_tiles(generator, 16)(image).shape == (1, *size, 3)


@pytest.mark.parametrize("length", [1, 2, 5, 8, 9])
def test_borders_are_mirrored_as_numpy_does(length):
    image = tf.reshape(tf.range(length * 3, dtype=tf.float32), (1, length, 1, 3))
    wanted = max(-(-length // 4) * 4, 8)
    padding = [(0, 0), (0, wanted - length), (0, 7), (0, 0)]
    np.testing.assert_array_equal(
        transforms.mirror_to(image, 4), np.pad(image, padding, mode="symmetric")
    )


@pytest.mark.parametrize(
    ("size", "side", "unit"), [((8, 8), 3, 2), ((64, 20), 16, 4), ((9, 5), 4, 1)]
)
def test_tiles_cover_each_pixel_once(size, side, unit):
    count = np.zeros(size, int)
    for tile, seen in tiles._tiles(size, side, unit):
        count[tile.at(1)] += 1
        assert seen.top <= tile.top and tile.bottom <= seen.bottom
        assert all(edge % unit == 0 for edge in (*tile[:2], *seen[:2]))
    assert (count == 1).all()


def test_moments_of_tiles_are_those_of_the_whole():
    values = np.random.default_rng(1).normal(50.0, 2.0, (30, 40, 3)).astype(np.float32)
    parts = [
        (part.size, *tiles._moments(tf.constant(part)))
        for part in (values[:11], values[11:, :7], values[11:, 7:])
    ]
    mean, variance = tiles._join(parts)
    np.testing.assert_allclose(mean, values.mean((0, 1)), rtol=1e-5)
    np.testing.assert_allclose(variance, values.var((0, 1)), rtol=1e-4)


def test_large_activations_are_held_in_a_file(monkeypatch):
    generator, image = network(), picture(40, 48)
    wanted = tiles.in_tiles(generator, 16)(image)
    monkeypatch.setattr(tiles, "_IN_MEMORY", 1000)
    assert isinstance(tiles._empty((10, 10, 10), tf.float32), np.memmap)
    np.testing.assert_array_equal(tiles.in_tiles(generator, 16)(image), wanted)


def test_only_large_pictures_are_computed_in_tiles(monkeypatch):
    used = []
    monkeypatch.setattr(tiles, "in_tiles", lambda _, side: used.append(side) or tf.identity)
    translate = tiles.when_large(network(), 32)
    for size in ((32, 32), (16, 64), (33, 32), (64, 64)):
        translate(picture(*size))
    assert used == [32]
    tiles.when_large(network(), None)(picture(64, 64))
    assert used == [32]


# --- A real frame -----------------------------------------------------------

FULL_SIZE = """
import sys
import keras, numpy as np, tensorflow as tf
from PIL import Image
from i2i_keras.models.resnet import ResNetConfig, build_resnet
from i2i_keras.translators import inference, tiles

keras.utils.set_random_seed(0)
generator = build_resnet(ResNetConfig(filters=int(sys.argv[3])), "generator")
image = np.asarray(Image.open(sys.argv[2]).convert("RGB"), np.float32)[np.newaxis] / 127.5 - 1.0
translate = {"whole": inference.any_size, "tiles": tiles.in_tiles}[sys.argv[1]](generator)
np.save(sys.argv[4], translate(tf.constant(image)))
# Its own, in kB: what `resource` tells has that of the process that began it.
print(int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]) / 2**20)
"""


def full_size(how, filters, path):
    frame = sorted(Path(os.environ["I2I_REAL_DATA"]).glob(FRAMES))[0]
    with Image.open(frame) as image:
        assert image.size == (2048, 1024)
    words = [sys.executable, "-c", FULL_SIZE, how, str(frame), str(filters), str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return 127.5 * np.load(path)[0], float(done.stdout)


def steps(fakes, axis):
    """Mean change from each row or column to the next one."""
    return np.abs(np.diff(fakes, axis=axis)).mean(axis=(1 - axis, 2))


def check_full_size(filters, folder):
    whole, _ = full_size("whole", filters, folder / "whole.npy")
    tiled, gigabytes = full_size("tiles", filters, folder / "tiles.npy")
    assert whole.shape == tiled.shape == (1024, 2048, 3)
    assert whole.std() > 10
    assert np.abs(whole - tiled).mean() < 0.1
    for axis in (0, 1):
        # Across the border of two tiles, the picture changes as it does whole.
        difference = steps(tiled, axis) - steps(whole, axis)
        assert np.abs(difference[255::256]).max() < 0.1
    return gigabytes


@real_data
def test_a_real_frame_is_the_same_in_tiles(tmp_path):
    assert check_full_size(8, tmp_path) < 2


@real_data
@pytest.mark.slow  # Half a minute twice on two quiet cores.
def test_a_real_frame_takes_little_memory_with_the_papers_network(tmp_path):
    assert check_full_size(64, tmp_path) < 2.2
