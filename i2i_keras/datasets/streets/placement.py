"""Places a street and what is along it, before anything is painted.

A place is `(u, z)` in meters: `u` to the right of the middle of the road, `z`
ahead of the camera; heights count from the ground.
"""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from i2i_keras.datasets.streets.canvas import NEAR

FAR = 88.0  # Meters: the end of the street.


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


class Street(NamedTuple):
    """A street; lengths in meters.

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


class Thing(NamedTuple):
    """One thing of a scene, of which the nearest face is at `z`.

    Attributes:
        kind: a key of `scene.PAINTERS`.
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


def choose_street(rng: np.random.Generator) -> Street:
    """Draws the widths, the crossing and how built-up both sides are."""
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


def place_things(street: Street, extras: Extras, rng: np.random.Generator) -> list[Thing]:
    """Places houses, trees, traffic and people along the street."""
    lots = [_place_end(rng), *_place_lots(street, -1, rng), *_place_lots(street, 1, rng)]
    things = list(_place_traffic(street, rng))
    for side in (-1, 1):
        things += _place_curb(street, side, rng)
        things += _place_walkers(street, side, rng)
        things += _place_parking(street, side, rng)
    if extras.plates:
        cars = [thing for thing in things if thing.kind == "car" and thing.z < 25]
        # Nearer by a millimeter, so that it is painted after its car.
        things += [car._replace(kind="plate", z=car.z - 1e-3) for car in cars]
    # What is on the street is before the houses of all distances.
    lots.sort(key=lambda lot: -lot[-1].z)
    things.sort(key=lambda thing: -thing.z)
    return [*itertools.chain(*lots), *things]


def _place_end(rng: np.random.Generator) -> list[Thing]:
    """Closes the view at the far end with houses and trees."""
    things = []
    for u in np.arange(-63, 63, 14.0):
        things.append(Thing("building", u, FAR, 10, rng.uniform(8, 20), 1))
        things.append(Thing("bush", u + rng.uniform(-6, 6), FAR - 3, 20, rng.uniform(4, 8)))
    return things


def _place_lots(street: Street, side: int, rng: np.random.Generator) -> Iterator[list[Thing]]:
    """Lines one side with houses or with gardens behind walls and fences."""
    z, hidden = rng.uniform(-8, 4), 0.0  # Meters of the next house's end.
    while z < FAR - 10:
        length = rng.uniform(10, 22)
        if street.crosses(z, length):
            z, hidden = street.crossing + 9, 0.0
        lot = [*_place_lot(street, side, (z, length), rng)]
        if lot[-1].kind == "building" and lot[-1].height < hidden:
            lot[-1] = lot[-1]._replace(kind="terraced")
        if z + length > NEAR:
            yield lot
        gap = rng.uniform(2, 5) if rng.random() < 0.2 else 0.0
        hidden = lot[-1].height if lot[-1].kind in ("building", "terraced") and not gap else 0.0
        z += length + gap


def _place_lot(
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


def _place_curb(street: Street, side: int, rng: np.random.Generator) -> Iterator[Thing]:
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


def _place_walkers(street: Street, side: int, rng: np.random.Generator) -> Iterator[Thing]:
    """Puts people and parked two-wheelers on one sidewalk."""
    inner, outer = street.half + street.strip + 0.5, street.front - street.lawn - 0.4
    for z in rng.uniform(7, 24, rng.integers(1, 5)):
        yield Thing("person", side * rng.uniform(inner, outer), z)
    for kind, chance in (("bicycle", 0.5), ("motorcycle", 0.5)):
        if rng.random() < chance:
            u, z = side * (inner + 0.5), rng.uniform(8, 16)
            yield Thing(kind, u, z, rng.uniform(0.8, 1.1), facing=side)


def _place_parking(street: Street, side: int, rng: np.random.Generator) -> Iterator[Thing]:
    """Parks cars along one curb."""
    z = rng.uniform(5, 12)
    while street.parking and z < 60:
        if rng.random() < 0.65 and not street.crosses(z, 6):
            u = side * (street.half - 1.1)
            yield Thing("car", u, z, rng.uniform(3.9, 4.6), rng.uniform(1.4, 1.75), side)
        z += rng.uniform(5.5, 8)


def _place_traffic(street: Street, rng: np.random.Generator) -> Iterator[Thing]:
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
