"""Every number among the settings has an upper bound, with its reason."""

import importlib
import pkgutil
import re
import typing

import annotated_types
import pydantic
import pytest

import i2i_keras
from i2i_keras import config
from i2i_keras.config import bounds
from i2i_keras.errors import SettingsError
from i2i_keras.experiment.settings import Settings


def all_models():
    """All settings, those of any module."""
    for module in pkgutil.walk_packages(i2i_keras.__path__, "i2i_keras."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    left, found = [config.Config], []
    while left:
        model = left.pop()
        found.append(model)
        left.extend(model.__subclasses__())
    return [model for model in found if model.__module__.startswith("i2i_keras.")]


def parts(annotation, metadata=()):
    """The types that a setting may have, each with what bounds it."""
    if hasattr(annotation, "__metadata__"):
        yield from parts(annotation.__origin__, (*metadata, *annotation.__metadata__))
    elif typing.get_args(annotation) and typing.get_origin(annotation) is not typing.Literal:
        for inner in typing.get_args(annotation):
            yield from parts(inner, metadata)
    else:
        yield annotation, metadata


def is_bounded(metadata):
    found = []
    for one in metadata:
        found += one.metadata if isinstance(one, pydantic.fields.FieldInfo) else [one]
    return any(isinstance(one, annotated_types.Le | annotated_types.Lt) for one in found)


def numeric():
    for model in all_models():
        for name, field in model.model_fields.items():
            for kind, metadata in parts(field.annotation, tuple(field.metadata)):
                if kind in (int, float):
                    yield model, name, is_bounded(metadata)


def test_every_number_has_an_upper_bound():
    missing = {
        f"{model.__name__}.{name}"
        for model, name, bounded in numeric()
        if not bounded and name not in bounds.BOUNDS
    }
    assert not missing
    assert len([*numeric()]) > 80


def test_every_bound_is_of_a_setting():
    names = {name for _, name, _ in numeric()}
    assert set(bounds.BOUNDS) <= names


@pytest.mark.parametrize("name", bounds.BOUNDS)
def test_a_bound_says_what_it_is_and_why(name):
    bound = bounds.BOUNDS[name]
    bounds.check(name, 1)
    told = f"it has to be .* at most, {re.escape(bound.why)}; got"
    for value in (2 * bound.most, (1, 2 * bound.most)):
        with pytest.raises(ValueError, match=told):
            bounds.check(name, value)


@pytest.mark.parametrize(
    ("override", "told"),
    [
        (
            f"segmenter.unet.depth={2**63}",
            "Setting 'segmenter.unet.depth': it has to be 12 at most, for each one halves the"
            " sides, and 12 make one pixel of 4,096; got 9223372036854775808.",
        ),
        ("prepare.size=[16384, 16384]", "it has to be 67,108,864 pixels at most"),
        ("prepare.size=[16385, 1]", "it has to be 16,384 at most"),
        ("seeds=[1, 4294967296]", "4294967296"),
        ("segmenter.learning_rate=1e300", "it has to be 1,000 at most"),
        ("prepare.workers=100000", "it has to be 1,024 at most, for each one takes memory"),
        ("translator.cyclegan.pipeline.crop=[99999, 64]", "it has to be 16,384 at most"),
    ],
)
def test_settings_that_are_too_large_end_in_one_sentence(override, told):
    with pytest.raises(SettingsError) as error:
        config.build(Settings, config.read("demo", [override]))
    assert told in str(error.value)
    assert str(error.value).startswith(f"Setting '{override.partition('=')[0]}")
