import shutil

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras.errors import DataError
from i2i_keras.models.networks import build_generator
from i2i_keras.run_folder import files
from i2i_keras.training.checkpoints import Checkpoints
from i2i_keras.translators import health
from i2i_keras.translators.cyclegan import CycleGAN, fit, load, load_generator
from i2i_keras.translators.losses import l1, ms_ssim

RNG = np.random.default_rng(0)
X, Y = (tf.constant(RNG.uniform(-1, 1, (2, 16, 16, 3)), tf.float32) for _ in "xy")

GENERATORS = ("generator_xy", "generator_yx")
SMALL = {"filters": 2, "num_downsamplings": 1, "outer_kernel": 3}
REACHED = {
    "adversarial_xy": {"generator_xy", "discriminator_y"},
    "adversarial_yx": {"generator_yx", "discriminator_x"},
    "cycle_loss": {*GENERATORS},
    "identity_loss": {*GENERATORS},
}
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
def translate(fitted):
    """The trained translator of either direction."""
    return {direction: load(fitted.whole, direction) for direction in ("xy", "yx")}


def history(folder):
    return files.read_table(folder / "history.csv")


# --- Losses -------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tiny, new_model):
    return new_model(tiny(generator={**SMALL, "num_residual_blocks": 1}))


def terms(model):
    return model.generator_terms(X, Y, model.seeds())[0]


@pytest.mark.parametrize("term", REACHED)
def test_a_loss_reaches_exactly_its_networks(reached, model, term):
    assert reached(model, lambda m: terms(m)[term]) == REACHED[term]


def cycle_of(first, second, images):
    """One direction of the cycle loss, by hand."""

    def loss(model):
        fakes = getattr(model, first)(images, training=True)
        return tf.reduce_mean(tf.abs(images - getattr(model, second)(fakes, training=True)))

    return loss


def test_each_direction_of_the_cycle_reaches_both_generators(reached, model):
    forward = cycle_of("generator_xy", "generator_yx", X)
    backward = cycle_of("generator_yx", "generator_xy", Y)
    assert reached(model, forward) == reached(model, backward) == {*GENERATORS}
    wanted = forward(model) + backward(model)
    np.testing.assert_allclose(terms(model)["cycle_loss"], wanted, rtol=1e-6)


def test_the_identity_loss_is_what_generators_change_in_their_own_domain(model):
    wanted = l1(Y, model.generator_xy(Y)) + l1(X, model.generator_yx(X))
    np.testing.assert_allclose(terms(model)["identity_loss"], wanted, rtol=1e-6)


@pytest.mark.parametrize(
    ("cycle", "identity", "times"), [(10.0, 5.0, 3), (10.0, 0.0, 2), (0.0, 5.0, 2), (0.0, 0.0, 1)]
)
def test_a_loss_without_weight_is_not_computed(tiny, new_model, recorded, cycle, identity, times):
    model = new_model(tiny(lambda_cycle=cycle, lambda_identity=identity))
    recorders = [recorded(model, name) for name in GENERATORS]
    losses = terms(model)
    for recorder in recorders:
        assert sum(map(len, recorder.inputs)) == times * len(X)
    assert (losses["cycle_loss"] > 0) == (cycle > 0)
    assert (losses["identity_loss"] > 0) == (identity > 0)


@pytest.mark.parametrize(("cycle", "identity"), [(10.0, 5.0), (0.0, 5.0), (2.0, 0.0), (0.0, 0.0)])
def test_the_generators_loss_is_one_weighted_sum(model, tiny, monkeypatch, cycle, identity):
    monkeypatch.setattr(model, "config", tiny(lambda_cycle=cycle, lambda_identity=identity))
    losses = dict(zip(REACHED, (1.0, 10.0, 100.0, 1000.0), strict=True))
    assert model.generator_loss(losses) == 11.0 + 100 * cycle + 1000 * identity


def test_without_cycle_and_identity_a_generator_learns_from_its_discriminator_alone(
    tiny, new_model
):
    model = new_model(tiny(lambda_cycle=0.0, lambda_identity=0.0))
    with tf.GradientTape(persistent=True) as tape:
        losses = terms(model)
        loss = model.generator_loss(losses)
    for term, generator in zip(("adversarial_xy", "adversarial_yx"), model.generators, strict=True):
        variables = generator.trainable_variables
        for one, other in zip(
            *(tape.gradient(of, variables) for of in (loss, losses[term])), strict=True
        ):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_the_cycle_loss_takes_its_share_of_structure(reached, model, tiny, monkeypatch, share):
    monkeypatch.setattr(model, "config", tiny(cycle_ssim=share))
    cycled = model.generator_yx(model.generator_xy(X)), model.generator_xy(model.generator_yx(Y))
    expected = sum(
        (1 - share) * l1(images, again) + share * (1 - np.mean(ms_ssim(images, again)))
        for images, again in zip((X, Y), cycled, strict=True)
    )
    np.testing.assert_allclose(terms(model)["cycle_loss"], expected, rtol=1e-5)
    assert reached(model, lambda m: terms(m)["cycle_loss"]) == {*GENERATORS}


# --- The training -----------------------------------------------------------


def test_the_history_holds_losses_signals_and_rates_of_both_directions(fitted):
    columns = list(history(fitted.whole)[0])
    assert columns[:-8] == [
        "step",
        *CycleGAN.LOSSES,
        *health.SIGNALS,
        "generator_learning_rate",
        "discriminator_learning_rate",
    ]
    assert columns[-8::2] == [
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
    with Image.open(fitted.whole / "samples" / "step-000002.png") as picture:
        assert picture.size == (6 * 24, 20)


def test_samples_are_of_the_weights_that_there_are(tiny):
    model = CycleGAN(tiny())
    sample = model.sampler()
    before, _ = sample(X, Y)
    model.generator_xy.set_weights([10.0 * w for w in model.generator_xy.get_weights()])
    after, _ = sample(X, Y)
    changed = [np.abs(one - other).max() > 0 for one, other in zip(before, after, strict=True)]
    # x, fake y, cycled x, y, fake x, cycled y.
    assert changed == [False, True, True, False, False, True]


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
    averages = {"generator_xy_ema", "generator_yx_ema"}
    assert files == {*GENERATORS, "discriminator_x", "discriminator_y", *averages}


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
def test_it_is_the_generator_of_that_direction(translate, fitted, tiny, direction):
    generator = build_generator(tiny().generator, "generator")
    generator.load_weights(fitted.whole / f"generator_{direction}.weights.h5")
    np.testing.assert_allclose(translate[direction](X), generator(X, training=False), atol=1e-6)


def test_the_two_directions_differ(translate):
    assert not np.allclose(translate["xy"](X), translate["yx"](X))


def test_a_folder_without_a_translator_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"config.json is missing; make it"):
        load(tmp_path)


def test_a_translator_from_before_a_setting_existed_can_be_loaded(fitted, tmp_path):
    for path in fitted.whole.glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    facts = files.read_json(tmp_path / "config.json")
    for name in ("ema", "precision", "critic_steps", "augment", "schedule"):
        del facts[name]
    files.write_json(tmp_path / "config.json", facts)
    np.testing.assert_array_equal(load(tmp_path)(X), load(fitted.whole)(X))


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_images_are_translated_in_the_precision_of_the_training(fitted, tmp_path, precision):
    for path in fitted.whole.glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    facts = files.read_json(tmp_path / "config.json") | {"precision": precision}
    files.write_json(tmp_path / "config.json", facts)
    images, precise = load(tmp_path)(X), load(fitted.whole)(X)
    assert images.dtype == tf.float32
    assert 0 < np.abs(images - precise).max() < 0.02


# --- Earlier states -----------------------------------------------------------


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


# --- Which weights ------------------------------------------------------------


def test_by_default_the_last_weights_are_kept(fitted):
    saved, last = (load_generator(fitted.whole, step=step).get_weights() for step in (None, 4))
    for one, other in zip(saved, last, strict=True):
        np.testing.assert_array_equal(one, other)
