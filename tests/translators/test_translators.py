"""What is true of every translator, and of every adversarial one."""

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.errors import DataError
from i2i_keras.models.networks import build_generator
from i2i_keras.run_folder import files
from i2i_keras.training.checkpoints import list_checkpoints
from i2i_keras.translators import TRANSLATORS, Translator

X = tf.constant(np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)), tf.float32)


# Settings and trainings of those that take long to train.
ADVERSARIAL = {
    "cyclegan": ("tiny", "fitted"),
    "cycada": ("tiny_cycada", "fitted_cycada"),
    "cut": ("tiny_cut", "fitted_cut"),
}

NAMES = [pytest.param(name, marks=[pytest.mark.slow] * (name == "cycada")) for name in TRANSLATORS]


def fit_of(translator, request):
    """A training from settings, images, folder and seed."""
    if not translator.needs_segmenter:
        return translator.fit
    return partial(translator.fit, segment=request.getfixturevalue("segment"))


@pytest.mark.parametrize("name", TRANSLATORS)
def test_a_training_sees_paths_of_images_and_no_labels(name):
    names = list(inspect.signature(TRANSLATORS[name].fit).parameters)
    # What else is `given` is the source's segmenter, where a method needs it.
    more = ["given"] if name in ADVERSARIAL else []
    assert names == ["config", "images_x", "images_y", "folder", "seed", *more]


@pytest.mark.parametrize("name", sorted(ADVERSARIAL))
def test_a_training_is_given_no_more_than_it_knows(name, request, images, tmp_path):
    fit = fit_of(TRANSLATORS[name], request)
    with pytest.raises(TypeError, match="labels"):
        fit(TRANSLATORS[name].config(), *images, tmp_path, 7, labels=images[0])


@pytest.mark.parametrize("name", NAMES)
def test_every_translator_keeps_its_contract(name, request, images, tmp_path):
    translator = TRANSLATORS[name]
    config, folder = translator.config(), tmp_path
    if name in ADVERSARIAL:  # It is trained already.
        settings, trained = map(request.getfixturevalue, ADVERSARIAL[name])
        config, folder = settings(), trained.whole
    assert isinstance(config, translator.config)
    facts = fit_of(translator, request)(config, *images, folder, 7)
    assert isinstance(dict(facts), dict)
    for direction in translator.directions:
        translated = translator.load(folder, direction)(X[:, :15, :13])
        assert translated.shape == (2, 15, 13, 3)
        assert -1.0 <= np.min(translated) <= np.max(translated) <= 1.0


# --- Adversarial ones: the training -------------------------------------------


class Method(NamedTuple):
    """A method, and trainings of it.

    Attributes:
        translator: what the registry has of it.
        build: makes tiny settings, with changes to any of them.
        fitted: a training, and the same one killed and continued.
        averaged: folder of a training of two epochs, of another seed, with
            averages and without an identity loss.
        again: runs that training once more; returns its facts.
    """

    translator: Translator
    build: Callable[..., Any]
    fitted: Any
    averaged: Path
    again: Callable[[], dict[str, Any]]


@pytest.fixture(
    scope="module",
    params=["cyclegan", "cut", pytest.param("cycada", marks=pytest.mark.slow)],
)
def method(request, images, tmp_path_factory):
    translator = TRANSLATORS[request.param]
    build, fitted = map(request.getfixturevalue, ADVERSARIAL[request.param])
    config = build(ema=0.9, steps=None, epochs=2.0, checkpoint_every=1, lambda_identity=0.0)
    folder = tmp_path_factory.mktemp("averaged")
    train = partial(fit_of(translator, request), config, *images, folder, 8)
    train()
    return Method(translator, build, fitted, folder, train)


def saved(path):
    """All arrays of a weights file, by name."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, node: found.update(
                {name: node[()]} if isinstance(node, h5py.Dataset) else {}
            )
        )
    return found


def test_a_training_killed_and_continued_gives_the_very_same_weights(method):
    one, two = (sorted(folder.glob("*.weights.h5")) for folder in method.fitted)
    assert [path.name for path in one] == [path.name for path in two] and len(one) > 2
    for paths in zip(one, two, strict=True):
        arrays, same = map(saved, paths)
        assert arrays.keys() == same.keys() and arrays
        for name in arrays:
            np.testing.assert_array_equal(arrays[name], same[name], f"{paths[0].name}: {name}")


def test_a_training_killed_and_continued_has_the_very_same_history(method):
    one, two = ((folder / "history.csv").read_bytes() for folder in method.fitted)
    assert one == two


def test_a_training_killed_and_continued_has_the_very_same_state(method):
    one, two = (tf.train.load_checkpoint(str(f / "checkpoints/ckpt-4")) for f in method.fitted)
    names = [n for n in one.get_variable_to_shape_map() if not n.startswith("_CHECKPOINTABLE")]
    assert any("pool_y" in name for name in names) and len(names) > 30
    for name in names:
        np.testing.assert_array_equal(one.get_tensor(name), two.get_tensor(name), name)


def test_a_finished_training_is_not_gone_on_with(method):
    history = method.averaged / "history.csv"
    before = history.stat().st_mtime_ns
    # Three and five images in batches of 2, two epochs over the smaller domain.
    assert method.again()["steps"] == 2
    assert history.stat().st_mtime_ns == before


def test_another_seed_gives_other_networks(method):
    paths = sorted(method.fitted.whole.glob("*.weights.h5"))
    assert len(paths) > 2
    for path in paths:
        one, two = saved(path), saved(method.averaged / path.name)
        # A step moves a weight by 2e-4; weights of another start are 0.02 away.
        assert max(np.abs(one[name] - two[name]).max() for name in one) > 0.01, path.name


def test_an_identity_loss_without_weight_is_reported_as_zero(method):
    rows = files.read_table(method.averaged / "history.csv")
    assert [float(row["identity_loss"]) for row in rows] == [0.0, 0.0]


def test_there_is_a_row_and_a_sample_picture_for_each_checkpoint(method):
    rows = files.read_table(method.fitted.whole / "history.csv")
    assert [row["step"] for row in rows] == ["2", "4"]
    pictures = sorted((method.fitted.whole / "samples").iterdir())
    assert [p.name for p in pictures] == ["step-000002.png", "step-000004.png"]


# --- Adversarial ones: the trained translator ---------------------------------


def test_any_size_comes_back_as_it_went_in(method):
    images = tf.random.stateless_uniform((2, 33, 35, 3), (0, 1), -1, 1)
    for direction in method.translator.directions:
        translated = method.translator.load(method.fitted.whole, direction)(images)
        assert translated.shape == images.shape
        assert np.abs(translated).max() <= 1.0


@pytest.mark.parametrize("ema", [None, True, False])
def test_averages_translate_unless_asked_not_to(method, ema):
    load = method.translator.load
    for direction in method.translator.directions:
        name = f"generator_{direction}" + ("" if ema is False else "_ema")
        generator = build_generator(method.build().generator, "generator")
        generator.load_weights(method.averaged / f"{name}.weights.h5")
        translate = load(method.averaged, direction, **({} if ema is None else {"ema": ema}))
        np.testing.assert_allclose(translate(X), generator(X, training=False), atol=1e-6)


def test_averages_are_not_the_generators(method):
    names = ("generator_xy", "generator_xy_ema")
    one, two = (saved(method.averaged / f"{name}.weights.h5") for name in names)
    assert any(not np.array_equal(*pair) for pair in zip(one.values(), two.values(), strict=True))


# --- Adversarial ones: earlier checkpoints -----------------------------------


@pytest.mark.parametrize("ema", [True, False])
def test_the_last_state_is_what_was_saved_at_the_end(method, ema):
    assert list_checkpoints(method.averaged) == [1, 2]
    for direction in method.translator.directions:
        end, last, first = (
            method.translator.load_generator(method.averaged, direction, ema=ema, step=step)
            for step in (None, 2, 1)
        )
        for one, other in zip(end.get_weights(), last.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
        assert np.abs(first(X) - last(X)).max() > 0


def test_a_state_translates_by_averages_where_there_are(method):
    state = method.translator.load(method.averaged, "xy", step=2)
    wanted = method.translator.load(method.averaged, "xy")
    np.testing.assert_allclose(state(X), wanted(X), atol=1e-6)


def test_a_state_that_is_not_kept_is_refused(method):
    with pytest.raises(DataError, match="ckpt-3 cannot be read as a checkpoint of generator_xy"):
        method.translator.load(method.fitted.whole, "xy", step=3)
