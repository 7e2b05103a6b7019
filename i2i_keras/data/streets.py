"""Labelled street scenes in two styles, in the layouts of the true data sets.

Stands in for Cityscapes and GTA5 where those cannot be had: "camera" pictures
are muted, hazy, noisy and a little blurred, "game" pictures are saturated,
flat and sharp. Every picture is drawn from a street plan of its own; none is
made from a picture of the other style.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
import pydantic
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from i2i_keras.config import Config
from i2i_keras.data import streets_drawing as drawing
from i2i_keras.data.gta5 import official_frames
from i2i_keras.data.labels import CLASSES, colorize
from i2i_keras.data.parallel import for_each
from i2i_keras.data.streets_drawing import IDS, PALETTES, Canvas, Style, Thing, View
from i2i_keras.errors import SettingsError

Layout = Literal["cityscapes", "gta5"]

STYLES: tuple[Style, ...] = ("camera", "game")
CITIES = {
    "train": ("aachen", "bochum", "hamburg"),
    "val": ("frankfurt", "munster"),
    "test": ("berlin", "bonn"),
}
FAR = 88.0  # Meters: the end of the street.
_SCALE = 2  # Canvas pixels a picture's pixel.


Height = Annotated[int, pydantic.Field(ge=64)]
Width = Annotated[int, pydantic.Field(ge=128)]


class StreetsConfig(Config):
    """How many scenes to draw and how large.

    Attributes:
        num_train: scenes of the train split.
        num_val: scenes of the val split.
        num_test: scenes of the test split.
        camera_size: `(height, width)` of camera pictures, from (64, 128).
        game_size: `(height, width)` of game pictures, from (64, 128).
        seed: of all scenes.
    """

    num_train: pydantic.PositiveInt = 400
    num_val: pydantic.PositiveInt = 40
    num_test: pydantic.PositiveInt = 100
    camera_size: tuple[Height, Width] = (192, 384)
    game_size: tuple[Height, Width] = (192, 348)
    seed: pydantic.NonNegativeInt = 0

    def size(self, style: Style) -> tuple[int, int]:
        """`(height, width)` of the style's pictures."""
        return self.camera_size if style == "camera" else self.game_size

    def count(self, split: str) -> int:
        """Number of scenes of "train", "val" or "test"."""
        return {"train": self.num_train, "val": self.num_val, "test": self.num_test}[split]


class Extras(NamedTuple):
    """What one data set's pictures have and the other's have not.

    Attributes:
        hood: Cityscapes: the hood of the own car, and a border of pixels that
            are out of the region of interest.
        plates: GTA5: license plates with an id of their own.
    """

    hood: bool = False
    plates: bool = False


PLAIN = Extras()
EXTRAS: dict[Layout, Extras] = {"cityscapes": Extras(hood=True), "gta5": Extras(plates=True)}


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
    street = _plan_street(rng)
    things = plan_things(street, extras, rng)
    canvas = _open_canvas(style, size, street, rng)
    _paint_sky(canvas)
    _paint_ground(canvas, street)
    _cast_shadows(canvas, things)
    for thing in things:
        drawing.PAINTERS[thing.kind](canvas, thing)
    if extras.hood:
        _paint_hood(canvas)
    ids = np.asarray(canvas.ids)[::_SCALE, ::_SCALE].copy()
    if extras.hood:
        edge = max(1, size[0] // 96)
        inside = ids[edge:-edge, edge:-edge].copy()
        ids[:] = IDS["out of roi"]
        ids[edge:-edge, edge:-edge] = inside
    return _develop(canvas), ids


# --- Files ------------------------------------------------------------------


class _Job(NamedTuple):
    """One scene to draw and the files to leave it in."""

    layout: Layout
    paths: tuple[Path, ...]
    style: Style
    size: tuple[int, int]
    seed: int


def write_cityscapes(folder: Path, config: StreetsConfig, style: Style, workers: int = 1) -> None:
    """Writes scenes in the layout of Cityscapes' fine annotations.

    Files that are there already are kept, so a stopped run goes on.

    Args:
        folder: gets `leftImg8bit` and `gtFine`.
        config: how many, how large, from which seed.
        style: of the pictures.
        workers: processes to draw with; 0 = one a core.
    """
    jobs = []
    for split, cities in CITIES.items():
        for number in range(config.count(split)):
            city, sequence = cities[number % len(cities)], number // len(cities)
            stem = f"{split}/{city}/{city}_{sequence:06d}_000019"
            names = (
                f"leftImg8bit/{stem}_leftImg8bit.png",
                f"gtFine/{stem}_gtFine_labelIds.png",
                f"gtFine/{stem}_gtFine_color.png",
            )
            seed = _seed("cityscapes", split, number, config)
            paths = tuple(folder / name for name in names)
            jobs.append(_Job("cityscapes", paths, style, config.size(style), seed))
    _run(jobs, workers)


def write_gta5(folder: Path, config: StreetsConfig, style: Style, workers: int = 1) -> None:
    """Writes scenes in the layout of GTA5, numbered by its official splits.

    Files that are there already are kept, so a stopped run goes on.

    Args:
        folder: gets `images` and `labels`.
        config: how many, how large, from which seed.
        style: of the pictures.
        workers: processes to draw with; 0 = one a core.
    """
    jobs = []
    for split, frames in official_frames().items():
        if config.count(split) > len(frames):
            raise SettingsError(f"GTA5's {split} has {len(frames)} frames; lower num_{split}.")
        for number, frame in enumerate(frames[: config.count(split)]):
            seed = _seed("gta5", split, number, config)
            paths = tuple(folder / kind / f"{frame:05d}.png" for kind in ("images", "labels"))
            jobs.append(_Job("gta5", paths, style, config.size(style), seed))
    _run(jobs, workers)


def _seed(layout: Layout, split: str, number: int, config: StreetsConfig) -> int:
    """Seed of a scene; it depends neither on the counts nor on the sizes."""
    place = [config.seed, [*EXTRAS].index(layout), [*CITIES].index(split), number]
    return int(np.random.SeedSequence(place).generate_state(1)[0])


def _run(jobs: list[_Job], workers: int) -> None:
    """Draws all scenes, each by whichever process is free."""
    for parent in {path.parent for job in jobs for path in job.paths}:
        parent.mkdir(parents=True, exist_ok=True)
    for _ in for_each(_write, jobs, workers, f"Drawing {jobs[0].layout} streets"):
        pass


def _write(job: _Job) -> None:
    """Draws one scene into those of its files that are missing."""
    if all(path.exists() for path in job.paths):
        return
    image, ids = draw_street(job.style, job.size, job.seed, EXTRAS[job.layout])
    for path, picture in zip(job.paths, _encode(job.layout, image, ids), strict=True):
        if not path.exists():
            _save(picture, path)


def _encode(layout: Layout, image: NDArray[np.uint8], ids: NDArray[np.uint8]) -> list[Image.Image]:
    """The pictures of a scene, in the order of a job's paths."""
    label = Image.fromarray(ids)
    if layout == "gta5":
        label.putpalette([channel for row in CLASSES for channel in row.gta5_color])
        return [Image.fromarray(image), label]
    colors = np.array([row.color for row in CLASSES], np.uint8)
    painted = Image.fromarray(colorize(ids, colors)).convert("RGBA")
    return [Image.fromarray(image), label, painted]


def _save(image: Image.Image, path: Path) -> None:
    """Saves under another name first: no reader ever sees half a file."""
    draft = path.with_name(f".{path.name}.tmp")
    image.save(draft, format="PNG")
    draft.replace(path)


# --- Plan -------------------------------------------------------------------


class Street(NamedTuple):
    """The plan of a street; lengths in meters.

    Attributes:
        half: half the width of the road.
        lanes: lanes each way.
        parking: whether cars are parked along both curbs.
        strip: width of the grass between road and sidewalk; 0 for none.
        sidewalk: width of the sidewalks.
        lawn: width of the grass between sidewalk and houses; 0 for none.
        crossing: where a street crosses; beyond `FAR` for none.
        density: how built-up each side is, left and right, in [0, 1].
    """

    half: float
    lanes: int
    parking: bool
    strip: float
    sidewalk: float
    lawn: float
    crossing: float
    density: tuple[float, float]

    @property
    def front(self) -> float:
        """Distance from the middle of the road to the houses."""
        return self.half + self.strip + self.sidewalk + self.lawn

    def crosses(self, z: float, length: float) -> bool:
        """Whether what lies at `z` would block the crossing street."""
        return z < self.crossing + 9 and z + length > self.crossing


def _plan_street(rng: np.random.Generator) -> Street:
    lanes, parking = int(rng.choice([1, 1, 1, 2])), bool(rng.random() < 0.5)
    return Street(
        half=3.4 * lanes + (2.3 if parking else 0.2),
        lanes=lanes,
        parking=parking,
        strip=float(rng.choice([0, 0, 1.6])),
        sidewalk=float(rng.uniform(3.0, 5.0)),
        lawn=float(rng.choice([0, 0, 0, 2.5])),
        crossing=float(rng.uniform(16, 45)) if rng.random() < 0.4 else 2 * FAR,
        density=(float(rng.uniform(0.15, 1)), float(rng.uniform(0.15, 1))),
    )


def plan_things(street: Street, extras: Extras, rng: np.random.Generator) -> list[Thing]:
    """Places houses, trees, traffic and people along the street."""
    lots = [_plan_end(rng), *_plan_lots(street, -1, rng), *_plan_lots(street, 1, rng)]
    things = list(_plan_traffic(street, rng))
    for side in (-1, 1):
        things += _plan_curb(street, side, rng)
        things += _plan_walkers(street, side, rng)
        things += _plan_parking(street, side, rng)
    if extras.plates:
        cars = [thing for thing in things if thing.kind == "car" and thing.z < 25]
        # Nearer by a millimeter, so that it is painted after its car.
        things += [car._replace(kind="plate", z=car.z - 1e-3) for car in cars]
    # What is on the street is before the houses of all distances.
    lots.sort(key=lambda lot: -lot[-1].z)
    things.sort(key=lambda thing: -thing.z)
    return [*itertools.chain(*lots), *things]


def _plan_end(rng: np.random.Generator) -> list[Thing]:
    """Closes the view at the far end with houses and trees."""
    things = []
    for u in np.arange(-63, 63, 14.0):
        things.append(Thing("building", u, FAR, 10, rng.uniform(8, 20), 1))
        things.append(Thing("bush", u + rng.uniform(-6, 6), FAR - 3, 20, rng.uniform(4, 8)))
    return things


def _plan_lots(street: Street, side: int, rng: np.random.Generator) -> Iterator[list[Thing]]:
    """Lines one side with houses or with gardens behind walls and fences."""
    z, hidden = rng.uniform(-8, 4), 0.0  # Meters of the next house's end.
    while z < FAR - 10:
        length = rng.uniform(10, 22)
        if street.crosses(z, length):
            z, hidden = street.crossing + 9, 0.0
        lot = [*_plan_lot(street, side, (z, length), rng)]
        if lot[-1].kind == "building" and lot[-1].height < hidden:
            lot[-1] = lot[-1]._replace(kind="terraced")
        if z + length > drawing.NEAR:
            yield lot
        gap = rng.uniform(2, 5) if rng.random() < 0.2 else 0.0
        hidden = lot[-1].height if lot[-1].kind in ("building", "terraced") and not gap else 0.0
        z += length + gap


def _plan_lot(
    street: Street, side: int, place: tuple[float, float], rng: np.random.Generator
) -> Iterator[Thing]:
    """Builds on one lot, given as `(z, length)`; from the back to the front."""
    u, (z, length) = side * street.front, place
    if rng.random() < street.density[side > 0]:
        yield Thing("building", u, z, length, rng.uniform(6, 17), side)
        return
    for step in np.arange(max(z + length - 1, 3.0), max(z, 2.0), -7.0):
        yield Thing("tree", u + side * rng.uniform(3, 9), step, height=rng.uniform(6, 11))
        yield Thing("bush", u + side * 2.5, step, 5, rng.uniform(1.4, 2.8))
    kind = str(rng.choice(["wall", "fence", "bush"], p=[0.45, 0.4, 0.15]))
    if kind == "bush":
        yield Thing("bush", u + side * 1.5, max(z, 3.0), 3, rng.uniform(1.0, 1.6))
    else:
        yield Thing(kind, u, z, length, rng.uniform(1.6, 2.5), side)


def _plan_curb(street: Street, side: int, rng: np.random.Generator) -> Iterator[Thing]:
    """Sets trees, lamps, signs and lights along one curb, each in its slot."""
    u, slots = side * (street.half + 0.6), np.arange(rng.uniform(7, 10), 62, 3.6)
    green, step = rng.choice([0.0, 0.6]), int(rng.integers(5, 8))
    # One light before the crossing and often one that is large in the picture.
    lights = {int(np.searchsorted(slots, street.crossing)) - 1, int(rng.integers(0, 6))}
    for number, z in enumerate(slots):
        if number in lights:
            yield Thing("light", u, z, height=rng.uniform(3.0, 3.8))
        elif street.crosses(z, 1):
            continue
        elif number % step == 1:
            yield Thing("pole", u, z, height=rng.uniform(5.5, 7), facing=side)
        elif number % 3 == 0 and rng.random() < green:
            yield Thing("tree", u, z, height=rng.uniform(5, 8))
        elif number < 5 and rng.random() < 0.5:
            yield Thing("sign", u + side * 0.2, z, height=rng.uniform(2.3, 3.0))


def _plan_walkers(street: Street, side: int, rng: np.random.Generator) -> Iterator[Thing]:
    """Puts people and parked two-wheelers on one sidewalk."""
    inner, outer = street.half + street.strip + 0.5, street.front - street.lawn - 0.4
    for z in rng.uniform(7, 24, rng.integers(1, 5)):
        yield Thing("person", side * rng.uniform(inner, outer), z)
    for kind, chance in (("bicycle", 0.5), ("motorcycle", 0.5)):
        if rng.random() < chance:
            u, z = side * (inner + 0.5), rng.uniform(8, 16)
            yield Thing(kind, u, z, rng.uniform(0.8, 1.1), facing=side)


def _plan_parking(street: Street, side: int, rng: np.random.Generator) -> Iterator[Thing]:
    """Parks cars along one curb."""
    z = rng.uniform(5, 12)
    while street.parking and z < 60:
        if rng.random() < 0.65 and not street.crosses(z, 6):
            u = side * (street.half - 1.1)
            yield Thing("car", u, z, rng.uniform(3.9, 4.6), rng.uniform(1.4, 1.75), side)
        z += rng.uniform(5.5, 8)


def _plan_traffic(street: Street, rng: np.random.Generator) -> Iterator[Thing]:
    """Lets cars, buses, trucks and riders go along the lanes."""
    kinds = ["car", "truck", "bus", "rider", "biker"]
    for lane in range(-street.lanes, street.lanes):
        u, facing = 3.4 * (lane + 0.5), 1 if lane >= 0 else -1
        z = rng.uniform(9, 26)
        while z < 65:
            kind = str(rng.choice(kinds, p=[0.46, 0.11, 0.11, 0.18, 0.14]))
            if kind in ("rider", "biker"):
                yield Thing(kind, u + rng.uniform(-0.8, 0.8), z, rng.uniform(0.7, 1.0))
                z += 6
            else:
                length = rng.uniform(4, 4.6) if kind == "car" else rng.uniform(7, 10)
                height = rng.uniform(1.4, 1.75) if kind == "car" else rng.uniform(2.7, 3.3)
                yield Thing(kind, u + rng.uniform(-0.3, 0.3), z, length, height, facing)
                z += length
            z += rng.uniform(8, 30)


# --- Ground and sky ---------------------------------------------------------


def _open_canvas(
    style: Style, size: tuple[int, int], street: Street, rng: np.random.Generator
) -> Canvas:
    height, width = size[0] * _SCALE, size[1] * _SCALE
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


def _paint_sky(canvas: Canvas) -> None:
    """Paints a gradient and clouds: soft in camera style, flat in games."""
    view, rng, below = canvas.view, canvas.rng, int(canvas.view.horizon) + 1
    height, width = below // _SCALE, view.width // _SCALE
    zenith, air, white = (
        np.array(color, np.float32)
        for color in (canvas.color("sky"), canvas.air, PALETTES[canvas.style]["cloud"][0])
    )
    part = (np.arange(height, dtype=np.float32) / height)[:, None] ** 1.3
    rows, columns = np.arange(24)[:, None], np.arange(32)[None, :]
    tile = drawing.texture(rows * 2 + rng.integers(256), columns + rng.integers(256))
    clouds = Image.fromarray(tile).resize((width, height), Image.Resampling.BICUBIC)
    amount = np.clip((np.asarray(clouds) + rng.uniform(-0.8, 0.4)) * 0.5, 0, 0.8)
    if canvas.style == "game":
        amount = np.where(amount > 0.2, np.float32(0.8), np.float32(0.0))
    gradient = zenith + (air - zenith) * part
    pixels = gradient[:, None] + (white - gradient)[:, None] * (amount * (1 - part))[..., None]
    sky = Image.fromarray(pixels.astype(np.uint8))
    canvas.image.paste(sky.resize((view.width, below), Image.Resampling.BILINEAR), (0, 0))


def _paint_ground(canvas: Canvas, street: Street) -> None:
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
    zebra = ((before > 0.6) & (before < 3.4)) & (drawing.fraction(u) < 0.5)
    return lines & ((before > 4.5) | (before < -9)) | zebra


def _ground_light(
    canvas: Canvas, index: NDArray[np.uint8], u: NDArray[np.float32], z: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Lightness of the ground's texture: grain on camera, tiles in games."""
    near = np.exp(-z / 40)
    if canvas.style == "camera":
        fine, coarse = drawing.texture(z * 14, u * 14), drawing.texture(z * 1.5, u * 2.5)
        rough = np.array([0.05, 0.05, 0.13, 0.06, 0.13, 0.05], np.float32)[index]
        seam = ((z % 1.2) < 0.08) | (drawing.fraction(u * 1.25) < 0.06)
        light = 1 + (fine * rough + 0.05 * coarse - 0.12 * (seam & (index == 3))) * near
    else:
        size = np.array([3.4, 1.0, 1.0, 0.9, 1.2, 3.4], np.float32)[index]
        row, column = z / size, u / size
        seam = (drawing.fraction(row) < 0.06) | (drawing.fraction(column) < 0.06)
        check = 2 * drawing.fraction((np.floor(row) + np.floor(column)) / 2)
        light = 1 + (0.07 * check - 0.2 * seam) * near
    result: NDArray[np.float32] = light.astype(np.float32)
    return result


def _cast_shadows(canvas: Canvas, things: list[Thing]) -> None:
    """Darkens the ground where things keep the sun away."""
    view, soft = canvas.view, canvas.style == "camera"
    mask = Image.new("L", canvas.image.size, 255)
    pen = ImageDraw.Draw(mask)
    for thing in things:
        if thing.z < 60 and thing.z + thing.length > drawing.NEAR:
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


def _paint_hood(canvas: Canvas) -> None:
    """Paints the hood of the own car along the lower edge."""
    view = canvas.view
    center = (view.width * 0.5, view.height * 1.06)
    radii = (view.width * 0.46, view.height * 0.15)
    color = canvas.color("hood")
    canvas.disc(center, radii, color, IDS["ego vehicle"])
    shine = canvas.tint(color, 0, 1.35)
    canvas.disc((center[0], center[1] + 4 * _SCALE), radii, shine, IDS["ego vehicle"])


def _develop(canvas: Canvas) -> NDArray[np.uint8]:
    """Turns the canvas into a picture as a camera or a game would."""
    image, rng = canvas.image.reduce(_SCALE), canvas.rng
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
