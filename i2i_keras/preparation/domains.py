"""Where the two domains come from."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pydantic

from i2i_keras import config, datasets
from i2i_keras.config import Config
from i2i_keras.data.records import Record, Splits, spread
from i2i_keras.datasets.dataset import Dataset
from i2i_keras.datasets.folder import HOLD_OUT
from i2i_keras.datasets.readers import build_reader
from i2i_keras.datasets.spaces import LabelSpace, find_space, space_of
from i2i_keras.errors import DataError, SettingsError, unknown
from i2i_keras.preparation import auto_size, numberings, whole_set
from i2i_keras.preparation.audit import Audited, audit_tree
from i2i_keras.preparation.bit_depth import bits_in_use
from i2i_keras.preparation.examine import Finding, Reading, name_of
from i2i_keras.preparation.hold_out import HoldOutConfig, divide
from i2i_keras.preparation.overlooked import misplaced, overlooked, partners, unused
from i2i_keras.preparation.short_palettes import short_palettes
from i2i_keras.preparation.whole_set import Labels
from i2i_keras.run_folder.files import Facts

_LOOKED_AT = 20  # Label files, before all are.


class DomainConfig(Config):
    """Where one domain comes from.

    Attributes:
        format: name of a data set, such as `cityscapes`, or a TOML file that
            describes one, see `datasets.description`.
        variant: which variant of it, or several, as `fog+rain`; empty = the
            usual one.
        split: one of its ways to split; empty = its first.
        root: its folder, where `~` is the user's home; empty = given on the
            command line, or drawn by `streets`.
        encoding: which label files: `ids`, `train_ids` or `colors`; empty =
            the format's first.
        exif: whether images are turned as their EXIF data say, `apply` or
            `ignore`; empty = they are, and where a label may fit either that is
            bad.
        bits: that are in use of 16-bit images; 0 = as many as the counts of
            all of them need.
        hold_out: how `split = "hold_out"` divides a plain folder.
        mapping: TOML file that says what the labels of a plain folder hold,
            see `readers.LabelMapping`; empty = Cityscapes ids.
        use_labels: whether labels are looked for; otherwise these are images
            only, and what labels lie there is said and left aside.
        trust_labels: whether what the labels of the whole set give away, such
            as another data set's numbers, is but a note.
    """

    format: str
    variant: str = ""
    split: str = ""
    root: str = ""
    encoding: str = ""
    mapping: str = ""
    use_labels: bool = True
    trust_labels: bool = False
    exif: Literal["", "apply", "ignore"] = ""
    bits: Literal[0, 8, 10, 12, 14, 16] = 0
    hold_out: HoldOutConfig = HoldOutConfig()

    @pydantic.field_validator("root", "mapping")
    @classmethod
    def _of_home(cls, path: str) -> str:
        return os.path.expanduser(path)  # noqa: PTH111 (`Path` makes "" a dot.)

    @pydantic.model_validator(mode="after")
    def _known(self) -> "DomainConfig":
        dataset = self.dataset
        for given, kind, known in (
            (self.split, "split", dataset.splits),
            (self.encoding, "encoding", dataset.encodings),
        ):
            if given and given not in known:
                raise ValueError(unknown(f"{self.format} has no {kind}", given, known))
        if self.mapping and self.format != "folder":
            raise ValueError(
                f"a mapping is for the format 'folder', not for {self.format!r}; leave it out"
            )
        return self

    @property
    def dataset(self) -> Dataset:
        """What is known of the data set."""
        return datasets.find(self.format, self.variant)

    def find(self, root: Path) -> Splits:
        """The records of the raw tree under `root`, by split."""
        found = self.dataset.splits[self._split](root, self._encoding)
        if self.use_labels:
            self._check_variant(root, found)
        else:
            found = {split: _images_of(records) for split, records in found.items()}
        return divide(found["train"], self.hold_out) if self._split == HOLD_OUT else found

    def _check_variant(self, root: Path, found: Splits) -> None:
        """Refuses a set whose only labels are those of another variant."""
        if _has_labels(found) or not self.dataset.labelled:
            return
        for name, other in datasets.usual(self.format).variants.items():
            if self._split in other.splits and name not in self.variant.split("+"):
                try:
                    others = other.splits[self._split](root, other.encodings[0])
                except DataError:
                    continue
                if _has_labels(others):
                    raise DataError(
                        f"{root} has no labels where this variant of {self.format} has them, but"
                        f" those of {name!r}; set variant = {name!r}."
                    )

    def left_out(self, root: Path) -> list[Finding]:
        """Notes of files that are left out, see `Lone`."""
        return [
            Finding(
                lone.split,
                lone.name,
                name_of(lone.path, root),
                f"no {lone.what}, left out",
                f"has no {lone.what}",
                "nothing, it is left out",
                False,
            )
            for lone in self.dataset.lone(root, self._split)
        ]

    def labels(self, space: LabelSpace) -> Labels:
        """How its label files are read, and what is believed of them."""
        reader = build_reader(self.dataset, self._encoding, space, self.mapping)
        stated = bool(self.format != "folder" or self.encoding or self.mapping)
        return Labels(reader, space.names, stated, self.trust_labels)

    def overlooked(self, splits: Splits, root: Path, role: str = "") -> list[Finding]:
        """What lies there and is not taken: `overlooked`, or `misplaced`."""
        if not self.use_labels:
            labelled = self.model_copy(update={"use_labels": True})
            return unused(labelled.find(root), root, role)
        if self.format == "folder":
            return overlooked(splits, root, role)
        return misplaced(splits, root, role, self.format)

    def reading(self, splits: Splits, workers: int) -> Reading:
        """How its images are read; how many bits they use is looked up."""
        images = [record.image for records in splits.values() for record in records]
        return Reading(self.exif, self.bits or bits_in_use(images, workers))

    def sizes(self, splits: Splits) -> list[auto_size.Size]:
        """(height, width) of images of all splits, see `auto_size.sizes`."""
        images = [record.image for records in splits.values() for record in records]
        return auto_size.sizes(images, turn=Reading(self.exif).turn)

    def facts(self) -> Facts:
        """All that the records depend on, without a path."""
        mapping = config.read_toml(Path(self.mapping)) if self.mapping else {}
        # What was prepared without these stays valid.
        left_out = {"root", "trust_labels"}
        if self._split != HOLD_OUT:
            left_out |= {"hold_out"}
        left_out |= {name for name in ("variant", "exif", "bits") if not getattr(self, name)}
        left_out |= {"use_labels"} if self.use_labels else set()
        facts = self.model_dump(exclude=left_out) | {"mapping": mapping}
        content = self.dataset.content
        return facts if content is None else facts | {"format": content}

    @property
    def _split(self) -> str:
        return self.split or next(iter(self.dataset.splits))

    @property
    def _encoding(self) -> str:
        return self.encoding or self.dataset.encodings[0]


def _images_of(records: list[Record]) -> list[Record]:
    """Records without their labels; a label without an image is none."""
    return [record._replace(label=None) for record in records if os.path.lexists(record.image)]


def _has_labels(splits: Splits) -> bool:
    return any(record.label for records in splits.values() for record in records)


def check_labels(config: DomainConfig, root: Path, splits: Splits, space: LabelSpace) -> None:
    """Looks into a few label files for what a whole set gives away.

    All of them are looked at by `prepare`, which takes its time.

    Args:
        config: how the tree is laid out.
        root: where.
        splits: its records.
        space: what the labels shall be.

    Raises:
        SettingsError: the label space does not know the data set's classes.
        DataError: the labels do not seem to be what they are read as.
    """
    labels = config.labels(space)
    paths = [r.label for r in splits["train"] if r.label and r.label.is_file()]
    found = numberings.of_files(labels.reader, spread(paths, _LOOKED_AT))
    for _, what, todo, bad in whole_set.judge(labels, numberings.join(found), len(found)):
        if bad:
            raise DataError(f"{root} {what}; {todo}.")


def misfits(
    before: Mapping[str, Any], now: Mapping[str, Any], named: Collection[str]
) -> dict[str, str]:
    """What a preset says of a domain that does not fit a new format.

    Args:
        before: the preset's settings of the domain.
        now: the same with what the user has changed.
        named: settings that the user has given, which are never at fault here.

    Returns:
        By setting, what is taken instead, in words; empty where the format is
        the same or not known.
    """
    if before.get("format") == now.get("format"):
        return {}
    try:
        dataset = datasets.usual(str(now.get("format")))
    except SettingsError:  # It is told when the settings are built.
        return {}
    found = {
        key: f"{now['format']} takes its default, {next(iter(known))!r}"
        if known
        else f"{now['format']} takes none"
        for key, known in (
            ("split", dataset.splits),
            ("encoding", dataset.encodings),
            ("variant", dataset.variants),
        )
        if now.get(key) and {*now[key].split("+")} - {*known}
    }
    if now.get("mapping") and now["format"] != "folder":
        found["mapping"] = f"{now['format']} takes none"
    return {key: instead for key, instead in found.items() if key not in named}


class Domain(NamedTuple):
    """One domain's raw data.

    Attributes:
        config: how it is laid out.
        root: where.
        splits: its records.
    """

    config: DomainConfig
    root: Path
    splits: Splits

    def sizes(self) -> list[auto_size.Size]:
        """(height, width) of images of all splits, see `auto_size.sizes`."""
        return self.config.sizes(self.splits)


def audit_domain(config: DomainConfig, root: Path, label_space: str, workers: int) -> Audited:
    """Looks at a raw tree without writing anything.

    Args:
        config: how it is laid out.
        root: where.
        label_space: see `spaces.find_space`; empty = see `spaces.common_space`.
        workers: processes; 0 = one a core.

    Raises:
        SettingsError: the label space does not know the data set's classes.
        DataError: the tree has not the layout of its format.
    """
    dataset, splits = config.dataset, config.find(root)
    if not any(splits.values()):
        raise DataError(
            f"{root} has no images where {config.format} has them; give the data set's root."
        )
    space = find_space(label_space) if label_space else space_of(dataset)
    labels = config.labels(space) if _has_labels(splits) else None
    reading = config.reading(splits, workers)
    findings, rows = audit_tree(splits, root, labels, dataset.known, reading, workers)
    whole = [*config.overlooked(splits, root), *short_palettes(splits)]
    findings = [*whole, *partners(findings, splits), *config.left_out(root)]
    return Audited(findings, rows, space.names)
