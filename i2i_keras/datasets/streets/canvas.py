"""What scenes are painted on: a view of the street, an image and a label map.

All drawing is done on a canvas of twice the wanted size, from far to near. A
polygon is painted with one color into the image and with one id into the
label map, so the two cannot disagree.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from i2i_keras.data.labels import CLASSES
from i2i_keras.datasets.streets.palettes import PALETTES, Color, Style

Point = tuple[float, float]

IDS = {row.name: row.id for row in CLASSES}
NEAR = 1.5  # Meters: what is closer to the camera is cut off.
SCALE = 2  # Canvas pixels a picture's pixel.


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
