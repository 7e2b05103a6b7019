"""From the description of a data set in a TOML file to the data set."""

import functools
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

from i2i_keras.data.records import SPLITS, Record, Splits
from i2i_keras.datasets import patterns, reading
from i2i_keras.datasets.dataset import CITYSCAPES, Coding, Dataset, Lone, RawClass
from i2i_keras.datasets.description import Description, Lists, folder_ways
from i2i_keras.datasets.patterns import Place
from i2i_keras.datasets.raw_files import by_name, pair
from i2i_keras.errors import DataError

_NUM_IDS = 34  # That Cityscapes' label files hold.


def read(path: Path, name: str = "") -> Dataset:
    """Reads a data set from the file that describes it.

    Args:
        path: of the file.
        name: of one of ours, whose coding gets it; empty = somebody's own.

    Returns:
        The data set; if it has variants that which is the default, or else the
        first, with all of them in `variants`.

    Raises:
        SettingsError: it is not there or not right.
    """
    described = reading.read(path)
    content = None if name else described.content
    built = {
        variant: _dataset(found, f"{name or found.title} {variant}".strip(), content)
        for variant, found in described.variants.items()
    }
    if "" in built:
        return built[""]
    chosen = built[described.default or next(iter(built))]
    return chosen._replace(variants=built, asks=described.default is None)


def _dataset(found: Description, name: str, content: Any) -> Dataset:
    own = found.label_space
    folders = folder_ways(found)
    splits: dict[str, Callable[[Path, str], Splits]] = {
        way: functools.partial(_by_folders, found, some) for way, some in folders.items()
    }
    splits |= {way: functools.partial(_by_lists, found, some) for way, some in found.lists.items()}
    spaces = {own.name: [row.model_dump(exclude={"own"}) for row in own.classes]} if own else {}
    joined = {own.name: {row.name: row.own for row in own.classes}} if own else {}
    coding = _coding(found, name)
    numbers = [*coding.numbers.values()] if found.classes else [*range(_NUM_IDS)]
    return Dataset(
        found.title,
        splits=splits,
        coding=coding,
        numbers=(*numbers, *found.ignored),
        encodings=_encodings(found),
        colors=coding.colors if found.classes else (),
        known=found.known,
        recognize=functools.partial(_recognize, found.recognized_by),
        spaces=spaces,
        joined=joined | found.joined,
        ignored=found.ignored,
        channel=found.channel,
        bits=found.bits,
        labelled=bool(found.labels),
        lone=functools.partial(_lone, found),
        content=content,
    )


def _encodings(found: Description) -> tuple[str, ...]:
    if found.numbering:
        return (found.numbering,)
    numbered = all(row.number is not None for row in found.classes)
    colored = any(row.color for row in found.classes)
    return (*(("ids",) if numbered else ()), *(("colors",) if colored else ()))


def _coding(found: Description, name: str) -> Coding:
    if not found.classes:
        return CITYSCAPES
    # Those that have but a color are numbered here.
    numbers = [
        place if row.number is None else row.number for place, row in enumerate(found.classes)
    ]
    rows = zip(numbers, found.classes, strict=True)
    return Coding(name, tuple(RawClass(c.name, n, c.cityscapes, c.color) for n, c in rows))


def _recognize(globs: Sequence[str], root: Path) -> str | None:
    return "" if globs and all(any(root.glob(glob)) for glob in globs) else None


class _Files(NamedTuple):
    """Images and labels of one folder of a split, by name, and their places."""

    images: dict[str, Path]
    labels: dict[str, Path]
    places: dict[str, Place]


def _files(found: Description, root: Path, folder: str) -> _Files:
    labels = _kept(found, patterns.find(root, found.labels, folder)) if found.labels else []
    # Labels may lie beside the images and match their pattern, too.
    taken = {path for _, path in labels}
    labels = [] if folder in found.unlabelled else labels
    images = _kept(found, patterns.find(root, found.images, folder))
    images = [(place, path) for place, path in images if path not in taken]
    return _Files(
        by_name((_name(found, place), path) for place, path in images),
        by_name((_name(found, place), path) for place, path in labels),
        {_name(found, place): place for place, _ in (*labels, *images)},
    )


def _kept(found: Description, files: list[tuple[Place, Path]]) -> list[tuple[Place, Path]]:
    return [
        (place, path)
        for place, path in files
        if not any(fnmatch(path.name, glob) for glob in found.skip)
    ]


def _name(found: Description, place: Place) -> str:
    """Folders and name, joined: frames of two sequences share a number."""
    name = place.name.zfill(found.digits) if place.name.isdecimal() else place.name
    return "_".join([*filter(None, "/".join(place.folders).split("/")), name])


def _records(found: Description, root: Path, folder: str) -> list[Record]:
    images, labels, places = _files(found, root, folder)
    if found.lone == "note" and labels:
        both = images.keys() & labels.keys()
        images, labels = ({n: some[n] for n in both} for some in (images, labels))

    def place(name: str) -> tuple[Path, Path]:
        image, label = (
            patterns.path_of(root, pattern, folder, places[name])
            for pattern in (found.images, found.labels)
        )
        return image, label

    return pair(images, labels, place)


def _by_folders(found: Description, folders: dict[str, str], root: Path, encoding: str) -> Splits:
    splits = {split: list[Record]() for split in SPLITS}
    splits |= {split: _records(found, root, folder) for split, folder in folders.items()}
    _check(found, root, splits)
    return splits


def _by_lists(found: Description, lists: Lists, root: Path, encoding: str) -> Splits:
    records = {record.name: record for record in _records(found, root, "")}
    _check(found, root, {"train": [*records.values()]})
    splits: Splits = {split: [] for split in SPLITS}
    for split in SPLITS:
        for name in getattr(lists, split):
            if name not in records:
                raise DataError(
                    f"{root} has no image {name!r}, which the {split} list of {found.title} names;"
                    " put it there, or take it off the list."
                )
            splits[split].append(records[name])
    return splits


def _check(found: Description, root: Path, splits: Splits) -> None:
    """Refuses a folder without images, or whose labels are yet to be made."""
    records = [record for some in splits.values() for record in some]
    if not records:
        raise DataError(
            f"{root} has no image at {found.images}; give the root of {found.title},"
            " and check the split."
        )
    if found.instead and not any(record.label for record in records):
        first = next(iter(sorted(root.glob(found.instead.files))), None)
        if first:
            raise DataError(f"{first} is no label image; {found.instead.todo}.")


def _lone(found: Description, root: Path, way: str) -> list[Lone]:
    if found.lone == "bad":
        return []
    folders = folder_ways(found).get(way, {"train": ""})
    return [
        lone for split, folder in folders.items() for lone in _lone_in(found, root, split, folder)
    ]


def _lone_in(found: Description, root: Path, split: str, folder: str) -> Iterator[Lone]:
    images, labels, _ = _files(found, root, folder)
    if labels:
        for name in sorted(images.keys() - labels.keys()):
            yield Lone(split, name, images[name], "label")
        for name in sorted(labels.keys() - images.keys()):
            yield Lone(split, name, labels[name], "image")
