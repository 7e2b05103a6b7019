"""Paints the things of a street scene, each into the image and the label map.

All drawing is done on a canvas of twice the wanted size, from far to near.
A thing's position is `(u, z)` in meters: `u` to the right of the middle of
the road, `z` ahead of the camera; heights count from the ground. A polygon is
painted with one color into the image and with one id into the label map, so
the two cannot disagree.
"""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from i2i_keras.data.labels import CLASSES

Style = Literal["camera", "game"]
Color = tuple[int, int, int]
Point = tuple[float, float]

IDS = {row.name: row.id for row in CLASSES}
NEAR = 1.5  # Meters: what is closer to the camera is cut off.

# The order of lightness between the materials is the same in both styles.
PALETTES: dict[str, dict[str, tuple[Color, ...]]] = {
    "camera": {
        "sky": ((150, 172, 200), (160, 176, 196), (176, 184, 192)),
        "horizon": ((216, 220, 222), (222, 220, 214)),
        "cloud": ((226, 228, 230),),
        "road": ((98, 98, 101), (106, 104, 102), (90, 92, 96)),
        "paint": ((196, 196, 190),),
        "sidewalk": ((146, 140, 133), (138, 136, 134), (152, 144, 134)),
        "curb": ((172, 170, 166),),
        "terrain": ((118, 122, 80), (108, 116, 74), (128, 122, 88)),
        "vegetation": ((66, 82, 52), (74, 86, 54), (58, 76, 52), (84, 88, 56)),
        "trunk": ((74, 64, 54),),
        "building": (
            (158, 140, 118), (134, 100, 84), (150, 146, 140), (170, 160, 142),
            (120, 108, 98), (146, 126, 104),
        ),
        "roof": ((96, 76, 68), (84, 82, 86)),
        "window": ((62, 70, 80), (74, 80, 86)),
        "trim": ((186, 180, 170),),
        "wall": ((126, 120, 112), (132, 122, 106)),
        "fence": ((104, 86, 68), (94, 82, 72)),
        "pole": ((84, 88, 90), (96, 98, 98)),
        "housing": ((40, 44, 42),),
        "sign": ((176, 52, 48), (48, 84, 150), (196, 162, 60)),
        "white": ((218, 218, 214),),
        "skin": ((186, 148, 126), (140, 104, 84)),
        "clothes": ((64, 66, 80), (118, 56, 54), (70, 88, 106), (134, 124, 108), (52, 52, 54)),
        "car": (
            (150, 152, 156), (58, 60, 64), (196, 196, 194), (60, 74, 102), (120, 46, 44),
            (104, 108, 112),
        ),
        "bus": ((178, 150, 70), (150, 64, 56)),
        "truck": ((176, 176, 172), (84, 104, 128)),
        "motorcycle": ((110, 44, 42), (52, 58, 74)),
        "bicycle": ((60, 72, 90), (100, 52, 48)),
        "spokes": ((120, 122, 122),),
        "tire": ((34, 34, 36),),
        "glass": ((54, 62, 70),),
        "tail": ((176, 44, 38),),
        "lamp": ((226, 222, 200),),
        "plate": ((208, 206, 196),),
        "hood": ((44, 46, 52),),
    },
    "game": {
        "sky": ((111, 162, 217), (122, 151, 220), (106, 173, 212)),
        "horizon": ((239, 217, 181), (239, 207, 186)),
        "cloud": ((248, 234, 222),),
        "road": ((97, 90, 113), (92, 89, 115), (101, 91, 110)),
        "paint": ((228, 212, 152),),
        "sidewalk": ((176, 143, 121), (181, 147, 117), (173, 140, 127)),
        "curb": ((209, 181, 152),),
        "terrain": ((136, 142, 47), (143, 140, 50), (128, 143, 53)),
        "vegetation": ((43, 101, 70), (48, 106, 63), (39, 97, 77), (54, 107, 57)),
        "trunk": ((94, 60, 46),),
        "building": (
            (193, 130, 99), (179, 109, 102), (170, 131, 150), (201, 158, 104), (159, 108, 117),
            (190, 136, 123),
        ),
        "roof": ((118, 64, 81), (87, 70, 109)),
        "window": ((42, 80, 109), (49, 89, 120)),
        "trim": ((224, 203, 173),),
        "wall": ((135, 114, 141), (142, 115, 135)),
        "fence": ((135, 76, 45), (127, 72, 54)),
        "pole": ((62, 84, 104), (69, 91, 108)),
        "housing": ((36, 34, 56),),
        "sign": ((221, 28, 42), (27, 74, 218), (240, 183, 15)),
        "white": ((246, 242, 234),),
        "skin": ((226, 157, 114), (162, 98, 66)),
        "clothes": ((55, 60, 139), (180, 29, 51), (32, 104, 146), (198, 128, 50), (68, 32, 88)),
        "car": (
            (128, 166, 196), (44, 45, 84), (229, 229, 236), (30, 71, 168), (188, 26, 41),
            (78, 124, 140),
        ),
        "bus": ((236, 172, 18), (202, 46, 44)),
        "truck": ((202, 209, 223), (51, 124, 174)),
        "motorcycle": ((178, 23, 40), (36, 52, 124)),
        "bicycle": ((30, 86, 158), (175, 36, 57)),
        "spokes": ((128, 120, 150),),
        "tire": ((26, 22, 42),),
        "glass": ((21, 60, 92),),
        "tail": ((235, 26, 32),),
        "lamp": ((248, 238, 192),),
        "plate": ((243, 236, 199),),
        "hood": ((34, 34, 73),),
    },
}  # fmt: skip


class View(NamedTuple):
    """Where the camera is and how the road bends before it.

    Attributes:
        height: of the canvas, in pixels.
        width: of the canvas, in pixels.
        focal: focal length in pixels.
        horizon: row of the horizon.
        eye: meters of the camera above the ground.
        ego: `u` of the camera.
        slope: meters that the road drifts to the right a meter.
        curvature: of the road, in 1 / meters.
    """

    height: int
    width: int
    focal: float
    horizon: float
    eye: float
    ego: float
    slope: float
    curvature: float

    def across(self, u: Any, z: Any) -> Any:
        """Meters to the right of the camera of the road's `(u, z)`."""
        return u - self.ego + z * (self.slope + self.curvature * z / 2)

    def pixel(self, u: float, y: float, z: float) -> Point:
        """Column and row of the point at height `y` above `(u, z)`."""
        scale = self.focal / max(z, NEAR)
        return (
            self.width / 2 + self.across(u, z) * scale,
            self.horizon + (self.eye - y) * scale,
        )


class Thing(NamedTuple):
    """One thing of a scene, of which the nearest face is at `z`.

    Attributes:
        kind: a key of `PAINTERS`.
        u: of its middle or, for walls and buildings, of its street side.
        z: meters ahead of the camera.
        length: meters along the road.
        height: meters.
        facing: -1 or 1, the direction or the side of the road.
    """

    kind: str
    u: float
    z: float
    length: float = 0.0
    height: float = 0.0
    facing: int = 1


@dataclass
class Canvas:
    """What the painters draw on and what they need to know.

    Attributes:
        style: of the image.
        view: the camera.
        rng: for the things' colors and textures.
        image: RGB, `view.height` x `view.width`.
        ids: mode L, of the same size.
        haze: meters at which 63 % of a color is air; `inf` for none.
        air: color of the haze.
        sun: -1 if the sun is on the left, 1 if on the right.
    """

    style: Style
    view: View
    rng: np.random.Generator
    image: Image.Image
    ids: Image.Image
    haze: float
    air: Color
    sun: int

    def __post_init__(self) -> None:
        self._pen = ImageDraw.Draw(self.image)
        self._id_pen = ImageDraw.Draw(self.ids)

    def color(self, material: str) -> Color:
        """One of the material's colors, a little varied."""
        choices = PALETTES[self.style][material]
        draws = self.rng.standard_normal(5).tolist()
        base, gain = choices[int(abs(draws[4]) * 1e6) % len(choices)], 1 + 0.05 * draws[3]
        red, green, blue = (
            min(max(int(c * gain + 3 * d), 0), 255) for c, d in zip(base, draws[:3], strict=True)
        )
        return red, green, blue

    def tint(self, color: Color, z: float, shade: float = 1.0) -> Color:
        """The color as seen from `z` meters, `shade` times as light."""
        air = 1 - math.exp(-z / self.haze)
        red, green, blue = (
            int(min(c * shade, 255) * (1 - air) + a * air)
            for c, a in zip(color, self.air, strict=True)
        )
        return red, green, blue

    def shade(self, side: int) -> float:
        """How light a face is that looks to the left (-1) or right (1)."""
        light, dark = (1.06, 0.84) if self.style == "camera" else (1.12, 0.74)
        return light if side == self.sun else dark

    def polygon(self, points: Sequence[Point], color: Color, id_: int) -> None:
        """Fills the polygon of `(column, row)` points in image and ids."""
        self._pen.polygon(points, fill=color)
        self._id_pen.polygon(points, fill=id_)

    def disc(self, center: Point, radii: Point, color: Color, id_: int) -> None:
        """Fills an upright ellipse in image and ids."""
        (x, y), (a, b) = center, radii
        box = (x - a, y - b, x + a, y + b)
        self._pen.ellipse(box, fill=color)
        self._id_pen.ellipse(box, fill=id_)

    def patch(
        self, pixels: NDArray[np.uint8], mask: NDArray[np.bool_], corner: tuple[int, int], id_: int
    ) -> None:
        """Pastes pixels where the mask holds; `corner` is (column, row)."""
        stencil = Image.fromarray(mask.view(np.uint8) * np.uint8(255))
        self.image.paste(Image.fromarray(pixels), corner, stencil)
        self.ids.paste(
            id_, (*corner, corner[0] + mask.shape[1], corner[1] + mask.shape[0]), stencil
        )


@functools.cache
def noise_tile() -> NDArray[np.float32]:
    """Returns a `(256, 256)` cloudy texture, mean 0 and deviation 1."""
    rng = np.random.default_rng(0)
    total = np.zeros((256, 256), np.float32)
    for cells, weight in ((16, 0.7), (32, 0.8), (64, 0.8), (128, 0.7), (256, 0.6)):
        grid = Image.fromarray(rng.normal(size=(cells, cells)).astype(np.float32))
        total += weight * np.asarray(grid.resize((256, 256), Image.Resampling.BICUBIC))
    tile: NDArray[np.float32] = (total - total.mean()) / total.std()
    return tile


def texture(rows: NDArray[Any], columns: NDArray[Any]) -> NDArray[np.float32]:
    """The noise at coordinates of any size; one unit is one texel."""
    cell = ((rows.astype(np.int32) & 255) << 8) | (columns.astype(np.int32) & 255)
    texels: NDArray[np.float32] = np.take(noise_tile().ravel(), cell)
    return texels


def fraction(values: NDArray[Any]) -> NDArray[Any]:
    """`values % 1`, several times faster."""
    rest: NDArray[Any] = values - np.floor(values)
    return rest


# --- Faces and boxes --------------------------------------------------------


def _face(canvas: Canvas, start: Point, end: Point, heights: Point, color: Color, id_: int) -> None:
    """Paints the upright face between two places `(u, z)`."""
    view, (low, high) = canvas.view, heights
    points = [
        view.pixel(start[0], low, start[1]), view.pixel(end[0], low, end[1]),
        view.pixel(end[0], high, end[1]), view.pixel(start[0], high, start[1]),
    ]  # fmt: skip
    canvas.polygon(points, color, id_)


def _box(
    canvas: Canvas, sides: Point, heights: Point, depths: Point, color: Color, id_: int
) -> None:
    """Paints the faces of a box that the camera can see."""
    (left, right), (near, far), view = sides, depths, canvas.view
    if view.across(left, near) > 0:
        side = canvas.tint(color, near, canvas.shade(-1) * 0.9)
        _face(canvas, (left, near), (left, far), heights, side, id_)
    if view.across(right, near) < 0:
        side = canvas.tint(color, near, canvas.shade(1) * 0.9)
        _face(canvas, (right, near), (right, far), heights, side, id_)
    if view.eye > heights[1]:
        top = [view.pixel(u, heights[1], z) for u, z in
               ((left, near), (right, near), (right, far), (left, far))]  # fmt: skip
        canvas.polygon(top, canvas.tint(color, near, 1.15), id_)
    _face(canvas, (left, near), (right, near), heights, canvas.tint(color, near, 0.95), id_)


def _wall(
    canvas: Canvas, ends: tuple[Point, Point], height: float, id_: int, material: "Material"
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


Material = Callable[[NDArray[Any], NDArray[Any]], NDArray[np.float32]]


def _grain(canvas: Canvas, along: NDArray[Any], up: NDArray[Any]) -> NDArray[np.float32]:
    """Lightness of a plain wall: stains in camera style, tiles in games."""
    if canvas.style == "camera":
        return 1 + 0.06 * texture(up * 12, along * 12)
    seam = (fraction(along * 0.8) < 0.07) | (fraction(up * 1.25) < 0.09)
    return np.where(seam, np.float32(0.8), np.float32(1.0))


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


# --- Things -----------------------------------------------------------------


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


def paint_tree(canvas: Canvas, thing: Thing) -> None:
    """Paints a trunk and a crown."""
    view, scale = canvas.view, canvas.view.focal / thing.z
    color = canvas.tint(canvas.color("trunk"), thing.z)
    width = 0.03 * thing.height
    _face(
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


def _post(canvas: Canvas, thing: Thing, width: float) -> Color:
    color = canvas.tint(canvas.color("pole"), thing.z)
    start, end = (thing.u - width / 2, thing.z), (thing.u + width / 2, thing.z)
    _face(canvas, start, end, (0, thing.height), color, IDS["pole"])
    return color


def paint_pole(canvas: Canvas, thing: Thing) -> None:
    """Paints a street lamp with its arm over the road."""
    color = _post(canvas, thing, 0.2)
    tip = thing.u - thing.facing * 1.8
    ends = sorted((thing.u, tip))
    heights = (thing.height - 0.16, thing.height)
    _face(canvas, (ends[0], thing.z), (ends[1], thing.z), heights, color, IDS["pole"])
    lamp = canvas.tint(canvas.color("lamp"), thing.z)
    heights = (thing.height - 0.34, thing.height - 0.12)
    _face(canvas, (tip - 0.35, thing.z), (tip + 0.35, thing.z), heights, lamp, IDS["pole"])


def paint_light(canvas: Canvas, thing: Thing) -> None:
    """Paints a traffic light on its pole."""
    _post(canvas, thing, 0.18)
    view, z, top = canvas.view, thing.z, thing.height
    start, end = (thing.u - 0.34, z), (thing.u + 0.34, z)
    housing, id_ = canvas.color("housing"), IDS["traffic light"]
    _face(canvas, start, end, (top - 1.35, top + 0.25), canvas.tint(housing, z), id_)
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


def paint_person(canvas: Canvas, thing: Thing) -> None:
    """Paints a pedestrian."""
    _figure(canvas, (thing.u, thing.z), 0.0, canvas.rng.uniform(0.1, 0.3), IDS["person"])


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


def _wheels(canvas: Canvas, thing: Thing, half: float, radius: float, id_: int) -> None:
    """Paints the wheels under the near end and along the visible side."""
    view, z = canvas.view, thing.z
    color = canvas.tint(canvas.color("tire"), z)
    for way in (-1, 1):
        start, end = thing.u + way * half, thing.u + way * (half - 0.28)
        _face(canvas, (start, z), (end, z), (0, radius), color, id_)
    side = 1 if view.across(thing.u, z) < 0 else -1
    for part in (0.18, 0.8):
        depth = z + part * thing.length
        points = [
            view.pixel(thing.u + side * half, radius * (1 + np.sin(a)),
                       depth + radius * 1.1 * np.cos(a))
            for a in np.arange(10) * np.pi / 5
        ]  # fmt: skip
        canvas.polygon(points, color, id_)


def paint_car(canvas: Canvas, thing: Thing) -> None:
    """Paints a car; one facing -1 comes towards the camera."""
    z, id_, half, belt = thing.z, IDS["car"], 0.9, 0.5 * thing.height + 0.15
    color = canvas.color("car")
    _wheels(canvas, thing, half, 0.32, id_)
    sides, depths = (thing.u - half, thing.u + half), (z, z + thing.length)
    _box(canvas, sides, (0.22, belt), depths, color, id_)
    _cabin(canvas, thing, belt, color)
    _lights(canvas, thing, half, belt, id_)


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
        _face(canvas, (start, z), (end, z), (belt - 0.28, belt - 0.08), lamp, id_)
    bumper = canvas.tint(canvas.color("tire"), z, 1.5)
    _face(canvas, (thing.u - half, z), (thing.u + half, z), (0.25, 0.4), bumper, id_)


def paint_plate(canvas: Canvas, thing: Thing) -> None:
    """Paints the license plate of the car that is at the same place."""
    color = canvas.tint(canvas.color("plate"), thing.z)
    start, end = (thing.u - 0.27, thing.z), (thing.u + 0.27, thing.z)
    _face(canvas, start, end, (0.44, 0.58), color, IDS["license plate"])


def paint_bus(canvas: Canvas, thing: Thing) -> None:
    """Paints a bus with a band of windows."""
    side = _body(canvas, thing, "bus")
    pane, id_ = canvas.tint(canvas.color("glass"), thing.z), IDS["bus"]
    low, high = 0.4 * thing.height, 0.85 * thing.height
    for part in range(5):
        first, last = (thing.z + (part + edge) * thing.length / 5 for edge in (0.1, 0.9))
        _face(canvas, (side, first), (side, last), (low, high), pane, id_)
    start, end = (thing.u - 1.0, thing.z), (thing.u + 1.0, thing.z)
    _face(canvas, start, end, (low, high), pane, id_)
    _lights(canvas, thing, 1.2, 0.95, id_)


def paint_truck(canvas: Canvas, thing: Thing) -> None:
    """Paints a truck with plain walls and two doors."""
    _body(canvas, thing, "truck")
    seam, id_, (u, z) = canvas.tint((60, 60, 66), thing.z), IDS["truck"], (thing.u, thing.z)
    _face(canvas, (u - 0.04, z), (u + 0.04, z), (0.9, thing.height - 0.2), seam, id_)
    _face(canvas, (u - 1.2, z), (u + 1.2, z), (0.75, 0.9), seam, id_)
    _lights(canvas, thing, 1.2, 0.95, id_)


def _body(canvas: Canvas, thing: Thing, kind: str) -> float:
    """Paints a large box on wheels; returns `u` of the side one can see."""
    _wheels(canvas, thing, 1.2, 0.48, IDS[kind])
    sides, depths = (thing.u - 1.2, thing.u + 1.2), (thing.z, thing.z + thing.length)
    _box(canvas, sides, (0.4, thing.height), depths, canvas.color(kind), IDS[kind])
    return sides[1] if canvas.view.across(thing.u, thing.z) < 0 else sides[0]


PAINTERS: dict[str, Callable[[Canvas, Thing], None]] = {
    "building": paint_building,
    "terraced": paint_terraced,
    "wall": paint_wall,
    "fence": paint_fence,
    "tree": paint_tree,
    "bush": paint_bush,
    "pole": paint_pole,
    "light": paint_light,
    "sign": paint_sign,
    "person": paint_person,
    "bicycle": paint_bicycle,
    "motorcycle": paint_motorcycle,
    "rider": paint_rider,
    "biker": paint_biker,
    "car": paint_car,
    "plate": paint_plate,
    "bus": paint_bus,
    "truck": paint_truck,
}
