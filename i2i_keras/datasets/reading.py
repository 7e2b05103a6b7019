"""Reads files that describe data sets, and tells what is wrong by its line."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pydantic

from i2i_keras import config
from i2i_keras.config import Config, Table
from i2i_keras.config.explain import explain
from i2i_keras.datasets.description import Description
from i2i_keras.datasets.faults import Where, faults
from i2i_keras.errors import SettingsError, unknown

_LIST = ".txt"  # Ending of files of names.


class Described(NamedTuple):
    """What a file describes.

    Attributes:
        variants: by name; a file without variants has one, whose name is empty.
        default: which of them is meant if none is named; None = one has to be.
        content: all that the file says, with the names of its lists.
    """

    variants: dict[str, Description]
    default: str | None
    content: Table


def read(path: Path) -> Described:
    """Reads a description.

    Raises:
        SettingsError: it is not there or not right; names file and line.
    """
    content = config.read_toml(path)
    text = path.read_text("utf-8")
    _read_lists(path, text, content)
    variants = content.get("variants", {})
    base = {key: value for key, value in content.items() if key not in ("variants", "default")}
    for where, what in _faults_of_variants(content):
        raise _error(path, text, where, what)
    if not variants:
        return Described({"": _build(path, text, base, ())}, "", content)
    built = {name: _build(path, text, base, (name, own)) for name, own in variants.items()}
    return Described(built, content.get("default"), content)


def list_files(path: Path) -> list[str]:
    """The files of names that a description needs beside it."""
    return [name for _, name in _list_items(config.read_toml(path))]


def _list_items(content: Table) -> Iterator[tuple[Where, str]]:
    ways = content.get("lists", {})
    for way, splits in ways.items() if isinstance(ways, dict) else ():
        for split, names in splits.items() if isinstance(splits, dict) else ():
            for place, name in enumerate(names if isinstance(names, list) else ()):
                if isinstance(name, str) and name.endswith(_LIST):
                    yield ("lists", way, split, place), name


def _read_lists(path: Path, text: str, content: Table) -> None:
    """Puts the names of files of names into their place."""
    for where, name in reversed([*_list_items(content)]):
        file = path.parent / name
        if Path(name).is_absolute() or ".." in Path(name).parts or not file.is_file():
            what = f"there is no file {name} beside the description or below; put it there"
            raise _error(path, text, where, f"{what}.")
        try:
            names = [line.strip() for line in file.read_text("utf-8").splitlines()]
        except UnicodeDecodeError:
            raise _error(path, text, where, f"{name} is not UTF-8; save it so.") from None
        _, way, split, place = where
        content["lists"][way][split][place : int(place) + 1] = [name for name in names if name]


def _build(path: Path, text: str, base: Table, variant: tuple[Any, ...]) -> Description:
    """Validates a description, or a variant: its name and what it changes."""
    own = variant[1] if variant else {}

    def place(where: Where) -> Where:
        return ("variants", variant[0], *where) if where and where[0] in own else where

    try:
        table = json.dumps(base | own, default=str)
        found = Description.model_validate_json(table, strict=True)
    except pydantic.ValidationError as error:
        where = place(error.errors()[0]["loc"])
        raise _error(path, text, where, explain(Description, error, Config.WRITTEN)) from None
    for where, what in faults(found):
        raise _error(path, text, place(where), f"{what}.")
    return found


def _faults_of_variants(content: Table) -> Iterator[tuple[Where, str]]:
    variants, default = content.get("variants", {}), content.get("default")
    if not isinstance(variants, dict) or not all(isinstance(v, dict) for v in variants.values()):
        yield ("variants",), "variants has to be a table of tables, as in [variants.NAME]."
    elif default is not None and default not in variants:
        yield ("default",), f"{unknown('default names no variant', default, variants)}."


def _error(path: Path, text: str, where: Where, what: str) -> SettingsError:
    return SettingsError(f"{path}, line {_line(text, where)}: {what}")


def _line(text: str, where: Where) -> int:
    """The line on which a setting stands; of one that is missing its table's.

    It is the end of the shortest beginning of the text that has the setting,
    where need be with the brackets closed.
    """
    while where and not _has(config.parse(text), where):
        where = where[:-1]
    lines = text.splitlines()
    for count in range(1, len(lines) + 1) if where else ():
        for end in ("", "]", "]]"):
            beginning = "\n".join(lines[:count]) + end
            try:
                if _has(config.parse(beginning), where):
                    return count
            except ValueError:
                continue
    return 1


def _has(table: Mapping[str, Any], where: Where) -> bool:
    inner: Any = table
    for key in where:
        if isinstance(inner, list):
            inner = dict(enumerate(inner))
        if not isinstance(inner, dict) or key not in inner:
            return False
        inner = inner[key]
    return True
