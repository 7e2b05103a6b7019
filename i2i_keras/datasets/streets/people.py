"""Paints people and two-wheelers, parked or ridden."""

import numpy as np

from i2i_keras.datasets.streets.canvas import IDS, Canvas, Point
from i2i_keras.datasets.streets.palettes import Color
from i2i_keras.datasets.streets.placement import Thing


def paint_person(canvas: Canvas, thing: Thing) -> None:
    """Paints a pedestrian."""
    _figure(canvas, (thing.u, thing.z), 0.0, canvas.rng.uniform(0.1, 0.3), IDS["person"])


def paint_bicycle(canvas: Canvas, thing: Thing) -> None:
    """Paints a parked bicycle."""
    _cycle(canvas, thing, "bicycle", 0.25)


def paint_motorcycle(canvas: Canvas, thing: Thing) -> None:
    """Paints a parked motorcycle."""
    _cycle(canvas, thing, "motorcycle", 0.5)


def paint_rider(canvas: Canvas, thing: Thing) -> None:
    """Paints a bicycle with its rider."""
    _cycle(canvas, thing, "bicycle", 0.25)
    _figure(canvas, (thing.u - 0.1, thing.z), 0.28, 0.12, IDS["rider"])


def paint_biker(canvas: Canvas, thing: Thing) -> None:
    """Paints a motorcycle with its rider."""
    _cycle(canvas, thing, "motorcycle", 0.5)
    _figure(canvas, (thing.u - 0.15, thing.z), 0.2, 0.2, IDS["rider"])


def _figure(canvas: Canvas, place: Point, base: float, stride: float, id_: int) -> None:
    """Paints a human of 1.75 m, `base` meters above the ground."""
    view, (u, z) = canvas.view, place
    scale = view.focal / z
    coat, trousers, skin = (
        canvas.tint(canvas.color(name), z) for name in ("clothes", "clothes", "skin")
    )

    def part(color: Color, *points: Point) -> None:
        canvas.polygon([view.pixel(u + dx, base + y, z) for dx, y in points], color, id_)

    for way in (-1, 1):
        foot = way * stride
        part(trousers, (way * 0.02, 0.9), (way * 0.18, 0.9), (foot + 0.1, 0), (foot - 0.1, 0))
    part(coat, (-0.24, 1.45), (0.24, 1.45), (0.22, 0.8), (-0.22, 0.8))
    for way in (-1, 1):
        hand = way * (0.26 + stride * 0.4)
        part(coat, (way * 0.2, 1.45), (way * 0.28, 1.4), (hand + 0.07, 0.82), (hand - 0.07, 0.82))
    cap = canvas.tint(canvas.color("white" if id_ == IDS["rider"] else "tire"), z)
    canvas.disc(view.pixel(u, base + 1.65, z), (0.15 * scale, 0.15 * scale), cap, id_)
    canvas.disc(view.pixel(u, base + 1.58, z), (0.11 * scale, 0.14 * scale), skin, id_)


def _cycle(canvas: Canvas, thing: Thing, frame: str, tire: float) -> None:
    """Paints a two-wheeler from the side, a little turned."""
    view, z, id_ = canvas.view, thing.z, IDS[frame]
    scale, half, radius = view.focal / z, 0.55 * thing.length, 0.34
    color, rubber, spokes = (
        canvas.tint(canvas.color(name), z) for name in (frame, "tire", "spokes")
    )
    thin = min(thing.length, 1.0)
    for way in (-1, 1):
        center = view.pixel(thing.u + way * half, radius, z)
        radii = (radius * scale * thin, radius * scale)
        canvas.disc(center, radii, rubber, id_)
        inner = (radii[0] * (1 - tire), radii[1] * (1 - tire))
        canvas.disc(center, inner, spokes, id_)

    def bar(start: Point, end: Point, width: float) -> None:
        (xa, ya), (xb, yb) = (view.pixel(thing.u + dx * half, y, z) for dx, y in (start, end))
        length = max(float(np.hypot(xb - xa, yb - ya)), 1e-3)
        dx, dy = (width * scale / 2 * d / length for d in (yb - ya, xa - xb))
        canvas.polygon([(xa + dx, ya + dy), (xb + dx, yb + dy), (xb - dx, yb - dy),
                        (xa - dx, ya - dy)], color, id_)  # fmt: skip

    thick = 0.11 if frame == "bicycle" else 0.34
    bar((-1, radius), (-0.35, 0.85), thick)
    bar((-0.45, 0.55), (0.7, 0.65), thick)
    bar((1, radius), (0.72, 1.05), 0.1)
    bar((-0.65, 0.88), (-0.15, 0.88), 0.12)
    bar((0.55, 1.05), (0.9, 1.05), 0.09)
