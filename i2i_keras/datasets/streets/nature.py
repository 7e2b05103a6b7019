"""Paints trees and bushes."""

import math

import numpy as np

from i2i_keras.datasets.streets.boxes import face
from i2i_keras.datasets.streets.canvas import IDS, Canvas, Point, texture
from i2i_keras.datasets.streets.placement import Thing


def paint_tree(canvas: Canvas, thing: Thing) -> None:
    """Paints a trunk and a crown."""
    view, scale = canvas.view, canvas.view.focal / thing.z
    color = canvas.tint(canvas.color("trunk"), thing.z)
    width = 0.03 * thing.height
    face(
        canvas, (thing.u - width, thing.z), (thing.u + width, thing.z), (0, 0.5 * thing.height),
        color, IDS["vegetation"],
    )  # fmt: skip
    center = view.pixel(thing.u, 0.66 * thing.height, thing.z)
    wide = canvas.rng.uniform(0.26, 0.36)
    _leaves(canvas, center, (wide * thing.height * scale, 0.36 * thing.height * scale), thing.z)


def paint_bush(canvas: Canvas, thing: Thing) -> None:
    """Paints a bush; `length` is its width across."""
    scale = canvas.view.focal / thing.z
    center = canvas.view.pixel(thing.u, thing.height * 0.4, thing.z)
    radii = (thing.length / 2 * scale, thing.height * 0.62 * scale)
    _leaves(canvas, center, radii, thing.z)


def _leaves(canvas: Canvas, center: Point, radii: Point, z: float) -> None:
    """Paints a ragged crown around a pixel."""
    view, (x, y), (a, b) = canvas.view, center, radii
    left, right = max(int(x - 1.2 * a), 0), min(int(x + 1.2 * a) + 1, view.width)
    top, bottom = max(int(y - 1.2 * b), 0), min(int(y + 1.2 * b) + 1, view.height)
    if left >= right or top >= bottom:
        return
    # Leaves are two pixels wide, which also makes them four times as fast.
    columns = (np.arange(left, right, 2, dtype=np.float32)[None, :] - x) / a
    rows = (np.arange(top, bottom, 2, dtype=np.float32)[:, None] - y) / b
    offset = canvas.rng.integers(256)
    fine = 40 if canvas.style == "camera" else 14
    leaf = texture(rows * fine + offset, columns * fine * a / b + offset)
    mask = columns**2 + rows**2 + 0.16 * leaf < 1
    light = 0.92 - 0.28 * rows + 0.12 * canvas.sun * columns
    if canvas.style == "camera":
        light = light + 0.2 * leaf
    else:
        light = np.round((light + 0.16 * leaf) * 3.5) / 3.5
    clear = math.exp(-z / canvas.haze)
    color = np.array(canvas.color("vegetation"), np.float32) * clear
    pixels = np.clip(light, 0.35, 1.7)[..., None] * color
    pixels += np.array(canvas.air, np.float32) * (1 - clear)
    np.minimum(pixels, 255, out=pixels)
    whole, mask = (grid.repeat(2, 0).repeat(2, 1) for grid in (pixels.astype(np.uint8), mask))
    canvas.patch(whole, mask, (left, top), IDS["vegetation"])
