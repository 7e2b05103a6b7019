"""What settings there are, from their classes and docstrings."""

import importlib
import pkgutil
import re
from typing import Annotated, Literal

import pydantic
import pytest

import i2i_keras
from i2i_keras import config
from i2i_keras.config import Config, describe, key_of
from i2i_keras.experiment.settings import Settings, TranslatorSettings


class Inner(Config):
    """A table.

    Attributes:
        width: of it, in pixels; more of that
            in a second line. And a third sentence.
        CONSTANT: is no setting.
    """

    width: pydantic.PositiveInt = 4


class Wider(Inner):
    """`Inner`, but wider."""

    width: pydantic.PositiveInt = 8


class Outer(Config):
    """Settings of all kinds.

    Some words on them.

    Attributes:
        needed: e.g. this one. It has no default.
        inner: a table, see below.
        maybe: a table that may be unset.
        share: of all.
        sizes: two of them.
        names: of anything.
        choice: of two.
        key: of a table.
        seed: of what is drawn.

    Reference:
        Nobody, 2024.
    """

    needed: str
    inner: Wider = Wider(width=16)
    maybe: Inner | None = None
    share: float = pydantic.Field(default=0.5, ge=0.0, lt=1.0)
    sizes: tuple[pydantic.PositiveInt, pydantic.PositiveInt] = (1, 2)
    names: tuple[str, ...] = ("a",)
    choice: Literal["on", "off"] | None = None
    key: Annotated[str, key_of({"one": 1, "two": 2})] = "one"
    seed: int = pydantic.Field(default=0, ge=0, lt=2**32)


@pytest.fixture(scope="module")
def rows():
    return {row.name: row for row in describe.describe(Outer)}


def test_all_settings_are_there_in_order_and_those_of_tables_in_their_place(rows):
    names = "needed inner.width maybe maybe.width share sizes names choice key seed"
    assert list(rows) == names.split()


def test_a_default_is_that_of_the_table_which_it_is_in(rows):
    assert rows["inner.width"].default == 16
    assert rows["maybe.width"].default == 4
    assert rows["maybe"].default is None
    assert rows["sizes"].default == [1, 2]
    assert rows["needed"].default is describe.REQUIRED


def test_a_meaning_is_one_line_and_inherited(rows):
    told = "of it, in pixels; more of that in a second line. And a third sentence."
    assert rows["inner.width"].meaning == rows["maybe.width"].meaning == told
    assert rows["inner.width"].brief == told.partition(".")[0]
    assert rows["needed"].brief == "e.g. this one"
    assert rows["key"].meaning == "of a table."


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("needed", "text"),
        ("inner.width", "whole number, 1 or more"),
        ("maybe", "table, may be unset"),
        ("share", "number from 0 to below 1"),
        ("sizes", "list of 2 whole numbers, 1 or more"),
        ("names", "list of texts"),
        ("choice", 'one of "on", "off" or unset'),
        ("key", 'one of "one", "two"'),
        ("seed", "whole number from 0 to 4294967295"),
    ],
)
def test_a_type_is_told_in_words(rows, name, told):
    assert rows[name].type == told


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "unset"),
        (describe.REQUIRED, "needed"),
        (True, "true"),
        ("", '""'),
        ([1, 2.5], "[1, 2.5]"),
        ("Straße", '"Straße"'),
    ],
)
def test_a_value_is_told_as_it_is_written(value, told):
    assert describe.shown(value) == told


def test_tables_are_described_too():
    assert describe.tables(Outer) == {
        "inner": "a table, see below.",
        "maybe": "a table that may be unset.",
    }
    assert describe.tables(TranslatorSettings)["cut"].startswith("What CUT has besides")


def test_the_settings_of_an_experiment_have_their_defaults():
    defaults = config.flat(Settings().model_dump(mode="json"))
    told = {row.name: row.default for row in describe.describe(Settings)}
    assert {name: told[name] for name in defaults} == defaults
    assert all(name.startswith("streets.") for name in told.keys() - defaults.keys())


def _all_settings(kind=Config):
    for one in kind.__subclasses__():
        # What the package itself writes and reads is private. A class of a
        # label space has one more setting for each other coding of classes.
        if one.__module__.startswith("i2i_keras.") and one.__name__.strip("_") == one.__name__:
            yield from [] if one.__name__ == "SpaceClass" else [one]
            yield from _all_settings(one)


def test_every_setting_of_every_class_says_what_it_means():
    for module in pkgutil.walk_packages(i2i_keras.__path__, "i2i_keras."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
    silent = [
        f"{kind.__name__}.{row.name}"
        for kind in {*_all_settings()}
        for row in describe.describe(kind)
        if not row.meaning.strip()
    ]
    assert silent == []


def test_no_docstring_explains_a_setting_that_is_not_there():
    strange = {
        f"{kind.__name__}.{name}"
        for kind in {*_all_settings()}
        for name in describe.meanings(kind)
        if not hasattr(kind, name) and name not in kind.model_fields
    }
    assert not strange


def test_meanings_name_no_part_of_the_code():
    """Nobody who writes a preset knows what a table of the code holds."""
    rows = {row.name: row.meaning for row in describe.describe(Settings)}
    found = {name: told for name, told in rows.items() if re.search(r"key of `|see `\w+\.", told)}
    assert found == {}
    assert rows["segmenter.network"] == "one of `unet`, `mobile_unet`."
    assert "one of `linear`, `constant`, " in rows["translator.cyclegan.schedule"]
