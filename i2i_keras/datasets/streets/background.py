"""Paints what is behind and below the things: sky, ground and shadows."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from i2i_keras.datasets.streets.canvas import IDS, NEAR, SCALE, Canvas, fraction, texture
from i2i_keras.datasets.streets.palettes import PALETTES
from i2i_keras.datasets.streets.placement import Street, Thing


def paint_sky(canvas: Canvas) -> None:
    """Paints a gradient and clouds: soft in camera style, flat in games."""
    view, rng, below = canvas.view, canvas.rng, int(canvas.view.horizon) + 1
    height, width = below // SCALE, view.width // SCALE
    zenith, air, white = (
        np.array(color, np.float32)
        for color in (canvas.color("sky"), canvas.air, PALETTES[canvas.style]["cloud"][0])
    )
    part = (np.arange(height, dtype=np.float32) / height)[:, None] ** 1.3
    rows, columns = np.arange(24)[:, None], np.arange(32)[None, :]
    tile = texture(rows * 2 + rng.integers(256), columns + rng.integers(256))
    clouds = Image.fromarray(tile).resize((width, height), Image.Resampling.BICUBIC)
    amount = np.clip((np.asarray(clouds) + rng.uniform(-0.8, 0.4)) * 0.5, 0, 0.8)
    if canvas.style == "game":
        amount = np.where(amount > 0.2, np.float32(0.8), np.float32(0.0))
    gradient = zenith + (air - zenith) * part
    pixels = gradient[:, None] + (white - gradient)[:, None] * (amount * (1 - part))[..., None]
    sky = Image.fromarray(pixels.astype(np.uint8))
    canvas.image.paste(sky.resize((view.width, below), Image.Resampling.BILINEAR), (0, 0))


def paint_ground(canvas: Canvas, street: Street) -> None:
    """Paints road, sidewalks and grass, each pixel from its place."""
    view, first = canvas.view, int(canvas.view.horizon) + 1
    rows = np.arange(first, view.height, dtype=np.float32)[:, None] + 0.5
    z = view.focal * view.eye / (rows - view.horizon)
    columns = np.arange(view.width, dtype=np.float32)[None, :] + 0.5
    u = (columns - view.width / 2) * (z / view.focal) - view.across(0.0, z)
    wide, names = np.abs(u), ("road", "curb", "terrain", "sidewalk", "terrain", "road")
    if not street.strip:
        names = ("road", "curb", "sidewalk", "sidewalk", "terrain", "road")
    index = np.zeros(u.shape, np.uint8)
    for edge in np.cumsum([street.half, 0.25, street.strip, street.sidewalk]):
        index += wide > np.float32(edge)
    index *= (z < street.crossing) | (z > street.crossing + 8)
    index[_markings(street, u, z) & (index == 0)] = 5
    clear = np.exp(-z / canvas.haze)
    colors = [canvas.color(name) for name in (*names[:5], "paint")]
    pixels = np.take(np.array(colors, np.float32), index, axis=0)
    pixels *= (_ground_light(canvas, index, u, z) * clear)[..., None]
    pixels += np.array(canvas.air, np.float32) * (1 - clear)[..., None]
    np.minimum(pixels, 255, out=pixels)
    kinds = ("sidewalk" if name == "curb" else name for name in names)
    ids = np.array([IDS[kind] for kind in kinds], np.uint8)[index]
    canvas.image.paste(Image.fromarray(pixels.astype(np.uint8)), (0, first))
    canvas.ids.paste(Image.fromarray(ids), (0, first))


def _markings(street: Street, u: NDArray[np.float32], z: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where the road is painted: lane lines and the zebra crossing."""
    wide, dash = np.abs(u), z % 7 < 3.5
    lines = (wide < 0.09) & (dash | (street.lanes > 1))
    lines |= (np.abs(wide - 3.4) < 0.08) & (dash & (street.lanes > 1))
    lines |= np.abs(wide - 3.4 * street.lanes) < 0.08
    before = street.crossing - z
    zebra = ((before > 0.6) & (before < 3.4)) & (fraction(u) < 0.5)
    return lines & ((before > 4.5) | (before < -9)) | zebra


def _ground_light(
    canvas: Canvas, index: NDArray[np.uint8], u: NDArray[np.float32], z: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Lightness of the ground's texture: grain on camera, tiles in games."""
    near = np.exp(-z / 40)
    if canvas.style == "camera":
        fine, coarse = texture(z * 14, u * 14), texture(z * 1.5, u * 2.5)
        rough = np.array([0.05, 0.05, 0.13, 0.06, 0.13, 0.05], np.float32)[index]
        seam = ((z % 1.2) < 0.08) | (fraction(u * 1.25) < 0.06)
        light = 1 + (fine * rough + 0.05 * coarse - 0.12 * (seam & (index == 3))) * near
    else:
        size = np.array([3.4, 1.0, 1.0, 0.9, 1.2, 3.4], np.float32)[index]
        row, column = z / size, u / size
        seam = (fraction(row) < 0.06) | (fraction(column) < 0.06)
        check = 2 * fraction((np.floor(row) + np.floor(column)) / 2)
        light = 1 + (0.07 * check - 0.2 * seam) * near
    result: NDArray[np.float32] = light.astype(np.float32)
    return result


def cast_shadows(canvas: Canvas, things: list[Thing]) -> None:
    """Darkens the ground where things keep the sun away."""
    view, soft = canvas.view, canvas.style == "camera"
    mask = Image.new("L", canvas.image.size, 255)
    pen = ImageDraw.Draw(mask)
    for thing in things:
        if thing.z < 60 and thing.z + thing.length > NEAR:
            outline = _shadow(thing, -canvas.sun)
            pen.polygon([view.pixel(u, 0, z) for u, z in outline], fill=0)
    if soft:
        mask = mask.filter(ImageFilter.BoxBlur(view.height / 90))
    depth = (0.62, 0.64, 0.68) if soft else (0.42, 0.52, 0.72)
    tables = [[int(255 * (d + (1 - d) * m / 255)) for m in range(256)] for d in depth]
    box = (0, int(view.horizon) + 1, view.width, view.height)
    mask = mask.crop(box)
    shadows = Image.merge("RGB", [mask.point(table) for table in tables])
    canvas.image.paste(ImageChops.multiply(canvas.image.crop(box), shadows), box)


def _shadow(thing: Thing, away: int) -> list[tuple[float, float]]:
    """Outline on the ground, `(u, z)`, of a shadow to the left or right."""
    half = {"car": 0.95, "bus": 1.25, "truck": 1.25}.get(thing.kind, 0.1)
    near, far, reach = thing.z, thing.z + max(thing.length, 0.3), away * 0.4 * thing.height
    if thing.kind in ("tree", "bush"):
        wide, turn = 0.32 * thing.height, np.arange(12) * np.pi / 6
        middle = thing.u + away * 0.25 * thing.height
        return [(middle + wide * np.cos(a), near + wide * np.sin(a)) for a in turn]
    if thing.height == 0:  # People and two-wheelers.
        half, near, far, reach = 0.35, near - 0.2, near + 0.3, away * 0.8
    left, right = thing.u - half + min(reach, 0), thing.u + half + max(reach, 0)
    return [(left, near), (right, near), (right, far), (left, far)]
