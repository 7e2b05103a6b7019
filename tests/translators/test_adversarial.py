"""What is true of the model and the step of every adversarial translator."""

from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf

import i2i_keras as i2i
from i2i_keras import stack
from i2i_keras.translators.adversarial import AdversarialModel
from i2i_keras.translators.cut import FASTCUT
from i2i_keras.translators.losses import ADVERSARIAL
from i2i_keras.translators.seeds import Purpose

RNG = np.random.default_rng(0)
X, Y, X2, Y2 = (tf.constant(RNG.uniform(-1, 1, (2, 16, 16, 3)), tf.float32) for _ in range(4))
TWICE = tf.concat([X, X2], 0), tf.concat([Y, Y2], 0)

# Fixtures that make tiny settings.
SETTINGS = {"cyclegan": "tiny", "cut": "tiny_cut", "cycada": "tiny_cycada"}
PENALTIES = {"gradient_penalty": 10.0, "r1": 4.0, "r1_every": 1}
EVERYTHING = {
    **PENALTIES,
    "r1_every": 2,
    "label_smoothing": 0.1,
    "pool_size": 3,
    "instance_noise": 0.1,
    "augment": ["color", "translation", "cutout"],
    "discriminator_learning_rate": 1e-4,
    "clip_norm": 1.0,
    "ema": 0.9,
    "schedule": "plateau",
    "patience": 1,
    "checkpoint_every": 1,
}
BATCH_NORM = {
    "generator": {
        **{"filters": 2, "num_downsamplings": 1, "num_residual_blocks": 2, "outer_kernel": 3},
        **{"skip": True, "norm": "batch"},
    },
    "discriminator": {
        **{"filters": 2, "num_downsamplings": 1, "norm": "none"},
        **{"dropout": 0.3, "spectral_norm": True},
    },
}


class Purposes(Purpose):
    """Some, of no method."""

    FIRST = 0
    SECOND = 1


def of_methods(*names):
    """Tests of these; of all others where slow ones run, too."""
    return [pytest.param(n, marks=[pytest.mark.slow] * (n not in names)) for n in SETTINGS]


# CyCADA's step is that of CycleGAN and a term: test_cycada.py.
@pytest.fixture(scope="module", params=of_methods("cyclegan", "cut"))
def settings(request):
    """Makes tiny settings of each method, with changes to any of them."""
    return request.getfixturevalue(SETTINGS[request.param])


@pytest.fixture(scope="module", params=of_methods("cyclegan"))
def any_settings(request):
    """The same, for what all methods have in common."""
    return request.getfixturevalue(SETTINGS[request.param])


@pytest.fixture(scope="module")
def model(settings, new_model):
    """One of each method, which no test trains."""
    return new_model(settings(**PENALTIES))


class Stepped(NamedTuple):
    """A model after a step of the graph, its weights before, and its report."""

    model: AdversarialModel
    before: dict
    reported: dict


@pytest.fixture(scope="module")
def stepped(settings, new_model):
    model = new_model(settings(ema=0.5, pool_size=5))
    before = {network.name: weights(network) for network in model.networks}
    return Stepped(model, before, model.train_on_batch(X, Y, return_dict=True))


def trained(model):
    return [network for network in model.networks if network not in model.averages]


def train(model, *batches):
    """Steps without a graph, the making of which would take longer."""
    losses = {}
    for batch in batches:
        losses = model.train_step(batch)
    return {name: float(loss) for name, loss in losses.items()}


def weights(network):
    return [v.numpy() for v in network.trainable_variables]


def moments(optimizer):
    """Adam's first moments, half of the gradient after one step."""
    places = [getattr(v, "path", v.name) for v in optimizer.variables]  # Keras 3's has a path.
    firsts = [place.startswith("m/") or place.endswith("_momentum") for place in places]
    return [v.numpy() for v, is_one in zip(optimizer.variables, firsts, strict=True) if is_one]


def optimizers(model):
    return model.generator_optimizer, model.discriminator_optimizer


def norm(arrays):
    return np.sqrt(sum((np.asarray(a, np.float64) ** 2).sum() for a in arrays))


def assert_equal(ones, others):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_array_equal(one, other)


# --- Networks -----------------------------------------------------------------


def test_no_two_networks_start_alike(stepped):
    first = [arrays[0] for name, arrays in stepped.before.items() if not name.endswith("_ema")]
    same_shape = [(a, b) for a in first for b in first if a is not b and a.shape == b.shape]
    assert not any(np.array_equal(one, other) for one, other in same_shape)


def test_each_network_is_known_by_the_name_of_its_attribute(stepped):
    for network in stepped.model.networks:
        assert getattr(stepped.model, network.name) is network


def test_without_averages_the_generators_translate(model):
    assert model.translators == model.generators
    assert not model.averages
    assert not hasattr(model, "generator_xy_ema")


# --- Losses -------------------------------------------------------------------


def test_fakes_of_the_loss_are_those_that_the_generators_make(model):
    for fake, same in zip(
        model.generator_terms(X, Y, model.seeds())[1], model.fakes(X, Y), strict=True
    ):
        np.testing.assert_allclose(fake, same, atol=1e-6)


@pytest.mark.parametrize("term", ["discriminator_{}_loss", "gradient_penalty_{}", "r1_{}"])
def test_a_discriminators_term_reaches_it_alone(reached, model, term):
    fakes = [X2, Y2][: len(model.pools)]

    def terms_of(model):
        return model.discriminator_terms(X, Y, fakes, model.seeds())

    for domain in model.DOMAINS:
        found = reached(model, lambda m, d=domain: terms_of(m)[term.format(d)])
        assert found == {f"discriminator_{domain}"}


def test_the_discriminators_loss_halves_the_penalties_too(model):
    terms = model.discriminator_terms(X, Y, [X2, Y2][: len(model.pools)], model.seeds())
    wanted = sum(
        terms[f"discriminator_{d}_loss"] + 5 * terms[f"gradient_penalty_{d}"] + 2 * terms[f"r1_{d}"]
        for d in model.DOMAINS
    )
    assert all(terms[f"r1_{d}"] > 0 and terms[f"gradient_penalty_{d}"] > 0 for d in model.DOMAINS)
    np.testing.assert_allclose(model.discriminator_loss(terms), wanted, rtol=1e-6)


def test_the_adversarial_loss_is_that_of_the_settings(settings, new_model):
    for name, loss in ADVERSARIAL.items():
        model = new_model(settings(adversarial=name))
        terms = model.generator_terms(X, Y, model.seeds())[0]
        logits = model.discriminator_y(model.generator_xy(X, training=True), training=True)
        wanted = float(loss.generator(logits))
        assert float(terms["adversarial_xy"]) == pytest.approx(wanted, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_finds_almost_the_same_losses(settings, new_model, precision):
    exact, half = (
        {name: float(value) for name, value in m.generator_terms(X, Y, m.seeds())[0].items()}
        for m in (new_model(settings(precision=p)) for p in ("float32", precision))
    )
    assert half != exact
    for name, value in exact.items():
        assert half[name] == pytest.approx(value, rel=0.05, abs=0.01), name


# --- A step -------------------------------------------------------------------


def test_one_step_moves_every_weight_of_all_networks_by_no_more_than_its_rate(stepped):
    for network in trained(stepped.model):
        for old, new in zip(stepped.before[network.name], network.trainable_variables, strict=True):
            assert 0 < np.abs(new - old).max() <= 2e-4 * 1.01, f"{network.name}: {new.name}"


def test_one_step_reports_every_loss_and_signal(stepped):
    model, _, reported = stepped
    # Keras 3 sorts them; the history has them as they are.
    assert {*reported} == {*model.LOSSES, *model.SIGNALS}
    assert model.reported == [*model.LOSSES, *model.SIGNALS]
    assert all(np.isfinite(value) for value in reported.values())
    assert all(reported[name] > 0 for name in model.LOSSES)
    assert {name[-1] for name in model.SIGNALS if name.startswith("balance")} == {*model.DOMAINS}


def test_penalties_are_reported_where_there_are(model):
    ends = [f"_{domain}" for domain in model.DOMAINS]
    penalties = [f"{name}{end}" for name in ("gradient_penalty", "r1") for end in ends]
    assert model.reported == [*model.LOSSES, *penalties, *model.SIGNALS]


def test_one_step_puts_its_fakes_into_the_pools(stepped):
    for pool in stepped.model.pools:
        assert int(pool.count) == 2
        assert np.abs(pool.images[:2]).max() > 0


@pytest.mark.parametrize(
    "changes",
    [{"adversarial": name} for name in ADVERSARIAL] + [PENALTIES, {**EVERYTHING, **BATCH_NORM}],
    ids=[*ADVERSARIAL, "penalties", "everything"],
)
def test_every_weight_moves_whatever_is_switched_on(settings, new_model, unmoved, changes):
    assert not unmoved(new_model(settings(**changes)))


def test_every_weight_of_fastcut_moves(tiny_cut, new_model, unmoved):
    assert not unmoved(new_model(tiny_cut(**FASTCUT)))


def test_batch_norm_never_mixes_two_domains_or_fakes_with_reals(settings, new_model, recorded):
    small = BATCH_NORM["discriminator"] | {"norm": "batch", "spectral_norm": False}
    model = new_model(settings(generator=BATCH_NORM["generator"], discriminator=small))
    names = [network.name for network in (*model.generators, *model.discriminators)]
    recorders = [recorded(model, name) for name in names]
    fakes = model.generator_terms(X, Y, model.seeds())[1]
    model.discriminator_terms(X, Y, fakes, model.seeds())
    assert {len(images) for recorder in recorders for images in recorder.inputs} == {len(X)}


# --- Critic steps -------------------------------------------------------------


def test_each_critic_step_has_images_of_its_own_and_generators_the_first(settings, new_model):
    one, two = (new_model(settings(critic_steps=n, pool_size=9)) for n in (1, 2))
    train(one, (X, Y))
    train(two, TWICE)
    assert_equal(map(np.asarray, one.generator_variables), map(np.asarray, two.generator_variables))
    for pool, pool_of_two, fakes in zip(one.pools, two.pools, two.fakes(X2, Y2), strict=True):
        assert (int(pool.count), int(pool_of_two.count)) == (2, 4)
        np.testing.assert_allclose(pool_of_two.images[2:4], fakes, atol=1e-6)
    assert [int(optimizer.iterations) for optimizer in optimizers(two)] == [1, 2]


def test_discriminators_see_the_reals_and_fakes_of_each_critic_step(settings, new_model, recorded):
    model = new_model(settings(critic_steps=2, pool_size=9))
    seen = recorded(model, "discriminator_y")
    train(model, TWICE)
    # A fake, then real and fake of either critic step.
    fake, first, second = seen.inputs
    assert_equal([first[:2], first[2:], second[:2]], [Y, fake, Y2])
    np.testing.assert_allclose(second[2:], model.generator_xy(X2), atol=1e-6)


def test_losses_of_critic_steps_are_averaged(settings, new_model, monkeypatch):
    model, noted = new_model(settings(critic_steps=2)), []
    original = model.discriminator_terms

    def note(*args):
        noted.append(original(*args))
        return noted[-1]

    monkeypatch.setattr(model, "discriminator_terms", note)
    reported = train(model, TWICE)
    assert len(noted) == 2
    for name in noted[0]:
        np.testing.assert_allclose(reported[name], np.mean([terms[name] for terms in noted]))


def test_both_rates_reach_zero_at_the_same_step(any_settings, new_model):
    changes = {"critic_steps": 2, "constant_share": 0.0, "learning_rate": 1e-3}
    model = new_model(any_settings(**changes), steps=2)
    train(model, TWICE)
    # Each rate is that of the last update: 1 of 2, and 2 of 4.
    rates = [stack.learning_rate(optimizer) for optimizer in optimizers(model)]
    np.testing.assert_allclose(rates, [1e-3, 0.75e-3])


# --- Stability ----------------------------------------------------------------


def test_discriminators_have_a_rate_of_their_own(any_settings, new_model):
    model = new_model(any_settings(discriminator_learning_rate=1e-3))
    before = {network.name: weights(network) for network in trained(model)}
    train(model, (X, Y))
    for network in trained(model):
        rate = 1e-3 if network in model.discriminators else 2e-4
        pairs = zip(before[network.name], weights(network), strict=True)
        # Adam's first step is the rate, whatever the gradient.
        assert max(np.abs(one - two).max() for one, two in pairs) == pytest.approx(rate, rel=0.02)


def test_gradients_are_cut_to_the_length_of_the_settings(any_settings, new_model):
    free, cut, loose = models = [new_model(any_settings(clip_norm=n)) for n in (None, 1e-3, 1e9)]
    reported = [train(model, (X, Y)) for model in models]
    assert reported[1]["generator_gradient_norm"] > 1e-3
    for three in zip(*map(optimizers, (free, cut, loose)), strict=True):
        whole, short, same = map(moments, three)
        np.testing.assert_allclose(norm(short), 0.5 * 1e-3, rtol=1e-3)
        np.testing.assert_allclose(norm(same), norm(whole), rtol=1e-4)
        for long, part in zip(whole, short, strict=True):  # Its direction is kept.
            np.testing.assert_allclose(part, long * norm(short) / norm(whole), rtol=1e-2, atol=1e-8)


def test_noise_falls_linearly_to_zero(any_settings, new_model):
    model = new_model(any_settings(instance_noise=0.4), steps=100)
    images = tf.zeros((8, 16, 16, 3))
    views = [model.seen(images, model.seeds(s), Purposes.FIRST) for s in (0, 25, 50, 100)]
    np.testing.assert_allclose([np.std(v) for v in views], [0.4, 0.3, 0.2, 0.0], rtol=0.05)


def test_generators_learn_through_noise(any_settings, new_model):
    model, images = new_model(any_settings(instance_noise=0.4)), tf.zeros((2, 16, 16, 3))
    with tf.GradientTape() as tape:
        tape.watch(images)
        seen = tf.reduce_sum(model.seen(images, model.seeds(), Purposes.FIRST))
    np.testing.assert_array_equal(tape.gradient(seen, images), tf.ones_like(images))


@pytest.mark.parametrize(
    "changes",
    [{"instance_noise": 0.1}, {"augment": ["color"]}, {"augment": ["translation", "cutout"]}],
    ids=["noise", "color", "shape"],
)
def test_discriminators_see_every_image_changed_in_its_own_way(
    any_settings, new_model, recorded, monkeypatch, changes
):
    model = new_model(any_settings(**changes))
    recorders = [recorded(model, network.name) for network in model.discriminators]
    same = tf.tile(X[:1], (2, 1, 1, 1))
    views = []
    original = model.seen

    def seen(_, seeds, purpose):  # Whatever is to be seen, it is the same image.
        views.append(original(same, seeds, purpose))
        return views[-1]

    monkeypatch.setattr(model, "seen", seen)
    for step in (0, 1):
        for part in (0, 1):
            seeds = model.seeds(step, part)
            fakes = model.generator_terms(X, Y, seeds)[1]
            model.discriminator_terms(X, Y, fakes, seeds)
    images = [image.tobytes() for view in views for image in view.numpy()]
    # A new fake, a real and an old fake of each domain, two of each.
    assert len(images) == 2 * 2 * 3 * len(model.DOMAINS) * 2
    assert len({*images, X[0].numpy().tobytes()}) == len(images) + 1
    shown = {i.tobytes() for r in recorders for batch in r.inputs for i in batch.numpy()}
    assert shown == {*images}


def test_what_is_seen_depends_on_seed_step_and_purpose_alone(any_settings, new_model):
    config = any_settings(instance_noise=0.1, augment=["color"])
    one, same, other = (new_model(config, seed) for seed in (2**32 - 1, 2**32 - 1, 1))
    views = [
        model.seen(X, model.seeds(step), purpose).numpy()
        for model in (one, same, other)
        for step in (0, 1)
        for purpose in Purposes
    ]
    assert_equal(views[:4], views[4:8])
    assert len({view.tobytes() for view in views}) == 8


def test_averages_follow_their_generators_and_translate(any_settings, new_model):
    model = new_model(any_settings(ema=0.3, learning_rate=0.01))
    assert model.translators == model.averages
    expected = [weights(generator) for generator in model.generators]
    for average, begin in zip(model.averages, expected, strict=True):
        assert_equal(weights(average), begin)
    for step in range(3):
        train(model, (X, Y))
        share = min(0.3, (1 + step) / (10 + step))
        expected = [
            [share * mean + (1 - share) * new for mean, new in zip(means, weights(g), strict=True)]
            for means, g in zip(expected, model.generators, strict=True)
        ]
    for average, means in zip(model.averages, expected, strict=True):
        for found, mean in zip(weights(average), means, strict=True):
            np.testing.assert_allclose(found, mean, atol=1e-6)


# --- Large batches, half precision --------------------------------------------


@pytest.mark.parametrize("adversarial", ["lsgan", "wgan_gp"])
def test_parts_of_a_batch_give_the_gradients_of_the_whole(settings, new_model, adversarial):
    changes = {"adversarial": adversarial, "gradient_penalty": 0.0, "critic_steps": 1}
    changes |= {"r1": 1.0, "r1_every": 1}
    if "num_patches" in settings().model_fields:
        changes["num_patches"] = 256  # All: otherwise each part would draw its own.
    whole, cut = (new_model(settings(**changes, accumulate=parts)) for parts in (1, 2))
    reported = [train(model, (X, Y)) for model in (whole, cut)]
    for name in reported[0]:
        # A patch whose logit is a tie may be judged otherwise.
        atol = 0.02 if name.startswith(("balance", "discriminator_accuracy")) else 0.0
        np.testing.assert_allclose(*[losses[name] for losses in reported], 1e-3, atol, err_msg=name)
    for pair in zip(optimizers(whole), optimizers(cut), strict=True):
        ones, others = map(moments, pair)
        assert norm(ones) > 0
        for one, other in zip(ones, others, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-3 * norm(ones))
    for one, other in zip(whole.pools, cut.pools, strict=True):
        np.testing.assert_allclose(one.images, other.images, atol=1e-6)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_trains_cyclegan_almost_as_float32(tiny, new_model, precision):
    # Not CUT, whose first gradients overflow float16 at the first loss scale.
    exact, half = (new_model(tiny(precision=p)) for p in ("float32", precision))
    before = {network.name: weights(network) for network in trained(half)}
    ones, others = (train(model, *[(X, Y)] * 2) for model in (exact, half))
    for network in trained(half):
        assert not any(map(np.array_equal, before[network.name], weights(network))), network.name
    for name in half.LOSSES:
        assert others[name] == pytest.approx(ones[name], rel=0.1), name
    assert keras.mixed_precision.global_policy().name == "float32"


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_everything_works_in_half_precision(settings, new_model, precision):
    model = new_model(settings(precision=precision, **EVERYTHING, **BATCH_NORM))
    losses = train(model, *[(X, Y)] * 2)
    # Gradients may overflow until the loss scale has found its size.
    assert all(np.isfinite(loss) for name, loss in losses.items() if "norm" not in name)


def test_a_step_that_overflows_float16_is_left_out_and_the_scale_lowered(any_settings, new_model):
    model = new_model(any_settings(precision="mixed_float16"))
    optimizer, variables = model.generator_optimizer, model.generator_variables
    scale, before = float(stack.loss_scale(optimizer)), [v.numpy() for v in variables]
    huge = [tf.fill(v.shape, np.inf) for v in variables]
    optimizer.apply_gradients(zip(huge, variables, strict=True))
    assert_equal(before, variables)
    assert float(stack.loss_scale(optimizer)) == scale / 2


# --- Plateau ------------------------------------------------------------------


def test_a_plateau_halves_the_rates_of_both_kinds_of_networks(any_settings, new_model):
    # At such a rate no loss falls.
    rate = {"learning_rate": 1e-20, "discriminator_learning_rate": 4e-20}
    plateau = {"schedule": "plateau", "patience": 1, "checkpoint_every": 1}
    model = new_model(any_settings(**plateau, **rate))
    # Nor is it drawn anew in each step.
    model.generator_terms = lambda x, y, seeds, of=model.generator_terms: of(x, y, model.seeds())
    rates = []
    for _ in range(4):
        train(model, (X, Y))
        rates.append([stack.learning_rate(optimizer) for optimizer in optimizers(model)])
    factors = np.array([1, 1, 0.5, 0.25])
    np.testing.assert_allclose(rates, np.outer(factors, [1e-20, 4e-20]), rtol=1e-5)


def test_the_plateau_is_told_the_generators_weighted_loss(settings, new_model):
    model = new_model(settings(schedule="plateau", checkpoint_every=10))
    losses = train(model, (X, Y))
    np.testing.assert_allclose(model.plateau.total, model.generator_loss(losses), rtol=1e-6)


# --- State --------------------------------------------------------------------


@pytest.mark.parametrize(
    "precision", ["float32", pytest.param("mixed_float16", marks=pytest.mark.slow)]
)
def test_all_state_is_in_variables_that_a_checkpoint_holds(
    settings, new_model, tmp_path, precision
):
    config = settings(**EVERYTHING, **BATCH_NORM, precision=precision)
    whole = new_model(config, seed=5)
    train(whole, (X, Y), (X2, Y2), (X, Y2))
    path = tf.train.Checkpoint(model=whole).write(str(tmp_path / "state"))

    resumed = new_model(config, seed=5)
    train(resumed, (X2, X))  # Nothing of which may be left.
    tf.train.Checkpoint(model=resumed).read(path).assert_existing_objects_matched()
    assert train(whole, (Y, X), (X2, Y)) == train(resumed, (Y, X), (X2, Y))
    assert_equal(whole.get_weights(), resumed.get_weights())
    for one, two in zip(optimizers(whole), optimizers(resumed), strict=True):
        assert_equal(one.variables, two.variables)


# What checkpoints of trainings that people keep call their parts.
KEPT = {"generator_xy", "discriminator_y", "pool_y", "generator_xy_ema", "plateau"}
KEPT |= {"generator_optimizer", "discriminator_optimizer", "optimizer"}  # Keras makes the last.
BACK = {"generator_yx", "discriminator_x", "pool_x", "generator_yx_ema"}
MORE = {"cyclegan": BACK, "cycada": BACK, "cut": {"heads"}}


@pytest.mark.skipif(stack.KERAS == 3, reason="it names variables by lists of a model's own")
def test_a_checkpoint_calls_networks_pools_and_optimizers_what_it_always_did(
    settings, new_model, tmp_path
):
    model = new_model(settings(ema=0.9, schedule="plateau"))
    path = tf.train.Checkpoint(model=model).write(str(tmp_path / "state"))
    names = {name.split("/")[1] for name, _ in tf.train.list_variables(path) if "/" in name}
    assert names == KEPT | MORE[model.config.METHOD]


# --- XLA ----------------------------------------------------------------------


@pytest.mark.slow  # XLA needs minutes on two cores to compile even this.
@pytest.mark.parametrize("changes", [{}, {**EVERYTHING, **BATCH_NORM}], ids=["plain", "everything"])
def test_xla_changes_the_speed_and_neither_losses_nor_weights(settings, new_model, changes):
    models = [new_model(settings(**changes, xla=xla)) for xla in ("off", "on")]
    for x, y in [(X, Y), (X2, Y2), (X, Y2)]:
        losses = [[*m.train_on_batch(x, y, return_dict=True).values()] for m in models]
        np.testing.assert_allclose(*losses, rtol=1e-2, atol=1e-4)
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


# --- As any Keras model -------------------------------------------------------


def test_a_model_is_compiled_and_fitted_on_any_dataset(tiny):
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, (2, 6, 16, 16, 3)).astype(np.float32)
    model = i2i.CycleGAN(tiny(steps=None))
    before = [weights.numpy() for weights in model.generator_variables]
    model.compile(steps=4)
    pairs = tf.data.Dataset.from_tensor_slices((x, y)).batch(2, drop_remainder=True).repeat()
    history = model.fit(pairs, steps_per_epoch=2, epochs=2, shuffle=False, verbose=0).history
    assert len(history["cycle_loss"]) == 2 and np.isfinite(history["cycle_loss"]).all()
    assert int(model.generator_optimizer.iterations) == 4
    moved = [
        not np.array_equal(a, b) for a, b in zip(before, model.generator_variables, strict=True)
    ]
    assert any(moved)


def test_how_long_a_training_is_has_to_be_said(tiny):
    with pytest.raises(ValueError, match=r"Give compile\(steps=...\)"):
        i2i.CycleGAN(tiny(steps=None)).compile()
    model = i2i.CycleGAN(tiny(steps=4))
    model.compile()
    assert model.steps == 4


def test_batches_of_an_unknown_size_are_refused(tiny):
    model = i2i.CycleGAN(tiny())
    model.compile()
    images = np.zeros((3, 16, 16, 3), np.float32)
    pairs = tf.data.Dataset.from_tensor_slices((images, images)).batch(2)
    with pytest.raises(ValueError, match="batches need a known size"):
        model.fit(pairs, shuffle=False, verbose=0)
