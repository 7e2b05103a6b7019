"""From raw frames to batches, beside what one writes without us.

    python benchmarks/input_pipeline.py

First 96 frames of 2048x1024 with their labels to records of 560x280: ours
reads, audits, aligns, resizes and writes on all cores; the peers are a plain
loop of Pillow and one of OpenCV, which audit nothing. Then batches of 32 crops
of 256x256 from 288 records: ours held in memory (the default) and decoded anew
in each epoch, beside a torch DataLoader with two workers.
"""

import functools
import importlib.util
import itertools
import json
import os
import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from side_by_side import asks_for_smoke, clock, in_turn, speedups, table

from i2i_keras.data.records import Record, read_records

# TensorFlow is imported below: each process that prepares would load it, too.
from i2i_keras.datasets import cityscapes
from i2i_keras.datasets.spaces import LABEL_SPACES
from i2i_keras.preparation.domains import Domain, DomainConfig
from i2i_keras.preparation.prepare import PrepareConfig, prepare


class Sizes(NamedTuple):
    """What is read.

    Attributes:
        frames: raw ones.
        camera: (height, width) of frames that are drawn.
        size: (height, width) of records.
        records: that batches are of, a multiple of `frames`.
        batch: images in it.
        crop: side of its images.
        batches: that are timed at once.
        before: batches that wait in queues.
        repeats: of the preparation, and of batches.
    """

    frames: int = 96
    camera: tuple[int, int] = (1024, 2048)
    size: tuple[int, int] = (280, 560)
    records: int = 288
    batch: int = 32
    crop: int = 256
    batches: int = 48
    before: int = 16
    repeats: tuple[int, int] = (3, 5)


FULL = Sizes()
SMOKE = Sizes(4, (64, 128), (32, 64), 4, 2, 32, 2, 1, (1, 1))
PEERS = {"opencv_loop": "cv2", "torch_dataloader": "torch"}
LABELS = LABEL_SPACES["cityscapes19"].labels["cityscapes"]


def main() -> None:
    """Prints two tables and a line of JSON."""
    absent = {name for name, module in PEERS.items() if not importlib.util.find_spec(module)}
    sizes = SMOKE if asks_for_smoke(__doc__) else FULL
    with tempfile.TemporaryDirectory() as folder:
        ratios = preparing(sizes, Path(folder), absent) | training(sizes, Path(folder), absent)
    if absent:
        print(f"left out, not installed: {', '.join(sorted(absent))}")
    print(json.dumps(ratios))


def preparing(sizes: Sizes, folder: Path, absent: set[str]) -> dict[str, float]:
    """Times raw frames to records."""
    raw = write_frames(sizes, folder / "raw")
    domain = Domain(DomainConfig(format="cityscapes"), raw, cityscapes.official(raw))
    roots = (folder / f"run{number}" for number in range(sizes.repeats[0]))

    def ours() -> float:
        config = PrepareConfig(size=sizes.size)
        return clock(prepare, config, {"source": domain}, next(roots))

    records = domain.splits["train"]
    loops = {"pil_loop": pil_loop, "opencv_loop": opencv_loop}
    peers = {
        name: functools.partial(clock, loop, records, folder / name, sizes.size)
        for name, loop in loops.items()
        if name not in absent
    }
    found = in_turn({"ours": ours, **peers}, sizes.repeats[0])
    # OpenCV averages areas as we do; Pillow's BOX takes whole pixels only.
    for record in prepared(folder) if "opencv_loop" in peers else []:
        same = Image.open(folder / "opencv_loop" / f"{record.name}.png")
        np.testing.assert_allclose(Image.open(record.image), np.asarray(same, float), atol=1)
    print(table(found, "images", sizes.frames))
    return speedups(found)


def pil_loop(records: Sequence[Record], folder: Path, size: tuple[int, int]) -> None:
    """What one writes with Pillow: one process, all settings as they are."""
    folder.mkdir(exist_ok=True)
    for name, image, label in records:
        with Image.open(image) as file:
            pixels = file.convert("RGB").resize(size[::-1], Image.Resampling.BOX)
        pixels.save(folder / f"{name}.png")
        with Image.open(label) as file:
            classes = Image.fromarray(LABELS[np.asarray(file)])
        classes = classes.resize(size[::-1], Image.Resampling.NEAREST)
        classes.save(folder / f"{name}_label.png")


def opencv_loop(records: Sequence[Record], folder: Path, size: tuple[int, int]) -> None:
    """What one writes with OpenCV: one process, its threads and settings."""
    import cv2

    folder.mkdir(exist_ok=True)
    for name, image, label in records:
        pixels = cv2.resize(cv2.imread(str(image)), size[::-1], interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(folder / f"{name}.png"), pixels)
        classes = LABELS[cv2.imread(str(label), cv2.IMREAD_UNCHANGED)]
        classes = cv2.resize(classes, size[::-1], interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(folder / f"{name}_label.png"), classes)


def training(sizes: Sizes, folder: Path, absent: set[str]) -> dict[str, float]:
    """Times records to batches."""
    records = prepared(folder) * (sizes.records // sizes.frames)
    iterators: dict[str, Iterator[Any]] = {}
    if "torch_dataloader" not in absent:
        # First, for its workers are forks: TensorFlow has threads.
        iterators["torch_dataloader"] = torch_batches(sizes, records)

    from i2i_keras.data.pipeline import PipelineConfig, training_batches

    crop = (sizes.crop, sizes.crop)
    for name, gib in (("ours", PipelineConfig().cache_gib), ("ours_decoding", 0.0)):
        config = PipelineConfig(batch_size=sizes.batch, crop=crop, cache_gib=gib)
        iterators[name] = iter(training_batches(config, records, seed=0))
    for image, label in map(next, iterators.values()):
        assert (*image.shape,) == (sizes.batch, *crop, 3)
        assert (*label.shape,) == (sizes.batch, *crop)
        assert 0.5 < np.abs(image).max() <= 1

    runs = {
        name: functools.partial(steady, sizes, iterator) for name, iterator in iterators.items()
    }
    found = in_turn(runs, sizes.repeats[1], warm_up=1)
    print(table(found, "batches", sizes.batches))
    decoding = found.pop("ours_decoding")
    slower = speedups({**found, "ours": decoding})
    return speedups(found) | {f"{name}_decoding": ratio for name, ratio in slower.items()}


def steady(sizes: Sizes, batches: Iterator[Any]) -> float:
    """Seconds of some batches after those that waited in queues."""
    for _ in range(sizes.before):
        next(batches)
    return clock(lambda: [next(batches) and None for _ in range(sizes.batches)])


class Crops:
    """A torch data set of the same crops, with Pillow and numpy."""

    def __init__(self, records: Sequence[Record], crop: int) -> None:
        self.records, self.crop = records, crop

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        record = self.records[index]
        with Image.open(record.image) as image, Image.open(record.label) as label:
            pixels, classes = np.asarray(image), np.asarray(label)
        top = random.randint(0, pixels.shape[0] - self.crop)
        left = random.randint(0, pixels.shape[1] - self.crop)
        window = np.s_[top : top + self.crop, left : left + self.crop]
        pixels, classes = pixels[window], classes[window]
        if random.random() < 0.5:
            pixels, classes = pixels[:, ::-1], classes[:, ::-1]
        normalized = np.ascontiguousarray(pixels, np.float32) / 127.5 - 1.0
        return normalized, np.ascontiguousarray(classes, np.int32)


def torch_batches(sizes: Sizes, records: Sequence[Record]) -> Iterator[Any]:
    """Endless batches of a DataLoader with two workers."""
    from torch.utils.data import DataLoader, RandomSampler

    data = Crops(records, sizes.crop)
    # One endless epoch, so that no worker waits for the end of another.
    sampler = RandomSampler(data, num_samples=10**9)
    return iter(DataLoader(data, sizes.batch, sampler=sampler, num_workers=2, drop_last=True))


def write_frames(sizes: Sizes, raw: Path) -> Path:
    """Fills a folder in the layout of Cityscapes.

    With links to the true frames below `I2I_REAL_DATA`, over and over, which
    the audit notes, but does not mind within a split; else with drawn ones.
    """
    real = Path(os.environ.get("I2I_REAL_DATA", "")) / "cityscapes"
    if not real.is_dir():
        from i2i_keras.datasets.streets import StreetsConfig, write_cityscapes

        streets = StreetsConfig(
            num_train=sizes.frames, num_val=1, num_test=1, camera_size=sizes.camera
        )
        write_cityscapes(raw, streets, "camera", workers=0)
        return raw
    splits = cityscapes.official(real)
    labelled = [record for record in splits["train"] + splits["val"] if record.label]
    for number, record in zip(range(sizes.frames), itertools.cycle(labelled), strict=False):
        name = f"city/city_{number:06d}_000019"
        for kind, file in (
            ("leftImg8bit/train", f"{name}_leftImg8bit.png"),
            ("gtFine/train", f"{name}_gtFine_labelIds.png"),
        ):
            link = raw / kind / file
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to((record.label if kind.startswith("gt") else record.image).resolve())
    return raw


def prepared(folder: Path) -> list[Record]:
    """The records that the first run of ours wrote."""
    return read_records(folder / "run0", folder / "run0/prepare/source-train.csv")


if __name__ == "__main__":
    main()
