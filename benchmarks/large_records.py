"""Batches from records of 512x1024 that do not fit into memory.

    python benchmarks/large_records.py

640 records with labels, written as `prepare` does with and without
`prepare.compress`. Before each pass they are put out of the system's cache, so
that each comes from the disk, as of a set larger than memory; a pass takes each
once, in batches of 32 crops of 256x256. Beside ours a torch DataLoader with two
workers and Pillow. With frames below `I2I_REAL_DATA`, each moved sideways by
another width; else with drawn ones.
"""

import functools
import importlib.util
import itertools
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from input_pipeline import LABELS, Crops
from PIL import Image
from side_by_side import asks_for_smoke, clock, in_turn, table

# TensorFlow is imported below, after torch's workers are forked.
from i2i_keras.data.png import write_png
from i2i_keras.data.records import Record
from i2i_keras.datasets import cityscapes
from i2i_keras.datasets.streets import draw_street, files


class Sizes(NamedTuple):
    """What is read.

    Attributes:
        records: of each kind, a multiple of `batch`.
        size: (height, width) of records.
        batch: images in it.
        crop: side of its images.
        repeats: passes.
    """

    records: int = 640
    size: tuple[int, int] = (512, 1024)
    batch: int = 32
    crop: int = 256
    repeats: int = 3


FULL = Sizes()
SMOKE = Sizes(4, (64, 128), 2, 32, 1)


def main() -> None:
    """Prints a table and, in times of ours of plain records, a line of JSON."""
    sizes = SMOKE if asks_for_smoke(__doc__) else FULL
    with tempfile.TemporaryDirectory() as folder:
        kinds = {
            "compressed": write(sizes, Path(folder) / "compressed", compress=True),
            "plain": write(sizes, Path(folder) / "plain", compress=False),
        }
        os.sync()  # Or what waits to be written would stay in memory.
        readers = {"torch": of_torch} if importlib.util.find_spec("torch") else {}
        runs = {
            f"{name}, {kind}": functools.partial(one_pass, reader, sizes, records)
            for name, reader in {**readers, "ours": of_ours}.items()
            for kind, records in kinds.items()
        }
        found = in_turn(runs, sizes.repeats, warm_up=1)
        for kind, records in kinds.items():
            size = sum(path.stat().st_size for _, *paths in records for path in paths)
            print(f"{kind}: {size / 1e6 / len(records):.2f} MB a record with its label")
    print(table(found, "images", sizes.records))
    plain = found["ours, plain"].median
    print(json.dumps({name: times.median / plain for name, times in found.items()}))


def one_pass(
    reader: Callable[[Sizes, Sequence[Record]], Iterator[Any]],
    sizes: Sizes,
    records: Sequence[Record],
) -> float:
    """Seconds in which every record comes from the disk, once."""
    for path in itertools.chain.from_iterable(paths for _, *paths in records):
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
    batches, count = reader(sizes, records), sizes.records // sizes.batch
    next(batches)  # Graphs and processes are there.
    return clock(lambda: [next(batches) and None for _ in range(count - 1)])


def of_ours(sizes: Sizes, records: Sequence[Record]) -> Iterator[Any]:
    """Ours, which decodes anew in each epoch."""
    from i2i_keras.data.pipeline import PipelineConfig, training_batches

    crop = (sizes.crop, sizes.crop)
    config = PipelineConfig(batch_size=sizes.batch, crop=crop, cache_gib=0.0)
    return iter(training_batches(config, records, seed=0))


def of_torch(sizes: Sizes, records: Sequence[Record]) -> Iterator[Any]:
    """A DataLoader with two workers."""
    from torch.utils.data import DataLoader

    # Spawned: a fork of a process with TensorFlow's threads may hang.
    options = {"num_workers": 2, "shuffle": True, "multiprocessing_context": "spawn"}
    return iter(DataLoader(Crops(records, sizes.crop), sizes.batch, **options))


def write(sizes: Sizes, folder: Path, compress: bool) -> list[Record]:
    """Records as `prepare` writes them; no two are alike."""
    records, scenes = [], itertools.cycle(list(draw(sizes)))
    for number, (image, label) in zip(range(sizes.records), scenes, strict=False):
        record = Record(f"{number:05}", *(folder / k / f"{number:05}.png" for k in ("x", "label")))
        for path, pixels in zip(record[1:], (image, label), strict=True):
            write_png(np.roll(pixels, 7 * number, axis=1), path, compress)
        records.append(record)
    return records


def draw(sizes: Sizes) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Images and labels of true frames, else of drawn ones."""
    real = Path(os.environ.get("I2I_REAL_DATA", "")) / "cityscapes"
    if not real.is_dir():
        for seed in range(8):
            yield draw_street("camera", sizes.size, seed, files.EXTRAS["cityscapes"])
        return
    splits, size = cityscapes.official(real), sizes.size[::-1]
    for record in splits["train"] + splits["val"]:
        if record.label:
            with Image.open(record.image) as image, Image.open(record.label) as label:
                pixels = image.convert("RGB").resize(size, Image.Resampling.BOX)
                classes = label.resize(size, Image.Resampling.NEAREST)
            yield np.asarray(pixels), LABELS[np.asarray(classes)]


if __name__ == "__main__":
    main()
