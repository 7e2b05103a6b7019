"""Fourier domain adaptation: the other domain's low-frequency amplitudes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pydantic
import scipy.fft
import tensorflow as tf
from numpy.typing import NDArray

from i2i_keras.run_folder import files
from i2i_keras.run_folder.files import Facts
from i2i_keras.translators import references
from i2i_keras.translators.references import Pixels, ReferenceConfig, Statistics
from i2i_keras.translators.samples import write_samples

# Of each frequency and channel, `(2 * half_width + 1, half_width + 1, 3)`: rows
# from the most negative one up, columns from zero; the other half mirrors it.
Amplitudes = NDArray[np.float32]

_BETA = 0.01


class FourierConfig(ReferenceConfig):
    """Which frequencies are swapped; at most one of the two is set.

    Attributes:
        beta: half the width of the window of frequencies, as a share of the
            smaller side, rounded down; unset = 0.01, the paper's first choice,
            unless there is a radius.
        radius: the same in frequencies, that is in pixels of the spectrum, as
            far as an image has them. 0 = only mean colors are swapped.

    Reference:
        Yang and Soatto, 2020, https://arxiv.org/abs/2004.05498, section 3.1.
    """

    beta: float | None = pydantic.Field(default=None, ge=0.0, lt=0.5)
    radius: pydantic.NonNegativeInt | None = None

    @pydantic.model_validator(mode="after")
    def _one_of_both(self) -> "FourierConfig":
        if self.beta is not None and self.radius is not None:
            raise ValueError("beta and radius both say how large the window is; set one of them")
        return self

    def facts(self) -> Facts:
        """All that the references depend on."""
        facts: Facts = self.model_dump(mode="json")
        if self.reference == "image":  # What was measured without stays valid.
            del facts["reference"]
        return facts

    def half_width(self, height: int, width: int) -> int:
        """Frequencies on each side of zero in the spectrum of an image."""
        if self.radius is not None:
            return min(self.radius, (min(height, width) - 1) // 2)
        beta = _BETA if self.beta is None else self.beta
        return int(beta * min(height, width))


def fit(
    config: FourierConfig,
    images_x: Sequence[Path],
    images_y: Sequence[Path],
    folder: Path,
    seed: int,
) -> Facts:
    """Measures both domains; nothing is trained.

    Args:
        config: of the window.
        images_x: prepared images of the source, all of one size.
        images_y: of the target, of the same size.
        folder: gets `config.json`, `references.npz` and `samples/`.
        seed: of the choice of references.

    Returns:
        How many references there are of the source and of the target, half the
        width of the window, and warnings.
    """
    kept = [references.measure(config, p, _statistics(config)) for p in (images_x, images_y)]
    references.save(config, folder, kept, seed)
    write_samples(load, folder, images_x, images_y, config.num_samples)
    half_width = kept[0].shape[2] - 1
    warnings = []
    if half_width == 0 and config.radius is None and config.beta != 0.0:
        warnings.append(
            "the window holds the mean color only, since beta of the smaller side is less than one"
            " frequency; raise translator.fourier.beta, or set its radius instead."
        )
    counts = [len(found) for found in kept]
    return {"num_references": counts, "half_width": half_width, "warnings": warnings}


def load(
    folder: Path, direction: str = "xy", reference: str | Path | None = None
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Loads the swap of one direction; see `references.load`.

    An image of another size than those that were measured gets the same
    frequencies, in periods across the image, as far as it has them.
    """
    config = files.read_settings(folder / "config.json", FourierConfig)
    return references.load(folder, direction, _statistics(config), reference)


def amplitudes(pixels: Pixels, half_width: int) -> Amplitudes:
    """Amplitudes of the lowest frequencies, divided by the number of pixels."""
    frequencies = np.arange(-half_width, half_width + 1)
    window = scipy.fft.rfft2(pixels, axes=(0, 1))[frequencies, : half_width + 1]
    return np.abs(window) / (pixels.shape[0] * pixels.shape[1])


def swap_amplitudes(pixels: Pixels, wanted: Amplitudes) -> Pixels:
    """Gives an image the amplitudes of others, its own phases kept.

    Args:
        pixels: of any size.
        wanted: that `amplitudes` measured.

    Returns:
        Of the same size; may exceed [0, 1].

    Reference:
        Yang and Soatto, 2020, equation 3.
    """
    height, width = pixels.shape[:2]
    half_width = wanted.shape[1] - 1
    down, right = (min(half_width, (side - 1) // 2) for side in (height, width))
    rows = np.arange(-down, down + 1)
    wanted = wanted[half_width + rows, : right + 1] * (height * width)

    spectrum = scipy.fft.rfft2(pixels, axes=(0, 1))
    window = spectrum[rows, : right + 1]
    own = np.abs(window)
    # What is not there has the phase zero.
    phases = np.divide(window, own, out=np.ones_like(window), where=own > 0)
    spectrum[rows, : right + 1] = wanted * phases
    return scipy.fft.irfft2(spectrum, (height, width), axes=(0, 1))


def _statistics(config: FourierConfig) -> Statistics:
    return Statistics(
        lambda pixels: amplitudes(pixels, config.half_width(*pixels.shape[:2])),
        lambda found: np.mean([*found], axis=0),
        swap_amplitudes,
    )
