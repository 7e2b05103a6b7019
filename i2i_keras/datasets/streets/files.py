"""Writes scenes in the layouts of Cityscapes and of GTA5."""

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
import pydantic
from numpy.typing import NDArray
from PIL import Image

from i2i_keras.config import Config
from i2i_keras.data.each_image import is_whole_png
from i2i_keras.data.labels import CLASSES, colorize
from i2i_keras.data.parallel import for_each
from i2i_keras.datasets.gta5 import COLORS, official_frames
from i2i_keras.datasets.streets.palettes import Style
from i2i_keras.datasets.streets.placement import Extras
from i2i_keras.datasets.streets.scene import draw_street
from i2i_keras.errors import SettingsError
from i2i_keras.run_folder import writing

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
            raise SettingsError(
                f"GTA5's {split} has {len(frames)} frames; lower streets.num_{split}."
            )
        for number, frame in enumerate(frames[: config.count(split)]):
            seed = _seed("gta5", split, number, config)
            paths = tuple(folder / kind / f"{frame:05d}.png" for kind in ("images", "labels"))
            jobs.append(_Job("gta5", paths, style, config.size(style), seed))
    _run(jobs, workers)


class _Job(NamedTuple):
    """One scene to draw and the files to leave it in."""

    layout: Layout
    paths: tuple[Path, ...]
    style: Style
    size: tuple[int, int]
    seed: int


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
    if all(path.is_file() and is_whole_png(path) for path in job.paths):
        return
    image, ids = draw_street(job.style, job.size, job.seed, EXTRAS[job.layout])
    for path, picture in zip(job.paths, _encode(job.layout, image, ids), strict=True):
        _save(picture, path)


def _encode(layout: Layout, image: NDArray[np.uint8], ids: NDArray[np.uint8]) -> list[Image.Image]:
    """The pictures of a scene, in the order of a job's paths."""
    label = Image.fromarray(ids)
    if layout == "gta5":
        label.putpalette([channel for color in COLORS for channel in color])
        return [Image.fromarray(image), label]
    colors = np.array([row.color for row in CLASSES], np.uint8)
    painted = Image.fromarray(colorize(ids, colors)).convert("RGBA")
    return [Image.fromarray(image), label, painted]


def _save(image: Image.Image, path: Path) -> None:
    with writing.replacing(path) as draft:
        image.save(draft, format="PNG")
