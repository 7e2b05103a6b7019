"""The map in docs/architecture.md is that of the tree."""

import ast
import configparser
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "i2i_keras"
MAP = (ROOT / "docs" / "architecture.md").read_text("utf-8")
ROOMS = dict(re.findall(r"^## (\w+)/\n(.*?)(?=^## )", MAP, re.DOTALL | re.MULTILINE))
# Only the packages' own sentences are on the map, or no sentence of theirs.
QUIET = {"__init__.py"}


def listed():
    """Sentences of the map, by file."""
    top = MAP.partition("\n## At the top\n")[2]
    texts = {PACKAGE: top, **{PACKAGE / room: text for room, text in ROOMS.items()}}
    return {
        folder / name: sentence
        for folder, text in texts.items()
        for name, sentence in re.findall(r"^- `(\S+\.py)`: (.*)$", text, re.MULTILINE)
    }


def test_every_file_is_on_the_map_with_its_first_sentence():
    for path, sentence in listed().items():
        told = ast.get_docstring(ast.parse(path.read_text("utf-8"))).split("\n\n")[0]
        assert sentence == told.replace("\n", " "), path
    drawn = PACKAGE / "datasets" / "streets"
    files = {p for p in PACKAGE.rglob("*.py") if p.name not in QUIET and drawn not in p.parents}
    assert files - listed().keys() == set()
    assert drawn / "__init__.py" in listed()


def test_rooms_stand_in_the_order_of_the_layers():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", "utf-8")
    layers = parser["importlinter:contract:layers"]["layers"].split("\n")
    levels = {name.strip(): n for n, row in enumerate(layers) for name in row.split("|") if name}
    rooms = [room for room in levels if (PACKAGE / room).is_dir()]
    assert {*ROOMS} == {*rooms}
    assert [*ROOMS] == sorted(ROOMS, key=lambda room: levels[room])


def test_six_modules_are_at_the_top():
    # `__main__` is what `python -m` asks for; `config` is a folder.
    assert {path.name for path in PACKAGE.glob("*.py")} == {
        "__init__.py",
        "__main__.py",
        "errors.py",
        "quiet.py",
        "silence.py",
        "stack.py",
    }
