"""Trainings that begin with another run's translator."""

import shutil
from functools import partial
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pytest

from i2i_keras.errors import DataError, FileError
from i2i_keras.run_folder import files
from i2i_keras.training.checkpoints import NO_FACTS
from i2i_keras.translators import TRANSLATORS, cycada, cyclegan, initial
from i2i_keras.translators.cut import CUT
from i2i_keras.translators.cyclegan import CycleGAN, CycleGANConfig


def saved(folder):
    """All arrays of all networks of a translator, by file and place."""
    found = {}
    for path in sorted(folder.glob("*.weights.h5")):
        with h5py.File(path) as file:
            names = []
            file.visit(names.append)
            nodes = {f"{path.name}:{name}": file[name] for name in names}
            found |= {n: node[()] for n, node in nodes.items() if isinstance(node, h5py.Dataset)}
    return found


def assert_begins_with(model, folder, tmp_path):
    """The model's networks, saved anew, are those of the folder."""
    initial.load(model)
    for network in model.networks:
        network.save_weights(tmp_path / f"{network.name}.weights.h5")
    mine, theirs = saved(tmp_path), saved(folder)
    assert mine.keys() == theirs.keys() and len(mine) > 10
    for name, array in mine.items():
        np.testing.assert_array_equal(array, theirs[name], name)


@pytest.fixture(scope="module")
def averaged(tmp_path_factory, tiny, images):
    """A run directory of a CycleGAN with averaged generators."""
    root = tmp_path_factory.mktemp("averaged")
    folder = root / "train-translator" / "cyclegan"
    cyclegan.fit(tiny(ema=0.9), *images, folder, 3)
    return root


class Begun(NamedTuple):
    """A training that began with a translator, which is not there any more."""

    folder: Path
    settings: CycleGANConfig
    place: Path


@pytest.fixture(scope="module")
def begun(tmp_path_factory, fitted, tiny, images):
    folder = tmp_path_factory.mktemp("begun")
    place = tmp_path_factory.mktemp("first") / "a-place-of-its-own"
    shutil.copytree(fitted.whole, place)
    settings = tiny(initial=str(place))
    cyclegan.fit(settings, *images, folder, 7)
    shutil.rmtree(place)
    return Begun(folder, settings, place)


def copied(folder, root, method="cyclegan"):
    """A run directory with a translator that was trained elsewhere."""
    there = root / "train-translator" / method
    shutil.copytree(folder, there)
    return there


# --- What a training begins with --------------------------------------------


def test_all_networks_and_averages_are_those_of_the_other_run(averaged, tiny, tmp_path):
    model = CycleGAN(tiny(ema=0.9, initial=str(averaged)), 8)
    assert len(model.networks) == 6
    assert_begins_with(model, averaged / "train-translator" / "cyclegan", tmp_path)


def test_the_projections_of_cut_are_taken_too(fitted_cut, tiny_cut, tmp_path):
    model = CUT(tiny_cut(initial=str(fitted_cut.whole)), 8)
    assert model.heads in model.networks
    assert_begins_with(model, fitted_cut.whole, tmp_path)


def test_cycada_may_begin_with_a_cyclegan(fitted, tiny_cycada, segment, tmp_path):
    root = tmp_path / "run"
    folder = copied(fitted.whole, root)
    settings = tiny_cycada(initial=str(root))
    (tmp_path / "saved").mkdir()
    assert_begins_with(cycada.CyCADA(settings, 8, segment), folder, tmp_path / "saved")


def test_losses_and_rates_may_be_others(fitted, tiny):
    initial.load(CycleGAN(tiny(initial=str(fitted.whole), lambda_cycle=1.0, learning_rate=1.0), 8))


def test_a_training_goes_another_way_from_there_than_from_scratch(fitted, begun):
    further, scratch = saved(begun.folder), saved(fitted.whole)
    assert any(not np.array_equal(further[name], scratch[name]) for name in scratch)
    # Four steps of Adam are no long way.
    assert max(np.abs(further[n] - scratch[n]).max() for n in scratch) < 0.1


def test_a_resumed_training_has_the_same_bits_and_does_not_read_them_again(begun, images, tmp_path):
    ignored = shutil.ignore_patterns("ckpt-4*")
    shutil.copytree(begun.folder / "checkpoints", tmp_path / "checkpoints", ignore=ignored)
    shutil.copy(begun.folder / "history.csv", tmp_path)
    assert not begun.place.exists()
    cyclegan.fit(begun.settings, *images, tmp_path, 7)
    one, two = saved(begun.folder), saved(tmp_path)
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], name)
    assert (begun.folder / "history.csv").read_bytes() == (tmp_path / "history.csv").read_bytes()


# --- What is written down ---------------------------------------------------


@pytest.mark.parametrize("method", ["cyclegan", "cycada", "cut"])
def test_each_method_knows_its_own_name(method):
    config = TRANSLATORS[method].config
    assert method == config.METHOD


def test_a_training_without_has_the_facts_that_it_always_had(tiny):
    facts = tiny().facts()
    assert "initial" not in facts
    without = {"initial", *NO_FACTS}
    given = tiny().model_dump(mode="json")
    assert facts == {k: v for k, v in given.items() if k not in without}


def test_the_facts_hold_the_weights_not_their_place(fitted, tiny, tmp_path):
    here, there = copied(fitted.whole, tmp_path / "here"), copied(fitted.whole, tmp_path / "there")
    facts = [tiny(initial=str(folder)).facts()["initial"] for folder in (here, there)]
    assert facts[0] == facts[1] and facts[0].startswith("sha256 ") and len(facts[0]) == 23
    shutil.copy(there / "discriminator_x.weights.h5", there / "discriminator_y.weights.h5")
    assert tiny(initial=str(there)).facts()["initial"] != facts[0]


def test_the_folder_does_not_hold_the_path(begun):
    assert "initial" not in files.read_json(begun.folder / "config.json")
    for path in begun.folder.rglob("*"):
        assert path.is_dir() or begun.place.name.encode() not in path.read_bytes(), path


# --- Where they are looked for ----------------------------------------------


def test_a_run_a_seed_and_a_folder_are_the_same_place(fitted, tmp_path):
    folder = copied(fitted.whole, tmp_path / "run" / "seed-3")
    for path in (folder, tmp_path / "run" / "seed-3"):
        assert initial.find(str(path), "cyclegan") == folder
        assert initial.find(str(path), "cycada") == folder


def test_the_methods_own_is_taken_before_others(fitted, tmp_path):
    for method in ("cyclegan", "cut"):
        folder = copied(fitted.whole, tmp_path, method)
        assert initial.find(str(tmp_path), method) == folder
    with pytest.raises(FileError, match=r"holds translators of cut and cyclegan, but none of cyc"):
        initial.find(str(tmp_path), "cycada")


def test_what_is_no_translator_is_refused_by_its_place(fitted, tmp_path):
    def refused(path):
        with pytest.raises(FileError) as error:
            initial.find(str(path), "cyclegan")
        return str(error.value)

    give = "give a run directory, a seed-N folder in one, or a train-translator/METHOD folder."
    assert refused(tmp_path / "no") == f"{tmp_path / 'no'} is not there; {give}"
    assert refused(tmp_path) == f"{tmp_path} holds no weights of a translator; {give}"
    copied(fitted.whole, tmp_path / "seed-3")
    assert refused(tmp_path) == (
        f"{tmp_path} has a translator for each seed;"
        f" give the folder of one, such as {tmp_path / 'seed-3'}."
    )
    (tmp_path / "train-translator" / "cyclegan").mkdir(parents=True)
    assert refused(tmp_path) == (
        f"{tmp_path / 'train-translator/cyclegan'} has no weights yet; finish its training first."
    )


# --- What does not fit ------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "name", "was", "now"),
    [
        ("generator", "filters", 2, 3),
        ("generator", "padding", "reflect", "zero"),
        ("discriminator", "num_downsamplings", 1, 2),
        ("discriminator", "norm", "instance", "none"),
        ("discriminator", "dropout", 0.0, 0.2),
    ],
)
def test_networks_of_other_sizes_are_refused_by_both_settings(fitted, tiny, part, name, was, now):
    own = {**getattr(tiny(), part).model_dump(), name: now}
    with pytest.raises(FileError) as error:
        initial.load(CycleGAN(tiny(initial=str(fitted.whole), **{part: own}), 8))
    assert str(error.value) == (
        f"{fitted.whole / 'config.json'} has {part}.{name} = {was}, but"
        f" translator.cyclegan.{part}.{name} is {now};"
        f" set that to {was}, or begin with another translator."
    )


def test_projections_of_another_width_are_refused(fitted_cut, tiny_cut):
    with pytest.raises(FileError, match=r"has projection = 8, but translator.cut.projection is 9;"):
        initial.load(CUT(tiny_cut(initial=str(fitted_cut.whole), projection=9), 8))


def test_a_missing_network_is_refused_by_its_name(fitted, fitted_cut, tiny, tiny_cut):
    for build, folder, missing in (
        (partial(CUT, tiny_cut(initial=str(fitted.whole))), fitted.whole, "heads"),
        (partial(CycleGAN, tiny(initial=str(fitted_cut.whole))), fitted_cut.whole, "generator_yx"),
        (
            partial(CycleGAN, tiny(initial=str(fitted.whole), ema=0.9)),
            fitted.whole,
            "generator_xy_e",
        ),
    ):
        with pytest.raises(FileError) as error:
            initial.load(build(8))
        assert str(error.value).startswith(f"{folder / missing}")
        assert "begin with a translator that has this network" in str(error.value)
    assert str(error.value).endswith(", or set translator.cyclegan.ema = 0.")


def test_broken_weights_are_named(fitted, tiny, tmp_path):
    folder = copied(fitted.whole, tmp_path)
    (folder / "generator_yx.weights.h5").write_text("no weights", "utf-8")
    with pytest.raises(FileError, match=r"generator_yx.weights.h5 cannot be read as .*; begin wi"):
        initial.load(CycleGAN(tiny(initial=str(folder)), 8))
    (folder / "config.json").unlink()
    with pytest.raises(FileError, match=r"config.json is missing; give a run directory"):
        initial.load(CycleGAN(tiny(initial=str(folder)), 8))


# --- States of other trainings ------------------------------------------------


def test_a_state_that_another_training_made_is_refused(fitted, tiny, images, tmp_path):
    shutil.copytree(fitted.whole / "checkpoints", tmp_path / "checkpoints")
    message = f"^{tmp_path / 'checkpoints'} was made with other settings or another seed; go on "
    for settings, seed in ((tiny(lambda_cycle=1.0), 7), (tiny(), 8)):
        with pytest.raises(DataError, match=message):
            cyclegan.fit(settings, *images, tmp_path, seed)
    # How often states are kept changes no step.
    cyclegan.fit(tiny(keep_checkpoints=5, checkpoint_minutes=9.0), *images, tmp_path, 7)
