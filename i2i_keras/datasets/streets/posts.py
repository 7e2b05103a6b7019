"""Paints what stands on a post: street lamps, traffic lights and signs."""

import numpy as np

from i2i_keras.datasets.streets.boxes import face
from i2i_keras.datasets.streets.canvas import IDS, Canvas
from i2i_keras.datasets.streets.palettes import Color
from i2i_keras.datasets.streets.placement import Thing


def paint_pole(canvas: Canvas, thing: Thing) -> None:
    """Paints a street lamp with its arm over the road."""
    color = _post(canvas, thing, 0.2)
    tip = thing.u - thing.facing * 1.8
    ends = sorted((thing.u, tip))
    heights = (thing.height - 0.16, thing.height)
    face(canvas, (ends[0], thing.z), (ends[1], thing.z), heights, color, IDS["pole"])
    lamp = canvas.tint(canvas.color("lamp"), thing.z)
    heights = (thing.height - 0.34, thing.height - 0.12)
    face(canvas, (tip - 0.35, thing.z), (tip + 0.35, thing.z), heights, lamp, IDS["pole"])


def paint_light(canvas: Canvas, thing: Thing) -> None:
    """Paints a traffic light on its pole."""
    _post(canvas, thing, 0.18)
    view, z, top = canvas.view, thing.z, thing.height
    start, end = (thing.u - 0.34, z), (thing.u + 0.34, z)
    housing, id_ = canvas.color("housing"), IDS["traffic light"]
    face(canvas, start, end, (top - 1.35, top + 0.25), canvas.tint(housing, z), id_)
    lit = canvas.rng.integers(3)
    bright = ((60, 220, 130), (250, 190, 40), (240, 50, 40))
    for lamp in range(3):
        color = bright[lamp] if lamp == lit else canvas.tint(housing, z, 1.7)
        center = view.pixel(thing.u, top - 1.02 + 0.48 * lamp, z)
        canvas.disc(center, (0.2 * view.focal / z,) * 2, color, id_)


def paint_sign(canvas: Canvas, thing: Thing) -> None:
    """Paints a round, square or three-cornered sign on its pole."""
    _post(canvas, thing, 0.12)
    view, z, id_ = canvas.view, thing.z, IDS["traffic sign"]
    x, y = view.pixel(thing.u, thing.height, z)
    outer, inner = (canvas.tint(canvas.color(name), z) for name in ("sign", "white"))
    corners = (40, 4, 3)[canvas.rng.integers(3)]
    for radius, color in ((0.48, outer), (0.28, inner)):
        angles = np.arange(corners) * 2 * np.pi / corners - np.pi / 2 + (corners == 4) * np.pi / 4
        radius *= (1.2 if corners < 40 else 1.0) * view.focal / z
        points = [(x + radius * np.cos(a), y + radius * np.sin(a)) for a in angles]
        canvas.polygon(points, color, id_)


def _post(canvas: Canvas, thing: Thing, width: float) -> Color:
    color = canvas.tint(canvas.color("pole"), thing.z)
    start, end = (thing.u - width / 2, thing.z), (thing.u + width / 2, thing.z)
    face(canvas, start, end, (0, thing.height), color, IDS["pole"])
    return color
