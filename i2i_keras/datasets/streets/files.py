"""Writes scenes in the layouts of Cityscapes and of GTA5."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
import pydantic
from numpy.typing import NDArray
from PIL import Image

from i2i_keras.config import Config
from i2i_keras.data.labels import CLASSES, colorize
from i2i_keras.data.parallel import for_each
from i2i_keras.datasets.gta5 import COLORS, official_frames
from i2i_keras.datasets.streets.palettes import Style
from i2i_keras.datasets.streets.placement import Extras
from i2i_keras.datasets.streets.scene import draw_street
from i2i_keras.errors import SettingsError
from i2i_keras.run_folder import files

Layout = Literal["cityscapes", "gta5"]

EXTRAS: dict[Layout, Extras] = {"cityscapes": Extras(hood=True), "gta5": Extras(plates=True)}
CITIES = {
    "train": ("aachen", "bochum", "hamburg"),
    "val": ("frankfurt", "munster"),
    "test": ("berlin", "bonn"),
}

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


def write_cityscapes(folder: Path, config: StreetsConfig, style: Style, workers: int = 1) -> None:
    """Writes scenes in the layout of Cityscapes' fine annotations.

    Files that are there already are kept, so a stopped run goes on.

    Args:
        folder: gets `leftImg8bit` and `gtFine`.
        config: how many, how large, from which seed.
        style: of the pictures.
        workers: processes to draw with; 0 = one a core.
    """

    def paths(split: str, number: int) -> list[Path]:
        cities = CITIES[split]
        city, sequence = cities[number % len(cities)], number // len(cities)
        stem = f"{split}/{city}/{city}_{sequence:06d}_000019"
        kinds = ("leftImg8bit", "gtFine_labelIds", "gtFine_color")
        return [folder / kind.split("_")[0] / f"{stem}_{kind}.png" for kind in kinds]

    _draw("cityscapes", paths, config, style, workers)


def write_gta5(folder: Path, config: StreetsConfig, style: Style, workers: int = 1) -> None:
    """Writes scenes in the layout of GTA5, numbered by its official splits.

    Files that are there already are kept, so a stopped run goes on.

    Args:
        folder: gets `images` and `labels`.
        config: how many, how large, from which seed.
        style: of the pictures.
        workers: processes to draw with; 0 = one a core.
    """
    frames = official_frames()
    for split, known in frames.items():
        if config.count(split) > len(known):
            raise SettingsError(
                f"GTA5's {split} has {len(known)} frames; lower streets.num_{split}."
            )

    def paths(split: str, number: int) -> list[Path]:
        return [folder / kind / f"{frames[split][number]:05d}.png" for kind in ("images", "labels")]

    _draw("gta5", paths, config, style, workers)


class _Job(NamedTuple):
    """One scene to draw and the files to leave it in."""

    layout: Layout
    paths: list[Path]
    style: Style
    size: tuple[int, int]
    seed: int


def _seed(layout: Layout, split: str, number: int, config: StreetsConfig) -> int:
    """Seed of a scene; it depends neither on the counts nor on the sizes."""
    place = [config.seed, [*EXTRAS].index(layout), [*CITIES].index(split), number]
    return int(np.random.SeedSequence(place).generate_state(1)[0])


def _draw(
    layout: Layout,
    paths: Callable[[str, int], list[Path]],
    config: StreetsConfig,
    style: Style,
    workers: int,
) -> None:
    """Draws all scenes, each by whichever process is free."""
    size, jobs = config.size(style), []
    for split in CITIES:
        for number in range(config.count(split)):
            seed = _seed(layout, split, number, config)
            jobs.append(_Job(layout, paths(split, number), style, size, seed))
    for _ in for_each(_write, jobs, workers, f"Drawing {layout} streets"):
        pass


def _write(job: _Job) -> None:
    """Draws one scene into those of its files that are missing."""
    if all(path.exists() for path in job.paths):
        return
    image, ids = draw_street(job.style, job.size, job.seed, EXTRAS[job.layout])
    for path, picture in zip(job.paths, _encode(job.layout, image, ids), strict=True):
        if not path.exists():
            with files.replacing(path) as draft:
                picture.save(draft, format="PNG")


def _encode(layout: Layout, image: NDArray[np.uint8], ids: NDArray[np.uint8]) -> list[Image.Image]:
    """The pictures of a scene, in the order of a job's paths."""
    label = Image.fromarray(ids)
    if layout == "gta5":
        label.putpalette([channel for color in COLORS for channel in color])
        return [Image.fromarray(image), label]
    colors = np.array([row.color for row in CLASSES], np.uint8)
    painted = Image.fromarray(colorize(ids, colors)).convert("RGBA")
    return [Image.fromarray(image), label, painted]
