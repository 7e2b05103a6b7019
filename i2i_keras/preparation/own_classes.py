"""TOML files that name the classes of labels with numbers of their own."""

import colorsys
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from i2i_keras.data.labels import IGNORE
from i2i_keras.preparation.detect import Code


def write_toml(codes: Mapping[str, Sequence[Code]], preset: Path) -> dict[Path, str]:
    """A label space, and for each domain the file on what its labels hold.

    Args:
        codes: by domain, numbers or colors that its labels hold.
        preset: beside which the files shall lie.

    Returns:
        Text by path; nothing if no domain has codes.
    """
    if not codes:
        return {}
    found = dict.fromkeys(code for some in codes.values() for code in some)
    names = {code: _class_name(code) for code in found if code != IGNORE}
    space = ["# The classes of these labels: give them their names, also in the files beside."]
    for place, (code, name) in enumerate(names.items()):
        color = list(code) if isinstance(code, tuple) else _color(place)
        space += ["", "[[classes]]", f"name = {json.dumps(name)}", f"color = {color}"]
    files = {space_file(preset): "\n".join(space) + "\n"}
    return files | {mapping_file(preset, r): _mapping(some, names) for r, some in codes.items()}


def space_file(preset: Path) -> Path:
    """Where the label space of a preset lies."""
    return preset.with_name(f"{preset.stem}-classes.toml")


def mapping_file(preset: Path, role: str) -> Path:
    """Where the mapping of one of its domains lies."""
    return preset.with_name(f"{preset.stem}-{role}-labels.toml")


def _mapping(codes: Sequence[Code], names: Mapping[Code, str]) -> str:
    kind = "colors" if isinstance(codes[0], tuple) else "values"
    lines = ['classes = "label_space"', f"[{kind}]"]
    for code in codes:
        name = names.get(code, "ignored")
        lines.append(f"{json.dumps(name)} = [{json.dumps(code)}]")
    return "\n".join(lines) + "\n"


def _class_name(code: Code) -> str:
    if isinstance(code, tuple):
        return f"color {'-'.join(map(str, code))}"
    return f"class {code}"


def _color(place: int) -> list[int]:
    """Another color for each place: neighbors differ much."""
    hue = (place * 0.618034) % 1.0  # The golden ratio.
    return [int(255 * channel) for channel in colorsys.hsv_to_rgb(hue, 0.65, 0.9)]
