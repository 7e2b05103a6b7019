"""How adversarial translators are trained, saved and loaded."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from i2i_keras import stack
from i2i_keras.data.batch_files import batch_files
from i2i_keras.data.order import shuffled
from i2i_keras.data.pipeline import PipelineConfig, training_batches
from i2i_keras.data.records import Record
from i2i_keras.models.networks import build_generator
from i2i_keras.run_folder import files
from i2i_keras.run_folder.files import Facts
from i2i_keras.training import checkpoints, compilation, devices, loop, schedules
from i2i_keras.training.compilation import Precision
from i2i_keras.training.history import Row, Watch
from i2i_keras.training.weights import load_weights, save_weights
from i2i_keras.translators import health, inference, initial, samples
from i2i_keras.translators.adversarial import AdversarialModel
from i2i_keras.translators.adversarial_config import AdversarialConfig

Translate = Callable[[tf.Tensor], tf.Tensor]


def fit(
    build: Callable[..., AdversarialModel],
    config: AdversarialConfig,
    images_x: Sequence[Path],
    images_y: Sequence[Path],
    folder: Path,
    seed: int,
    **given: Any,
) -> Facts:
    """Builds a model and trains it.

    Args:
        build: the method's model, from settings, seed and what else is `given`.
        config: of the training.
        images_x: see `train`, as are the next two, and what is returned.
        images_y: of the target.
        folder: of the training.
        seed: of weights, batches, pools and all else that is random.
        given: the source's segmenter, where the method needs one.
    """
    keras.utils.set_random_seed(seed)
    with devices.scope():
        model = build(config, seed, **given)
    return train(model, images_x, images_y, folder)


def train(
    model: AdversarialModel, images_x: Sequence[Path], images_y: Sequence[Path], folder: Path
) -> Facts:
    """Trains a new model on the images of two domains and saves its networks.

    Started again after a stop, it goes on from its newest checkpoint.

    Args:
        model: new, not compiled.
        images_x: prepared images of the source, all of one size.
        images_y: of the target.
        folder: gets `history.csv`, `samples/`, `checkpoints/`, `config.json`
            and `NETWORK.weights.h5`.

    Returns:
        The number of steps, that after which the samples looked most like the
        target, and warnings.
    """
    config = model.config
    domains = [[Record(path.stem, path, None) for path in paths] for paths in (images_x, images_y)]
    batch_size = config.pipeline.batch_size * config.num_critic_steps
    pipeline = config.pipeline.model_copy(update={"batch_size": batch_size})
    smaller = min(map(len, domains))
    steps = schedules.total_steps(config.steps, config.epochs, smaller, batch_size)
    if config.initial and not checkpoints.list_checkpoints(folder):
        initial.load(model)
    with devices.scope():
        model.compile(steps)
    observe = _observer(model, (images_x, images_y), folder)
    diagnose = functools.partial(health.diagnose, content=model.CONTENT)
    found = loop.train(
        model,
        lambda first: _batches(model, pipeline, domains, first),
        checkpoints.Checkpoints(model, folder, config.keep_checkpoints, _made_with(model)),
        steps,
        config,
        Watch(
            observe,
            best="style_distance_xy",
            diagnose=diagnose,
            files=lambda step: [
                path
                for number, records in enumerate(domains)
                for path in batch_files(
                    records, batch_size, shuffled(len(records), 2 * model.seed + number), step
                )
            ],
        ),
    )
    files.write_json(folder / "config.json", config.model_dump(mode="json", exclude={"initial"}))
    for network in model.networks:
        save_weights(network, folder / f"{network.name}.weights.h5")
    return {"steps": steps, **found}


def load(
    load_generator: Callable[..., keras.Model],
    folder: Path,
    direction: str = "xy",
    *,
    ema: bool = True,
    step: int | None = None,
) -> Translate:
    """Loads a generator to translate with.

    Args:
        load_generator: the method's own.
        folder: that `train` wrote.
        direction: `xy` or `yx`.
        ema: whether to take the moving average of its weights, if there is.
        step: of a kept checkpoint; None = what it saved in the end.

    Returns:
        From images `(batch, height, width, 3)` in [-1, 1], of any size, to
        translated ones of the same size and range.

    Raises:
        DataError: the checkpoint cannot be read.
    """
    return inference.any_size(load_generator(folder, direction, ema=ema, step=step), batch=None)


def load_generator(
    kind: type[AdversarialConfig],
    folder: Path,
    direction: str = "xy",
    *,
    ema: bool = True,
    precision: Precision | None = None,
    step: int | None = None,
) -> keras.Model:
    """Loads a generator as a network.

    Args:
        kind: the method's settings.
        folder: that `train` wrote.
        direction: `xy` or `yx`.
        ema: whether to take the moving average of its weights, if there is.
        precision: to compute in; None = the training's.
        step: of a kept checkpoint; None = what it saved in the end.
    """
    config = files.read_settings(folder / "config.json", kind)
    name = f"generator_{direction}"
    with compilation.policy(precision or config.precision):
        generator = build_generator(config.generator, name)
    if ema and config.ema:
        name += "_ema"
    if step is None:
        load_weights(generator, folder / f"{name}.weights.h5")
    else:
        checkpoints.load_network(folder, step, name, generator)
    return generator


def _made_with(model: AdversarialModel) -> str:
    """Of a training that goes on, the first weights need not be there."""
    config = model.config.model_copy(update={"initial": ""})
    return checkpoints.fingerprint({"seed": model.seed, **config.facts()})


def _batches(
    model: AdversarialModel,
    pipeline: PipelineConfig,
    domains: Sequence[Sequence[Record]],
    first: int,
) -> tf.data.Dataset:
    share = devices.share(model.config.num_critic_steps * model.config.accumulate)
    x, y = (
        training_batches(pipeline, records, 2 * model.seed + number, first, share)
        for number, records in enumerate(domains)
    )
    return tf.data.Dataset.zip((x, y)).map(lambda x, y: (x[0], y[0]))


def _observer(
    model: AdversarialModel, domains: Sequence[Sequence[Path]], folder: Path
) -> Callable[[int], Row]:
    """What each row of the history says besides the losses; draws samples."""
    chosen = [samples.read_samples(paths, model.config.num_samples) for paths in domains]
    sample = model.sampler()

    def observe(step: int) -> Row:
        columns, signals = sample(*chosen)
        samples.write_strip(columns, folder / "samples" / f"step-{step:06d}.png")
        return {
            "generator_learning_rate": stack.learning_rate(model.generator_optimizer),
            "discriminator_learning_rate": stack.learning_rate(model.discriminator_optimizer),
            **signals,
        }

    return observe
