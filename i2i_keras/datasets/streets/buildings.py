"""Paints houses, garden walls and fences, textured in perspective."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from i2i_keras.datasets.streets.canvas import IDS, NEAR, Canvas, Point, fraction, texture
from i2i_keras.datasets.streets.placement import Thing

# From meters along a wall and meters up to RGB in [0, 255]; may exceed it.
Material = Callable[[NDArray[Any], NDArray[Any]], NDArray[np.float32]]


def paint_building(canvas: Canvas, thing: Thing) -> None:
    """Paints a house: the side to the street and the end to the camera."""
    near, out = max(thing.z, NEAR), thing.u + thing.facing * 12.0
    state = canvas.rng.bit_generator.state
    end = _facade(canvas, thing.height, 0.92)
    _wall(canvas, ((thing.u, near), (out, near)), thing.height, IDS["building"], end)
    canvas.rng.bit_generator.state = state  # Both sides are of one kind.
    paint_terraced(canvas, thing)


def paint_terraced(canvas: Canvas, thing: Thing) -> None:
    """Paints a house of which the camera sees only the side to the street."""
    near, far = max(thing.z, NEAR), thing.z + thing.length
    front = _facade(canvas, thing.height, canvas.shade(-thing.facing))
    _wall(canvas, ((thing.u, near), (thing.u, far)), thing.height, IDS["building"], front)
    if canvas.rng.random() < 0.6:
        _roof(canvas, thing, near, far)


def paint_wall(canvas: Canvas, thing: Thing) -> None:
    """Paints a garden wall of stone."""
    ends = ((thing.u, max(thing.z, NEAR)), (thing.u, thing.z + thing.length))
    stone = _blocks(canvas, "wall", (0.9, 0.45), canvas.shade(-thing.facing))
    _wall(canvas, ends, thing.height, IDS["wall"], stone)


def paint_fence(canvas: Canvas, thing: Thing) -> None:
    """Paints a fence of planks."""
    ends = ((thing.u, max(thing.z, NEAR)), (thing.u, thing.z + thing.length))
    planks = _blocks(canvas, "fence", (0.3, 9.0), canvas.shade(-thing.facing))
    _wall(canvas, ends, thing.height, IDS["fence"], planks)


def _roof(canvas: Canvas, thing: Thing, near: float, far: float) -> None:
    """Paints a steep roof with a flat top."""
    view, top, id_ = canvas.view, thing.height, IDS["building"]
    color, ridge = canvas.color("roof"), top + canvas.rng.uniform(1.5, 3)
    eaves, inner = thing.u, thing.u + thing.facing * 2.0
    end = [view.pixel(eaves, top, near), view.pixel(inner, ridge, near),
           view.pixel(inner + thing.facing * 8, ridge, near),
           view.pixel(inner + thing.facing * 10, top, near)]  # fmt: skip
    canvas.polygon(end, canvas.tint(color, near, 0.85), id_)
    slope = [view.pixel(eaves, top, near), view.pixel(eaves, top, far),
             view.pixel(inner, ridge, far), view.pixel(inner, ridge, near)]  # fmt: skip
    canvas.polygon(slope, canvas.tint(color, near, canvas.shade(-thing.facing)), id_)


def _wall(
    canvas: Canvas, ends: tuple[Point, Point], height: float, id_: int, material: Material
) -> None:
    """Paints a textured upright wall between two places `(u, z)`.

    A column of the picture meets the wall at one depth, so what is along the
    wall is computed once a column.
    """
    view = canvas.view
    (xa, za), (xb, zb) = ((view.across(u, z), z) for u, z in ends)
    columns = sorted(view.width / 2 + view.focal * x / z for x, z in ((xa, za), (xb, zb)))
    first, last = max(int(columns[0]), 0), min(int(columns[1]) + 1, view.width)
    if first >= last:
        return
    ray = (np.arange(first, last, dtype=np.float32) + 0.5 - view.width / 2) / view.focal
    part = np.clip((ray * za - xa) / ((xb - xa) - ray * (zb - za) + 1e-6), 0, 1)
    z = za + part * (zb - za)
    top = max(int((view.horizon - view.focal * (height - view.eye) / z).min()), 0)
    bottom = min(int((view.horizon + view.focal * view.eye / z).max()) + 1, view.height)
    if top >= bottom:
        return
    rows = np.arange(top, bottom, dtype=np.float32)[:, None] + 0.5
    up = view.eye + (view.horizon - rows) * (z / view.focal)
    pixels = material((part * math.hypot(xb - xa, zb - za))[None, :], up)
    clear = np.exp(-z / canvas.haze)[:, None].astype(np.float32)
    pixels *= clear
    pixels += np.array(canvas.air, np.float32) * (1 - clear)
    mask = (up >= 0) & (up <= height)
    np.minimum(pixels, 255, out=pixels)
    canvas.patch(pixels.astype(np.uint8), mask, (first, top), id_)


def _facade(canvas: Canvas, height: float, shade: float) -> Material:
    """A material of plaster and windows."""
    rng = canvas.rng
    story, bay = rng.uniform(2.8, 3.6), rng.uniform(2.0, 3.4)
    half = 0.5 - rng.uniform(0.2, 0.32)
    plaster, trim, pane = (canvas.color(name) for name in ("building", "trim", "window"))
    panes = np.outer(rng.uniform(0.7, 1.25, 64), pane)
    colors = (np.vstack([plaster, trim, panes]) * shade).astype(np.float32)

    def material(along: NDArray[Any], up: NDArray[Any]) -> NDArray[np.float32]:
        column, row = along / bay, up / story
        across, rise = np.abs(fraction(column) - 0.5), np.abs(fraction(row) - 0.52)
        upper = (up >= story) & (up < height - 0.5)
        frame = (across < half + 0.05) & (rise < 0.34) & upper
        window = (across < half) & (rise < 0.3) & upper
        shop = (across < 0.42) & (up > 0.5) & (up < story - 0.7)
        cornice = (up > height - 0.45) | (np.abs(up - story) < 0.15)
        number = 2 + ((column.astype(np.int32) * 7 + row.astype(np.int32) * 13) & 63)
        index = np.where(window | shop, number, frame | cornice)
        pixels = np.take(colors, index, axis=0)
        pixels *= _grain(canvas, along, up)[..., None]
        return pixels

    return material


def _blocks(canvas: Canvas, name: str, step: Point, shade: float) -> Material:
    """A material of blocks or planks of `step` (along, up) meters."""
    color = np.array(canvas.color(name), np.float32) * shade

    def material(along: NDArray[Any], up: NDArray[Any]) -> NDArray[np.float32]:
        row = np.floor(up / step[1])
        joint = fraction(along / step[0] + 0.5 * row)
        seam = (joint < 0.12) | (up / step[1] - row < 0.1)
        light = np.where(seam, 0.68, _grain(canvas, along, up)).astype(np.float32)
        return color * light[..., None]

    return material


def _grain(canvas: Canvas, along: NDArray[Any], up: NDArray[Any]) -> NDArray[np.float32]:
    """Lightness of a plain wall: stains in camera style, tiles in games."""
    if canvas.style == "camera":
        return 1 + 0.06 * texture(up * 12, along * 12)
    seam = (fraction(along * 0.8) < 0.07) | (fraction(up * 1.25) < 0.09)
    return np.where(seam, np.float32(0.8), np.float32(1.0))
