"""Several variants of a data set as one, such as the fog and rain of ACDC."""

import functools
from collections.abc import Mapping
from pathlib import Path

from i2i_keras.data.records import SPLITS, Splits
from i2i_keras.datasets.dataset import Dataset, Lone
from i2i_keras.errors import DataError, SettingsError

# What each variant may have of its own; in all else they have to agree.
_OWN = {"title", "splits", "recognize", "lone", "known", "content", "variants"}


def join(name: str, variants: Mapping[str, Dataset]) -> Dataset:
    """The data set that has the images of all of some variants.

    Args:
        name: of the data set.
        variants: those, by name; at least one.

    Returns:
        The data set. Names of its records begin with the variant's, since
        frames of two may share theirs. Its `splits` raise `DataError` where one
        variant has no images, or where two have the same.

    Raises:
        SettingsError: their labels are not of one kind.
    """
    first, *others = variants.values()
    if not others:
        return first
    for variant, other in variants.items():
        ways = other.splits.keys() == first.splits.keys()
        if not ways or any(
            getattr(other, field) != getattr(first, field)
            for field in Dataset._fields
            if field not in _OWN
        ):
            raise SettingsError(
                f"variants {next(iter(variants))!r} and {variant!r} of {name} have other labels or"
                " splits and cannot be joined; name one of them."
            )
    return first._replace(
        splits={way: functools.partial(_find, variants, way) for way in first.splits},
        lone=functools.partial(_lone, variants),
        known={
            f"{variant}_{frame}": why
            for variant, dataset in variants.items()
            for frame, why in dataset.known.items()
        },
    )


def _find(variants: Mapping[str, Dataset], way: str, root: Path, encoding: str) -> Splits:
    found: Splits = {split: [] for split in SPLITS}
    owner: dict[Path, str] = {}
    for variant, dataset in variants.items():
        for split, records in dataset.splits[way](root, encoding).items():
            for record in records:
                other = owner.setdefault(record.image, variant)
                if other != variant:
                    raise DataError(
                        f"{record.image} belongs to both {other!r} and {variant!r}; leave one out"
                        " of variant."
                    )
                found[split].append(record._replace(name=f"{variant}_{record.name}"))
    return {split: sorted(records, key=lambda r: r.name) for split, records in found.items()}


def _lone(variants: Mapping[str, Dataset], root: Path, way: str) -> list[Lone]:
    return [
        lone._replace(name=f"{variant}_{lone.name}")
        for variant, dataset in variants.items()
        for lone in dataset.lone(root, way)
    ]
