"""The table `defaults` beside others: settings that all of them get.

Beside `[translator.cyclegan]` and `[translator.cut]`, a setting in
`[translator.defaults]` is that of each method that has it, unless the method's
own table says otherwise.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pydantic

from i2i_keras.errors import SettingsError, suggestion

_NAME = "defaults"

Table = dict[str, Any]
Inherited = dict[str, str]  # Dotted names in `defaults`, by those that they stand for.


def resolve(
    model: type[pydantic.BaseModel], table: Mapping[str, Any], prefix: str = ""
) -> tuple[Table, Inherited]:
    """Gives settings in `defaults` to the tables beside it.

    Args:
        model: of the table's settings.
        table: nested, not validated; it is not changed.
        prefix: of its dotted names.

    Returns:
        The table without `defaults`, and where settings have come from there.

    Raises:
        SettingsError: `defaults` has a setting that no table beside it has.
    """
    resolved, inherited = dict(table), Inherited()
    parts = _parts(model)
    if _NAME in table and len(parts) == len(model.model_fields):
        shared = resolved.pop(_NAME)
        _check(shared, list(parts.values()), f"{prefix}{_NAME}", list(parts))
        for name, part in parts.items():
            own = resolved.get(name, {})
            if isinstance(own, Mapping):
                known = _known(part, shared)
                resolved[name] = _merged(known, own)
                places = (*_leaves(known),)
                inherited |= {
                    f"{prefix}{name}.{place}": f"{prefix}{_NAME}.{place}"
                    for place in places
                    if place not in {*_leaves(own)}
                }
    for name, part in parts.items():
        if isinstance(resolved.get(name), Mapping):
            resolved[name], deeper = resolve(part, resolved[name], f"{prefix}{name}.")
            inherited |= deeper
    return resolved, inherited


def by_their_place(text: str, inherited: Inherited) -> str:
    """A message with the names of settings where they were written."""
    for name, place in inherited.items():
        text = re.sub(rf"\b{re.escape(name)}(?!\w)", place, text)
    return text


def refuse_hidden(table: Mapping[str, Any], given: Sequence[Table]) -> None:
    """Refuses overrides in `defaults` that a table beside it would hide.

    Args:
        table: before the overrides.
        given: the overrides, each as a table.

    Raises:
        SettingsError: a table has a value of its own, and no override of it.
    """
    names = {place for one in given for place in _leaves(one)}
    for place in sorted(names):
        above, found, below = place.partition(f"{_NAME}.")
        beside = _at(table, above.rstrip(".")) if found and above.endswith(".") else {}
        hiding = [
            f"{above}{name}.{below}"
            for name, own in beside.items()
            if name != _NAME and isinstance(own, Mapping) and below in {*_leaves(own)}
        ]
        if hidden := [name for name in hiding if name not in names]:
            raise SettingsError(
                f"--set {place} does not change what has a value of its own here; set"
                f" {' and '.join(hidden)}, too."
            )


def _parts(model: type[pydantic.BaseModel]) -> dict[str, type[pydantic.BaseModel]]:
    """Those of a model's fields that are models."""
    return {
        name: field.annotation
        for name, field in model.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, pydantic.BaseModel)
    }


def _check(
    shared: Any, models: Sequence[type[pydantic.BaseModel]], place: str, owners: Sequence[str]
) -> None:
    """Refuses a setting that none of the models has."""
    if not isinstance(shared, Mapping):
        raise SettingsError(f"Setting {place!r}: it has to be a table of settings, not {shared!r}.")
    names = dict.fromkeys(name for model in models for name in model.model_fields)
    for name, value in shared.items():
        if name not in names:
            hint = suggestion(name, names)
            told = f" Did you mean '{place}.{hint}'?" if hint else ""
            raise SettingsError(
                f"No setting '{place}.{name}': none of {', '.join(owners)} has one.{told}"
            )
        deeper = [part for model in models if (part := _parts(model).get(name))]
        if deeper and isinstance(value, Mapping):
            _check(value, deeper, f"{place}.{name}", owners)


def _known(model: type[pydantic.BaseModel], shared: Mapping[str, Any]) -> Table:
    """What a model has settings for."""
    parts = _parts(model)
    return {
        name: _known(parts[name], value) if name in parts and isinstance(value, Mapping) else value
        for name, value in shared.items()
        if name in model.model_fields
    }


def _merged(shared: Mapping[str, Any], own: Mapping[str, Any]) -> Table:
    """Both, of two values the own one."""
    merged = {**shared, **own}
    for name in shared.keys() & own.keys():
        if isinstance(shared[name], Mapping) and isinstance(own[name], Mapping):
            merged[name] = _merged(shared[name], own[name])
    return merged


def _leaves(table: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Dotted names of all values."""
    return [
        place
        for name, value in table.items()
        for place in (
            _leaves(value, f"{prefix}{name}.")
            if isinstance(value, Mapping)
            else [f"{prefix}{name}"]
        )
    ]


def _at(table: Mapping[str, Any], dotted: str) -> Mapping[str, Any]:
    for name in dotted.split("."):
        table = table.get(name, {})
        if not isinstance(table, Mapping):
            return {}
    return table
