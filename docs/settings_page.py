"""The tables of the settings page, from the settings themselves."""

import inspect
import json
import re
from typing import Any

import pydantic


def settings_tables() -> str:
    """All settings, a heading a table and a row a setting, as Markdown."""
    from i2i_keras.experiment.settings import Settings

    return "\n\n".join(_tables(Settings, ""))


def _tables(model: type[pydantic.BaseModel], name: str) -> list[str]:
    meanings = _meanings(model)
    rows, below = [], list[str]()
    for key, field in model.model_fields.items():
        value = field.get_default(call_default_factory=True)
        place = f"{name}.{key}" if name else key
        if isinstance(value, pydantic.BaseModel):
            below += _tables(type(value), place)
        else:
            rows.append(f"| `{key}` | `{_text(value)}` | {meanings.get(key, '')} |")
    title = f"## `[{name}]`" if name else "## At the top"
    table = ["| Setting | Default | Meaning |", "|---|---|---|", *rows]
    return ["\n".join([title, "", *table]), *below] if rows else below


def _meanings(model: type[pydantic.BaseModel]) -> dict[str, str]:
    """What docstrings say of each setting, those of the bases too."""
    found = dict[str, str]()
    for kind in reversed(model.__mro__):
        text = inspect.getdoc(kind) or ""
        section = re.search(r"^Attributes:\n(.*?)(?=^\S|\Z)", text, re.DOTALL | re.MULTILINE)
        for names, said in re.findall(
            r"^    (\w[\w, ]*): (.*?)(?=^    \w|\Z)", section[1] if section else "", re.S | re.M
        ):
            meaning = " ".join(said.split()).replace("|", "\\|")
            found |= {name.strip(): meaning for name in names.split(",")}
    return found


def _text(value: Any) -> str:
    plain = value.model_dump() if isinstance(value, pydantic.BaseModel) else value
    return json.dumps(plain, default=str) if plain is not None else "unset"
