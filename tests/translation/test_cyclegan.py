import inspect

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras import config as settings
from i2i_keras import runs
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.models.generator import build_generator
from i2i_keras.translation import TRANSLATORS
from i2i_keras.translation.cyclegan import (
    NETWORKS,
    CycleGAN,
    CycleGANConfig,
    any_size,
    fit,
    load,
)

RNG = np.random.default_rng(0)
X, Y = (tf.constant(RNG.uniform(-1, 1, (2, 16, 16, 3)), tf.float32) for _ in "xy")

SMALL = {"filters": 2, "num_downsamplings": 1, "outer_kernel": 3}
REACHED = {
    "adversarial_xy": {"generator_xy", "discriminator_y"},
    "adversarial_yx": {"generator_yx", "discriminator_x"},
    "cycle_loss": {"generator_xy", "generator_yx"},
    "identity_loss": {"generator_xy", "generator_yx"},
}


@pytest.fixture(scope="module")
def stepped(tiny):
    """The model after a step, its weights before it, and what it reported."""
    model = CycleGAN(tiny(generator={**SMALL, "num_residual_blocks": 1}))
    model.compile(4)
    before = {name: weights(model, name) for name in NETWORKS}
    return model, before, model.train_on_batch(X, Y, return_dict=True)


@pytest.fixture(scope="module")
def model(stepped):
    return stepped[0]


@pytest.fixture(scope="module")
def other(tmp_path_factory, tiny, images):
    """A training of another seed, for an epoch, without an identity loss."""
    folder = tmp_path_factory.mktemp("other")
    return folder, fit(tiny(steps=None, epochs=1.0, lambda_identity=0.0), *images, folder, 8)


@pytest.fixture(scope="module")
def translate(fitted):
    """The trained translator of either direction."""
    return {direction: load(fitted.whole, direction) for direction in ("xy", "yx")}


def weights(model, network):
    return [v.numpy() for v in getattr(model, network).trainable_variables]


def reached(model, loss_of):
    """The networks to whose variables a loss has a gradient that is not 0."""
    with tf.GradientTape(persistent=True) as tape:
        loss = loss_of(model)
    found = set()
    for name in NETWORKS:
        gradients = tape.gradient(loss, getattr(model, name).trainable_variables)
        if any(g is not None and np.abs(g).max() > 0 for g in gradients):
            found.add(name)
    return found


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


# --- Networks and losses ----------------------------------------------------


@pytest.mark.parametrize("pair", [NETWORKS[:2], NETWORKS[2:]], ids=["generators", "discriminators"])
def test_two_networks_of_a_kind_start_apart(stepped, pair):
    for one, two in zip(*(stepped[1][name] for name in pair), strict=True):
        if one.ndim == 4:  # Kernels; offsets all start at 0.
            assert not np.array_equal(one, two)


@pytest.mark.parametrize("term", REACHED)
def test_a_loss_reaches_exactly_its_networks(model, term):
    assert reached(model, lambda m: m.generator_losses(X, Y)[0][term]) == REACHED[term]


def cycle_of(first, second, images):
    """One direction of the cycle loss, by hand."""

    def loss(model):
        fakes = getattr(model, first)(images, training=True)
        return tf.reduce_mean(tf.abs(images - getattr(model, second)(fakes, training=True)))

    return loss


def test_each_direction_of_the_cycle_reaches_both_generators(model):
    forward = cycle_of("generator_xy", "generator_yx", X)
    backward = cycle_of("generator_yx", "generator_xy", Y)
    both = {"generator_xy", "generator_yx"}
    assert reached(model, forward) == reached(model, backward) == both
    np.testing.assert_allclose(
        model.generator_losses(X, Y)[0]["cycle_loss"], forward(model) + backward(model), rtol=1e-6
    )


def test_the_identity_loss_is_what_generators_change_in_their_own_domain(model):
    expected = tf.reduce_mean(tf.abs(model.generator_xy(Y) - Y)) + tf.reduce_mean(
        tf.abs(model.generator_yx(X) - X)
    )
    np.testing.assert_allclose(
        model.generator_losses(X, Y)[0]["identity_loss"], expected, rtol=1e-6
    )


def test_fakes_are_those_of_the_other_domain(model):
    _, fake_x, fake_y = model.generator_losses(X, Y)
    np.testing.assert_array_equal(fake_y, model.generator_xy(X, training=True))
    np.testing.assert_array_equal(fake_x, model.generator_yx(Y, training=True))


class Counted:
    """A network that counts how often it is run."""

    def __init__(self, network):
        self.network, self.calls = network, 0

    def __call__(self, *args, **kwargs):
        self.calls += 1
        return self.network(*args, **kwargs)


@pytest.mark.parametrize(("weight", "calls"), [(5.0, 3), (0.0, 2)])
def test_without_weight_the_identity_is_not_computed(model, tiny, monkeypatch, weight, calls):
    monkeypatch.setattr(model, "config", tiny(lambda_identity=weight))
    generator = Counted(model.generator_xy)
    monkeypatch.setattr(model, "generator_xy", generator)
    losses, _, _ = model.generator_losses(X, Y)
    assert generator.calls == calls
    assert (losses["identity_loss"] > 0) == (weight > 0)


def test_the_adversarial_loss_is_that_of_the_settings(model, tiny, monkeypatch):
    lsgan = model.generator_losses(X, Y)[0]
    monkeypatch.setattr(model, "config", tiny(adversarial="bce"))
    bce = model.generator_losses(X, Y)[0]
    logits = model.discriminator_y(model.generator_xy(X)).numpy()
    np.testing.assert_allclose(lsgan["adversarial_xy"], ((logits - 1) ** 2).mean(), rtol=1e-5)
    np.testing.assert_allclose(bce["adversarial_xy"], np.log1p(np.exp(-logits)).mean(), rtol=1e-5)
    assert lsgan["cycle_loss"] == bce["cycle_loss"]


# --- The step ---------------------------------------------------------------


def test_one_step_moves_every_weight_of_all_four_networks(stepped):
    model, before, _ = stepped
    for name in NETWORKS:
        variables = getattr(model, name).trainable_variables
        for old, new in zip(before[name], variables, strict=True):
            assert not np.array_equal(old, new), f"{name}: {new.name}"


def test_one_step_reports_every_loss(stepped):
    _, _, losses = stepped
    assert tuple(losses) == CycleGAN.LOSSES
    assert all(0 < loss < 10 for loss in losses.values())


def test_adam_moves_no_weight_further_than_its_rate(stepped):
    model, before, _ = stepped
    for name in NETWORKS:
        for old, new in zip(before[name], weights(model, name), strict=True):
            assert np.abs(new - old).max() <= model.config.learning_rate * 1.01


def test_one_step_puts_its_fakes_into_the_pools(stepped):
    model, _, _ = stepped
    assert int(model.pool_x.count) == int(model.pool_y.count) == 2
    assert np.abs(model.pool_x.images[:2]).max() > 0


def test_losses_are_means_since_the_last_row(stepped):
    model, _, first = stepped
    model.reset_metrics()
    assert all(mean.result() == 0 for mean in model.metrics)
    assert [mean.name for mean in model.metrics] == list(first)


# --- The training -----------------------------------------------------------


def test_a_training_sees_paths_of_images_and_nothing_else():
    names = list(inspect.signature(fit).parameters)
    assert names == ["config", "images_x", "images_y", "folder", "seed"]


def test_the_history_has_a_row_a_checkpoint(fitted):
    rows = history(fitted.whole)
    assert [row["step"] for row in rows] == ["2", "4"]
    assert list(rows[0]) == ["step", *CycleGAN.LOSSES, "learning_rate"]


def test_the_learning_rate_falls_in_the_second_half(fitted):
    # A row holds the rate of its own step; the fifth step's would be zero.
    rates = [float(row["learning_rate"]) for row in history(fitted.whole)]
    np.testing.assert_allclose(rates, [2e-4, 1e-4], rtol=1e-6)


def test_sample_pictures_hold_there_and_back_of_both_domains(fitted):
    pictures = sorted((fitted.whole / "samples").iterdir())
    assert [p.name for p in pictures] == ["step-000002.png", "step-000004.png"]
    with Image.open(pictures[0]) as picture:
        assert picture.size == (6 * 24, 20)


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
    assert fit(tiny(), *images, fitted.whole, 7) == {"steps": 4}
    assert (fitted.whole / "history.csv").stat().st_mtime_ns == before


@pytest.mark.parametrize("network", NETWORKS)
def test_another_seed_gives_another_network(fitted, other, network):
    one, two = saved(fitted.whole, network), saved(other[0], network)
    # A step moves a weight by 2e-4; weights of another start are 0.02 away.
    assert max(np.abs(one[name] - two[name]).max() for name in one) > 0.01


def test_an_epoch_is_one_over_the_smaller_domain(other):
    # Three and five images in batches of 2.
    assert other[1] == {"steps": 1}


def test_an_identity_loss_without_weight_is_reported_as_zero(other):
    assert [float(row["identity_loss"]) for row in history(other[0])] == [0.0]


@pytest.mark.slow
def test_a_training_with_dropout_continues_exactly_as_well(tiny, images, tmp_path):
    config = tiny(
        discriminator={"filters": 2, "num_downsamplings": 1, "dropout": 0.3},
        steps=2,
        checkpoint_every=1,
    )
    fit(config, *images, tmp_path / "whole", 0)
    states = tmp_path / "resumed" / "checkpoints"
    states.mkdir(parents=True)
    for path in (tmp_path / "whole" / "checkpoints").glob("ckpt-1*"):
        (states / path.name).write_bytes(path.read_bytes())
    (states / "checkpoint").write_text(
        'model_checkpoint_path: "ckpt-1"\nall_model_checkpoint_paths: "ckpt-1"\n', "utf-8"
    )
    fit(config, *images, tmp_path / "resumed", 0)
    one, two = (
        tf.train.load_checkpoint(str(tmp_path / f / "checkpoints" / "ckpt-2"))
        for f in ("whole", "resumed")
    )
    for name in one.get_variable_to_shape_map():
        if not name.startswith("_CHECKPOINTABLE"):
            np.testing.assert_array_equal(one.get_tensor(name), two.get_tensor(name), name)


@pytest.mark.slow  # XLA needs 20 s on two cores to compile even this.
def test_xla_changes_the_speed_and_not_the_losses(tiny):
    losses = []
    for xla in ("off", "on"):
        keras.utils.set_random_seed(3)
        model = CycleGAN(tiny(xla=xla))
        model.compile(4)
        losses.append([*model.train_on_batch(X, Y, return_dict=True).values()])
    np.testing.assert_allclose(*losses, rtol=1e-4)


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
    np.testing.assert_allclose(any_size(generator, 2)(X), generator(X), atol=1e-6)


def test_a_folder_without_a_translator_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"config.json is missing; run the stage"):
        load(tmp_path)


# --- Settings and the registry ----------------------------------------------


def test_a_crop_has_to_fit_the_generators_stride():
    with pytest.raises(SettingsError, match=r"pipeline.crop has to be a multiple of 4"):
        settings.build(CycleGANConfig, {"pipeline": {"crop": [30, 32]}})


def test_the_defaults_are_those_of_the_paper():
    paper = CycleGANConfig()
    assert (paper.lambda_cycle, paper.lambda_identity, paper.pool_size) == (10.0, 5.0, 50)
    assert (paper.learning_rate, paper.beta_1, paper.pipeline.batch_size) == (2e-4, 0.5, 1)
    assert (paper.adversarial, paper.epochs, paper.constant_share) == ("lsgan", 200.0, 0.5)


@pytest.mark.parametrize("method", TRANSLATORS)
def test_every_translator_keeps_its_contract(method, fitted, tiny, images, tmp_path):
    translator = TRANSLATORS[method]
    if method == "cyclegan":  # It is trained already.
        config, folder = tiny(), fitted.whole
    else:
        config, folder = translator.config(), tmp_path
    assert isinstance(config, translator.config)
    assert isinstance(dict(translator.fit(config, *images, folder, 7)), dict)
    for direction in ("xy", "yx"):
        translated = translator.load(folder, direction)(X[:, :15, :13])
        assert translated.shape == (2, 15, 13, 3)
        assert -1.0 <= np.min(translated) <= np.max(translated) <= 1.0
