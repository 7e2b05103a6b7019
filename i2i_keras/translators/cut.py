"""CUT: contrastive unpaired translation, one way."""

import functools
from collections.abc import Sequence
from pathlib import Path

import keras
import tensorflow as tf

from i2i_keras.errors import SettingsError
from i2i_keras.run_folder.files import Facts
from i2i_keras.training.compilation import Precision
from i2i_keras.training.history import Row
from i2i_keras.translators import adversarial, appearance, health, inference
from i2i_keras.translators.cut_config import CUTConfig
from i2i_keras.translators.cut_model import CUT

DIRECTIONS = ("xy",)


def fit(
    config: CUTConfig,
    images_x: Sequence[Path],
    images_y: Sequence[Path],
    folder: Path,
    seed: int,
) -> Facts:
    """Trains generator, discriminator and projections.

    Args:
        config: of the training.
        images_x: prepared images of the source, all of one size.
        images_y: of the target.
        folder: see `adversarial.train`.
        seed: of weights, batches, patches and all else that is random.

    Returns:
        See `adversarial.train`.
    """
    keras.utils.set_random_seed(seed)
    model = CUT(config, seed)
    diagnose = functools.partial(health.diagnose, content="lambda_nce")
    return adversarial.train(model, images_x, images_y, folder, _sampler(model), diagnose)


def load_generator(
    folder: Path,
    direction: str = "xy",
    *,
    ema: bool = True,
    precision: Precision | None = None,
    step: int | None = None,
) -> keras.Model:
    """Loads the generator as a network, see `adversarial.load_generator`.

    Raises:
        SettingsError: of another direction than `xy`.
    """
    if direction not in DIRECTIONS:
        raise SettingsError(
            f"CUT has no generator {direction}; for the way back, train one with source and"
            " target exchanged, or cyclegan."
        )
    return adversarial.load_generator(
        CUTConfig, folder, direction, ema=ema, precision=precision, step=step
    )


load = functools.partial(adversarial.load, load_generator)
load_state = functools.partial(adversarial.load_state, load_generator)


def _sampler(model: CUT) -> adversarial.Sample:
    """Draws x, fake y, y; looks at the fakes."""
    # Not frozen: its weights change between two looks.
    translate = inference.any_size(model.translator, batch=None)

    def sample(x: tf.Tensor, y: tf.Tensor) -> tuple[list[tf.Tensor], Row]:
        fake_y = translate(x)
        found = appearance.appearance(x.numpy(), fake_y.numpy(), y.numpy())
        return [x, fake_y, y], {f"{name}_xy": value for name, value in found.items()}

    return sample
