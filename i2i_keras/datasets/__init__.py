"""Data sets: how each is laid out and how its labels are written."""

from importlib import resources
from pathlib import Path

from i2i_keras.datasets import cityscapes, described, folder, gta5, joining
from i2i_keras.datasets.dataset import Dataset
from i2i_keras.errors import SettingsError, unknown

# In the order in which a folder is recognized. A name without an entry here is
# that of a file NAME.toml in `shipped`.
_SHIPPED = Path(str(resources.files("i2i_keras.datasets") / "shipped"))

DATASETS = {
    "cityscapes": cityscapes.DATASET,
    "gta5": gta5.DATASET,
    **{path.stem: described.read(path, path.stem) for path in sorted(_SHIPPED.glob("*.toml"))},
    "folder": folder.DATASET,
}


def find(name: str, variant: str = "") -> Dataset:
    """The data set of a name, or that which a TOML file describes.

    Args:
        name: a key of `DATASETS`, or a file.
        variant: which one of several, or more than one, joined by `+`; empty =
            the usual one.

    Raises:
        SettingsError: there is none, or none such; a file is not right; or
            variants that cannot be joined.
    """
    found = usual(name)
    if variant:
        parts = variant.split("+")
        for part in parts:
            if part not in found.variants:
                told = "" if found.variants else "it has none; leave it out"
                what = unknown(f"{name} has no variant", part, found.variants, told)
                raise SettingsError(f"{what}.")
        return joining.join(name, {part: found.variants[part] for part in parts})
    if found.asks:
        raise SettingsError(
            f"{name} has several variants, which its files do not tell apart; set variant to one"
            f" of {', '.join(found.variants)}."
        )
    return found


def usual(name: str) -> Dataset:
    """The same in its usual variant, or else its first, with all others.

    Raises:
        SettingsError: there is none, or a file is not right.
    """
    if name.endswith(".toml"):
        return described.read(Path(name))
    if name not in DATASETS:
        told = f"there are {', '.join(DATASETS)}, or give a .toml file that describes one"
        raise SettingsError(f"{unknown('no data set', name, DATASETS, told)}.")
    return DATASETS[name]
