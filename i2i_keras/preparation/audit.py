"""What is wrong with raw data: file by file, and between files."""

import functools
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from i2i_keras.data import parallel
from i2i_keras.data.encodings import LabelReader, what_it_holds
from i2i_keras.data.labels import IGNORE
from i2i_keras.data.records import Record, Splits
from i2i_keras.errors import DataError, how_many
from i2i_keras.preparation import numberings, whole_set
from i2i_keras.preparation.examine import Finding, Reading, examine, name_of
from i2i_keras.preparation.whole_set import Labels
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
    labels: Labels | None,
    known: Mapping[str, str],
    reading: Reading,
    workers: int,
) -> tuple[list[Finding], dict[str, Rows]]:
    """Looks at a raw tree without writing anything.

    Args:
        splits: its records.
        root: where it lies; files are named from there.
        labels: what is believed of its labels; None = they are not looked at.
        known: frames known to be bad.
        reading: how its images are read.
        workers: processes; 0 = one a core.

    Returns:
        All findings, and by split what each record is like, see `Audited`.
    """
    look = functools.partial(_look, root, labels.reader if labels else None, reading)
    rows = {
        split: [
            *parallel.for_each(
                functools.partial(look, split),
                records,
                workers,
                f"audit {split}",
            )
        ]
        for split, records in splits.items()
    }
    return over_all(rows, {split: known for split in rows}, {"": labels}), rows


def _look(
    root: Path, reader: LabelReader | None, reading: Reading, table: str, record: Record
) -> dict[str, Any]:
    seen = examine(table, record, reader, root, reading)
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
    labels: Mapping[str, Labels | None],
) -> list[Finding]:
    """Everything found, file by file and between files.

    Args:
        examined: by table its records, each with `name`, `image` (how the file
            is named), `findings` and `digest`.
        known: by table the frames known to be bad.
        labels: by domain what is believed of its labels, None = there are none;
            the domain is what stands before the split in a table's name.
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
    findings += [
        finding
        for domain, believed in labels.items()
        if believed is not None
        for finding in _of_sets(domain, believed, examined)
        if not (finding.table in told and numberings.TRAIN_IDS in finding.what)
    ]
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


def _of_sets(
    domain: str, labels: Labels, examined: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Iterator[Finding]:
    """What the labels of all splits of a domain give away together."""
    tables = [table for table in examined if table.rpartition("-")[0] == domain]
    # What was examined by an earlier version may have no numbers.
    files = {
        table: [row["numbers"] for row in examined[table] if row.get("numbers")] for table in tables
    }
    # Test labels that all ignore every pixel say nothing: they are withheld.
    together = [
        file
        for table, some in files.items()
        if table.endswith("train") or any(_counts(file, labels) for file in some)
        for file in some
    ]
    for found in whole_set.judge(labels, numberings.join(together), len(together)):
        yield Finding(tables[0], "", "", *found)


def _counts(file: Sequence[Sequence[Any]], labels: Labels) -> bool:
    """Whether a label file has a pixel that is not ignored."""
    return any(labels.reader.labels[number] != IGNORE for number, *_ in file)


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


def as_json(audited: Audited) -> dict[str, Any]:
    """An audit for a program: how many images there are, and all findings."""
    return {
        "splits": {
            split: {"images": len(rows), "labelled": sum(bool(row["pixels"]) for row in rows)}
            for split, rows in audited.rows.items()
        },
        "findings": [finding._asdict() for finding in audited.findings],
    }


def write_json(path: Path, audited: Audited) -> None:
    """Writes all findings, not over a file of others.

    Raises:
        DataError: there is one, or it cannot be written.
    """
    if os.path.lexists(path):
        try:
            ours = files.read_json(path).keys() == {"findings"}
        except (DataError, OSError):
            ours = False
        if not ours:
            raise DataError(
                f"{path} is there and was not made by i2i-keras; move it away, or give another"
                " --json."
            )
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
