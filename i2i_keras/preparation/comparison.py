"""How two domains differ before anything is trained, and what that foretells.

A discriminator sees whole pictures: where the target has more sky, a generator
is rewarded for painting sky, whatever the label below says.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BANDS = 8  # Strips of equal height, from top to bottom.
IGNORED = "ignored"
_NOTABLE = 0.03  # Difference of shares of all pixels.
_BAND_NOTABLE = 0.15  # Difference of shares within one strip.

Measures = dict[str, Any]


def measure(image: NDArray[np.uint8], label: NDArray[np.uint8] | None, classes: int) -> Measures:
    """Statistics of one prepared image and label, as plain numbers.

    Args:
        image: `(height, width, 3)` uint8 RGB.
        label: `(height, width)` uint8, 255 = ignored, or None.
        classes: of the label space.

    Returns:
        `color`: mean RGB of each strip, 0 to 255; `contrast`: standard
        deviation of brightness; `saturation`: mean of (max - min) of RGB;
        `detail`: mean difference of neighbors in a row, all three in 0 to 255;
        `pixels`: `(BANDS, classes + 1)` counts, ignored pixels last.
    """
    # Whole numbers, a channel at a time: a fifth of the time of float32 pixels.
    planes = np.ascontiguousarray(np.moveaxis(image, -1, 0))
    red, green, blue = planes
    gray = planes.sum(axis=0, dtype=np.int16)  # Three times the brightness.
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    colors = [
        [float(plane.mean()) for plane in strip]
        for strip in zip(*map(_strips, planes), strict=True)
    ]
    facts: Measures = {
        "color": [[round(color, 1) for color in strip] for strip in colors],
        "contrast": round(float(gray.std()) / 3, 2),
        "saturation": round(float(spread.mean()), 2),
        "detail": round(float(np.abs(np.diff(gray, axis=1)).mean()) / 3, 2),
    }
    if label is not None:
        index = np.minimum(label, classes)
        facts["pixels"] = [
            np.bincount(strip.ravel(), minlength=classes + 1).tolist() for strip in _strips(index)
        ]
    return facts


def packed(measures: Measures) -> Measures:
    """The same with arrays for lists, a tenth as large in memory."""
    return {
        key: np.array(value, np.int32 if key == "pixels" else np.float64)
        if isinstance(value, list)
        else value
        for key, value in measures.items()
    }


def _strips(pixels: NDArray[Any]) -> list[NDArray[Any]]:
    return np.array_split(pixels, min(BANDS, len(pixels)))


def join(measures: Iterable[Measures]) -> Measures:
    """Statistics of a domain: means over its images, sums of its pixels.

    Args:
        measures: of its images, packed or not.
    """
    rows = [*measures]
    joined: Measures = {"images": len(rows)}
    if not rows:
        return joined
    for key in ("color", "contrast", "saturation", "detail"):
        joined[key] = np.round(np.mean([row[key] for row in rows], axis=0), 2).tolist()
    labelled = [row["pixels"] for row in rows if "pixels" in row]
    if labelled:
        total = np.zeros(np.shape(labelled[0]), np.int64)
        for pixels in labelled:
            total += np.asarray(pixels)
        joined["pixels"] = total.tolist()
    return joined


def shares(domain: Measures) -> NDArray[np.float64] | None:
    """Share of each class, ignored last, in the pixels of each strip.

    Returns:
        `(BANDS, classes + 1)` in [0, 1], whose rows sum to 1; None where no
        labels were looked at.
    """
    if "pixels" not in domain:
        return None
    pixels = np.asarray(domain["pixels"], float)
    return pixels / np.maximum(pixels.sum(axis=1, keepdims=True), 1)


def sentences(source: Measures, target: Measures, names: Sequence[str]) -> list[str]:
    """What the differences foretell of the translation, the largest first.

    Args:
        source: of the source's training images, with labels.
        target: of the target's training images; with labels where the user
            allows them to be looked at.
        names: of the classes.
    """
    before, after = shares(source), shares(target)
    told = []
    if before is not None and after is not None:
        told = _of_classes(before, after, [*names, IGNORED])
    if source.get("images") and target.get("images"):
        told.append(_of_colors(source, target))
    return told


def _of_classes(
    before: NDArray[np.float64], after: NDArray[np.float64], names: Sequence[str]
) -> list[str]:
    whole = after.mean(axis=0) - before.mean(axis=0)
    strips = after - before
    told = []
    for index in np.argsort(-np.abs(whole)):
        strip = int(np.argmax(np.abs(strips[:, index])))
        if abs(whole[index]) < _NOTABLE and abs(strips[strip, index]) < _BAND_NOTABLE:
            continue
        share = f"{100 * before[:, index].mean():.0f}% of the source's pixels,"
        share += f" {100 * after[:, index].mean():.0f}% of the target's"
        if abs(whole[index]) < _NOTABLE:
            act = "paint it where the target has it"
        elif whole[index] > 0:
            act = "add it where labels say otherwise"
        else:
            act = "remove some of it, while its labels stay"
        told.append(
            f"{names[index]}: {share}, differing most in {_place(strip)}; expect a translator"
            f" to {act}."
        )
    return told


def _of_colors(source: Measures, target: Measures) -> str:
    colors = [np.asarray(domain["color"]) for domain in (source, target)]
    strip = int(np.argmax(np.abs(colors[1] - colors[0]).sum(axis=1)))
    before, after = ("/".join(f"{c:.0f}" for c in color[strip]) for color in colors)
    changes = [
        f"{name} {source[key]:.0f} to {target[key]:.0f}"
        for key, name in (("contrast", "contrast"), ("saturation", "saturation"))
    ] + [f"detail {source['detail']:.1f} to {target['detail']:.1f}"]
    return (
        f"From source to target: {', '.join(changes)} (of 255); the mean color differs most in"
        f" {_place(strip)}, RGB {before} to {after}."
    )


def _place(strip: int) -> str:
    if strip == 0:
        return "the top eighth"
    if strip == BANDS - 1:
        return "the bottom eighth"
    return f"the {('second', 'third', 'fourth', 'fifth', 'sixth', 'seventh')[strip - 1]} eighth"
