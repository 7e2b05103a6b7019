"""What settings there are: name, type, default and meaning of each.

A meaning is written once, in the docstring's `Attributes` of the settings'
class; this reads it for `i2i-keras config` and for the documentation.
"""

import inspect
import json
import re
from collections.abc import Iterator, Sequence
from types import UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import pydantic

from i2i_keras.config import KeyOf, Table

REQUIRED = ...  # The default of a setting that has none.
_SECTION = re.compile(r"^[A-Z]\w+:$")
_ENTRY = re.compile(r"^    (\w+): (.*)$")
# Where the first sentence of a meaning ends.
_END = re.compile(r"(?<!e\.g)(?<!i\.e)(?<!et al)\.(?=\s|$).*")
# What only a reader of the code needs.
_KEY = re.compile(r"\ba key of `[\w.]+`")
_ELSEWHERE = re.compile(r"[,;] see `\w+(\.\w+)+`")
_WORDS: dict[Any, tuple[str, str]] = {
    int: ("whole number", "whole numbers"),
    float: ("number", "numbers"),
    str: ("text", "texts"),
    bool: ("true or false", "true or false each"),
}


class Row(NamedTuple):
    """One setting.

    Attributes:
        name: dotted, such as `translator.cyclegan.steps`.
        type: what it has to be, in words.
        default: as JSON has it; None = unset, `REQUIRED` = it has none.
        meaning: the whole of what its docstring says, in one line.
    """

    name: str
    type: str
    default: Any
    meaning: str

    @property
    def brief(self) -> str:
        """The meaning up to its first full stop."""
        return _END.sub("", self.meaning)


def describe(model: type[pydantic.BaseModel]) -> list[Row]:
    """All settings of a class, those of its tables in their place.

    A table that may be unset, such as `streets`, has a row of its own before
    its settings.

    Args:
        model: such as `Settings`, or a part of it.

    Returns:
        A row for each, in the order of the classes' fields.
    """
    return [row for row in _walk(model, _defaults(model), "") if row.type != _TABLE]


def tables(model: type[pydantic.BaseModel]) -> dict[str, str]:
    """What the tables of settings are for, by dotted name."""
    return {row.name: row.meaning for row in _walk(model, _defaults(model), "") if _holds(row)}


def shown(value: Any) -> str:
    """A value as it is written in a preset; `unset` and `needed` in words."""
    if value is None:
        return "unset"
    return "needed" if value is REQUIRED else json.dumps(value, ensure_ascii=False)


def meanings(model: type[pydantic.BaseModel]) -> dict[str, str]:
    """What the docstrings of a class and its bases say of each attribute.

    Returns:
        By name, in one line; that of the class itself comes before its bases'.
    """
    found: dict[str, str] = {}
    for kind in model.__mro__:
        if issubclass(kind, pydantic.BaseModel) and kind.__doc__:
            found = dict(_attributes(inspect.cleandoc(kind.__doc__))) | found
    return found


_TABLE, _OPTIONAL_TABLE = "table", "table, may be unset"


def _holds(row: Row) -> bool:
    return row.type in (_TABLE, _OPTIONAL_TABLE)


def _walk(model: type[pydantic.BaseModel], defaults: Table, prefix: str) -> Iterator[Row]:
    """Rows of settings and of tables, each table before what it holds."""
    known = meanings(model)
    for name, field in model.model_fields.items():
        default, inner = defaults.get(name, REQUIRED), _model_of(field.annotation)
        meaning = known.get(name) or (_summary(inner) if inner else "")
        if not inner:
            type_ = _words(field.annotation, field.metadata)
            yield Row(prefix + name, type_, default, _plain(meaning, type_))
            continue
        kind = _TABLE if field.annotation is inner else _OPTIONAL_TABLE
        yield Row(prefix + name, kind, default, meaning)
        own = default if isinstance(default, dict) else _defaults(inner)
        yield from _walk(inner, own, f"{prefix}{name}.")


def _plain(meaning: str, type_: str) -> str:
    """A meaning without names of the code: keys of a table are named."""
    if type_.startswith("one of "):
        names = type_.replace('"', "`")
        meaning = _KEY.sub(lambda _: names, meaning)
    return _ELSEWHERE.sub("", meaning)


def _defaults(model: type[pydantic.BaseModel]) -> Table:
    """The defaults of a class as JSON, without those that are required."""
    found = Table()
    for name, field in model.model_fields.items():
        if not field.is_required():
            default = field.get_default(call_default_factory=True)
            found[name] = pydantic.TypeAdapter(Any).dump_python(default, mode="json")
    return found


def _model_of(annotation: Any) -> type[pydantic.BaseModel] | None:
    """The class of a table, also of one that may be unset."""
    for kind in _alternatives(annotation):
        if isinstance(kind, type) and issubclass(kind, pydantic.BaseModel):
            return kind
    return None


def _alternatives(annotation: Any) -> Sequence[Any]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else [annotation]


def _summary(model: type[pydantic.BaseModel]) -> str:
    """The first paragraph of a docstring, in one line."""
    return " ".join(inspect.cleandoc(model.__doc__ or "").partition("\n\n")[0].split())


def _attributes(docstring: str) -> Iterator[tuple[str, str]]:
    """Names and texts of the entries below `Attributes:`."""
    inside, name, parts = False, "", list[str]()
    for line in [*docstring.splitlines(), "End:"]:
        entry = _ENTRY.match(line) if inside else None
        if (entry or _SECTION.match(line)) and name:
            yield name, " ".join(" ".join(parts).split())
            name = ""
        if _SECTION.match(line):
            inside = line == "Attributes:"
        elif entry:
            name, parts = entry[1], [entry[2]]
        elif name:
            parts.append(line)


def _words(annotation: Any, metadata: Sequence[Any] = (), many: bool = False) -> str:
    """A type in words, such as "whole number, 1 or more"."""
    while hasattr(annotation, "__metadata__"):
        metadata = [*metadata, *annotation.__metadata__]
        annotation = annotation.__origin__
    for key in (one.func for one in metadata if isinstance(one, pydantic.AfterValidator)):
        if isinstance(key, KeyOf):
            return _one_of([*key.table])
    origin, items = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        kinds = [_words(item, metadata) for item in items if item is not type(None)]
        return " or ".join([*kinds, *(["unset"] if type(None) in items else [])])
    if origin is Literal:
        return _one_of(items)
    if origin is tuple:
        number = "" if items[-1] is Ellipsis else f"{len(items)} "
        return f"list of {number}{_words(items[0], many=True)}"
    if origin in (list, dict):
        return f"{'list' if origin is list else 'table'} of {_words(items[-1], many=True)}"
    # A name such as an arm's is a text, too.
    kind = next((kind for kind in (bool, int, float, str) if issubclass(annotation, kind)), None)
    word = _WORDS[kind][many] if kind else annotation.__name__
    return f"{word}{_range(metadata, whole=kind is int)}"


def _one_of(values: Sequence[Any]) -> str:
    return f"one of {', '.join(map(shown, values))}"


def _range(metadata: Sequence[Any], whole: bool) -> str:
    """Bounds in words, with what goes before them; empty = there are none."""
    bounds = [
        bound
        for one in metadata
        for bound in (one.metadata if isinstance(one, pydantic.fields.FieldInfo) else [one])
    ]
    ends = {
        end: getattr(bound, end)
        for bound in bounds
        for end in ("ge", "gt", "le", "lt")
        if hasattr(bound, end)
    }
    if whole and "gt" in ends:
        ends["ge"] = ends.pop("gt") + 1
    if whole and "lt" in ends:
        ends["le"] = ends.pop("lt") - 1
    words = {end: f"{bound:.12g}" for end, bound in ends.items()}  # All digits of 2**32.
    low = words.get("ge") or (f"above {words['gt']}" if "gt" in ends else "")
    high = words.get("le") or (f"below {words['lt']}" if "lt" in ends else "")
    if low and high:
        return f" from {low} to {high}"
    if "ge" in ends:
        return f", {low} or more"
    return f" {low or high}" if low or high else ""
