"""Writes weights of every network, or reads those of another process.

python exchange.py write FOLDER: `NAME.weights.h5` and what each network makes
of images; python exchange.py read FOLDER: prints by how much it makes others.
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np

from i2i_keras.models.discriminator import DiscriminatorConfig, build_discriminator
from i2i_keras.models.mobile_unet import MobileUNetConfig, build_mobile_unet
from i2i_keras.models.resnet import ResNetConfig, build_resnet
from i2i_keras.models.unet import UNetConfig, build_unet
from i2i_keras.training.weights import load_weights, save_weights
from i2i_keras.translators.cut import CUT, CUTConfig

IMAGES = np.random.default_rng(0).uniform(-1, 1, (2, 32, 64, 3)).astype(np.float32)
SMALL = {"filters": 4, "num_downsamplings": 2}


def _heads() -> keras.Model:
    return CUT(CUTConfig(generator={**SMALL, "num_residual_blocks": 2}, steps=1)).heads


NETWORKS = {
    **{
        f"resnet-{norm}-{up}": lambda norm=norm, up=up: build_resnet(
            ResNetConfig(**SMALL, num_residual_blocks=1, norm=norm, upsampling=up, skip=True), "g"
        )
        for norm in ("instance", "batch", "none")
        for up in ("resize", "transposed")
    },
    **{
        f"discriminator-{norm}-{spectral}": lambda norm=norm, spectral=spectral: (
            build_discriminator(
                DiscriminatorConfig(**SMALL, norm=norm, spectral_norm=spectral, dropout=0.2), "d"
            )
        )
        for norm in ("instance", "batch", "none")
        for spectral in (True, False)
    },
    "unet": lambda: build_unet(UNetConfig(filters=4, depth=3), 5),
    "mobile_unet": lambda: build_mobile_unet(MobileUNetConfig(filters=4, alpha=0.35), 5),
    "heads": _heads,
}


def inputs_of(network: keras.Model) -> object:
    """Images, or what a network of several inputs takes, which are lists."""
    if not isinstance(network.input, dict):
        return IMAGES
    rng = np.random.default_rng(1)
    return {
        name: rng.normal(size=(2, 5, tensor.shape[-1])).astype(np.float32)
        for name, tensor in sorted(network.input.items())
    }


def outputs_of(network: keras.Model) -> np.ndarray:
    """All that it makes of its inputs, in one row."""
    found = network(inputs_of(network), training=False)
    parts = [found[key] for key in sorted(found)] if isinstance(found, dict) else [found]
    return np.concatenate([np.ravel(part) for part in parts])


def write(folder: Path) -> None:
    """Writes weights, none of them where it begins, and outputs."""
    for number, (name, build) in enumerate(NETWORKS.items()):
        keras.utils.set_random_seed(number)
        network = build()
        rng = np.random.default_rng(number)
        weights = [
            w + (0.1 * rng.uniform(size=w.shape)).astype(w.dtype) for w in network.get_weights()
        ]
        network.set_weights(weights)
        save_weights(network, folder / f"{name}.weights.h5")
        np.save(folder / f"{name}.npy", outputs_of(network))


def read(folder: Path) -> dict[str, float]:
    """The largest difference of each network's outputs, of their size."""
    found = {}
    for name, build in NETWORKS.items():
        network = build()
        load_weights(network, folder / f"{name}.weights.h5")
        wanted, outputs = np.load(folder / f"{name}.npy"), outputs_of(network)
        found[name] = float(np.abs(outputs - wanted).max() / max(1.0, np.abs(wanted).max()))
    return found


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]))
    else:
        print(json.dumps(read(Path(sys.argv[2]))))
