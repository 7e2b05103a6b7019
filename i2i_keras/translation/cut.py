"""CUT: contrastive unpaired translation, one way."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from i2i_keras import config as settings
from i2i_keras import runs
from i2i_keras.data import transforms
from i2i_keras.data.pipeline import evaluation_batches, training_batches
from i2i_keras.data.records import Record, spread
from i2i_keras.errors import SettingsError
from i2i_keras.models.generator import build_generator
from i2i_keras.training import callbacks, checkpoints, compilation, schedules
from i2i_keras.training.compilation import Precision
from i2i_keras.training.history import Watch
from i2i_keras.translation import appearance, health, inference
from i2i_keras.translation.cut_config import CUTConfig
from i2i_keras.translation.cut_model import CUT, NETWORKS

DIRECTIONS = ("xy",)


def fit(
    config: CUTConfig,
    images_x: Sequence[Path],
    images_y: Sequence[Path],
    folder: Path,
    seed: int,
) -> runs.Facts:
    """Trains on the images of two domains and saves all networks.

    Started again after a stop, it goes on from its newest checkpoint.

    Args:
        config: of the training.
        images_x: prepared images of the source, all of one size.
        images_y: of the target.
        folder: gets `history.csv`, `samples/`, `checkpoints/`, `config.json`,
            `NETWORK.weights.h5` and, where the generator is averaged,
            `generator_xy_ema.weights.h5`.
        seed: of weights, batches, patches and all else that is random.

    Returns:
        The number of steps, that after which the samples looked most like the
        target, and warnings.
    """
    keras.utils.set_random_seed(seed)
    records_x = [Record(path.stem, path, None) for path in images_x]
    records_y = [Record(path.stem, path, None) for path in images_y]
    smaller = min(len(images_x), len(images_y))
    batch_size = config.pipeline.batch_size * config.num_critic_steps
    pipeline = config.pipeline.model_copy(update={"batch_size": batch_size})
    steps = schedules.total_steps(config.steps, config.epochs, smaller, batch_size)
    model = CUT(config, seed)
    model.compile(steps)

    def batches(first: int) -> tf.data.Dataset:
        x = training_batches(pipeline, records_x, 2 * seed, first)
        y = training_batches(pipeline, records_y, 2 * seed + 1, first)
        return tf.data.Dataset.zip((x, y)).map(lambda x, y: (x[0], y[0]))

    chosen = (spread(records, config.num_samples) for records in (records_x, records_y))
    look = _sampler(model, *chosen)

    def observe(step: int) -> dict[str, float]:
        strip, signals = look()
        with runs.replacing(folder / "samples" / f"step-{step:06d}.png") as draft:
            Image.fromarray(strip).save(draft, "PNG")
        rates = {
            f"{kind}_learning_rate": float(getattr(model, f"{kind}_optimizer").learning_rate)
            for kind in ("generator", "discriminator")
        }
        return rates | signals

    diagnose = functools.partial(health.diagnose, content="lambda_nce")
    watch = Watch(observe, best="style_distance_xy", diagnose=diagnose)
    found = callbacks.train(model, batches, folder, steps, config, watch)
    runs.write_json(folder / "config.json", config.model_dump(mode="json"))
    for name in (*NETWORKS, *(["generator_xy_ema"] if config.ema else [])):
        checkpoints.save_weights(getattr(model, name), folder / f"{name}.weights.h5")
    return {"steps": steps, **found}


def load(
    folder: Path, direction: str = "xy", *, ema: bool = True
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Loads the generator.

    Args:
        folder: that `fit` wrote.
        direction: `xy`; there is no other.
        ema: whether to take the moving average of its weights, if there is.

    Returns:
        From images `(batch, height, width, 3)` in [-1, 1], of any size, to
        translated ones of the same size and range.

    Raises:
        SettingsError: of another direction.
    """
    generator = load_generator(folder, direction, ema=ema)
    return inference.freeze(inference.any_size(generator, batch=None))


def load_state(folder: Path, direction: str, step: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """Loads the generator as it was in a kept state.

    Args:
        folder: that `fit` wrote.
        direction: `xy`; there is no other.
        step: of the state, one of `checkpoints.kept_steps`.

    Returns:
        See `load`.

    Raises:
        DataError: the state cannot be read.
        SettingsError: of another direction.
    """
    return inference.any_size(load_generator(folder, direction, step=step), batch=None)


def load_generator(
    folder: Path,
    direction: str = "xy",
    *,
    ema: bool = True,
    precision: Precision | None = None,
    step: int | None = None,
) -> keras.Model:
    """Loads the generator as a network.

    Args:
        folder: that `fit` wrote.
        direction: `xy`; there is no other.
        ema: whether to take the moving average of its weights, if there is.
        precision: to compute in; None = the training's.
        step: of a kept state; None = the end of the training.

    Raises:
        SettingsError: of another direction.
    """
    if direction not in DIRECTIONS:
        raise SettingsError(
            f"CUT has no generator {direction}; for the way back, train one with source and"
            " target exchanged, or cyclegan."
        )
    config = settings.build(CUTConfig, runs.read_json(folder / "config.json"))
    name = "generator_xy"
    with compilation.policy(precision or config.precision):
        generator = build_generator(config.generator, name)
    if ema and config.ema:
        name += "_ema"
    if step is None:
        generator.load_weights(folder / f"{name}.weights.h5")
    else:
        checkpoints.read_network(folder, step, name, generator)
    return generator


def _sampler(
    model: CUT, records_x: Sequence[Record], records_y: Sequence[Record]
) -> Callable[[], tuple[NDArray[np.uint8], dict[str, float]]]:
    """Draws x, fake y, y; looks at the fakes."""
    # Not frozen: its weights change between two looks.
    translate = inference.any_size(model.translator, batch=None)
    x, y = (
        tf.concat([image for image, _ in evaluation_batches(records, 1)], axis=0)
        for records in (records_x, records_y)
    )

    def look() -> tuple[NDArray[np.uint8], dict[str, float]]:
        fake_y = translate(x)
        rows = min(len(x), len(y))
        strips = tf.concat([column[:rows] for column in (x, fake_y, y)], axis=2)
        strip = np.concatenate(transforms.denormalize(strips).numpy(), axis=0)
        found = appearance.appearance(x.numpy(), fake_y.numpy(), y.numpy())
        return strip, {f"{name}_xy": value for name, value in found.items()}

    return look
