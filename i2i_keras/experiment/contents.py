"""What images and labels a run has, as prepared or in its raw folders."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from i2i_keras.data.records import (
    SPLITS,
    Record,
    Splits,
    image_size,
    is_image,
    is_labelled,
    read_records,
)
from i2i_keras.data.tree import files_below
from i2i_keras.datasets.spaces import find_space
from i2i_keras.errors import DataError, SettingsError, how_many
from i2i_keras.experiment.settings import Settings
from i2i_keras.preparation import bit_depth
from i2i_keras.preparation import prepare as preparation
from i2i_keras.preparation.auto_size import Size
from i2i_keras.preparation.domains import DomainConfig, check_labels
from i2i_keras.run_folder.run import Run

_ROLES = ("source", "target")
_DRAWN = {"source": "camera_size", "target": "game_size"}


class Contents(NamedTuple):
    """What images and labels there are.

    Attributes:
        images: number by table, such as `source-train`.
        labelled: how many of them have a label. Before they are prepared, one
            in which every pixel is ignored is counted, too.
        size: (height, width) of all prepared images.
        prepared: whether that is done already.
        noted: what lies in plain folders and is not taken; or that raw data
            are gone of which there are records.
    """

    images: dict[str, int]
    labelled: dict[str, int]
    size: Size
    prepared: bool
    noted: tuple[str, ...] = ()

    def told(self) -> list[str]:
        """A line for each table that is not empty."""
        return [
            f"{table}: {how_many(count, 'image')}, {self.labelled[table]} labelled"
            for table, count in self.images.items()
            if count
        ]


def look(settings: Settings, run: Run) -> Contents:
    """Counts what there is; nothing is written.

    Raises:
        SettingsError: no data are named, see `check_roots`, or the label space
            does not know a domain's classes.
        DataError: a raw folder has not the layout of its format, no training
            images, or what looks like labels where they are not looked for.
    """
    if is_prepared(run):
        return _prepared(settings, run)
    check_roots(settings)
    images, labelled, sizes = dict[str, int](), dict[str, int](), list[list[Size]]()
    noted = list[str]()
    for role in _ROLES:
        if getattr(settings, role).root:
            config, splits = getattr(settings, role), _raw(settings, role)
            noted += _overlooked(getattr(settings, role), splits, role)
            images |= {f"{role}-{split}": len(records) for split, records in splits.items()}
            labelled |= {f"{role}-{split}": _labelled(r) for split, r in splits.items()}
            sizes.append(config.sizes(splits))
        else:
            drawn = {f"{role}-{s}": getattr(settings.streets, f"num_{s}") for s in SPLITS}
            images, labelled = images | drawn, labelled | drawn
            sizes.append([getattr(settings.streets, _DRAWN[role])])
    size = preparation.fitting_size(settings.prepare, sizes)
    return Contents(images, labelled, size, False, tuple(noted))


def check_roots(settings: Settings) -> None:
    """Refuses settings that name no data and do not say how to draw them.

    Raises:
        SettingsError: a root is missing.
    """
    for role in _ROLES:
        if not getattr(settings, role).root and settings.streets is None:
            raise SettingsError(f"Give the {role}'s folder: --{role} ROOT.")


def is_prepared(run: Run) -> bool:
    """Whether the records of a run are there."""
    return run.is_done(run.records)


def is_scored(run: Run) -> bool:
    """Whether the target has labelled test images to score arms on."""
    return _labelled_records(run)["target-test"] > 0


def bits(run: Run, role: str, records: Sequence[Record]) -> int:
    """How many bits of 16-bit images are in use, as a domain of a run has them.

    Args:
        run: the run.
        role: `source` or `target`.
        records: images of that kind, which are looked at if it has none.
    """
    known = run.done(run.records).results.get("bits", {}) if is_prepared(run) else {}
    found: int = known.get(role) or bit_depth.bits_in_use([record.image for record in records])
    return found


def gone(settings: Settings) -> list[str]:
    """Roots of raw data that are not there, or hold no image any more."""
    roots = [getattr(settings, role).root for role in _ROLES]
    if settings.streets is not None:  # What is not named is drawn.
        roots = [root for root in roots if root]
    return [root for root in roots if not (root and _holds_images(Path(root)))]


def _holds_images(root: Path) -> bool:
    return root.is_dir() and any(map(is_image, files_below(root)))


def _prepared(settings: Settings, run: Run) -> Contents:
    results = run.done(run.records).results
    size = results.get("size")
    if size is None:  # An earlier version did not tell.
        first = read_records(run.root, run.table(run.records, "source-train"))[0]
        size = image_size(first.image)
    named = " and ".join(filter(None, gone(settings)))
    noted = (f"{named}: no images any more; the run goes on from its records.",) if named else ()
    return Contents(results["records"], _labelled_records(run), (size[0], size[1]), True, noted)


def _labelled_records(run: Run) -> dict[str, int]:
    results = run.done(run.records).results
    if "labelled" in results:
        return dict(results["labelled"])
    # An earlier version did not count them.
    tables = {table: run.table(run.records, table) for table in results["records"]}
    return {table: _labelled(read_records(run.root, path)) for table, path in tables.items()}


def _raw(settings: Settings, role: str) -> Splits:
    config = getattr(settings, role)
    splits: Splits = config.find(Path(config.root))
    if not splits["train"]:
        where = " put some into train/images" if config.format == "folder" else " check its split"
        raise DataError(f"{config.root} ({role}) has no training images;{where}.")
    if any(_labelled(records) for records in splits.values()):
        space = find_space(settings.prepare.label_space)
        check_labels(config, Path(config.root), splits, space)
    return splits


def _overlooked(config: DomainConfig, splits: Splits, role: str) -> list[str]:
    """Sentences on what is not taken.

    Raises:
        DataError: it looks like labels that are wanted.
    """
    told = []
    for found in config.overlooked(splits, Path(config.root), role):
        place = f"{config.root}/{found.file}" if found.file else config.root
        sentence = f"{place} ({found.table}) {found.what}; {found.todo}."
        if found.bad:
            raise DataError(sentence)
        told.append(sentence)
    return told


def _labelled(records: list[Record]) -> int:
    return sum(map(is_labelled, records))
