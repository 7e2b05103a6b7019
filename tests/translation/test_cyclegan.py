import inspect
import shutil

import h5py
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras import runs
from i2i_keras.data.records import Record
from i2i_keras.errors import DataError
from i2i_keras.models.generator import build_generator
from i2i_keras.training.checkpoints import Checkpoints, kept_steps
from i2i_keras.translation import TRANSLATORS, cyclegan, health, inference
from i2i_keras.translation.cyclegan import (
    NETWORKS,
    CycleGAN,
    fit,
    load,
    load_generator,
    load_state,
)

RNG = np.random.default_rng(0)
X, Y = (tf.constant(RNG.uniform(-1, 1, (2, 16, 16, 3)), tf.float32) for _ in "xy")

RICH = {
    "adversarial": "hinge",
    "critic_steps": 2,
    "gradient_penalty": 1.0,
    "r1": 1.0,
    "r1_every": 2,
    "cycle_ssim": 0.5,
    "instance_noise": 0.1,
    "augment": ["color", "translation", "cutout"],
    "discriminator_learning_rate": 1e-4,
    "clip_norm": 1.0,
    "ema": 0.9,
    "schedule": "plateau",
    "patience": 1,
    "checkpoint_every": 1,
    "pipeline": {"batch_size": 1, "crop": [16, 16]},
}


@pytest.fixture(scope="module")
def rich(tmp_path_factory, tiny, images):
    """The folder of a training of two epochs with much switched on."""
    folder = tmp_path_factory.mktemp("rich")
    # Two images of each domain a step; the smaller one has three.
    facts = fit(tiny(**RICH, steps=None, epochs=2.0), *images, folder, 7)
    assert facts["steps"] == 2
    return folder


@pytest.fixture(scope="module")
def other(tmp_path_factory, tiny, images):
    """A training of another seed, for an epoch, without an identity loss."""
    folder = tmp_path_factory.mktemp("other")
    return folder, fit(tiny(steps=None, epochs=1.0, lambda_identity=0.0), *images, folder, 8)


@pytest.fixture(scope="module")
def translate(fitted):
    """The trained translator of either direction."""
    return {direction: load(fitted.whole, direction) for direction in ("xy", "yx")}


def history(folder):
    return runs.read_table(folder / "history.csv")


def saved(folder, network):
    """All arrays of a weights file, by name."""
    found = {}
    with h5py.File(folder / f"{network}.weights.h5") as file:
        file.visititems(
            lambda name, node: found.update(
                {name: node[()]} if isinstance(node, h5py.Dataset) else {}
            )
        )
    return found


# --- The training -----------------------------------------------------------


def test_a_training_sees_paths_of_images_and_nothing_else():
    names = list(inspect.signature(fit).parameters)
    assert names == ["config", "images_x", "images_y", "folder", "seed"]


def test_the_history_has_a_row_a_checkpoint(fitted):
    rows = history(fitted.whole)
    assert [row["step"] for row in rows] == ["2", "4"]
    assert list(rows[0])[:-8] == [
        "step",
        *CycleGAN.LOSSES,
        *health.SIGNALS,
        "generator_learning_rate",
        "discriminator_learning_rate",
    ]
    assert list(rows[0])[-8::2] == [
        "style_distance_xy",
        "luminance_correlation_xy",
        "diversity_xy",
        "checkerboard_xy",
    ]


def test_the_learning_rate_falls_in_the_second_half(fitted):
    # A row holds the rate of its own step; the fifth step's would be zero.
    for kind in ("generator", "discriminator"):
        rates = [float(row[f"{kind}_learning_rate"]) for row in history(fitted.whole)]
        np.testing.assert_allclose(rates, [2e-4, 1e-4], rtol=1e-6)


def test_sample_pictures_hold_there_and_back_of_both_domains(fitted):
    pictures = sorted((fitted.whole / "samples").iterdir())
    assert [p.name for p in pictures] == ["step-000002.png", "step-000004.png"]
    with Image.open(pictures[0]) as picture:
        assert picture.size == (6 * 24, 20)


def test_sample_pictures_are_of_the_weights_of_their_step(tiny, images):
    model = CycleGAN(tiny())
    look = cyclegan._sampler(model, *([Record("", paths[0], None)] for paths in images))
    before, _ = look()
    model.generator_xy.set_weights([10.0 * w for w in model.generator_xy.get_weights()])
    after, _ = look()
    changed = [
        np.abs(after.astype(int) - before)[:, 24 * column : 24 * (column + 1)].max() > 0
        for column in range(6)
    ]
    # x, fake y, cycled x, y, fake x, cycled y.
    assert changed == [False, True, True, False, False, True]


@pytest.mark.parametrize("network", NETWORKS)
def test_a_training_killed_and_continued_gives_the_very_same_weights(fitted, network):
    one, two = (saved(folder, network) for folder in fitted)
    assert one.keys() == two.keys() and one
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], name)


def test_a_training_killed_and_continued_has_the_very_same_history(fitted):
    one, two = ((folder / "history.csv").read_bytes() for folder in fitted)
    assert one == two


def test_a_training_killed_and_continued_has_the_very_same_state(fitted):
    one, two = (tf.train.load_checkpoint(str(f / "checkpoints" / "ckpt-4")) for f in fitted)
    names = [n for n in one.get_variable_to_shape_map() if not n.startswith("_CHECKPOINTABLE")]
    assert any("pool_x/images" in name for name in names)
    assert any("generator_optimizer" in name for name in names)
    for name in names:
        np.testing.assert_array_equal(one.get_tensor(name), two.get_tensor(name), name)


def test_a_finished_training_is_not_gone_on_with(fitted, tiny, images):
    before = (fitted.whole / "history.csv").stat().st_mtime_ns
    assert fit(tiny(), *images, fitted.whole, 7)["steps"] == 4
    assert (fitted.whole / "history.csv").stat().st_mtime_ns == before


@pytest.mark.parametrize("network", NETWORKS)
def test_another_seed_gives_another_network(fitted, other, network):
    one, two = saved(fitted.whole, network), saved(other[0], network)
    # A step moves a weight by 2e-4; weights of another start are 0.02 away.
    assert max(np.abs(one[name] - two[name]).max() for name in one) > 0.01


def test_an_epoch_is_one_over_the_smaller_domain(other):
    # Three and five images in batches of 2.
    assert other[1]["steps"] == 1


def test_an_identity_loss_without_weight_is_reported_as_zero(other):
    assert [float(row["identity_loss"]) for row in history(other[0])] == [0.0]


def test_the_history_holds_what_is_switched_on(rich):
    [first, second] = history(rich)
    assert [*CycleGAN.LOSSES, "gradient_penalty_x", "gradient_penalty_y", "r1_x", "r1_y"] == [
        name for name in first if name in CycleGAN.LOSSES or "penalty" in name or "r1_" in name
    ]
    assert float(first["discriminator_learning_rate"]) == pytest.approx(1e-4)
    # Lazy: in the first of two steps, and twofold.
    assert float(first["r1_x"]) > 0 == float(second["r1_x"])


def test_averaged_generators_are_saved_beside_the_others(rich):
    files = {path.name.partition(".")[0] for path in rich.glob("*.weights.h5")}
    assert files == {*NETWORKS, "generator_xy_ema", "generator_yx_ema"}


@pytest.mark.parametrize("direction", ["xy", "yx"])
@pytest.mark.parametrize("ema", [None, True, False])
def test_averaged_generators_translate_unless_asked_not_to(rich, tiny, direction, ema):
    name = f"generator_{direction}" + ("" if ema is False else "_ema")
    generator = build_generator(tiny().generator, "generator")
    generator.load_weights(rich / f"{name}.weights.h5")
    translate = load(rich, direction) if ema is None else load(rich, direction, ema=ema)
    np.testing.assert_allclose(translate(X), generator(X, training=False), atol=1e-6)


def test_averages_are_not_the_generators(rich):
    one, two = (saved(rich, name) for name in ("generator_xy", "generator_xy_ema"))
    assert any(not np.array_equal(*pair) for pair in zip(one.values(), two.values(), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    "discriminator", [{"norm": "none", "dropout": 0.3, "spectral_norm": True}, {}]
)
def test_a_training_with_all_switched_on_continues_exactly_as_well(
    tiny, images, tmp_path, discriminator
):
    small = {"filters": 2, "num_downsamplings": 1}
    config = tiny(**RICH | {"steps": 3, "discriminator": small | discriminator})
    fit(config, *images, tmp_path / "whole", 0)
    states = tmp_path / "resumed" / "checkpoints"
    states.mkdir(parents=True)
    for path in (tmp_path / "whole" / "checkpoints").glob("ckpt-2*"):
        (states / path.name).write_bytes(path.read_bytes())
    fit(config, *images, tmp_path / "resumed", 0)
    one, two = (
        tf.train.load_checkpoint(str(tmp_path / f / "checkpoints" / "ckpt-3"))
        for f in ("whole", "resumed")
    )
    names = one.get_variable_to_shape_map()
    for part in ("plateau/factor", "generator_xy_ema", "pool_x/images"):
        assert any(part in name for name in names), part
    for name in names:
        if not name.startswith("_CHECKPOINTABLE"):
            np.testing.assert_array_equal(one.get_tensor(name), two.get_tensor(name), name)


# --- The trained translator -------------------------------------------------


@pytest.mark.parametrize("direction", ["xy", "yx"])
def test_any_size_comes_back_as_it_went_in(translate, direction):
    images = tf.random.stateless_uniform((2, 33, 35, 3), (0, 1), -1, 1)
    translated = translate[direction](images)
    assert translated.shape == images.shape
    assert np.abs(translated).max() <= 1.0


@pytest.mark.parametrize("direction", ["xy", "yx"])
def test_it_is_the_generator_of_that_direction(translate, fitted, tiny, direction):
    generator = build_generator(tiny().generator, "generator")
    generator.load_weights(fitted.whole / f"generator_{direction}.weights.h5")
    np.testing.assert_allclose(translate[direction](X), generator(X, training=False), atol=1e-6)


def test_the_two_directions_differ(translate):
    assert not np.allclose(translate["xy"](X), translate["yx"](X))


def test_at_a_fitting_size_nothing_is_padded(tiny):
    generator = build_generator(tiny().generator, "generator")
    np.testing.assert_allclose(
        inference.any_size(generator, batch=None)(X), generator(X), atol=1e-6
    )


def test_a_folder_without_a_translator_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"config.json is missing; run the stage"):
        load(tmp_path)


def test_a_translator_from_before_a_setting_existed_can_be_loaded(fitted, tmp_path):
    for path in fitted.whole.glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    facts = runs.read_json(tmp_path / "config.json")
    for name in ("ema", "precision", "critic_steps", "augment", "schedule"):
        del facts[name]
    runs.write_json(tmp_path / "config.json", facts)
    np.testing.assert_array_equal(load(tmp_path)(X), load(fitted.whole)(X))


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_images_are_translated_in_the_precision_of_the_training(fitted, tmp_path, precision):
    for path in fitted.whole.glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    facts = runs.read_json(tmp_path / "config.json") | {"precision": precision}
    runs.write_json(tmp_path / "config.json", facts)
    images, precise = load(tmp_path)(X), load(fitted.whole)(X)
    assert images.dtype == tf.float32
    assert 0 < np.abs(images - precise).max() < 0.02


# --- The registry -----------------------------------------------------------

FIXTURES = {"cyclegan": ("tiny", "fitted"), "cut": ("tiny_cut", "fitted_cut")}


@pytest.mark.parametrize("method", TRANSLATORS)
def test_every_translator_keeps_its_contract(method, request, images, tmp_path):
    translator = TRANSLATORS[method]
    config, folder = translator.config(), tmp_path
    if method in FIXTURES:  # It is trained already.
        settings, trained = map(request.getfixturevalue, FIXTURES[method])
        config, folder = settings(), trained.whole
    assert isinstance(config, translator.config)
    assert isinstance(dict(translator.fit(config, *images, folder, 7)), dict)
    for direction in translator.directions:
        translated = translator.load(folder, direction)(X[:, :15, :13])
        assert translated.shape == (2, 15, 13, 3)
        assert -1.0 <= np.min(translated) <= np.max(translated) <= 1.0


# --- Earlier states -----------------------------------------------------------


@pytest.mark.parametrize("direction", ["xy", "yx"])
@pytest.mark.parametrize("ema", [True, False])
def test_the_last_state_is_what_was_saved_at_the_end(rich, direction, ema):
    end = load_generator(rich, direction, ema=ema)
    state = load_generator(rich, direction, ema=ema, step=2)
    for one, other in zip(end.get_weights(), state.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_state_translates_by_averages_where_there_are(rich):
    assert kept_steps(rich) == [1, 2]
    for step in (1, 2):
        average = load_generator(rich, "xy", step=step)
        wanted = inference.any_size(average, batch=None)(X)
        np.testing.assert_array_equal(load_state(rich, "xy", step)(X), wanted)
    np.testing.assert_array_equal(wanted, load(rich, "xy")(X))


def test_an_earlier_state_is_the_generator_that_a_training_would_go_on_with(fitted, tiny, tmp_path):
    model = CycleGAN(tiny(), 7)
    model.compile(4)
    ignored = shutil.ignore_patterns("ckpt-4*")
    shutil.copytree(fitted.whole / "checkpoints", tmp_path / "checkpoints", ignore=ignored)
    assert Checkpoints(model, tmp_path).restore().step == 2
    for direction, wanted in zip(("xy", "yx"), model.translators, strict=True):
        early, late = (load_generator(fitted.whole, direction, step=s) for s in (2, None))
        for weights, same in zip(early.get_weights(), wanted.get_weights(), strict=True):
            np.testing.assert_array_equal(weights, same)
        assert np.abs(early(X) - late(X)).max() > 0


def test_a_state_that_is_not_kept_is_refused(fitted):
    with pytest.raises(DataError, match="ckpt-3 cannot be read as a state of generator_xy"):
        load_state(fitted.whole, "xy", 3)
