"""What Python programs use: trained networks as functions, and whole runs."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from i2i_keras import config
from i2i_keras.data import transforms
from i2i_keras.datasets.spaces import read_space
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.evaluation import intervals, scores
from i2i_keras.evaluation.summary import ArmScores, Summary, UnscoredSummary, read_summary
from i2i_keras.experiment import choosing, fitting, repetitions, run_settings, running, segmenting
from i2i_keras.experiment.choosing import TrainedSegmenter
from i2i_keras.experiment.settings import Settings
from i2i_keras.experiment.translating import TrainedTranslator, exported_method
from i2i_keras.run_folder import places, workers
from i2i_keras.run_folder.run import Run
from i2i_keras.training import devices, tracking
from i2i_keras.translators import TRANSLATORS

Images = NDArray[Any]


class TranslatorFunction:
    """A trained translator, one way, as a function of images.

    Attributes:
        model: its network, from images in [-1, 1] to such; None for methods
            without one, such as color.
        method: its name.
        direction: `xy` or `yx`.
    """

    def __init__(self, trained: TrainedTranslator) -> None:
        trained.done()
        self.method, self.direction = trained.method, trained.direction
        has_network = TRANSLATORS[trained.method].load_generator is not None
        self.model: keras.Model | None = trained.network() if has_network else None
        self._translate = trained.load()

    def __call__(self, images: Images) -> Images:
        """Translates an image, or several of one size, of any height and width.

        Args:
            images: `(height, width, 3)` or `(count, height, width, 3)`, RGB;
                uint8, or float in [-1, 1].

        Returns:
            Of the same shape and dtype.

        Raises:
            ValueError: they are something else.
        """
        batch = _batch(images)
        made = np.concatenate([self._translate(batch[i : i + 1]) for i in range(len(batch))])
        if np.asarray(images).dtype == np.uint8:
            made = transforms.denormalize(tf.constant(made)).numpy()
        return made.astype(np.asarray(images).dtype).reshape(np.shape(images))


class SegmenterFunction:
    """A trained segmenter as a function of images.

    Attributes:
        model: its network, from images in [-1, 1] to logits.
        arm: that it is of.
        names: of the classes, by number.
    """

    def __init__(self, trained: TrainedSegmenter) -> None:
        network = trained.load()
        self.model, self.arm = network.model, trained.arm
        self.names: tuple[str, ...] = tuple(read_space(trained.run.label_space).names)
        self._view = segmenting.build_view(trained, network, segmenting.Look())

    def __call__(self, images: Images) -> NDArray[np.uint8]:
        """Segments an image, or several of one size, of any height and width.

        Args:
            images: see `TranslatorFunction`.

        Returns:
            `(height, width)` or `(count, height, width)`, the number of each
            pixel's class.

        Raises:
            ValueError: they are something else.
        """
        pixels = transforms.denormalize(_batch(images)).numpy()
        found = np.stack([self._view.classes(image) for image in pixels])
        return found if np.ndim(images) == 4 else found[0]


def load_translator(
    path: str | Path, direction: str = "xy", method: str | None = None
) -> TranslatorFunction:
    """Loads a trained translator.

    Args:
        path: a run directory, a `seed-N` folder in one, or a folder
            `train-translator/METHOD` of one.
        direction: `xy` = source to the target's style, `yx` = the way back.
        method: which of several; None = the only one with a network, or
            CycleGAN.

    Raises:
        SettingsError: there is none, or it does not translate in this
            direction.
        DataError: it has not been trained.
    """
    run, named = _run_of(Path(path), places.TRAIN_TRANSLATOR)
    if not named:
        run, _ = repetitions.one_of(run, None)
    return TranslatorFunction(
        TrainedTranslator(run, method or named or exported_method(run), direction)
    )


def load_segmenter(path: str | Path, arm: str | None = None) -> SegmenterFunction:
    """Loads a trained segmenter.

    Args:
        path: a run directory, a `seed-N` folder in one, or a folder
            `train-segmenter/ARM` of one.
        arm: which of several; None = the best by its scores that knows no label
            of the target.

    Raises:
        SettingsError: there is none, or none is known to be the best.
        DataError: none was trained.
    """
    run, named = _run_of(Path(path), places.TRAIN_SEGMENTER)
    named = places.arm_name(named) if named else None
    return SegmenterFunction(choosing.choose(run, arm or named))


def evaluate_confusions(
    confusions: Mapping[str, NDArray[np.int64]], samples: int = 2000, seed: int = 0
) -> dict[str, ArmScores]:
    """Mean IoU of arms with intervals, and what they gain over source_only.

    Args:
        confusions: by arm `(images, classes, classes)` pixel counts, truth by
            row and prediction by column; or with the trainings of several seeds
            in front. All arms are of the same images.
        samples: test sets drawn for the intervals.
        seed: of these.

    Returns:
        See `scores.compare`.

    Raises:
        ValueError: the shapes are not these, or not of the same images.
    """
    arrays = {arm: np.asarray(counts) for arm, counts in confusions.items()}
    whole = {arm: c if c.ndim == 4 else c[np.newaxis] for arm, c in arrays.items()}
    shapes = {counts.shape for counts in whole.values()}
    if len(shapes) != 1 or any(len(s) != 4 or s[-1] != s[-2] for s in shapes):
        raise ValueError(
            "confusions have to be (images, classes, classes) of the same images and classes for"
            f" every arm, not {', '.join(map(str, sorted(shapes))) or 'none'}"
        )
    return scores.compare(intervals.bootstrap(whole, samples, seed))


def run(settings: Settings | str | Path, folder: str | Path) -> Summary | UnscoredSummary:
    """Runs an experiment, or goes on with it.

    Args:
        settings: of it, or the name of a preset or of a TOML file.
        folder: its run directory.

    Returns:
        What `evaluate/summary.json` holds.

    Raises:
        SettingsError: settings are wrong.
        DataError: data are, or the run was begun with other settings.
    """
    name = "Python" if isinstance(settings, Settings) else Path(settings).name
    if not isinstance(settings, Settings):
        settings = config.build(Settings, config.read(str(settings)))
    there = Run(Path(folder))
    fitting.fit(settings, there)  # Refuses before anything is written.
    kept = run_settings.read(there)
    if kept is not None:
        found = run_settings.differences(config.build(Settings, kept.table), settings)
        if fixed := [difference for difference in found if not difference.is_free]:
            raise DataError(
                f"{there.root} was made with other settings: {'; '.join(map(str, fixed))}. Take"
                " these, or another folder."
            )
    tracking.check(settings.tracking)
    with devices.team(settings.strategy), contextlib.ExitStack() as locked:
        if not workers.follows():
            locked.enter_context(there.locked())
            run_settings.keep(there, name if kept is None else kept.preset, settings)
        running.run_all(settings, there, lambda line: None)
    return read_summary(there)


def _run_of(path: Path, stage: str) -> tuple[Run, str | None]:
    """The run of a path, and what stage's folder it is, if it is one."""
    if not path.is_dir():
        raise SettingsError(f"{path} is no folder; give a run directory.")
    run, around = Run(path), Run(path.resolve().parent.parent)
    if path.resolve().parent == around.folder(stage):
        return around, path.resolve().name
    if not any(place.exists() for place in (run.settings, run.records, run.summary)):
        raise SettingsError(f"{path} is no run directory; give one, or its {stage}/NAME.")
    return run, None


def _batch(images: Images) -> tf.Tensor:
    """Images as networks take them: float32 in [-1, 1], several."""
    found = np.asarray(images)
    if found.ndim not in (3, 4) or found.shape[-1] != 3:
        raise ValueError(
            f"images have to be (height, width, 3) or (count, height, width, 3), not {found.shape}"
        )
    if not found.size:
        raise ValueError(f"images have to have pixels, not the shape {found.shape}")
    batch = tf.constant(found if found.ndim == 4 else found[np.newaxis])
    if found.dtype == np.uint8:
        return transforms.normalize(batch)
    if not np.issubdtype(found.dtype, np.floating) or np.abs(found).max(initial=0.0) > 1.0 + 1e-6:
        raise ValueError("images have to be uint8 in [0, 255] or float in [-1, 1]")
    return tf.cast(batch, tf.float32)
