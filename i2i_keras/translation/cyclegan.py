"""CycleGAN: two generators, two discriminators, trained by one step."""

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
from i2i_keras.models.generator import build_generator
from i2i_keras.training import callbacks, checkpoints, compilation, schedules
from i2i_keras.training.compilation import Precision
from i2i_keras.training.history import Watch
from i2i_keras.translation import appearance, health, inference
from i2i_keras.translation.cyclegan_config import CycleGANConfig
from i2i_keras.translation.cyclegan_model import GENERATORS, NETWORKS, CycleGAN


def fit(
    config: CycleGANConfig,
    images_x: Sequence[Path],
    images_y: Sequence[Path],
    folder: Path,
    seed: int,
) -> runs.Facts:
    """Trains on the images of two domains and saves all four networks.

    Started again after a stop, it goes on from its newest checkpoint.

    Args:
        config: of the training.
        images_x: prepared images of the source, all of one size.
        images_y: of the target.
        folder: gets `history.csv`, `samples/`, `checkpoints/`, `config.json`,
            `NETWORK.weights.h5` and, where generators are averaged,
            `GENERATOR_ema.weights.h5`.
        seed: of weights, batches, pools and all else that is random.

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
    model = CycleGAN(config, seed)
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

    watch = Watch(observe, best="style_distance_xy", diagnose=health.diagnose)
    found = callbacks.train(model, batches, folder, steps, config, watch)
    runs.write_json(folder / "config.json", config.model_dump(mode="json"))
    averages = [f"{name}_ema" for name in GENERATORS] if config.ema else []
    for name in (*NETWORKS, *averages):
        checkpoints.save_weights(getattr(model, name), folder / f"{name}.weights.h5")
    return {"steps": steps, **found}


def load(
    folder: Path, direction: str = "xy", *, ema: bool = True
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Loads one of the two generators.

    Args:
        folder: that `fit` wrote.
        direction: `xy` or `yx`.
        ema: whether to take the moving average of its weights, if there is.

    Returns:
        From images `(batch, height, width, 3)` in [-1, 1], of any size, to
        translated ones of the same size and range.
    """
    generator = load_generator(folder, direction, ema=ema)
    return inference.freeze(inference.any_size(generator, batch=None))


def load_state(folder: Path, direction: str, step: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """Loads one of the two generators as it was in a kept state.

    Args:
        folder: that `fit` wrote.
        direction: `xy` or `yx`.
        step: of the state, one of `checkpoints.kept_steps`.

    Returns:
        See `load`.

    Raises:
        DataError: the state cannot be read.
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
    """Loads one of the two generators as a network.

    Args:
        folder: that `fit` wrote.
        direction: `xy` or `yx`.
        ema: whether to take the moving average of its weights, if there is.
        precision: to compute in; None = the training's.
        step: of a kept state; None = the end of the training.
    """
    config = settings.build(CycleGANConfig, runs.read_json(folder / "config.json"))
    name = f"generator_{direction}"
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
    model: CycleGAN, records_x: Sequence[Record], records_y: Sequence[Record]
) -> Callable[[], tuple[NDArray[np.uint8], dict[str, float]]]:
    """Draws x, fake y, cycled x, y, fake x, cycled y; looks at the fakes."""
    # Not frozen: their weights change between two looks.
    xy, yx = (inference.any_size(generator, batch=None) for generator in model.translators)
    ways = [(_read(records_x), xy, yx), (_read(records_y), yx, xy)]

    def look() -> tuple[NDArray[np.uint8], dict[str, float]]:
        columns = []
        for images, there, back in ways:
            fakes = there(images)
            columns += [images, fakes, back(fakes)]
        rows = min(len(column) for column in columns)
        strips = tf.concat([column[:rows] for column in columns], axis=2)
        strip = np.concatenate(transforms.denormalize(strips).numpy(), axis=0)
        x, fake_y, _, y, fake_x, _ = (column.numpy() for column in columns)
        return strip, appearance.both_ways(x, fake_y, y, fake_x)

    return look


def _read(records: Sequence[Record]) -> tf.Tensor:
    return tf.concat([image for image, _ in evaluation_batches(records, 1)], axis=0)
