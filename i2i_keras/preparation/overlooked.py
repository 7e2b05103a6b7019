"""What lies in a plain folder and would be passed over."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from i2i_keras.data.each_image import is_made_here
from i2i_keras.data.records import SPLITS, Record, Splits, is_image, open_image, spread
from i2i_keras.data.tree import by_suffix, files_below
from i2i_keras.errors import FileError, how_many
from i2i_keras.preparation.examine import Finding, name_of

_MOST_CLASSES = 64  # More colors than that are no classes.
_LOOKED_AT = 3  # Files of which the pixels are looked at.
_FEW = 3  # Names that are told.
_DOCUMENTS = (".md", ".txt", ".pdf", ".html", ".toml", ".ini", ".db")
_MISSING = ("no label", "unreadable image")  # What the audit says of a file.
# Words in names of folders and files that hold labels.
_WORDS = frozenset(
    (
        *("label", "labels", "mask", "masks", "gt", "truth", "groundtruth"),
        *("annotation", "annotations", "annots", "seg", "segs", "semseg"),
        *("segmentation", "segmentations", "semantic", "semantics"),
    )
)
# What others call the folders of splits.
_SPLIT_WORDS = ("training", "valid", "validation", "dev", "eval", "testing")


def overlooked(splits: Splits, root: Path, role: str = "") -> list[Finding]:
    """Looks for what a plain folder holds beside its records.

    Bad is what looks like the labels of a split that has none, for then nothing
    could be trained or scored; of a target's training and validation images,
    which need none, it is a note, as is everything else that is not taken.

    Args:
        splits: the records.
        root: the folder.
        role: `source` or `target`; empty = not known.
    """
    findings = [*_strangers(splits, root, role)] or _unlabelled(splits, root, role)
    told = " ".join(finding.what for finding in findings)
    findings += [f for f in _not_taken(splits, root, role) if f" {f.file} holds" not in told]
    return [*findings, *_odd_splits(splits, role), *_made_here(splits, role)]


def unused(splits: Splits, root: Path, role: str = "") -> list[Finding]:
    """The same where no labels are used: those that lie there are a note.

    Bad is what looks like labels among the images, as pictures are made alike.

    Args:
        splits: the records, with their labels.
        root: the folder.
        role: `source` or `target`; empty = not known.
    """
    findings = []
    for split, records in splits.items():
        if among := _look_like_labels(records):
            names = ", ".join(name_of(record.image, root) for record in among[:_FEW])
            what = f"has {how_many(len(among), 'image')} that look like labels ({names})"
            todo = "move them out of that folder"
            findings.append(Finding(_table(role, split), "", "", "labels as images", what, todo))
        if count := sum(record.label is not None for record in records):
            what, todo = f"has {how_many(count, 'label')}", "they are not used (use_labels = false)"
            kind = "labels not used"
            findings.append(Finding(_table(role, split), "", "", kind, what, todo, False))
    return [*findings, *_not_taken(splits, root, role), *_odd_splits(splits, role)]


def misplaced(splits: Splits, root: Path, role: str, format: str) -> list[Finding]:
    """Labels of a data set with a name that lie elsewhere than it has them.

    Only where none at all has been found: some splits have none, and what lies
    there may be another split's, or of another variant.

    Args:
        splits: the records.
        root: of the data set.
        role: `source` or `target`; empty = not known.
        format: its name, for messages.
    """
    if any(record.label for some in splits.values() for record in some):
        return []
    todo = (
        f"lay labels out as {format} has them (docs/datasets.md), or move that away if there"
        " shall be none"
    )
    return [finding._replace(todo=todo) for finding in _unlabelled(splits, root, role)]


def partners(findings: Sequence[Finding], tables: Mapping[str, Sequence[Record]]) -> list[Finding]:
    """Findings of missing files, with what lies there instead.

    Args:
        findings: of any kind.
        tables: the raw records by table.
    """
    wanted = {(f.table, f.name) for f in findings if f.name and f.kind in _MISSING}
    records = {(t, r.name): r for t, some in tables.items() for r in some if (t, r.name) in wanted}
    lone = _lone_labels(records)
    return [
        _with_partner(finding, records[finding.table, finding.name], lone)
        if (finding.table, finding.name) in records and finding.kind in _MISSING
        else finding
        for finding in findings
    ]


def _lone_labels(records: Mapping[tuple[str, str], Record]) -> dict[tuple[str, str], str]:
    """Labels without image by domain and by what an image could be called.

    That is each beginning of their name that ends before a sign such as `_`.
    """
    found: dict[tuple[str, str], str] = {}
    for (table, name), record in records.items():
        if record.label and record.label.is_file() and not record.image.is_file():
            for sign in re.finditer(r"[^A-Za-z0-9]", name):
                found.setdefault(
                    (table.rpartition("-")[0], name[: sign.start()]), record.label.name
                )
    return found


def _with_partner(finding: Finding, record: Record, lone: Mapping[tuple[str, str], str]) -> Finding:
    """The same finding, or a better word for it."""
    if finding.kind == "no label":
        found = finding._replace(kind="image without label")
        there = lone.get((finding.table.rpartition("-")[0], record.name))
        if there is None:
            return found
        name = record.name.rpartition("/")[2]
        what, todo = f"{finding.what}, but {there} lies there", f"call that {name}.png"
        return found._replace(what=what, todo=todo)
    if os.path.lexists(record.image):
        return finding
    return finding._replace(kind="label without image")


def _table(role: str, split: str) -> str:
    return f"{role}-{split}" if role else split


def _strangers(splits: Splits, root: Path, role: str) -> Iterator[Finding]:
    """A set in which no label has the name of an image."""
    records = [record for split in splits.values() for record in split]
    if any(r.label and r.label.is_file() and r.image.is_file() for r in records):
        return
    images = [r for r in records if r.image.is_file()]
    labels = [r.label for r in records if r.label and r.label.is_file()]
    if not images or not labels:
        return
    like = [f"{name_of(path, root)}" for path in labels[:_FEW]]
    what = (
        f"has {how_many(len(images), 'image')} and {how_many(len(labels), 'label')}, but no label"
        f" has the name of an image: there are {', '.join(like)}, and the first image is"
        f" {name_of(images[0].image, root)}"
    )
    todo = f"name each label as its image, such as {images[0].name}.png"
    table = next(split for split, some in splits.items() if some)
    yield Finding(_table(role, table), "", "", "names differ", what, todo)


def _unlabelled(splits: Splits, root: Path, role: str) -> list[Finding]:
    """Splits without labels, where something lies there that looks like them.

    What lies there for several splits is told once, where it is worst.
    """
    found: dict[str, Finding] = {}
    left = _left(splits, root)
    total = sum(map(len, splits.values()))
    for split, records in splits.items():
        if not records or any(record.label for record in records):
            continue
        hint = _labels_among(records, root) or _labels_beside(
            records, _of_split(left, root, split), root, total
        )
        if hint is None:
            continue
        bad = role != "target" or split == "test"
        if hint[0] not in found or bad:
            found[hint[0]] = Finding(_table(role, split), "", "", "labels not taken", *hint, bad)
    return [*found.values()]


def _left(splits: Splits, root: Path) -> list[Path]:
    """All files that belong to no record."""
    taken = {str(path) for some in splits.values() for r in some for path in (r.image, r.label)}
    return [path for path in files_below(root) if str(path) not in taken]


def _of_split(paths: Sequence[Path], root: Path, split: str) -> list[Path]:
    """Those that do not lie in the folder of another split."""
    others = {*SPLITS} - {split}
    return [path for path in paths if not others & {*path.relative_to(root).parts[:-1]}]


def _labels_beside(
    records: Sequence[Record], left: Sequence[Path], root: Path, total: int
) -> tuple[str, str] | None:
    """What looks like labels of these images, and what to do about it."""
    for folder, paths in _by_folder(left, root).items():
        found = _called_labels(folder, root, paths, len(records))
        found = found or _like_labels(paths, {record.image.stem for record in records}, total)
        if not found:
            continue
        where = name_of(folder, root) if folder != root else root.name
        what = f"has no labels, but {where} holds {by_suffix(found)}"
        away = "or move that away if there shall be no labels"
        if not any(map(is_image, found)):
            return f"{what}, which is no label image", f"give PNGs named as the images, {away}"
        todo = f"put labels into a folder labels beside images, each named as its image, {away}"
        return f"{what}, which looks like labels", todo
    return None


def _called_labels(folder: Path, root: Path, paths: Sequence[Path], count: int) -> list[Path]:
    """Files that are called labels, they or their folder, of so many images."""
    if folder == root or not _has_word(folder.name):
        paths = [path for path in paths if _has_word(path.stem)]
        return paths if len(paths) * 2 > count else []
    some = [path for path in paths if path.suffix.lower() not in _DOCUMENTS]
    return some or (list(paths) if len(paths) * 2 > count else [])


def _like_labels(paths: Sequence[Path], stems: set[str], total: int) -> list[Path]:
    """Pictures of few colors that have images' names, or are as many."""
    pictures = [path for path in paths if is_image(path)]
    same = len(stems & {path.stem for path in pictures}) * 2 > len(stems)
    alike = same or len(pictures) in (len(stems), total)
    return pictures if alike and _seem_labels(pictures) else []


def _labels_among(records: Sequence[Record], root: Path) -> tuple[str, str] | None:
    """What looks like labels among the images, and what to do about it."""
    found = _look_like_labels(records)
    if not found:
        return None
    names = ", ".join(name_of(record.image, root) for record in found[:_FEW])
    return (
        f"has no labels, but of its {how_many(len(records), 'image')} {len(found)} look like"
        f" labels ({names})",
        "put labels into a folder labels beside a folder images, each named as its image",
    )


def _look_like_labels(records: Sequence[Record]) -> list[Record]:
    """Images that look like labels, by their names and their colors."""
    found = [record for record in records if any(map(_has_word, record.name.split("/")))]
    if not found or len(found) == len(records) or not _seem_labels([r.image for r in found]):
        found = _labels_of_a_twin(records)
    return found


def _labels_of_a_twin(records: Sequence[Record]) -> list[Record]:
    """Images of a folder that look like the labels of another folder's.

    The names in both folders are the same.
    """
    folders: dict[str, dict[str, Record]] = {}
    for record in records:
        folder, _, rest = record.name.partition("/")
        if rest:
            folders.setdefault(folder, {})[rest] = record
    for folder, inner in folders.items():
        twins = [other for name, other in folders.items() if name != folder]
        twins = [other for other in twins if other.keys() == inner.keys()]
        if twins and _are_labels(inner) and not _are_labels(twins[0]):
            return [*inner.values()]
    return []


def _are_labels(records: Mapping[str, Record]) -> bool:
    return _seem_labels([record.image for record in records.values()])


def _not_taken(splits: Splits, root: Path, role: str) -> Iterator[Finding]:
    """Files that are neither images nor labels of the set, by folder."""
    table = _table(role, "train")
    left = [path for path in _left(splits, root) if path.suffix.lower() not in _DOCUMENTS]
    for folder, paths in _by_folder(left, root).items():
        todo = "write them as PNGs if they are wanted"
        if any(map(is_image, paths)):
            todo = "put them where images or labels of train, val or test lie, if they are wanted"
        place = name_of(folder, root) if folder != root else ""
        what = f"holds {by_suffix(paths)}, not taken as images or labels"
        yield Finding(table, "", place, "not taken", what, todo, False)


def _odd_splits(splits: Splits, role: str) -> Iterator[Finding]:
    """Folders by whose names not all of it is for training."""
    for split, records in splits.items():
        tops = [record.name.partition("/")[0] for record in records if "/" in record.name]
        for top in dict.fromkeys(tops):
            if top.lower() in _SPLIT_WORDS:
                what = f"has {how_many(tops.count(top), 'image')} of a folder {top}"
                todo = "call folders train, val and test if they are such"
                yield Finding(_table(role, split), "", "", "odd split", what, todo, False)


def _made_here(splits: Splits, role: str) -> Iterator[Finding]:
    """Folders of translations beside those of other images."""
    for split, records in splits.items():
        tops: dict[str, list[Record]] = {}
        for record in records:
            folder, inner, _ = record.name.partition("/")
            tops.setdefault(folder if inner else "", []).append(record)
        made = {top: some for top, some in tops.items() if is_made_here(some[0].image)}
        for top, some in made.items() if len(made) < len(tops) else ():
            what = f"has {how_many(len(some), 'image')} of a folder {top} that i2i-keras has made"
            todo = "move it away if it is not meant"
            yield Finding(_table(role, split), "", "", "made here", what, todo, False)


def _by_folder(paths: Sequence[Path], root: Path) -> dict[Path, list[Path]]:
    """Files by the first folder that is none of a split."""
    found: dict[Path, list[Path]] = {}
    for path in paths:
        folder = root
        for part in path.relative_to(root).parts[:-1]:
            folder /= part
            if part not in SPLITS:
                break
        found.setdefault(folder, []).append(path)
    return found


def _has_word(name: str) -> bool:
    """Whether a part of a name says that it holds labels."""
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)
    return any(part.lower() in _WORDS or part.lower().endswith("annot") for part in parts)


def _seem_labels(paths: Sequence[Path]) -> bool:
    """Whether files have few colors, as labels have, judged by some of them."""
    return bool(paths) and all(map(_has_few_colors, spread(paths, _LOOKED_AT)))


def _has_few_colors(path: Path) -> bool:
    try:
        with open_image(path) as image:
            few = image if image.mode in ("1", "L", "P", "RGB", "RGBA") else image.convert("RGB")
            return few.getcolors(_MOST_CLASSES) is not None
    except FileError:
        return False
