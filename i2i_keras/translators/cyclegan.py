"""CycleGAN: two generators, two discriminators, trained by one step."""

import functools
from collections.abc import Sequence
from pathlib import Path

import keras
import tensorflow as tf

from i2i_keras.run_folder.files import Facts
from i2i_keras.training.history import Row
from i2i_keras.translators import adversarial, appearance, health, inference
from i2i_keras.translators.cyclegan_config import CycleGANConfig
from i2i_keras.translators.cyclegan_model import CycleGAN

load_generator = functools.partial(adversarial.load_generator, CycleGANConfig)
load = functools.partial(adversarial.load, load_generator)
load_state = functools.partial(adversarial.load_state, load_generator)


def fit(
    config: CycleGANConfig,
    images_x: Sequence[Path],
    images_y: Sequence[Path],
    folder: Path,
    seed: int,
) -> Facts:
    """Trains the four networks.

    Args:
        config: of the training.
        images_x: prepared images of the source, all of one size.
        images_y: of the target.
        folder: see `adversarial.train`.
        seed: of weights, batches, pools and all else that is random.

    Returns:
        See `adversarial.train`.
    """
    keras.utils.set_random_seed(seed)
    model = CycleGAN(config, seed)
    return adversarial.train(model, images_x, images_y, folder, sampler(model), health.diagnose)


def sampler(model: CycleGAN) -> adversarial.Sample:
    """Draws x, fake y, cycled x, y, fake x, cycled y; looks at the fakes."""
    # Not frozen: their weights change between two looks.
    xy, yx = (inference.any_size(generator, batch=None) for generator in model.translators)

    def sample(x: tf.Tensor, y: tf.Tensor) -> tuple[list[tf.Tensor], Row]:
        fake_y, fake_x = xy(x), yx(y)
        signals = appearance.both_ways(x.numpy(), fake_y.numpy(), y.numpy(), fake_x.numpy())
        return [x, fake_y, yx(fake_y), y, fake_x, xy(fake_x)], signals

    return sample
