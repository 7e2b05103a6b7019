"""From a TOML preset and `--set` overrides to frozen, validated settings."""

import copy
import difflib
import json
import sys
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, get_args

import pydantic

from i2i_keras.errors import SettingsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Table = dict[str, Any]


class Config(pydantic.BaseModel):
    """Base of all settings: frozen, and unknown names are refused."""

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )


Model = TypeVar("Model", bound=Config)


def preset_names() -> list[str]:
    """Names of the presets that come with the package."""
    folder = resources.files("i2i_keras") / "presets"
    return sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".toml"))


def read(preset: str, overrides: Sequence[str] = ()) -> Table:
    """Reads a preset and applies the overrides to it, last one wins.

    Args:
        preset: the name of a preset of the package, or a TOML file.
        overrides: `dotted.key=value` each; the value is TOML, or else taken as
            a string.

    Returns:
        The table as nested dicts, not yet validated.

    Raises:
        SettingsError: no such preset, broken TOML, or an override without `=`.
    """
    return override(_read_preset(preset), overrides)


def override(table: Table, overrides: Sequence[str]) -> Table:
    """Applies overrides to a copy of a table, see `read`."""
    changed = copy.deepcopy(table)
    for text in overrides:
        _apply(changed, text)
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


def read_toml(path: Path) -> Table:
    """Reads a TOML file.

    Raises:
        SettingsError: it is not there, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise SettingsError(f"{path} cannot be read: {reason}.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from None


def build(model: type[Model], table: Table) -> Model:
    """Validates a table.

    Raises:
        SettingsError: names the first setting that is unknown, of the wrong
            type or impossible, by its dotted name, and what would do.
    """
    try:
        # As JSON, strict still lets a list become a tuple and 1 become 1.0.
        return model.model_validate_json(json.dumps(table, default=str), strict=True)
    except pydantic.ValidationError as error:
        raise SettingsError(_explain(model, error)) from None


def _read_preset(preset: str) -> Table:
    path = Path(preset)
    if path.suffix == ".toml":
        return read_toml(path)
    if preset in preset_names():
        text = (resources.files("i2i_keras") / "presets" / f"{preset}.toml").read_text("utf-8")
        return tomllib.loads(text)
    hint = _suggestion(preset, preset_names())
    raise SettingsError(
        f"There is no preset {preset!r}.{hint} Presets: {', '.join(preset_names())};"
        " or give a .toml file."
    )


def _apply(table: Table, override: str) -> None:
    key, equals, value = override.partition("=")
    names = [name.strip() for name in key.split(".")]
    if not equals or not all(names):
        raise SettingsError(f"--set takes dotted.key=value; got {override!r}.")
    for name in names[:-1]:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            raise SettingsError(f"--set {override}: {name!r} is a value, not a table.")
    table[names[-1]] = _parse(value.strip())


def _parse(value: str) -> Any:
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value  # A bare word: `--set prepare.label_space=cityscapes34`.


def _explain(model: type[pydantic.BaseModel], error: pydantic.ValidationError) -> str:
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    dotted = ".".join(path)
    if first["type"] == "extra_forbidden":
        names = _names_at(model, path[:-1])
        prefix = "".join(f"{part}." for part in path[:-1])
        hint = _suggestion(path[-1], names, prefix)
        return f"No setting {dotted!r}.{hint} Settings: {', '.join(names)}."
    if first["type"] == "missing":
        return f"Setting {dotted!r} is needed."
    message = first["msg"].removeprefix("Value error, ")
    given = "" if isinstance(first["input"], dict) else f"; got {first['input']!r}"
    return f"Setting {dotted!r}: {message}{given}." if dotted else message


def _names_at(model: type[pydantic.BaseModel], path: Sequence[str]) -> list[str]:
    """Names of the fields of the settings at a dotted place."""
    for part in path:
        if part.isdecimal():  # Place in a list, whose items were looked at already.
            continue
        annotation = model.model_fields[part].annotation
        candidates = (annotation, *get_args(annotation))
        model = next(c for c in candidates if isinstance(c, type) and issubclass(c, Config))
    return list(model.model_fields)


def _suggestion(given: str, names: Sequence[str], prefix: str = "") -> str:
    close = difflib.get_close_matches(given, names, n=1)
    return f" Did you mean '{prefix}{close[0]}'?" if close else ""
