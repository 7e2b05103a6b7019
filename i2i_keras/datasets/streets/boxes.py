"""Paints upright faces and boxes, of which things are made."""

from i2i_keras.datasets.streets.canvas import Canvas, Point
from i2i_keras.datasets.streets.palettes import Color


def face(canvas: Canvas, start: Point, end: Point, heights: Point, color: Color, id_: int) -> None:
    """Paints the upright face between two places `(u, z)`."""
    view, (low, high) = canvas.view, heights
    points = [
        view.pixel(start[0], low, start[1]), view.pixel(end[0], low, end[1]),
        view.pixel(end[0], high, end[1]), view.pixel(start[0], high, start[1]),
    ]  # fmt: skip
    canvas.polygon(points, color, id_)


def box(
    canvas: Canvas, sides: Point, heights: Point, depths: Point, color: Color, id_: int
) -> None:
    """Paints the faces of a box that the camera can see."""
    (left, right), (near, far), view = sides, depths, canvas.view
    if view.across(left, near) > 0:
        side = canvas.tint(color, near, canvas.shade(-1) * 0.9)
        face(canvas, (left, near), (left, far), heights, side, id_)
    if view.across(right, near) < 0:
        side = canvas.tint(color, near, canvas.shade(1) * 0.9)
        face(canvas, (right, near), (right, far), heights, side, id_)
    if view.eye > heights[1]:
        top = [view.pixel(u, heights[1], z) for u, z in
               ((left, near), (right, near), (right, far), (left, far))]  # fmt: skip
        canvas.polygon(top, canvas.tint(color, near, 1.15), id_)
    face(canvas, (left, near), (right, near), heights, canvas.tint(color, near, 0.95), id_)
