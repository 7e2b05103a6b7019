"""Unpaired image translation for semantic segmentation, measured.

What follows is imported when it is first asked for:

    load_translator, load_segmenter: trained networks as functions of images
    CycleGAN, CUT: translators as Keras models, and their settings
    build_generator, build_discriminator, build_unet: networks
    evaluate_confusions: scores with intervals
    run: a whole experiment
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from i2i_keras.experiment.python_api import evaluate_confusions as evaluate_confusions
    from i2i_keras.experiment.python_api import load_segmenter as load_segmenter
    from i2i_keras.experiment.python_api import load_translator as load_translator
    from i2i_keras.experiment.python_api import run as run
    from i2i_keras.models.discriminator import DiscriminatorConfig as DiscriminatorConfig
    from i2i_keras.models.discriminator import build_discriminator as build_discriminator
    from i2i_keras.models.networks import build_generator as build_generator
    from i2i_keras.models.resnet import ResNetConfig as ResNetConfig
    from i2i_keras.models.unet import UNetConfig as UNetConfig
    from i2i_keras.models.unet import build_unet as build_unet
    from i2i_keras.translators.cut import CUT as CUT
    from i2i_keras.translators.cut import CUTConfig as CUTConfig
    from i2i_keras.translators.cyclegan import CycleGAN as CycleGAN
    from i2i_keras.translators.cyclegan import CycleGANConfig as CycleGANConfig

__version__ = "0.1.0"

_WHERE = {
    **dict.fromkeys(
        ("evaluate_confusions", "load_segmenter", "load_translator", "run"),
        "experiment.python_api",
    ),
    **dict.fromkeys(("DiscriminatorConfig", "build_discriminator"), "models.discriminator"),
    "build_generator": "models.networks",
    "ResNetConfig": "models.resnet",
    **dict.fromkeys(("UNetConfig", "build_unet"), "models.unet"),
    **dict.fromkeys(("CUT", "CUTConfig"), "translators.cut"),
    **dict.fromkeys(("CycleGAN", "CycleGANConfig"), "translators.cyclegan"),
}

__all__ = [*_WHERE]


def __getattr__(name: str) -> Any:
    """Imports a public name when it is asked for: TensorFlow takes seconds."""
    if name not in _WHERE:
        raise AttributeError(f"module 'i2i_keras' has no attribute {name!r}")
    return getattr(import_module(f"i2i_keras.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(["__version__", *_WHERE])
