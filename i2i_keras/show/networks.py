"""What the networks of a run make of an image, each loaded when wanted."""

import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from i2i_keras.data.resizing import resize
from i2i_keras.datasets.spaces import LabelSpace, read_space
from i2i_keras.errors import DataError
from i2i_keras.evaluation.any_image import seen_size
from i2i_keras.experiment import choosing, repetitions, segmenting
from i2i_keras.experiment.choosing import TrainedSegmenter
from i2i_keras.experiment.segmenting import Look, Scale
from i2i_keras.experiment.translating import TrainedTranslator
from i2i_keras.run_folder.places import folder_name, how_to_make
from i2i_keras.run_folder.run import Run
from i2i_keras.translators import TRANSLATORS
from i2i_keras.translators.apply import translate_pixels

Pixels = NDArray[np.uint8]
# From an image `(height, width, 3)`, and at which scale it is seen, to pictures
# by the names of their files.
Make = Callable[[Pixels, Scale], dict[str, Pixels]]

_WAYS = {
    "xy": "source to target's style",
    "yx": "target to source's style",
}


class Maker(NamedTuple):
    """One network, one way.

    Attributes:
        key: by which it is asked for, such as `translate/cyclegan/xy`.
        title: what it is called.
        note: what it does, in a few words.
        role: the domain that its images are like, `source` or `target`.
        load: gives what makes pictures.
    """

    key: str
    title: str
    note: str
    role: str
    load: Callable[[], Make]


class Networks:
    """The networks of one training, by the key of their maker.

    Args:
        run: of one or of several trainings.
        seed: of the training; None = of the first one, if there are several.

    Attributes:
        run: of the one training.
        seed: the same, where there are several.
        makers: what there is, translators first.

    Raises:
        SettingsError: there is no training of that seed.
        DataError: nothing is trained.
    """

    def __init__(self, run: Run, seed: int | None = None) -> None:
        self.run, self.seed = repetitions.one_of(run, seed)
        found = [*_translations(self.run), *_segmentations(self.run)]
        if not found:
            todo = how_to_make(self.run.translators)
            raise DataError(f"{run.root} holds no trained network; {todo}.")
        self.makers = {maker.key: maker for maker in found}
        # Once: a network takes seconds to load and to compile.
        self._load = functools.cache(lambda key: self.makers[key].load())

    def classes(self) -> LabelSpace | None:
        """What the segmenters tell apart; None if there are none."""
        there = self.run.trained_arms() and self.run.label_space.is_file()
        return read_space(self.run.label_space) if there else None

    def make(self, key: str, pixels: Pixels, scale: Scale) -> dict[str, Pixels]:
        """What a network makes of an image.

        Args:
            key: of `makers`.
            pixels: `(height, width, 3)` uint8 RGB.
            scale: at which size the image is seen, see `segmenting.Look`; a
                translation has that size, too.

        Returns:
            Pictures, uint8 RGB or class numbers, by the names of their files.

        Raises:
            DataError: another process is changing the run, or the network is
                not as it was trained.
        """
        with self.run.locked(shared=True, new=False):
            return self._load(key)(pixels, scale)


def _translations(run: Run) -> Iterator[Maker]:
    for method in run.trained_translators():
        for way in TRANSLATORS[method].directions if method in TRANSLATORS else ():
            yield Maker(
                f"translate/{method}/{way}",
                f"{method}, {way}",
                f"translated, {_WAYS[way]}",
                "source" if way == "xy" else "target",
                functools.partial(_load_translator, TrainedTranslator(run, method, way)),
            )


def _load_translator(trained: TrainedTranslator) -> Make:
    trained.done()
    translate, name = trained.load(), f"{trained.method}-{trained.direction}"

    def make(pixels: Pixels, scale: Scale) -> dict[str, Pixels]:
        height = segmenting.height_seen(trained.run, Look(scale))
        seen = pixels if height is None else _lowered(pixels, height)
        return {name: translate_pixels(translate, seen)}

    return make


def _lowered(pixels: Pixels, height: int) -> Pixels:
    """An image at a height, its width in proportion; none is enlarged."""
    size = seen_size((pixels.shape[0], pixels.shape[1]), min(height, pixels.shape[0]))
    return np.asarray(resize(Image.fromarray(pixels), size, "area"))


def _segmentations(run: Run) -> Iterator[Maker]:
    for arm in run.trained_arms():
        yield Maker(
            f"segment/{arm}",
            arm,
            "segmented",
            "target",
            functools.partial(_load_segmenter, choosing.choose(run, arm)),
        )


def _load_segmenter(trained: TrainedSegmenter) -> Make:
    network, name = trained.load(), folder_name(trained.arm)
    space = read_space(trained.run.label_space)

    def make(pixels: Pixels, scale: Scale) -> dict[str, Pixels]:
        look = Look(scale)
        view = segmenting.build_view(trained, network, look)
        classes, overlay = segmenting.build_computer(view, space, look)(pixels)
        return {f"{name}-overlay": overlay, f"{name}-classes": classes}

    return make
