"""Color transfer: the other domain's mean colors, or its histograms."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial, reduce
from pathlib import Path
from typing import Literal

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from i2i_keras.run_folder import files
from i2i_keras.run_folder.files import Facts
from i2i_keras.translators import references
from i2i_keras.translators.lab import Floats, lab_to_rgb, rgb_to_lab
from i2i_keras.translators.references import Pixels, ReferenceConfig, Statistics
from i2i_keras.translators.samples import write_samples

Moments = NDArray[np.float64]  # `(2, 3)`: means, standard deviations.
Histograms = NDArray[np.int64]  # `(3, 256)`: pixels of each level.

# Rounding alone varies this much, and must not be made a pattern of.
_FLAT = 0.01


class ColorConfig(ReferenceConfig):
    """Whose colors an image gets, and how.

    Attributes:
        method: `reinhard` gives it the mean and the standard deviation of the
            reference in each channel of L*a*b*, `histogram` the histogram of
            each channel of RGB.

    Reference:
        Reinhard et al., 2001, https://doi.org/10.1109/38.946629, but in CIE
        L*a*b* and not in their logarithmic space, in which the darkest pixels
        weigh more than all others and black has no color at all; Gonzalez and
        Woods, Digital Image Processing, 2002, section 3.3.2.
    """

    method: Literal["reinhard", "histogram"] = "reinhard"


def fit(
    config: ColorConfig,
    images_x: Sequence[Path],
    images_y: Sequence[Path],
    folder: Path,
    seed: int,
) -> Facts:
    """Measures both domains; nothing is trained.

    Args:
        config: of the transfer.
        images_x: prepared images of the source, all of one size.
        images_y: of the target.
        folder: gets `config.json`, `references.npz` and `samples/`.
        seed: of the choice of references.

    Returns:
        How many references there are of the source and of the target.
    """
    statistics = METHODS[config.method]
    kept = [references.measure(config, paths, statistics) for paths in (images_x, images_y)]
    references.save(config, folder, kept, seed)
    write_samples(load, folder, images_x, images_y, config.num_samples)
    return {"num_references": [len(found) for found in kept]}


def load(
    folder: Path, direction: str = "xy", reference: str | Path | None = None
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Loads the transfer of one direction; see `references.load`."""
    config = files.read_settings(folder / "config.json", ColorConfig)
    return references.load(folder, direction, METHODS[config.method], reference)


def moments(lab: Floats) -> Moments:
    """Means and standard deviations of the channels of `(height, width, 3)`."""
    # One channel after the other: along strides it takes ten times as long.
    channels = np.stack([lab[..., channel].ravel() for channel in range(3)])
    mean = channels.mean(axis=1, dtype=np.float64)
    return np.stack([mean, channels.std(axis=1, dtype=np.float64)])


def match_moments(lab: Floats, wanted: Moments) -> Floats:
    """Gives each channel the wanted mean and standard deviation.

    A channel without any contrast gets the mean only: its deviation cannot be
    raised.

    Reference:
        Reinhard et al., 2001, equations 10 and 11.
    """
    mean, deviation = moments(lab)
    gain = np.divide(wanted[1], deviation, out=np.zeros(3), where=deviation > _FLAT)
    return lab * gain.astype(lab.dtype) + (wanted[0] - gain * mean).astype(lab.dtype)


def histograms(pixels: Pixels) -> Histograms:
    """How many pixels have each of the 256 levels, by channel."""
    channels = np.moveaxis(references.to_levels(pixels), -1, 0)
    return np.stack([np.bincount(channel.ravel(), minlength=256) for channel in channels])


def match_histograms(pixels: Pixels, wanted: Histograms) -> Pixels:
    """Gives each channel the wanted histogram, order of levels kept.

    Each level becomes that up to which the reference has the same share of its
    pixels, interpolated between the levels that the reference has.
    """
    levels = references.to_levels(pixels)
    matched = np.empty(pixels.shape, np.float32)
    for channel, (own, other) in enumerate(zip(histograms(pixels), wanted, strict=True)):
        (present,) = np.nonzero(other)
        shares = np.cumsum(other[present]) / other.sum()
        table = np.interp(np.cumsum(own) / own.sum(), shares, present / 255.0)
        matched[..., channel] = table.astype(np.float32)[levels[..., channel]]
    return matched


def _measure_moments(pixels: Pixels) -> Moments:
    return moments(rgb_to_lab(pixels))


def _pool_moments(found: Iterable[Moments]) -> Moments:
    means, deviations = np.moveaxis(np.stack([*found]), 1, 0)
    mean = means.mean(axis=0)
    return np.stack([mean, np.sqrt((deviations**2 + (means - mean) ** 2).mean(axis=0))])


def _transfer_moments(pixels: Pixels, wanted: Moments) -> Floats:
    return lab_to_rgb(match_moments(rgb_to_lab(pixels), wanted))


METHODS = {
    "reinhard": Statistics(_measure_moments, _pool_moments, _transfer_moments),
    "histogram": Statistics(histograms, partial(reduce, np.add), match_histograms),
}
