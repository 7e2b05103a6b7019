"""Methods that translate images of one domain into the other's style."""

from collections.abc import Callable
from typing import Any, NamedTuple

from i2i_keras.errors import SettingsError, unknown
from i2i_keras.run_folder.places import parts_of
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


def what_is_wrong(method: str) -> str:
    """Why a name is no method, to be said after a colon; empty if it is one.

    A method is a key of `TRANSLATORS`, or several different ones that are
    joined by "+".
    """
    parts = parts_of(method) or [method]
    for part in parts:
        if part not in TRANSLATORS:
            return unknown("no translator", part, TRANSLATORS)
    return f"a translator is named twice in {method}" if len(set(parts)) < len(parts) else ""


def check_method(method: str) -> None:
    """Refuses a name that is no method.

    Raises:
        SettingsError: see `what_is_wrong`.
    """
    if told := what_is_wrong(method):
        raise SettingsError(f"{told[0].upper()}{told[1:]}.")


def network_of(method: str) -> Callable[..., Any] | None:
    """What loads a method's network; None if it has none, or is several."""
    return TRANSLATORS[method].load_generator if method in TRANSLATORS else None


def directions_of(method: str) -> list[str]:
    """The directions that a method, or all that it consists of, can take."""
    parts = parts_of(method)
    return [
        way
        for way in ("xy", "yx")
        if all(part in TRANSLATORS and way in TRANSLATORS[part].directions for part in parts)
    ]


def check_single(method: str) -> None:
    """Refuses what is not one translator, which alone can be trained."""
    check_method(method)
    if method not in TRANSLATORS:
        parts = " and ".join(parts_of(method))
        raise SettingsError(f"{method} is no translator of its own; train {parts}.")
