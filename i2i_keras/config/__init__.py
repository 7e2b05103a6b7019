"""From a TOML preset and `--set` overrides to frozen, validated settings."""

import copy
import json
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pydantic

from i2i_keras.config import bounds, defaults
from i2i_keras.config.explain import explain
from i2i_keras.errors import SettingsError, is_special, unknown

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Table = dict[str, Any]


class Config(pydantic.BaseModel):
    """Base of all settings: frozen and bounded; unknown names are refused.

    Attributes:
        WRITTEN: how one is written, with `{key}` and `{value}`, for messages.
    """

    WRITTEN: ClassVar[str] = "{key} = {value}"

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )

    @pydantic.field_validator("*", mode="after")
    @classmethod
    def _bounded(cls, value: Any, info: pydantic.ValidationInfo) -> Any:
        bounds.check(info.field_name or "", value)
        return value


Model = TypeVar("Model", bound=Config)

# No file of settings has so many bytes.
_LARGEST = 2**24


# Presets and ablations that had another name, taken for one more release.
_RENAMED = {"report": "student_report", "two_folders": "translation"}


def current_name(name: str) -> str:
    """The name of a preset or an ablation, which may have had another one."""
    return _RENAMED.get(name, name)


class KeyOf:
    """Checks that a setting is the name of an entry of a table.

    Args:
        table: the names that there are.
    """

    def __init__(self, table: Collection[str]) -> None:
        self.table = table

    def __call__(self, name: str) -> str:
        if name not in self.table:
            told = f"it is one of {', '.join(self.table)}"
            raise ValueError(unknown("there is no", name, self.table, told))
        return name


def key_of(table: Collection[str]) -> pydantic.AfterValidator:
    """What makes a setting the name of an entry of a table.

    Such as `Annotated[str, key_of(SCHEDULES)]`: one more entry is one more
    choice, and any other name is refused as it would be by a `Literal`.
    """
    return pydantic.AfterValidator(KeyOf(table))


def names_in(folder: str) -> list[str]:
    """Names of what comes with the package: `presets`, or `ablations`."""
    files = (resources.files("i2i_keras") / folder).iterdir()
    return sorted(file.name[:-5] for file in files if file.name.endswith(".toml"))


def read_named(folder: str, name: str) -> Table:
    """Reads what comes with the package, or a TOML file.

    Args:
        folder: `presets`, or `ablations`.
        name: of one of these, or of a file.

    Raises:
        SettingsError: there is none, or broken TOML.
    """
    names = names_in(folder)
    if name.endswith(".toml"):
        # Shells leave ~ as it is in --preset=~/mine.toml.
        return read_toml(Path(os.path.expanduser(name)))  # noqa: PTH111
    if current_name(name) in names:
        file = resources.files("i2i_keras") / folder / f"{current_name(name)}.toml"
        return tomllib.loads(file.read_text("utf-8"))
    told = f"there are {', '.join(names)}, or give a .toml file"
    raise SettingsError(f"{unknown(f'No {folder[:-1]}', name, names, told)}.")


def read(preset: str, overrides: Sequence[str] = ()) -> Table:
    """Reads a preset and applies the overrides to it, last one wins.

    Args:
        preset: the name of a preset of the package, or a TOML file.
        overrides: `dotted.key=value` each; the value is TOML, or else taken as
            a string.

    Returns:
        The table as nested dicts, not yet validated.

    Raises:
        SettingsError: no such preset, broken TOML, or see `override`.
    """
    return override(read_named("presets", preset), overrides)


def override(table: Table, overrides: Sequence[str]) -> Table:
    """Applies overrides to a copy of a table, see `read`.

    Raises:
        SettingsError: an override without `=`, or one that changes nothing.
    """
    changed, given = copy.deepcopy(table), Table()
    for text in overrides:
        _apply(changed, text)
        _apply(given, text)
    defaults.refuse_hidden(table, given)
    return changed


def overridden(overrides: Sequence[str]) -> set[str]:
    """The dotted keys that overrides name."""
    return {text.partition("=")[0].replace(" ", "") for text in overrides}


def flat(table: Mapping[str, Any], prefix: str = "") -> Table:
    """Nested tables as one, by dotted name."""
    found: Table = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def parse(text: str) -> Table:
    """Parses TOML; a ValueError says what is wrong with it."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("its tables or lists are too deep") from None


def read_toml(path: Path) -> Table:
    """Reads a TOML file.

    Raises:
        SettingsError: it is not there, or not TOML.
    """
    if is_special(path):
        raise SettingsError(f"{path} is no regular file; give a TOML file.")
    try:
        if path.stat().st_size > _LARGEST:
            raise SettingsError(f"{path} has {path.stat().st_size >> 20} MB; check its name.")
        return parse(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None)
        what = f"{reason}; check its name" if reason else "it is not UTF-8; save it so"
        raise SettingsError(f"{path} cannot be read: {what}.") from None
    except ValueError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from None


def build(model: type[Model], table: Table) -> Model:
    """Validates a table, whose `defaults` go to the tables beside them.

    Raises:
        SettingsError: names the first setting that is unknown, of the wrong
            type or impossible, by its dotted name, and what would do.
    """
    table, inherited = defaults.resolve(model, table)
    try:
        # As JSON, strict still lets a list become a tuple and 1 become 1.0.
        return model.model_validate_json(json.dumps(table, default=str), strict=True)
    except pydantic.ValidationError as error:
        told = explain(model, error, model.WRITTEN)
        raise SettingsError(defaults.by_their_place(told, inherited)) from None


def _apply(table: Table, override: str) -> None:
    key, equals, value = override.partition("=")
    names = [name.strip() for name in key.split(".")]
    if not equals or not all(names):
        raise SettingsError(f"--set takes dotted.key=value; got {override!r}.")
    for name in names[:-1]:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            raise SettingsError(
                f"--set {override}: {name!r} is a value, not a table; set {name} itself."
            )
    table[names[-1]] = _parse(value.strip())


def _parse(value: str) -> Any:
    try:
        return parse(f"value = {value}")["value"]
    except ValueError:
        return value  # A bare word: `--set prepare.label_space=cityscapes34`.
