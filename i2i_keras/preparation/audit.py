"""What is wrong with raw data: file by file, and between files."""

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from i2i_keras.data import parallel
from i2i_keras.data.encodings import LabelReader, what_it_holds
from i2i_keras.data.labels import IGNORE
from i2i_keras.data.records import Record, Splits
from i2i_keras.errors import how_many
from i2i_keras.preparation import numberings
from i2i_keras.preparation.examine import Finding, examine, name_of
from i2i_keras.run_folder import files

# Splits whose copy of an image is kept where two have one: those that score.
_KEPT_FIRST = ("test", "val", "train")


Rows = list[dict[str, Any]]


class Audited(NamedTuple):
    """What a raw tree is like.

    Attributes:
        findings: all of them.
        rows: by split what each record is like: `name`, `image`, `findings`,
            `digest`, `size` (width, height), `holds` (what kind of pixels the
            label file holds) and `pixels`, the number of pixels of each label
            that occurs.
        names: of the labels.
    """

    findings: list[Finding]
    rows: dict[str, Rows]
    names: tuple[str, ...]


def audit_tree(
    splits: Splits,
    root: Path,
    reader: LabelReader | None,
    known: Mapping[str, str],
    workers: int,
) -> tuple[list[Finding], dict[str, Rows]]:
    """Looks at a raw tree without writing anything.

    Args:
        splits: its records.
        root: where it lies; files are named from there.
        reader: of its labels; None = they are not looked at.
        known: frames known to be bad.
        workers: processes; 0 = one a core.

    Returns:
        All findings, and by split what each record is like, see `Audited`.
    """
    rows = {
        split: [
            *parallel.for_each(
                functools.partial(_look, split, root, reader), records, workers, f"audit {split}"
            )
        ]
        for split, records in splits.items()
    }
    return over_all(rows, {split: known for split in rows}), rows


def _look(table: str, root: Path, reader: LabelReader | None, record: Record) -> dict[str, Any]:
    seen = examine(table, record, reader, root)
    counts = np.zeros(0) if seen.label is None else np.bincount(seen.label.ravel())
    return {
        "name": record.name,
        "image": name_of(record.image, root),
        "findings": seen.findings,
        "digest": seen.digest,
        "numbers": seen.numbers,
        "size": seen.image.size if seen.image else None,
        "holds": what_it_holds(record.label) if seen.label is not None and record.label else "",
        "pixels": {label: int(count) for label, count in enumerate(counts) if count},
    }


def over_all(
    examined: Mapping[str, Sequence[Mapping[str, Any]]],
    known: Mapping[str, Mapping[str, str]],
) -> list[Finding]:
    """Everything found, file by file and between files.

    Args:
        examined: by table its records, each with `name`, `image` (how the file
            is named), `findings` and `digest`.
        known: by table the frames known to be bad.
    """
    findings = [
        Finding(*finding)
        for rows in examined.values()
        for row in rows
        for finding in row["findings"]
    ]
    findings += _known(examined, known)
    findings += _duplicates(examined)
    # Train ids are told file by file, where they give themselves away.
    told = {finding.table for finding in findings if finding.kind == "train ids"}
    findings += _numberings(examined, told)
    findings += [
        Finding(table, "", "", "empty split", "has no images", "nothing, if none are wanted", False)
        for table, rows in examined.items()
        if not rows
    ]
    return [*_withheld(findings, examined)]


def _known(
    examined: Mapping[str, Sequence[Mapping[str, Any]]], known: Mapping[str, Mapping[str, str]]
) -> Iterator[Finding]:
    for table, rows in examined.items():
        for row in rows:
            if reason := known[table].get(row["name"]):
                todo = "look at it; leave it out if it is so"
                what = f"is said to be {reason}"
                yield Finding(table, row["name"], row["image"], "known frame", what, todo, False)


def _duplicates(examined: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Finding]:
    """Images of which another has the very same pixels."""
    first: dict[str, tuple[str, str]] = {}
    order = sorted(examined, key=lambda table: _KEPT_FIRST.index(table.rpartition("-")[2]))
    for table in order:
        for row in examined[table]:
            if not row["digest"]:
                continue
            there, image = first.setdefault(row["digest"], (table, row["image"]))
            if (there, image) == (table, row["image"]):
                continue
            what = f"has the same pixels as {image} of {there}"
            if there == table:
                kind, todo = "copy within split", "leave one out if it should not count twice"
            else:
                kind, todo = "copy across splits", "leave it out of one of them"
            yield Finding(table, row["name"], row["image"], kind, what, todo, there != table)


def _numberings(
    examined: Mapping[str, Sequence[Mapping[str, Any]]], have_train_ids: set[str]
) -> Iterator[Finding]:
    """Sets, over all their splits, whose numbers another data set has given."""
    domains = dict.fromkeys(table.rpartition("-")[0] for table in examined)
    for domain in domains:
        tables = [table for table in examined if table.rpartition("-")[0] == domain]
        # What was examined by an earlier version has no numbers.
        found = numberings.join(
            row.get("numbers", []) for table in tables for row in examined[table]
        )
        fitting = numberings.foreign(found)
        if have_train_ids & {*tables} and "train ids" in [one.title for one in fitting]:
            continue
        if fitting:
            titles = " or ".join(numbering.title for numbering in fitting)
            what = f"has labels that are read as Cityscapes ids but seem to be those of {titles}"
            todo = ", or ".join(dict.fromkeys(numbering.todo for numbering in fitting))
            yield Finding(tables[0], "", "", "foreign numbers", what, todo)


def _withheld(
    findings: Iterable[Finding], examined: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Iterator[Finding]:
    """Where a whole table is void its labels are withheld, and none is bad.

    Not where it is for training: nothing could be learned from it.
    """
    findings = [*findings]
    void = Counter(finding.table for finding in findings if finding.kind == "void label")
    withheld = {
        table
        for table, count in void.items()
        if count == len(examined[table]) and not table.endswith("train")
    }
    yield from (f for f in findings if f.kind != "void label" or f.table not in withheld)
    for table in sorted(withheld):
        what = "has labels that ignore every pixel, as those of a withheld test set do"
        yield Finding(table, "", "", "withheld labels", what, "do not score on it", False)


def overview(audited: Audited) -> list[str]:
    """An audit as lines of text: what there is, and what is wrong with it."""
    lines = []
    for split, rows in audited.rows.items():
        labelled = [row for row in rows if row["pixels"]]
        sizes = Counter(tuple(row["size"]) for row in rows if row["size"])
        usual = "".join(f", {w} x {h}" for (w, h), _ in sizes.most_common(1))
        more = f" and {how_many(len(sizes) - 1, 'other size')}" if len(sizes) > 1 else ""
        lines.append(
            f"{split}: {how_many(len(rows), 'image')}, {len(labelled)} labelled{usual}{more}"
        )
        pixels = Counter[int]()
        for row in labelled:
            pixels.update(row["pixels"])
        shares = {label: count / pixels.total() for label, count in pixels.most_common()}
        names = dict(enumerate(audited.names)) | {IGNORE: "ignored"}
        if shares:
            told = ", ".join(f"{names[label]} {100 * s:.1f}%" for label, s in shares.items())
            kinds = Counter(row["holds"] for row in labelled)
            holds = ", ".join(f"{kind} ({count})" for kind, count in kinds.items())
            lines.append(f"  labels hold {holds}: {told}")
    return lines + (_told(audited.findings) or ["Nothing is wrong."])


def write_json(path: Path, audited: Audited) -> None:
    """Writes all findings."""
    files.write_json(path, {"findings": [finding._asdict() for finding in audited.findings]})


def _told(findings: Sequence[Finding], limit: int = 5) -> list[str]:
    """Findings, the bad ones first, a few of each kind."""
    lines = []
    ordered = sorted(findings, key=lambda finding: (not finding.bad, finding.kind))
    counts = Counter((finding.kind, finding.bad) for finding in ordered)
    for (kind, bad), count in counts.items():
        lines.append(f"{'bad' if bad else 'note'}: {kind} ({count})")
        some = [f for f in ordered if (f.kind, f.bad) == (kind, bad)][:limit]
        lines += [f"  {f.file or f.table} {f.what}; {f.todo}." for f in some]
        if count > limit:
            lines.append(f"  ... and {count - limit} more")
    return lines
