"""`prepare`: raw images and labels to records at the working size, once."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pydantic

from i2i_keras import config as settings
from i2i_keras.config import Config
from i2i_keras.data.records import write_records
from i2i_keras.data.resizing import Fit, Resize
from i2i_keras.datasets.spaces import LabelSpace, find_space, write_space
from i2i_keras.errors import DataError, how_many
from i2i_keras.preparation import audit, auto_size, comparison
from i2i_keras.preparation.bit_depth import BITS
from i2i_keras.preparation.domains import Domain
from i2i_keras.preparation.examine import Finding, Reading
from i2i_keras.preparation.overlooked import partners
from i2i_keras.preparation.short_palettes import short_palettes
from i2i_keras.preparation.table import conversion, convert, write_native_table
from i2i_keras.preparation.whole_set import Labels
from i2i_keras.preparation.working_size import Conversion, Work
from i2i_keras.run_folder import files
from i2i_keras.run_folder.files import Facts
from i2i_keras.run_folder.places import Places

Rows = list[dict[str, Any]]

# Of what is made of a raw record: one of another version is made anew.
_VERSION = 2


class PrepareConfig(Config):
    """What the prepared images and labels are like.

    Attributes:
        label_space: name of the classes that are told apart, such as
            `cityscapes19`, or a TOML file that lists others, see
            `spaces.find_space`.
        size: (height, width) of all prepared images and labels, in pixels;
            `auto` = the images' own shape, at a size that the machine carries.
        image_resize: how images are resized; `nearest` is the student report's
            (figure 6) and aliases. Labels always take the nearest.
        fit: how they come to its shape: `stretch`, or `crop` to as much of
            their middle as has it. Pixels that are cropped off are neither
            trained on nor scored.
        on_bad: what is done about bad files: `fail`, or `skip` them; the audit
            lists them either way.
        compare_target_labels: whether the comparison of the domains may look
            at the target's training labels. Nothing is trained by it.
        native_labels: whether the target's test labels are written at their
            native size as well, so that arms are scored there, too.
        compress: whether prepared and translated PNGs are compressed. Without,
            they take two to three times the disk and are decoded much faster:
            for sets larger than `pipeline.cache_gib`.
        workers: processes; 0 = one a core.
    """

    label_space: str = "cityscapes19"
    size: tuple[pydantic.PositiveInt, pydantic.PositiveInt] | Literal["auto"] = "auto"
    image_resize: Resize = "area"
    fit: Fit = "stretch"
    on_bad: Literal["fail", "skip"] = "fail"
    compare_target_labels: bool = False
    native_labels: bool = False
    compress: bool = True
    workers: pydantic.NonNegativeInt = 0

    @pydantic.field_validator("label_space")
    @classmethod
    def _known(cls, name: str) -> str:
        find_space(name)
        return name

    def facts(self) -> Facts:
        """All that the records depend on, without a path."""
        facts = self.model_dump(mode="json", exclude={"workers", "on_bad"})
        if not self.native_labels:  # What was prepared without stays valid.
            del facts["native_labels"]
        if self.fit == "stretch":  # Likewise.
            del facts["fit"]
        if self.compress:  # Likewise.
            del facts["compress"]
        if self.label_space.endswith(".toml"):
            facts["label_space"] = settings.read_toml(Path(self.label_space))
        return facts


def prepare(config: PrepareConfig, domains: Mapping[str, Domain], root: Path) -> Facts:
    """Aligns labels, resizes, and writes PNGs, tables of records and the audit.

    Args:
        config: what to write.
        domains: by name, `source` and `target`.
        root: the run directory; all goes to `root/records`.

    Returns:
        The number of `records` of each table, how many of them are `labelled`
        with at least one pixel that counts, and how many were `skipped`; the
        working `size`; by domain the `bits` in use of 16-bit images, where they
        are fewer; in words how much images are `stretched`, what the audit
        has `noted`, and what the comparison of the domains has `foretold`.

    Raises:
        SettingsError: the label space does not know a domain's classes.
        DataError: files are bad and shall not be skipped, or a domain has
            nothing to train on.
    """
    space, places = find_space(config.label_space), Places(root)
    size = fitting_size(config, [d.sizes() for d in domains.values()])
    config = config.model_copy(update={"size": size})
    tables: dict[str, tuple[Work, list[Conversion]]] = {}
    bits: dict[str, int] = {}
    for name, domain in domains.items():
        reading = domain.config.reading(domain.splits, config.workers)
        tables |= _conversions(config, name, domain, space, root, reading)
        if reading.bits < BITS[-1]:
            bits[name] = reading.bits
    rows = {
        table: convert(*how_and_what, config.workers, root)
        for table, how_and_what in tables.items()
    }
    known = {
        f"{name}-{split}": domain.config.dataset.known
        for name, domain in domains.items()
        for split in domain.splits
    }
    believed = {name: _labels(domain, space) for name, domain in domains.items()}
    raw = {table: [one.raw for one in some] for table, (_, some) in tables.items()}
    findings = [*partners(audit.over_all(rows, known, believed), raw), *short_palettes(raw)]
    for name, domain in domains.items():
        findings += domain.config.overlooked(domain.splits, domain.root, name)
        findings += [
            note._replace(table=f"{name}-{note.table}")
            for note in domain.config.left_out(domain.root)
        ]
    skipped = _judge(config, findings, root)
    counts, labelled = {}, {}
    for table, (_, conversions) in tables.items():
        good = [
            (one.done, row)
            for one, row in zip(conversions, rows[table], strict=True)
            if (table, one.raw.name) not in skipped
        ]
        records = [record for record, _ in good]
        if table.endswith("-train") and not records:
            raise _none_is_good(table, findings, places.audit)
        write_records(root, places.table(places.records, table), records)
        counts[table] = len(records)
        labelled[table] = sum(bool(r.label) and row.get("counts", True) for r, row in good)
        if table == "target-test":
            write_native_table(conversions, {*records}, root)
    write_space(places.label_space, space)
    return {
        "records": counts,
        "labelled": labelled,
        "skipped": len(skipped),
        "size": size,
        "bits": bits,
        "stretched": _stretched(rows, size, config.fit),
        "noted": [
            *_of_bits(bits),
            *_left_out(skipped, places.name_of(places.audit)),
            *_noted(findings, places.name_of(places.audit)),
        ],
        "foretold": _compare(rows, skipped, space, root),
    }


def _none_is_good(table: str, findings: Sequence[Finding], path: Path) -> DataError:
    whys = (f"{f.file} {f.what}; {f.todo}" for f in findings if f.bad and f.table == table)
    why = next(whys, "there is none")
    return DataError(f"No image of {table} is good: {why}. All of it is in {path}.")


def fitting_size(
    config: PrepareConfig, sizes: Sequence[Sequence[auto_size.Size]]
) -> auto_size.Size:
    """The size that is set, or that which fits the images of all domains.

    Args:
        config: with the size.
        sizes: (height, width) of raw images of each domain.

    Raises:
        DataError: a domain has no image that can be read.
    """
    if config.size != "auto":
        return config.size
    if not all(sizes):
        raise DataError("No image of one domain can be read; check its root, or audit it.")
    return auto_size.auto_size(sizes, auto_size.PIXELS[auto_size.device()])


def _of_bits(bits: Mapping[str, int]) -> list[str]:
    return [
        f"{name}: its 16-bit images use {count} bits and are read so; if they have others, set"
        f" {name}.bits."
        for name, count in bits.items()
    ]


def _noted(findings: Sequence[Finding], listed: str) -> list[str]:
    """What the audit found that is kept, by kind and table."""
    counts = Counter((f.kind, f.table) for f in findings if not f.bad and f.kind != "empty split")
    return [
        f"Audit: {kind} in {table} ({count}); see {listed}."
        for (kind, table), count in counts.items()
    ]


def _stretched(tables: Mapping[str, Rows], size: auto_size.Size, fit: Fit) -> list[str]:
    """How images of each domain change their shape, where that can be seen."""
    tell = auto_size.stretched if fit == "stretch" else auto_size.cropped_off
    told = []
    for name in ("source", "target"):
        sizes = [
            tuple(row["size"])
            for table, rows in tables.items()
            if table.startswith(name)
            for row in rows
            if row.get("size")
        ]
        told.append(tell(sizes, size, f"{name} image") if sizes else "")
    return [sentence for sentence in told if sentence]


def _conversions(
    config: PrepareConfig,
    name: str,
    domain: Domain,
    space: LabelSpace,
    root: Path,
    reading: Reading,
) -> Iterator[tuple[str, tuple[Work, list[Conversion]]]]:
    """What is to be converted for each table of a domain, and how."""
    size = fitting_size(config, [])  # It is set by now.
    if not domain.splits["train"]:
        raise DataError(
            f"{domain.root} has no training images where {domain.config.format} has them; check"
            f" {name}.root and {name}.split."
        )
    labels = _labels(domain, space)
    reader = labels.reader if labels else None
    measured = len(space.names) if name == "source" or config.compare_target_labels else 0
    facts = [config.facts(), reader.facts() if reader else None, reading, _VERSION]
    for split, records in domain.splits.items():
        table = f"{name}-{split}"
        work = Work(
            *(table, domain.root, reader, size, config.image_resize, config.fit),
            *(measured, reading, config.compress),
        )
        folder = Places(root).table_folder(table)
        native = folder / "native" if config.native_labels and table == "target-test" else None
        yield table, (work, [conversion(folder, record, facts, native) for record in records])


def _labels(domain: Domain, space: LabelSpace) -> Labels | None:
    """What is believed of a domain's labels; None if it has none."""
    labelled = any(record.label for records in domain.splits.values() for record in records)
    return domain.config.labels(space) if labelled else None


def _judge(config: PrepareConfig, findings: Sequence[Finding], root: Path) -> set[tuple[str, str]]:
    """Writes the audit; returns the (table, name) of records to leave out."""
    bad = {(f.table, f.name): f for f in findings if f.bad}
    places = Places(root)
    path = places.audit
    skipped = [f"{table}/{name}" for table, name in bad] if config.on_bad == "skip" else []
    found = [finding._asdict() for finding in findings]
    files.write_json(path, {"on_bad": config.on_bad, "findings": found, "skipped": skipped})
    # A whole set that is bad cannot be skipped.
    if bad and (config.on_bad == "fail" or any(not name for _, name in bad)):
        # The user will mend files: what is prepared next has other inputs.
        places.forget_beginning(places.records)
        # That of a whole set explains those of its files.
        first = min(bad.values(), key=lambda finding: bool(finding.name))
        others = f"{how_many(len(bad) - 1, 'more file')} {'is' if len(bad) == 2 else 'are'}"
        more = f" {others} bad, see {path}." if len(bad) > 1 else ""
        name = first.file or "The whole set"
        skip = ", or leave out all that is bad with --set prepare.on_bad=skip" if first.name else ""
        raise DataError(f"{name} ({first.table}) {first.what}; {first.todo}{skip}.{more}")
    return {*bad}


def _left_out(skipped: Collection[tuple[str, str]], audit: str) -> list[str]:
    """Says how many bad files were left out of each table."""
    counts = Counter(table for table, _ in skipped)
    told = ", ".join(f"{count} of {table}" for table, count in counts.items())
    return [f"What is bad was left out: {told}; see {audit}."] if told else []


def _compare(
    tables: Mapping[str, Rows], skipped: set[tuple[str, str]], space: LabelSpace, root: Path
) -> list[str]:
    """Writes how the training images of the domains differ."""
    domains = {
        name: comparison.join(
            row["measures"]
            for row in tables.get(f"{name}-train", [])
            if "measures" in row and (f"{name}-train", row["name"]) not in skipped
        )
        for name in ("source", "target")
    }
    told = comparison.sentences(domains["source"], domains["target"], space.names)
    facts = {"names": space.names, **domains, "foretold": told}
    files.write_json(Places(root).comparison, facts)
    return told
