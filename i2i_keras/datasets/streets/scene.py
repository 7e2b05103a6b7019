"""Draws one scene, from its empty street to the finished picture."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from i2i_keras.datasets.streets import buildings, nature, people, posts, vehicles
from i2i_keras.datasets.streets.background import cast_shadows, paint_ground, paint_sky
from i2i_keras.datasets.streets.canvas import IDS, SCALE, Canvas, View
from i2i_keras.datasets.streets.palettes import PALETTES, STYLES, Style
from i2i_keras.datasets.streets.placement import (
    PLAIN,
    Extras,
    Street,
    Thing,
    choose_street,
    place_things,
)

PAINTERS: dict[str, Callable[[Canvas, Thing], None]] = {
    "building": buildings.paint_building,
    "terraced": buildings.paint_terraced,
    "wall": buildings.paint_wall,
    "fence": buildings.paint_fence,
    "tree": nature.paint_tree,
    "bush": nature.paint_bush,
    "pole": posts.paint_pole,
    "light": posts.paint_light,
    "sign": posts.paint_sign,
    "person": people.paint_person,
    "bicycle": people.paint_bicycle,
    "motorcycle": people.paint_motorcycle,
    "rider": people.paint_rider,
    "biker": people.paint_biker,
    "car": vehicles.paint_car,
    "plate": vehicles.paint_plate,
    "bus": vehicles.paint_bus,
    "truck": vehicles.paint_truck,
}


def draw_street(
    style: Style, size: tuple[int, int], seed: int, extras: Extras = PLAIN
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draws one scene; the same arguments give the same bytes.

    The styles never share a scene: the style is part of the seed.

    Args:
        style: "camera" or "game".
        size: `(height, width)`, at least (64, 128).
        seed: not negative.
        extras: what the data set has of its own.

    Returns:
        The image, `(height, width, 3)` RGB in [0, 255], and its Cityscapes
        ids, `(height, width)` in [0, 34].
    """
    if style not in STYLES:
        raise ValueError(f"No style {style!r}; use 'camera' or 'game'.")
    if size[0] < 64 or size[1] < 128:
        raise ValueError(f"A street is at least (64, 128) pixels; got {size}.")
    rng = np.random.default_rng([STYLES.index(style), seed])
    street = choose_street(rng)
    things = place_things(street, extras, rng)
    canvas = _open_canvas(style, size, street, rng)
    paint_sky(canvas)
    paint_ground(canvas, street)
    cast_shadows(canvas, things)
    for thing in things:
        PAINTERS[thing.kind](canvas, thing)
    if extras.hood:
        _paint_hood(canvas)
    ids = np.asarray(canvas.ids)[::SCALE, ::SCALE].copy()
    if extras.hood:
        edge = max(1, size[0] // 96)
        inside = ids[edge:-edge, edge:-edge].copy()
        ids[:] = IDS["out of roi"]
        ids[edge:-edge, edge:-edge] = inside
    return _develop(canvas), ids


def _open_canvas(
    style: Style, size: tuple[int, int], street: Street, rng: np.random.Generator
) -> Canvas:
    height, width = size[0] * SCALE, size[1] * SCALE
    view = View(
        height=height,
        width=width,
        focal=rng.uniform(1.4, 1.7) * height,
        horizon=rng.uniform(0.4, 0.5) * height,
        eye=rng.uniform(1.3, 1.8),
        ego=1.7 + float(rng.uniform(-0.4, 0.4)),
        slope=float(rng.uniform(-0.1, 0.1)),
        curvature=float(rng.choice([0, 0, 1])) * float(rng.uniform(-2.5e-3, 2.5e-3)),
    )
    palette = PALETTES[style]
    air = palette["horizon"][rng.integers(len(palette["horizon"]))]
    haze = float(rng.uniform(120, 280)) if style == "camera" else float("inf")
    image, ids = Image.new("RGB", (width, height)), Image.new("L", (width, height), IDS["sky"])
    return Canvas(style, view, rng, image, ids, haze, air, int(rng.choice([-1, 1])))


def _paint_hood(canvas: Canvas) -> None:
    """Paints the hood of the own car along the lower edge."""
    view = canvas.view
    center = (view.width * 0.5, view.height * 1.06)
    radii = (view.width * 0.46, view.height * 0.15)
    color = canvas.color("hood")
    canvas.disc(center, radii, color, IDS["ego vehicle"])
    shine = canvas.tint(color, 0, 1.35)
    canvas.disc((center[0], center[1] + 4 * SCALE), radii, shine, IDS["ego vehicle"])


def _develop(canvas: Canvas) -> NDArray[np.uint8]:
    """Turns the canvas into a picture as a camera or a game would."""
    image, rng = canvas.image.reduce(SCALE), canvas.rng
    if canvas.style == "camera":
        image = image.filter(ImageFilter.BoxBlur(0.45 * image.height / 192))
    pixels = np.asarray(image, np.float32) / 255
    gray = pixels @ np.array([0.3, 0.59, 0.11], np.float32)
    if canvas.style == "camera":
        pixels = gray[..., None] + 0.95 * (pixels - gray[..., None])
        pixels = (0.01 + 0.97 * pixels) * np.float32(rng.uniform(0.92, 1.3))
        pixels *= rng.uniform(0.97, 1.03, 3).astype(np.float32)
        rows = np.linspace(-1, 1, image.height, dtype=np.float32)[:, None] ** 2
        columns = np.linspace(-1, 1, image.width, dtype=np.float32)[None, :] ** 2
        pixels *= (1 - 0.16 * (rows + columns))[..., None]
        pixels += 0.02 * rng.standard_normal(pixels.shape, np.float32)
    else:
        pixels = gray[..., None] + 1.15 * (pixels - gray[..., None])
        cold, warm = np.array([-0.03, 0.0, 0.04]), np.array([0.025, 0.005, -0.03])
        pixels += (cold + (warm - cold) * gray[..., None]).astype(np.float32)
        pixels += 0.12 * (pixels - 0.5) * np.float32(rng.uniform(0.6, 1.2))
    return np.clip(pixels * 255 + 0.5, 0, 255).astype(np.uint8)
