"""`prepare`: raw images and labels to records at the working size, once."""

import functools
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pydantic
from PIL import Image

from i2i_keras import runs
from i2i_keras.config import Config
from i2i_keras.data import DATASETS, parallel
from i2i_keras.data.labels import LABEL_SPACES
from i2i_keras.data.records import Record, Splits, read_image, write_records
from i2i_keras.errors import DataError

RESAMPLING = {"area": Image.Resampling.BOX, "bilinear": Image.Resampling.BILINEAR}


class DomainConfig(Config):
    """Where one domain comes from.

    Attributes:
        format: a key of `DATASETS`.
        split: one of its ways to split; empty = its first.
        root: its folder; empty = given on the command line, or drawn by
            `streets`.
    """

    format: str
    split: str = ""
    root: str = ""

    @pydantic.model_validator(mode="after")
    def _known(self) -> "DomainConfig":
        if self.format not in DATASETS:
            raise ValueError(f"no data set {self.format!r}; there are {', '.join(DATASETS)}")
        splits = DATASETS[self.format].splits
        if self.split and self.split not in splits:
            raise ValueError(f"{self.format} has no split {self.split!r}; {', '.join(splits)}")
        return self

    def find(self, root: Path) -> Splits:
        """The records of the raw tree under `root`, by split."""
        splits = DATASETS[self.format].splits
        return splits[self.split or next(iter(splits))](root)


class PrepareConfig(Config):
    """What the prepared images and labels are like.

    Attributes:
        label_space: a key of `labels.LABEL_SPACES`.
        size: (height, width) of all prepared images and labels, in pixels.
        image_resize: how images are resized; `nearest` is the report's
            (figure 6) and aliases. Labels always take the nearest.
        workers: processes; 0 = one a core.
    """

    label_space: Literal["cityscapes34", "cityscapes19"] = "cityscapes19"
    size: tuple[pydantic.PositiveInt, pydantic.PositiveInt] = (280, 560)
    image_resize: Literal["area", "bilinear", "nearest"] = "area"
    workers: pydantic.NonNegativeInt = 0


class _Task(NamedTuple):
    raw: Record
    done: Record


def prepare(
    config: PrepareConfig, domains: dict[str, tuple[str, Splits]], root: Path
) -> runs.Facts:
    """Aligns labels, resizes, and writes PNGs and tables of records.

    Args:
        config: what to write.
        domains: by domain (`source`, `target`) its format and raw records.
        root: the run directory; all goes to `root/records`.

    Returns:
        The number of records of each table.

    Raises:
        DataError: a file is broken, or a domain has nothing to train on.
    """
    counts = {}
    for domain, (format_, splits) in domains.items():
        if not splits["train"]:
            raise DataError(f"The {domain} ({format_}) has no training images; check its root.")
        for split, raw in splits.items():
            table = f"{domain}-{split}"
            tasks = [_Task(record, _place(root, table, record)) for record in raw]
            _refuse_same_names(table, tasks)
            work = functools.partial(_prepare_one, config, format_)
            parallel.for_each(work, tasks, config.workers, f"prepare {table}")
            records = [task.done for task in tasks]
            write_records(root, root / "records" / f"{table}.csv", records)
            counts[table] = len(records)
    return {"records": counts}


def _place(root: Path, table: str, raw: Record) -> Record:
    folder = root / "records" / table
    label = folder / "labels" / f"{raw.name}.png" if raw.label else None
    return Record(raw.name, folder / "images" / f"{raw.name}.png", label)


def _refuse_same_names(table: str, tasks: list[_Task]) -> None:
    seen: dict[str, Path] = {}
    for raw, _ in tasks:
        other = seen.setdefault(raw.name, raw.image)
        if other != raw.image:
            raise DataError(
                f"{raw.image} and {other} would both become {raw.name!r} of {table}; rename one."
            )


def _prepare_one(config: PrepareConfig, format_: str, task: _Task) -> None:
    """Writes one image and its label, unless an earlier run did."""
    if not task.done.image.exists():
        image = read_image(task.raw.image)
        if config.image_resize == "nearest":
            image = _nearest(image, config.size)
        else:
            image = image.resize(config.size[::-1], RESAMPLING[config.image_resize])
        _write_png(image, task.done.image)
    if task.raw.label and task.done.label and not task.done.label.exists():
        ids = DATASETS[format_].read_label(task.raw.label)
        label = Image.fromarray(LABEL_SPACES[config.label_space].from_id[ids])
        _write_png(_nearest(label, config.size), task.done.label)


def _nearest(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Takes the nearest pixels, exactly those that `tf.image.resize` takes.

    Pillow adds up its steps in floating point: from Cityscapes' 2048 x 1024 to
    the report's 560 x 280 its sum falls short of some whole numbers.
    """
    pixels = np.asarray(image)
    rows, columns = (
        (2 * np.arange(new) + 1) * old // (2 * new)
        for old, new in zip(pixels.shape[:2], size, strict=True)
    )
    return Image.fromarray(pixels[np.ix_(rows, columns)])


def _write_png(image: Image.Image, path: Path) -> None:
    with runs.replacing(path) as draft:
        image.save(draft, "PNG", compress_level=1)  # Read often, kept briefly.
