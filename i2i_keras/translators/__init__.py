"""Methods that translate images of one domain into the other's style."""

from collections.abc import Callable
from typing import Any, NamedTuple

from i2i_keras.errors import SettingsError, unknown
from i2i_keras.translators import color, cut, cycada, cyclegan, fourier


class Translator(NamedTuple):
    """What the pipeline needs to know of one method.

    Attributes:
        config: its settings.
        fit: from settings, images of x and of y, folder and seed to results.
        load: from folder and direction to a function of images; where there
            are checkpoints, by name a `step` gives what it was at that of one,
            and where there is no network, a `reference` that of all images.
        load_generator: the same to its network, for tiles and export, and by
            name a `precision`; None if there is none.
        directions: those that it can be loaded in.
        needs_segmenter: whether `fit` is also given the source's segmenter, as
            a frozen function from images to logits.
    """

    config: type[Any]
    fit: Callable[..., Any]
    load: Callable[..., Any]
    load_generator: Callable[..., Any] | None = None
    directions: tuple[str, ...] = ("xy", "yx")
    needs_segmenter: bool = False


TRANSLATORS = {
    "cyclegan": Translator(
        cyclegan.CycleGANConfig, cyclegan.fit, cyclegan.load, cyclegan.load_generator
    ),
    "cycada": Translator(
        cycada.CyCADAConfig, cycada.fit, cycada.load, cycada.load_generator, needs_segmenter=True
    ),
    "cut": Translator(cut.CUTConfig, cut.fit, cut.load, cut.load_generator, cut.DIRECTIONS),
    "color": Translator(color.ColorConfig, color.fit, color.load),
    "fourier": Translator(fourier.FourierConfig, fourier.fit, fourier.load),
}


def check_method(method: str) -> None:
    """Refuses a name that is no translator.

    Raises:
        SettingsError: it is no key of `TRANSLATORS`.
    """
    if method not in TRANSLATORS:
        raise SettingsError(f"{unknown('No translator', method, TRANSLATORS)}.")
