"""Paints cars with their license plates, buses and trucks."""

import numpy as np

from i2i_keras.datasets.streets.boxes import box, face
from i2i_keras.datasets.streets.canvas import IDS, Canvas
from i2i_keras.datasets.streets.palettes import Color
from i2i_keras.datasets.streets.placement import Thing


def paint_car(canvas: Canvas, thing: Thing) -> None:
    """Paints a car; one facing -1 comes towards the camera."""
    z, id_, half, belt = thing.z, IDS["car"], 0.9, 0.5 * thing.height + 0.15
    color = canvas.color("car")
    _wheels(canvas, thing, half, 0.32, id_)
    sides, depths = (thing.u - half, thing.u + half), (z, z + thing.length)
    box(canvas, sides, (0.22, belt), depths, color, id_)
    _cabin(canvas, thing, belt, color)
    _lights(canvas, thing, half, belt, id_)


def paint_plate(canvas: Canvas, thing: Thing) -> None:
    """Paints the license plate of the car that is at the same place."""
    color = canvas.tint(canvas.color("plate"), thing.z)
    start, end = (thing.u - 0.27, thing.z), (thing.u + 0.27, thing.z)
    face(canvas, start, end, (0.44, 0.58), color, IDS["license plate"])


def paint_bus(canvas: Canvas, thing: Thing) -> None:
    """Paints a bus with a band of windows."""
    side = _body(canvas, thing, "bus")
    pane, id_ = canvas.tint(canvas.color("glass"), thing.z), IDS["bus"]
    low, high = 0.4 * thing.height, 0.85 * thing.height
    for part in range(5):
        first, last = (thing.z + (part + edge) * thing.length / 5 for edge in (0.1, 0.9))
        face(canvas, (side, first), (side, last), (low, high), pane, id_)
    start, end = (thing.u - 1.0, thing.z), (thing.u + 1.0, thing.z)
    face(canvas, start, end, (low, high), pane, id_)
    _lights(canvas, thing, 1.2, 0.95, id_)


def paint_truck(canvas: Canvas, thing: Thing) -> None:
    """Paints a truck with plain walls and two doors."""
    _body(canvas, thing, "truck")
    seam, id_, (u, z) = canvas.tint((60, 60, 66), thing.z), IDS["truck"], (thing.u, thing.z)
    face(canvas, (u - 0.04, z), (u + 0.04, z), (0.9, thing.height - 0.2), seam, id_)
    face(canvas, (u - 1.2, z), (u + 1.2, z), (0.75, 0.9), seam, id_)
    _lights(canvas, thing, 1.2, 0.95, id_)


def _body(canvas: Canvas, thing: Thing, kind: str) -> float:
    """Paints a large box on wheels; returns `u` of the side one can see."""
    _wheels(canvas, thing, 1.2, 0.48, IDS[kind])
    sides, depths = (thing.u - 1.2, thing.u + 1.2), (thing.z, thing.z + thing.length)
    box(canvas, sides, (0.4, thing.height), depths, canvas.color(kind), IDS[kind])
    return sides[1] if canvas.view.across(thing.u, thing.z) < 0 else sides[0]


def _wheels(canvas: Canvas, thing: Thing, half: float, radius: float, id_: int) -> None:
    """Paints the wheels under the near end and along the visible side."""
    view, z = canvas.view, thing.z
    color = canvas.tint(canvas.color("tire"), z)
    for way in (-1, 1):
        start, end = thing.u + way * half, thing.u + way * (half - 0.28)
        face(canvas, (start, z), (end, z), (0, radius), color, id_)
    side = 1 if view.across(thing.u, z) < 0 else -1
    for part in (0.18, 0.8):
        depth = z + part * thing.length
        points = [
            view.pixel(thing.u + side * half, radius * (1 + np.sin(a)),
                       depth + radius * 1.1 * np.cos(a))
            for a in np.arange(10) * np.pi / 5
        ]  # fmt: skip
        canvas.polygon(points, color, id_)


def _cabin(canvas: Canvas, thing: Thing, belt: float, color: Color) -> None:
    """Paints a car's windows and roof, narrower towards the top."""
    view, u, roof, id_ = canvas.view, thing.u, thing.height, IDS["car"]
    pane = canvas.tint(canvas.color("glass"), thing.z)
    # Along the car: the near window's foot and top, the far one's top and foot.
    parts = (0.04, 0.16, 0.55, 0.75) if thing.facing > 0 else (0.25, 0.45, 0.84, 0.96)
    foot, top, back, heel = (thing.z + part * thing.length for part in parts)
    way = 1 if view.across(u, thing.z) < 0 else -1
    if view.eye > roof:
        lid = [view.pixel(u - 0.66, roof, top), view.pixel(u + 0.66, roof, top),
               view.pixel(u + 0.66, roof, back), view.pixel(u - 0.66, roof, back)]  # fmt: skip
        canvas.polygon(lid, canvas.tint(color, thing.z, 1.1), id_)
    for inset, fill in ((0.0, canvas.tint(color, thing.z, canvas.shade(way))), (0.07, pane)):
        low, high, wide, narrow = belt + inset / 2, roof - inset, 0.86, 0.66
        flank = [view.pixel(u + way * wide, low, foot + 3 * inset),
                 view.pixel(u + way * wide, low, heel - 3 * inset),
                 view.pixel(u + way * narrow, high, back - 2 * inset),
                 view.pixel(u + way * narrow, high, top + 2 * inset)]  # fmt: skip
        canvas.polygon(flank, fill, id_)
    for inset, fill in ((0.0, canvas.tint(color, thing.z)), (0.07, pane)):
        low, high, wide, narrow = belt + inset / 2, roof - inset, 0.86 - inset, 0.66 - inset
        window = [view.pixel(u - wide, low, foot), view.pixel(u + wide, low, foot),
                  view.pixel(u + narrow, high, top), view.pixel(u - narrow, high, top)]  # fmt: skip
        canvas.polygon(window, fill, id_)


def _lights(canvas: Canvas, thing: Thing, half: float, belt: float, id_: int) -> None:
    """Paints the lights and the bumper of the near end."""
    z = thing.z
    lamp = canvas.tint(canvas.color("tail" if thing.facing > 0 else "lamp"), z)
    for way in (-1, 1):
        start, end = thing.u + way * (half - 0.04), thing.u + way * (half - 0.34)
        face(canvas, (start, z), (end, z), (belt - 0.28, belt - 0.08), lamp, id_)
    bumper = canvas.tint(canvas.color("tire"), z, 1.5)
    face(canvas, (thing.u - half, z), (thing.u + half, z), (0.25, 0.4), bumper, id_)
