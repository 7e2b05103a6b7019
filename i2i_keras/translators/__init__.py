"""Methods that translate images of one domain into the other's style."""

from collections.abc import Callable
from typing import Any, NamedTuple

from i2i_keras.translators import color, cut, cycada, cyclegan, fourier


class Translator(NamedTuple):
    """What the pipeline needs to know of one method.

    Attributes:
        config: its settings.
        fit: from settings, images of x and of y, folder and seed to results.
        load: from folder and direction to a function of images.
        load_generator: from folder and direction, and by name a `step` as
            `load_checkpoint` has it and a `precision`, to its network, for
            tiles and export; None if there is none.
        load_checkpoint: from folder, direction and the step of a checkpoint to
            the function of images that it was then; None if it keeps none.
        directions: those that it can be loaded in.
        needs_segmenter: whether `fit` is also given the source's segmenter, as
            a frozen function from images to logits.
    """

    config: type[Any]
    fit: Callable[..., Any]
    load: Callable[..., Any]
    load_generator: Callable[..., Any] | None = None
    load_checkpoint: Callable[..., Any] | None = None
    directions: tuple[str, ...] = ("xy", "yx")
    needs_segmenter: bool = False


TRANSLATORS = {
    "cyclegan": Translator(
        cyclegan.CycleGANConfig,
        cyclegan.fit,
        cyclegan.load,
        load_generator=cyclegan.load_generator,
        load_checkpoint=cyclegan.load_checkpoint,
    ),
    "cycada": Translator(
        cycada.CyCADAConfig,
        cycada.fit,
        cycada.load,
        load_generator=cycada.load_generator,
        load_checkpoint=cycada.load_checkpoint,
        needs_segmenter=True,
    ),
    "cut": Translator(
        cut.CUTConfig,
        cut.fit,
        cut.load,
        load_generator=cut.load_generator,
        load_checkpoint=cut.load_checkpoint,
        directions=cut.DIRECTIONS,
    ),
    "color": Translator(color.ColorConfig, color.fit, color.load),
    "fourier": Translator(fourier.FourierConfig, fourier.fit, fourier.load),
}
