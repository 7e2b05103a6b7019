"""What pydantic finds wrong with settings, in words of those who wrote them."""

import json
import re
from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin

import pydantic

from i2i_keras.errors import suggestion, unknown

# What a value has to be, by pydantic's name of the error.
_KINDS = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "tuple_type": "a list",
    "missing": "a list of another length",
    "too_long": "a list of another length",
    "model_type": "a table of settings",
    "dict_type": "a table",
}
_BOOLEANS = {
    **dict.fromkeys(("yes", "on", "true", "1"), True),
    **dict.fromkeys(("no", "off", "false", "0"), False),
}
_NUMBER = r"(?<!\d)-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"


def explain(model: type[pydantic.BaseModel], error: pydantic.ValidationError, written: str) -> str:
    """The first thing that is wrong, by its dotted name, and what would do.

    Args:
        model: of the settings.
        error: what pydantic raised.
        written: how a setting is written, with `{key}` and `{value}`.

    Returns:
        Sentences, with a period at the end.
    """
    first = error.errors()[0]
    kind, given = first["type"], first["input"]
    # Of a type with alternatives pydantic names the one that it tried.
    path = [part for part in first["loc"] if not (isinstance(part, str) and "[" in part)]
    dotted = ".".join(map(str, path))
    if kind == "extra_forbidden":
        return _no_such_setting(model, path)
    if kind == "missing" and not isinstance(path[-1], int):
        return f"Setting {dotted!r} is needed."
    if kind == "literal_error":
        values = [str(value) for value in get_args(_type_at(model, path))]
        told = f"it is one of {', '.join(values)}"
        return f"Setting {dotted!r}: {unknown('there is no', given, values, told)}."
    if kind in _KINDS:
        if kind == "missing":  # An item of a list.
            path = path[:-1]
        return _wrong_type(model, path, kind, given, written)
    message = first["msg"].removeprefix("Value error, ").rstrip(".")
    message = message.replace("Input should be", "it has to be")
    if dotted:
        message = f"Setting {dotted!r}: {message}"
    # A message of our own says what was given, where that helps.
    return f"{message}." if kind == "value_error" else f"{message}; got {given!r}."


def _no_such_setting(model: type[pydantic.BaseModel], path: Sequence[str | int]) -> str:
    names = list(_type_at(model, path[:-1]).model_fields)
    hint = suggestion(path[-1], names)
    meant = ".".join(map(str, [*path[:-1], hint]))
    told = f" Did you mean {meant!r}?" if hint else ""
    return f"No setting {'.'.join(map(str, path))!r}.{told} Settings: {', '.join(names)}."


def _wrong_type(
    model: type[pydantic.BaseModel],
    path: Sequence[str | int],
    kind: str,
    given: Any,
    written: str,
) -> str:
    dotted, annotation, what = ".".join(map(str, path)), _type_at(model, path), _KINDS[kind]
    if kind in ("missing", "too_long"):
        what = f"a list of {len(get_args(annotation))}"
    told = f"Setting {dotted!r}: it has to be {what}"
    if not isinstance(given, dict):
        told += f", not {given!r}"
    if kind == "model_type":
        names = ", ".join(annotation.model_fields)
        return f"{told}; give one of them by its name, {dotted}.NAME: {names}."
    if any(isinstance(part, int) for part in path):
        return f"{told}."  # It is written with its list, which is not known here.
    example, how = _example(annotation, given), "write it as"
    if example is None:
        example, how = _default(model, path), "e.g."
    if example in (None, []):
        return f"{told}."
    value = json.dumps(example)
    told += f"; {how} {written.format(key=dotted, value=value)}"
    if isinstance(given, str) and given.startswith("[") and '"' in value and "'" in written:
        told += ", in single quotes, without which a shell takes the double ones away"
    return f"{told}."


def _default(model: type[pydantic.BaseModel], path: Sequence[str | int]) -> Any:
    """A setting's default, if a list or a word; or None."""
    owner = _type_at(model, path[:-1])
    if get_origin(owner) is dict:
        return None
    default = owner.model_fields[str(path[-1])].get_default(call_default_factory=True)
    if isinstance(default, tuple):
        return list(default)
    return default if isinstance(default, str) else None


def _example(annotation: Any, given: Any) -> Any:
    """A value of the type, what was given made right if it can be; or None."""
    if isinstance(given, dict):
        return None
    if get_origin(annotation) is tuple:
        return _example_list(get_args(annotation), given)
    if annotation is bool:
        return _BOOLEANS.get(str(given).lower(), True)
    if annotation is str:
        return str(given) if isinstance(given, int | float) else None
    if annotation in (int, float):
        # "2,5" is a number with a point, "10,000" a whole one without.
        text = str(given).replace(",", "." if annotation is float else "").replace("_", "")
        if re.fullmatch(_NUMBER, text) and float(text) == annotation(float(text)):
            return annotation(float(text))
    return None


def _example_list(items: Sequence[Any], given: Any) -> Any:
    """The same of a list, whose items are of these types."""
    of, many = _bare(items[0]), items[-1] is Ellipsis
    if of in (int, float):
        found = [of(float(number)) for number in re.findall(_NUMBER, str(given))]
        if not many:
            found = found[: len(items)]
            found += found[-1:] * (len(items) - len(found))
        return found or None
    if isinstance(given, str):
        words = [word.strip(" '\"") for word in given.strip("[] ").split(",")]
        return [word for word in words if word] or None
    return None


def _type_at(model: type[pydantic.BaseModel], path: Sequence[str | int]) -> Any:
    """The bare type of a setting, or of an item of one."""
    annotation: Any = model
    for part in path:
        if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
            annotation = annotation.model_fields[str(part)].annotation
        else:
            items = get_args(annotation)  # Of a list, or of a table's keys and values.
            if not isinstance(part, int):
                annotation = items[1]
            else:
                annotation = items[0 if items[-1] is Ellipsis else part]
        annotation = _bare(annotation)
    return annotation


def _bare(annotation: Any) -> Any:
    """A type without what pydantic is told of it, and without None."""
    while hasattr(annotation, "__metadata__"):
        annotation = annotation.__origin__
    if get_origin(annotation) in (None, tuple, dict, Literal):
        return annotation
    return _bare(next(item for item in get_args(annotation) if item is not type(None)))
