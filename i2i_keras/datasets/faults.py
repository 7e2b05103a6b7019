"""What is wrong between the settings of a data set's description."""

from collections.abc import Iterator
from typing import Any

from i2i_keras.data.encodings import NO_CLASS
from i2i_keras.datasets import patterns
from i2i_keras.datasets.dataset import CITYSCAPES
from i2i_keras.datasets.description import Description, folder_ways
from i2i_keras.errors import unknown

Where = tuple[str | int, ...]  # Keys and places in lists, from the top down.


def faults(found: Description) -> Iterator[tuple[Where, str]]:
    """What is wrong between settings, each with its place."""
    yield from _faults_of_patterns(found)
    yield from _faults_of_globs(found)
    yield from _faults_of_classes(found)
    yield from _faults_of_splits(found)
    yield from _faults_of_spaces(found)


def _faults_of_patterns(found: Description) -> Iterator[tuple[Where, str]]:
    for key in ("images", "labels"):
        pattern = getattr(found, key)
        if (key == "images" or pattern) and (what := patterns.fault(pattern)):
            yield (key,), f"{key} = {pattern!r} is no pattern: {what}"
    if found.labels:
        if patterns.depth(found.images) != patterns.depth(found.labels):
            yield ("labels",), "labels has to have as many ** as images; give both the same"
        if ("{split}" in found.images) != ("{split}" in found.labels):
            yield ("labels",), "{split} has to stand in both images and labels, or in none"


def _faults_of_globs(found: Description) -> Iterator[tuple[Where, str]]:
    globs: dict[Where, str] = {
        ("recognized_by", place): glob for place, glob in enumerate(found.recognized_by)
    }
    if found.instead:
        globs["instead", "files"] = found.instead.files
    for where, glob in globs.items():
        parts = glob.split("/")
        if not parts[0] or any("**" in part and part != "**" for part in parts):
            yield where, f"{glob!r} has to be a glob below the root, as in labels/*/*.json"


def _faults_of_classes(found: Description) -> Iterator[tuple[Where, str]]:
    if found.numbering and found.classes:
        yield ("numbering",), "numbering says that classes are Cityscapes'; leave it or classes out"
    if found.labels and not found.numbering and not found.classes:
        yield ("labels",), "labels need classes, or numbering = 'ids' or 'train_ids'"
    numbered = any(row.number is not None for row in found.classes)
    colored = any(row.color is not None for row in found.classes)
    for place, row in enumerate(found.classes):
        where = ("classes", place)
        if row.number is None and (numbered or not colored):
            yield where, f"{row.name!r} needs a number"
        if row.color is None and colored and not numbered:
            yield where, f"{row.name!r} needs a color, as others have one"
        if colored and row.number == NO_CLASS:
            yield where, f"{NO_CLASS} is no number for a class that has a color; take another"
        if row.number in found.ignored:
            yield ("ignored",), f"{row.number} is ignored and the class {row.name!r}; leave it out"
        yield from _faults_of_names((*where, "cityscapes"), (row.cityscapes,))
    yield from _twice(found)


def _twice(found: Description) -> Iterator[tuple[Where, str]]:
    """Names, numbers and colors that two classes have."""
    for key in ("name", "number", "color"):
        seen: dict[Any, str] = {}
        for place, row in enumerate(found.classes):
            value = getattr(row, key)
            if value is not None and value in seen:
                what = f"{key} {value!r} is that of {seen[value]!r} and of {row.name!r}"
                yield ("classes", place, key), f"{what}; change one"
            seen[value] = row.name


def _faults_of_names(where: Where, names: tuple[str, ...]) -> Iterator[tuple[Where, str]]:
    for name in names:
        if name and name not in CITYSCAPES.numbers:
            yield where, unknown("Cityscapes has no class", name, CITYSCAPES.numbers)


def _faults_of_splits(found: Description) -> Iterator[tuple[Where, str]]:
    if "{split}" in found.images and found.lists:
        yield ("lists",), "lists are for patterns without {split}; take it out of them"
    for way in found.splits.keys() & found.lists.keys():
        yield ("lists", way), f"{way!r} is a way to split by folders, too; rename one"
    for way in found.splits:
        if what := _fault_of_way(found, way):
            yield ("splits", way), f"{way!r} {what}"
    known = {f for folders in folder_ways(found).values() for f in folders.values()}
    for place, folder in enumerate(found.unlabelled):
        if folder not in known:
            yield ("unlabelled", place), unknown("no split has the folder", folder, sorted(known))


def _fault_of_way(found: Description, way: str) -> str:
    given = found.splits[way].model_dump(exclude_none=True)
    if "train" not in given:
        return "needs a folder for train"
    if way == "hold_out" and len(given) > 1:
        return "divides train alone; leave val and test out"
    if "{split}" in found.images and not all(given.values()):
        return "needs folders, for {split} to stand for"
    if "{split}" not in found.images and given != {"train": ""}:
        return "can have train = '' alone, as no {split} is in the patterns"
    return ""


def _faults_of_spaces(found: Description) -> Iterator[tuple[Where, str]]:
    names = [row.name for row in found.classes]
    joins: list[tuple[Where, tuple[str, ...]]] = [
        (("joined", space, row), own)
        for space, rows in found.joined.items()
        for row, own in rows.items()
    ]
    for place, row in enumerate(found.label_space.classes if found.label_space else ()):
        above = ("label_space", "classes", place)
        joins.append(((*above, "own"), row.own))
        yield from _faults_of_names((*above, "cityscapes"), row.cityscapes)
    for where, own in joins:
        for name in own:
            if name not in names:
                yield where, unknown("no class", name, names)
