"""Methods that translate images of one domain into the other's style."""

from collections.abc import Callable
from typing import Any, NamedTuple

from i2i_keras.translation import cyclegan


class Translator(NamedTuple):
    """What the pipeline needs to know of one method.

    Attributes:
        config: its settings.
        fit: from settings, images of x and of y, folder and seed to results.
        load: from folder and direction to a function of images.
    """

    config: type[Any]
    fit: Callable[..., Any]
    load: Callable[..., Any]


TRANSLATORS = {
    "cyclegan": Translator(cyclegan.CycleGANConfig, cyclegan.fit, cyclegan.load),
}
