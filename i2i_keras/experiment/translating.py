"""What is done with a trained translator: records, any images, export."""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from i2i_keras.data import each_image
from i2i_keras.data.find_images import Images, Made, find_images
from i2i_keras.data.records import is_image, read_image, write_records
from i2i_keras.data.tables import prepared
from i2i_keras.data.tree import by_suffix
from i2i_keras.errors import DataError, FileError, SettingsError
from i2i_keras.experiment import contents
from i2i_keras.run_folder import files, locks
from i2i_keras.run_folder.files import Facts
from i2i_keras.run_folder.run import Done, Run
from i2i_keras.training import checkpoints
from i2i_keras.translators import TRANSLATORS, check_method, references, tiles
from i2i_keras.translators.apply import (
    Translate,
    build_maker,
    translate_records,
    unfinished,
)
from i2i_keras.translators.export import export_generator

# Tables that are translated, by direction.
_TABLES = {"xy": ("source-train", "source-val"), "yx": ("target-train",)}


class TrainedTranslator(NamedTuple):
    """A trained translator, one way.

    Attributes:
        run: that it was trained in.
        method: a key of `TRANSLATORS`.
        direction: `xy` or `yx`.
        tile: side of tiles, see `tiles.when_large`.
        step: of a kept checkpoint; None = what it saved in the end.
        reference: of all images, `domain` or an image; None = to each its own.
    """

    run: Run
    method: str
    direction: str = "xy"
    tile: int | None = None
    step: int | None = None
    reference: str | None = None

    @property
    def folder(self) -> Path:
        """Where its training left it."""
        return self.run.translator(self.method)

    def done(self) -> Done:
        """How its training ended.

        Raises:
            SettingsError: there is no such method, it does not translate in
                this direction, takes no reference, or keeps no checkpoint of
                this step.
            DataError: it has not been trained.
        """
        check_method(self.method)
        if self.direction not in TRANSLATORS[self.method].directions:
            raise SettingsError(
                f"{self.method} does not translate {self.direction}; for that, train it with source"
                " and target exchanged, or take a translator of both directions."
            )
        if self.reference and TRANSLATORS[self.method].load_generator:
            able = [name for name, method in TRANSLATORS.items() if not method.load_generator]
            raise SettingsError(
                f"{self.method} translates by its network and takes no --reference; that is for"
                f" {' and '.join(able)}."
            )
        done = self.run.done(self.run.translator(self.method))
        if self.step is not None:
            checkpoints.require_checkpoint(self.folder, self.step)
        return done

    def load(self) -> Translate:
        """From images `(1, height, width, 3)` in [-1, 1] to translated ones."""
        method = TRANSLATORS[self.method]
        if method.load_generator is not None:
            return tiles.when_large(self.network(), self.tile)
        options = {"reference": self.reference} if self.reference else {}
        function: Translate = method.load(self.folder, self.direction, **options)
        return function

    def network(self, **changes: Any) -> keras.Model:
        """The network that translates; `changes` are of how it is loaded.

        Raises:
            SettingsError: it has none.
        """
        load = TRANSLATORS[self.method].load_generator
        if load is None:
            able = [name for name, method in TRANSLATORS.items() if method.load_generator]
            raise SettingsError(
                f"{self.method} has no network that could be exported; take {' or '.join(able)}."
            )
        step = {} if self.step is None else {"step": self.step}
        return load(self.folder, self.direction, **step, **changes)

    def fingerprint(self) -> str:
        """Of all that decides what it makes of an image."""
        others: list[Any] = [] if self.step is None else [self.step]
        if self.reference:
            others.append(references.fingerprint(self.reference))
        hashes = checkpoints.hashes(self.folder, self.step)
        return files.fingerprint([self.method, self.direction, hashes, *others])


class _Job(NamedTuple):
    """Translation of a run's records: the stage, and its parts."""

    place: Path
    settings: Facts
    inputs: dict[str, str]
    compute: Callable[[locks.Shard], None]
    is_complete: Callable[[], bool]
    finish: Callable[[Path], Facts]


def check_methods(methods: Iterable[str]) -> None:
    """`check_method` of several, before the first one is at work."""
    for method in methods:
        check_method(method)


def exported_method(run: Run) -> str:
    """The translator that is exported where none is named.

    Returns:
        The only one that is trained and has a network; else CycleGAN.

    Raises:
        SettingsError: there are others, but no CycleGAN.
        DataError: no translator of the run has a network.
    """
    trained = run.trained_translators()
    known = [name for name, m in TRANSLATORS.items() if m.load_generator and name in trained]
    if trained and not known:
        raise DataError(
            f"The translators of {run.root} have no network that could be exported:"
            f" {', '.join(trained)}."
        )
    if len(known) > 1 and "cyclegan" not in known:
        raise SettingsError(f"Which translator? Give --method, one of {', '.join(known)}.")
    return known[0] if len(known) == 1 else "cyclegan"


def translate(trained: TrainedTranslator) -> Done:
    """Translates its run's labelled source (`xy`), or target images (`yx`)."""
    job = _job(trained)

    def work(folder: Path) -> Facts:
        with locks.sharing(folder, locks.Shard()):  # Not beside one that does a share of it.
            job.compute(locks.Shard())
        return job.finish(folder)

    return trained.run.stage(job.place, job.settings, job.inputs, work)


def translate_shard(trained: TrainedTranslator, shard: locks.Shard) -> Done | None:
    """Does a share of `translate`; the last one to end finishes the stage.

    Args:
        trained: whose run is where all shards meet; locked as shared.
        shard: what this process does.

    Returns:
        How the stage ended; None if others have not done their shards yet.
    """
    job, run = _job(trained), trained.run
    folder = job.place
    with locks.sharing(folder, shard):
        with locks.in_turn(folder):
            if done := run.begin(job.place, job.settings, job.inputs):
                return done
        job.compute(shard)
        with locks.in_turn(folder):
            if not job.is_complete():
                return None
            return run.stage(job.place, job.settings, job.inputs, job.finish)


def translate_images(
    trained: TrainedTranslator, images: Sequence[str], out: Path, shard: locks.Shard
) -> Made:
    """Translates images, each of any size; unreadable ones are left out.

    Args:
        trained: the translator.
        images: folders, files or patterns.
        out: folder that gets `NAME.png` of each, or a PNG file for one image.
        shard: what this process does.

    Raises:
        SettingsError: `out` is a file for several images, or no PNG.
    """
    trained.done()
    found, folder = _goal(images, out)
    records, unreadable = shard.of(found.records), list[FileError]()
    each_image.refuse_others(records, lambda name: [folder / f"{name}.png"])
    maker = build_maker(trained.load(), folder, trained.fingerprint())
    # Beside a single file no lock is left.
    with locks.sharing(out, shard) if folder == out else contextlib.nullcontext():
        role = "source" if trained.direction == "xy" else "target"
        maker = maker._replace(bits=contents.bits(trained.run, role, found.records))
        each_image.make_of_each(records, maker, "translate", unreadable)
    return Made(len(records) - len(unreadable), unreadable, by_suffix(found.others))


def _goal(images: Sequence[str], out: Path) -> tuple[Images, Path]:
    """The images, and the folder that their translations go to."""
    if out.is_dir() or not is_image(out):
        return find_images(images, out), out
    found = find_images(images)
    if len(found.records) > 1:
        raise SettingsError(
            f"{out} would be one file of {len(found.records)} images; give a folder for --out."
        )
    if out.suffix != ".png":
        raise SettingsError(f"{out} has to be a PNG, such as {out.with_suffix('.png').name}.")
    [record] = found.records
    if out.resolve() == record.image.resolve():
        raise DataError(f"{out} is the image itself; give another --out.")
    return found._replace(records=[record._replace(name=out.stem)]), out.parent


def export(trained: TrainedTranslator, kind: str, out: Path, image: Path | None) -> int:
    """Writes the network in a format that runs without this package.

    Args:
        trained: the translator.
        kind: a key of `formats.FORMATS`.
        out: file or folder that is made.
        image: to compare on; None = the first that it was trained on.

    Returns:
        The largest difference from the network itself, in gray levels of 255.
    """
    trained.done()
    generator = trained.network(precision="float32")
    if image is None:
        image = prepared(trained.run, _TABLES[trained.direction][0])[0].image
    return export_generator(generator, kind, out, np.asarray(read_image(image)))


def _job(trained: TrainedTranslator) -> _Job:
    inputs = {"translator": trained.done().fingerprint}
    run, direction = trained.run, trained.direction
    run.done(run.records)  # Refuses what has changed.
    place, origin = run.translated(trained.method, direction), trained.fingerprint()
    tables = {table: prepared(run, table) for table in _TABLES[direction]}
    if direction == "yx":  # The target's labels are not for training.
        tables = {t: [r._replace(label=None) for r in records] for t, records in tables.items()}
    compress = run.settings_of(run.records).get("prepare", {}).get("compress", True)

    def compute(shard: locks.Shard) -> None:
        function = trained.load()
        for table, records in tables.items():
            what = f"translate {table}"
            place_of_table = place / table
            translate_records(function, shard.of(records), place_of_table, what, origin, compress)

    def is_complete() -> bool:
        return not any(unfinished(records, place / t, origin) for t, records in tables.items())

    def finish(folder: Path) -> Facts:
        for table, records in tables.items():
            new = [r._replace(image=folder / table / f"{r.name}.png") for r in records]
            write_records(run.root, run.table(folder, table), new)
        return {"records": {table: len(records) for table, records in tables.items()}}

    return _Job(place, {"direction": direction}, inputs, compute, is_complete, finish)
