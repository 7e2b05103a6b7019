"""What a look at sample translations tells, as numbers that need no label."""

import itertools
import math

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.float32]

_PERIODS = (2, 4)  # Pixels: the strides of one and of two upsamplings.
_TILE = 32  # Pixels.
_FLAT = 1.0  # Energy in a tile that nobody sees: half of 255 gray values.
_PATCH = 3
_PROJECTIONS = 64
_PLACES = 8192  # Looked at in all images together, about.
_QUANTILES = np.linspace(0.0, 1.0, 129)


def both_ways(x: Images, fake_y: Images, y: Images, fake_x: Images) -> dict[str, float]:
    """All signals of both generators, by name and direction."""
    ways = {"xy": (x, fake_y, y), "yx": (y, fake_x, x)}
    found = {way: appearance(*images) for way, images in ways.items()}
    return {f"{name}_{way}": found[way][name] for name in found["xy"] for way in ways}


def appearance(inputs: Images, outputs: Images, targets: Images) -> dict[str, float]:
    """All signals of this module for one generator.

    Args:
        inputs: images `(count, height, width, 3)` in [-1, 1].
        outputs: their translations.
        targets: images of the domain that the outputs should look like, of
            any size and number.
    """
    return {
        "style_distance": style_distance(inputs, outputs, targets),
        "luminance_correlation": luminance_correlation(inputs, outputs),
        "diversity": diversity(inputs, outputs),
        "checkerboard": checkerboard(inputs, outputs, targets),
    }


def style_distance(inputs: Images, outputs: Images, targets: Images) -> float:
    """How far outputs are from targets, the inputs' own distance being 1.

    The distance is that of two distributions of small patches less their mean
    color, at full and at half size: sliced Wasserstein, in standard deviations
    of the targets. The means are left out because in a few images they tell
    the scene rather than the style: with them, the states of two trainings on
    drawn streets came in another order than by what an oracle recognizes in
    the translations; without, in the same but for neighbors.

    Returns:
        0 = statistically the same, 1 = nothing gained; NaN if inputs and
        targets are alike already.

    Reference:
        Rabin et al., 2011, https://doi.org/10.1007/978-3-642-24785-9_37; on
        patches: Karras et al., 2018, https://arxiv.org/abs/1710.10196,
        section 5.
    """
    ratios = []
    for shrink in (1, 2):
        x, output, y = (_patches(images, shrink) for images in (inputs, outputs, targets))
        before = _sliced_wasserstein(x, y)
        ratios.append(_sliced_wasserstein(output, y) / before if before > 0 else np.nan)
    return float(np.mean(ratios))


def luminance_correlation(inputs: Images, outputs: Images) -> float:
    """Mean correlation of the brightness of an image and of its translation.

    Returns:
        1 = the same but for contrast, -1 = inverted; NaN if no image has any
        contrast.
    """
    x, y = (_centered(_luminance(images)) for images in (inputs, outputs))
    norms = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    defined = norms > 1e-9
    return (
        float(np.mean((x * y).sum(axis=1)[defined] / norms[defined])) if defined.any() else np.nan
    )


def diversity(inputs: Images, outputs: Images) -> float:
    """Mean difference between two outputs over that between two inputs.

    Returns:
        0 = one output for everything, 1 = as different as the inputs; NaN
        without two different inputs.
    """
    before, after = (_mean_difference(images) for images in (inputs, outputs))
    return after / before if before > 0 else np.nan


def checkerboard(inputs: Images, outputs: Images, targets: Images) -> float:
    """How far the spectrum stands out at the periods of upsampling.

    In tiles, so that edges, which are in some tiles only, count little.

    Returns:
        Energy at periods of 2 or 4 pixels over that at frequencies beside
        them, relative to the same of inputs or targets, whichever stands out
        more: about 1 without a pattern; NaN for images below 32 pixels.

    Reference:
        Odena et al., 2016, https://doi.org/10.23915/distill.00003.
    """
    if min(inputs.shape[1:3] + targets.shape[1:3]) < _TILE:
        return np.nan
    x, output, y = (_peaks(images) for images in (inputs, outputs, targets))
    return float(np.max(output / np.maximum(x, y)))


def _patches(images: Images, shrink: int) -> Images:
    """Patches of shrunken images, less their mean color, `(count, values)`."""
    count, height, width = len(images), *(side // shrink for side in images.shape[1:3])
    cells = images[:, : height * shrink, : width * shrink]
    cells = cells.reshape(count, height, shrink, width, shrink, 3).mean(axis=(2, 4))
    patches = _windows(cells, _PATCH, 2).reshape(-1, 3 * _PATCH * _PATCH)
    return patches - patches.reshape(-1, 3, _PATCH * _PATCH).mean(axis=2).repeat(_PATCH**2, axis=1)


def _windows(images: Images, size: int, step: int) -> Images:
    """Squares of one color each, `(count, size, size)`, the colors in turn.

    Their distance is `step`, or more where that would be too many.
    """
    step = max(step, math.isqrt(images[..., 0].size // _PLACES))
    windows = np.lib.stride_tricks.sliding_window_view(images, (1, size, size, 1))
    return windows[:, ::step, ::step].reshape(-1, size, size)


def _sliced_wasserstein(samples: Images, targets: Images) -> float:
    """Mean over random directions of the distance between sorted values."""
    directions = np.random.default_rng(0).normal(size=(samples.shape[1], _PROJECTIONS))
    directions /= np.linalg.norm(directions, axis=0)
    one, two = (
        np.quantile(values @ directions, _QUANTILES, axis=0) for values in (samples, targets)
    )
    return float(np.mean(np.abs(one - two).mean(axis=0) / (two.std(axis=0) + 1e-6)))


def _luminance(images: Images) -> NDArray[np.float64]:
    return images.astype(np.float64) @ np.array([0.299, 0.587, 0.114])


def _centered(images: NDArray[np.float64]) -> NDArray[np.float64]:
    flat = images.reshape(len(images), -1)
    return flat - flat.mean(axis=1, keepdims=True)


def _mean_difference(images: Images) -> float:
    pairs = itertools.combinations(images, 2)
    differences = [float(np.abs(one - two).mean()) for one, two in pairs]
    return float(np.mean(differences)) if differences else np.nan


def _peaks(images: Images) -> NDArray[np.float64]:
    """Energy at a period over that beside it, by median over tiles."""
    tiles = _windows(images, _TILE, _TILE // 2).astype(np.float64)
    tiles = tiles - tiles.mean(axis=(1, 2), keepdims=True)
    window = np.hanning(_TILE + 1)[:-1]
    power = np.abs(np.fft.fft2(tiles * np.outer(window, window))) ** 2
    peaks = []
    for period in _PERIODS:
        at = _TILE // period
        # Three bins away the window lets nothing of the peak through; towards
        # both sides, because energy falls with frequency. Past Nyquist, the
        # other side is the same one again.
        there, beside = (
            np.median(sum(power[:, row, column] for row, column in places))
            for places in (
                [(at, 0), (0, at), (at, at), (at, -at)],
                [
                    place
                    for near in (at - 3, at + 3)
                    for place in ((near, 0), (0, near), (near, near), (near, -near))
                ],
            )
        )
        peaks.append((there + _FLAT) / (beside / 2 + _FLAT))
    return np.array(peaks)
