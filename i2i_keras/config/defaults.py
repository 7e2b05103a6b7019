"""The table `defaults` beside others: settings that all of them get.

Beside `[translator.cyclegan]` and `[translator.cut]`, a setting in
`[translator.defaults]` is that of each method that has it, unless the method's
own table says otherwise.
"""

import copy
import re
from collections.abc import Mapping
from typing import Any

import pydantic

from i2i_keras.errors import SettingsError, suggestion

_NAME = "defaults"

Table = dict[str, Any]
Model = type[pydantic.BaseModel]
Inherited = dict[str, str]  # Dotted names in `defaults`, by those that they stand for.


def resolve(model: Model, table: Table) -> tuple[Table, Inherited]:
    """Gives settings in `defaults` to the tables beside it.

    Args:
        model: of the table's settings.
        table: nested, not validated; it is not changed.

    Returns:
        The table without `defaults`, and where settings have come from there.

    Raises:
        SettingsError: `defaults` has a setting that no table beside it has.
    """
    resolved, inherited = copy.deepcopy(table), Inherited()
    for part, kind in _models(model).items():
        methods, own = _models(kind), resolved.get(part)
        if isinstance(own, dict) and _NAME in own and methods.keys() == kind.model_fields.keys():
            known = {method: _names(settings) for method, settings in methods.items()}
            for place, value in _checked(own.pop(_NAME), f"{part}.{_NAME}", known).items():
                for method in (method for method, names in known.items() if place in names):
                    if _put(own.setdefault(method, {}), place, value):
                        inherited[f"{part}.{method}.{place}"] = f"{part}.{_NAME}.{place}"
    return resolved, inherited


def by_their_place(text: str, inherited: Inherited) -> str:
    """A message with the names of settings where they were written."""
    for name, place in inherited.items():
        text = re.sub(rf"\b{re.escape(name)}(?!\w)", place, text)
    return text


def refuse_hidden(table: Table, given: Table) -> None:
    """Refuses overrides in `defaults` that a table beside it would hide.

    Args:
        table: before the overrides.
        given: the overrides.

    Raises:
        SettingsError: a table has a value of its own, and no override of it.
    """
    names = _leaves(given)
    for place in names:
        part, found, below = place.partition(f".{_NAME}.")
        beside = rf"{re.escape(part)}\.(?!{_NAME}\.)\w+\.{re.escape(below)}"
        own = [name for name in _leaves(table) if found and re.fullmatch(beside, name)]
        if hidden := [name for name in own if name not in names]:
            raise SettingsError(
                f"--set {place} does not change what has a value of its own here; set"
                f" {' and '.join(hidden)}, too."
            )


def _models(model: Model) -> dict[str, Model]:
    """Those of a model's fields that are models."""
    fields = {name: field.annotation for name, field in model.model_fields.items()}
    return {
        name: kind
        for name, kind in fields.items()
        if isinstance(kind, type) and issubclass(kind, pydantic.BaseModel)
    }


def _leaves(table: Mapping[str, Any], prefix: str = "") -> Table:
    """All values by dotted name; an empty table is one, too."""
    found: Table = {}
    for name, value in table.items():
        nested = isinstance(value, dict) and value
        found |= _leaves(value, f"{prefix}{name}.") if nested else {f"{prefix}{name}": value}
    return found


def _names(model: Model) -> set[str]:
    """Dotted names of all settings, and of the tables that they are in."""
    inner = {f"{table}.{name}" for table, m in _models(model).items() for name in _names(m)}
    return inner | {*model.model_fields}


def _checked(shared: Any, place: str, known: Mapping[str, set[str]]) -> Table:
    """The settings in `defaults`, each of which a method has to have."""
    if not isinstance(shared, dict):
        raise SettingsError(f"Setting {place!r}: it has to be a table of settings, not {shared!r}.")
    found, names = _leaves(shared), sorted(set[str]().union(*known.values()))
    for name in found:
        if name not in names:
            hint = suggestion(name, names)
            meant = f" Did you mean '{place}.{hint}'?" if hint else ""
            owners = ", ".join(known)
            raise SettingsError(f"No setting '{place}.{name}': none of {owners} has one.{meant}")
    return found


def _put(table: Any, place: str, value: Any) -> bool:
    """Gives a table a value, unless it has one; tells whether it had none."""
    if not isinstance(table, dict):
        return False
    name, _, below = place.partition(".")
    if below:
        return _put(table.setdefault(name, {}), below, value)
    if isinstance(table.get(name), dict) if value == {} else name in table:
        return False
    table[name] = value
    return True
