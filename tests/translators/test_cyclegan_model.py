import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.translators import health, steps
from i2i_keras.translators.cyclegan_model import GENERATORS, NETWORKS, CycleGAN
from i2i_keras.translators.losses import ADVERSARIAL, l1, ms_ssim

RNG = np.random.default_rng(0)
X, Y = (tf.constant(RNG.uniform(-1, 1, (2, 16, 16, 3)), tf.float32) for _ in "xy")
X2, Y2 = (tf.constant(RNG.uniform(-1, 1, (2, 16, 16, 3)), tf.float32) for _ in "xy")

SMALL = {"filters": 2, "num_downsamplings": 1, "outer_kernel": 3}
REACHED = {
    "adversarial_xy": {"generator_xy", "discriminator_y"},
    "adversarial_yx": {"generator_yx", "discriminator_x"},
    "cycle_loss": {"generator_xy", "generator_yx"},
    "identity_loss": {"generator_xy", "generator_yx"},
}
PENALTIES = {"gradient_penalty": 10.0, "r1": 1.0, "r1_every": 1}
EVERYTHING = {
    **PENALTIES,
    "r1_every": 2,
    "label_smoothing": 0.1,
    "cycle_ssim": 0.5,
    "instance_noise": 0.1,
    "augment": ["color", "translation", "cutout"],
    "discriminator_learning_rate": 1e-4,
    "clip_norm": 1.0,
    "ema": 0.9,
    "schedule": "plateau",
    "patience": 1,
    "checkpoint_every": 1,
    "generator": {**SMALL, "num_residual_blocks": 0, "skip": True, "norm": "batch"},
    "discriminator": {
        **{"filters": 2, "num_downsamplings": 1, "norm": "none"},
        **{"dropout": 0.3, "spectral_norm": True},
    },
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


def new_model(config, seed=0, steps=4):
    """A compiled model, always of the same weights for a seed."""
    keras.utils.set_random_seed(seed)
    model = CycleGAN(config, seed)
    model.compile(steps)
    return model


def train(model, *batches):
    """Steps without a graph, the making of which would take longer."""
    losses = {}
    for batch in batches:
        losses = model.train_step(batch)
    return {name: float(loss) for name, loss in losses.items()}


def weights(model, network):
    return [v.numpy() for v in getattr(model, network).trainable_variables]


def moments(optimizer):
    """Adam's first moments, half of the gradient after one step."""
    return [v.numpy() for v in optimizer.variables if v.name.startswith("m/")]


def norm(arrays):
    return np.sqrt(sum((np.asarray(a, np.float64) ** 2).sum() for a in arrays))


def assert_equal(ones, others):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_array_equal(one, other)


class Recorder:
    """A network that remembers what it was given."""

    def __init__(self, network):
        self.network, self.inputs = network, []

    def __call__(self, images, **kwargs):
        self.inputs.append(images)
        return self.network(images, **kwargs)


# --- Networks and losses ----------------------------------------------------


@pytest.mark.parametrize("pair", [NETWORKS[:2], NETWORKS[2:]], ids=["generators", "discriminators"])
def test_two_networks_of_a_kind_start_apart(stepped, pair):
    for one, two in zip(*(stepped[1][name] for name in pair), strict=True):
        if one.ndim == 4:  # Kernels; offsets all start at 0.
            assert not np.array_equal(one, two)


@pytest.mark.parametrize("term", REACHED)
def test_a_loss_reaches_exactly_its_networks(reached, model, term):
    assert reached(model, lambda m: m.generator_losses(X, Y)[0][term]) == REACHED[term]


def cycle_of(first, second, images):
    """One direction of the cycle loss, by hand."""

    def loss(model):
        fakes = getattr(model, first)(images, training=True)
        return tf.reduce_mean(tf.abs(images - getattr(model, second)(fakes, training=True)))

    return loss


def test_each_direction_of_the_cycle_reaches_both_generators(reached, model):
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
    _, (fake_x, fake_y) = model.generator_losses(X, Y)
    np.testing.assert_allclose(fake_y, model.generator_xy(X, training=True), atol=1e-6)
    np.testing.assert_allclose(fake_x, model.generator_yx(Y, training=True), atol=1e-6)


@pytest.mark.parametrize(
    ("cycle", "identity", "times"), [(10.0, 5.0, 3), (10.0, 0.0, 2), (0.0, 5.0, 2), (0.0, 0.0, 1)]
)
def test_a_loss_without_weight_is_not_computed(model, tiny, monkeypatch, cycle, identity, times):
    monkeypatch.setattr(model, "config", tiny(lambda_cycle=cycle, lambda_identity=identity))
    recorders = [Recorder(getattr(model, name)) for name in GENERATORS]
    for name, recorder in zip(GENERATORS, recorders, strict=True):
        monkeypatch.setattr(model, name, recorder)
    losses = model.generator_losses(X, Y)[0]
    for recorder in recorders:
        assert sum(map(len, recorder.inputs)) == times * len(X)
    assert (losses["cycle_loss"] > 0) == (cycle > 0)
    assert (losses["identity_loss"] > 0) == (identity > 0)


@pytest.mark.parametrize("kind", ["generator", "discriminator"])
def test_batch_norm_never_mixes_two_domains_or_fakes_with_reals(tiny, kind):
    model = new_model(tiny(**{kind: {**getattr(tiny(), kind).model_dump(), "norm": "batch"}}))
    recorders = []
    for name in NETWORKS:
        if name.startswith(kind):
            recorders.append(Recorder(getattr(model, name)))
            setattr(model, name, recorders[-1])
    _, fakes = model.generator_losses(X, Y)
    model.discriminator_losses(X, Y, *fakes)
    assert {len(images) for recorder in recorders for images in recorder.inputs} == {len(X)}


@pytest.mark.parametrize(("cycle", "identity"), [(10.0, 5.0), (0.0, 5.0), (2.0, 0.0), (0.0, 0.0)])
def test_the_generators_loss_is_one_weighted_sum(model, tiny, monkeypatch, cycle, identity):
    monkeypatch.setattr(model, "config", tiny(lambda_cycle=cycle, lambda_identity=identity))
    losses = dict(zip(REACHED, (1.0, 10.0, 100.0, 1000.0), strict=True))
    assert model.generator_loss(losses) == 11.0 + 100 * cycle + 1000 * identity


def test_without_cycle_and_identity_a_generator_learns_from_its_discriminator_alone(
    model, tiny, monkeypatch
):
    monkeypatch.setattr(model, "config", tiny(lambda_cycle=0.0, lambda_identity=0.0))
    with tf.GradientTape(persistent=True) as tape:
        losses = model.generator_losses(X, Y)[0]
        loss = model.generator_loss(losses)
    for term, network in (("adversarial_xy", "generator_xy"), ("adversarial_yx", "generator_yx")):
        variables = getattr(model, network).trainable_variables
        assert_equal(tape.gradient(loss, variables), tape.gradient(losses[term], variables))


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_the_cycle_loss_takes_its_share_of_structure(reached, model, tiny, monkeypatch, share):
    monkeypatch.setattr(model, "config", tiny(cycle_ssim=share))
    cycled = model.generator_yx(model.generator_xy(X)), model.generator_xy(model.generator_yx(Y))
    expected = sum(
        (1 - share) * l1(images, again) + share * (1 - np.mean(ms_ssim(images, again)))
        for images, again in zip((X, Y), cycled, strict=True)
    )
    np.testing.assert_allclose(model.generator_losses(X, Y)[0]["cycle_loss"], expected, rtol=1e-5)
    assert reached(model, lambda m: m.generator_losses(X, Y)[0]["cycle_loss"]) == {*GENERATORS}


@pytest.mark.parametrize("domain", ["x", "y"])
@pytest.mark.parametrize("term", ["discriminator_{}_loss", "gradient_penalty_{}", "r1_{}"])
def test_a_discriminators_term_reaches_it_alone(reached, model, tiny, monkeypatch, term, domain):
    monkeypatch.setattr(model, "config", tiny(**PENALTIES))

    def loss(model):
        return model.discriminator_losses(X, Y, X2, Y2)[0][term.format(domain)]

    assert reached(model, loss) == {f"discriminator_{domain}"}


def test_the_discriminators_loss_halves_the_penalties_too(model, tiny, monkeypatch):
    monkeypatch.setattr(model, "config", tiny(**PENALTIES))
    losses = model.discriminator_losses(X, Y, X2, Y2)[0]
    penalties = losses["gradient_penalty_x"] + losses["gradient_penalty_y"]
    r1 = losses["r1_x"] + losses["r1_y"]
    assert penalties > 0 and r1 > 0
    np.testing.assert_allclose(
        model.discriminator_loss(losses),
        losses["discriminator_x_loss"] + losses["discriminator_y_loss"] + 5 * penalties + r1 / 2,
        rtol=1e-6,
    )


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
    _, _, reported = stepped
    assert tuple(reported) == (*CycleGAN.LOSSES, *health.SIGNALS)
    assert all(0 < reported[name] < 10 for name in CycleGAN.LOSSES)


def test_adam_moves_no_weight_further_than_its_rate(stepped):
    model, before, _ = stepped
    for name in NETWORKS:
        for old, new in zip(before[name], weights(model, name), strict=True):
            assert np.abs(new - old).max() <= model.config.learning_rate * 1.01


def test_one_step_puts_its_fakes_into_the_pools(stepped):
    model, _, _ = stepped
    assert int(model.pool_x.count) == int(model.pool_y.count) == 2
    assert np.abs(model.pool_x.images[:2]).max() > 0


@pytest.mark.parametrize(
    "changes",
    [{"adversarial": name} for name in ADVERSARIAL] + [PENALTIES, EVERYTHING],
    ids=[*ADVERSARIAL, "penalties", "everything"],
)
def test_every_weight_moves_whatever_is_switched_on(tiny, unmoved, changes):
    assert not unmoved(new_model(tiny(**changes)), NETWORKS)


# --- Critic steps -----------------------------------------------------------


def test_each_critic_step_has_images_of_its_own_and_generators_the_first(tiny):
    one, two = (new_model(tiny(critic_steps=n, pool_size=9)) for n in (1, 2))
    seen = two.discriminator_x = Recorder(two.discriminator_x)
    seen.trainable_variables = seen.network.trainable_variables
    train(one, (X, Y))
    train(two, (tf.concat([X, X2], 0), tf.concat([Y, Y2], 0)))
    for name in GENERATORS:
        assert_equal(weights(one, name), weights(two, name))
    assert (int(one.pool_x.count), int(two.pool_x.count)) == (2, 4)
    # A fake, then real and fake of either critic step.
    fake, first, second = seen.inputs
    assert_equal([first[:2], first[2:], second[:2]], [X, fake, X2])
    np.testing.assert_allclose(second[2:], two.generator_yx(Y2), atol=1e-6)
    assert int(two.generator_optimizer.iterations) == 1
    assert int(two.discriminator_optimizer.iterations) == 2


def test_losses_of_critic_steps_are_averaged(tiny):
    model = new_model(tiny(critic_steps=2))
    logits = []
    original = model.discriminator_losses

    def note(*args):
        losses, rest = original(*args)
        logits.append(losses)
        return losses, rest

    model.discriminator_losses = note
    reported = train(model, (tf.concat([X, X2], 0), tf.concat([Y, Y2], 0)))
    for name in ("discriminator_x_loss", "discriminator_y_loss"):
        np.testing.assert_allclose(reported[name], np.mean([terms[name] for terms in logits]))


def test_both_rates_reach_zero_at_the_same_step(tiny):
    model = new_model(tiny(critic_steps=2, constant_share=0.0, learning_rate=1e-3), steps=2)
    train(model, (tf.concat([X, X2], 0), tf.concat([Y, Y2], 0)))
    # Each rate is that of the last update: 1 of 2, and 2 of 4.
    np.testing.assert_allclose(model.generator_optimizer.learning_rate, 1e-3)
    np.testing.assert_allclose(model.discriminator_optimizer.learning_rate, 0.75e-3)


# --- Stability --------------------------------------------------------------


def test_discriminators_have_a_rate_of_their_own(tiny):
    model = new_model(tiny(discriminator_learning_rate=1e-6))
    before = {name: weights(model, name) for name in NETWORKS}
    train(model, (X, Y))
    for name in NETWORKS:
        rate = 1e-6 if name.startswith("discriminator") else 2e-4
        for old, new in zip(before[name], weights(model, name), strict=True):
            # A weight of 1 is a multiple of 1e-7.
            assert np.abs(new - old).max() <= 1.2 * rate


def test_gradients_are_cut_to_the_length_of_the_settings(tiny):
    free, cut, loose = (new_model(tiny(clip_norm=n)) for n in (None, 1e-3, 1e3))
    for model in (free, cut, loose):
        train(model, (X, Y))
    for name in ("generator_optimizer", "discriminator_optimizer"):
        whole, short, same = (moments(getattr(m, name)) for m in (free, cut, loose))
        assert norm(whole) > 1e-3
        np.testing.assert_allclose(norm(short), 0.5 * 1e-3, rtol=1e-4)
        np.testing.assert_allclose(norm(same), norm(whole), rtol=1e-5)
        # Its direction is kept.
        for long, part in zip(whole, short, strict=True):
            np.testing.assert_allclose(part, long * norm(short) / norm(whole), rtol=1e-3, atol=1e-9)


def test_noise_falls_linearly_to_zero(tiny):
    model = new_model(tiny(instance_noise=0.4), steps=100)
    images = tf.zeros((8, 16, 16, 3))
    deviations = [np.std(steps.seen(model, images, step, 0)) for step in (0, 25, 50, 100)]
    np.testing.assert_allclose(deviations, [0.4, 0.3, 0.2, 0.0], rtol=0.05)
    with tf.GradientTape() as tape:
        tape.watch(images)
        seen = tf.reduce_sum(steps.seen(model, images, 0, 0))
    np.testing.assert_array_equal(tape.gradient(seen, images), tf.ones_like(images))


@pytest.mark.parametrize(
    "changes",
    [{"instance_noise": 0.1}, {"augment": ["color"]}, {"augment": ["translation", "cutout"]}],
    ids=["noise", "color", "shape"],
)
def test_discriminators_see_reals_and_fakes_changed_each_in_its_own_way(tiny, changes):
    model = new_model(tiny(**changes))
    for domain in "xy":
        name = f"discriminator_{domain}"
        setattr(model, name, Recorder(getattr(model, name)))
    same = tf.tile(X[:1], (2, 1, 1, 1))
    model.generator_xy = model.generator_yx = lambda images, training: tf.tile(
        X[:1], (len(images), 1, 1, 1)
    )
    for step in (0, 1):
        for part in (0, 1):
            model.generator_losses(same, same, step, part)
            model.discriminator_losses(same, same, same, same, step, part)
    seen = model.discriminator_x.inputs + model.discriminator_y.inputs
    images = [image.tobytes() for batch in seen for image in batch.numpy()]
    assert len(images) == 2 * 2 * 6 * 2
    assert len({*images, X[0].numpy().tobytes()}) == len(images) + 1


def test_what_is_seen_depends_on_seed_and_step_alone(tiny):
    config = tiny(instance_noise=0.1, augment=["color"])
    one, same, other = (new_model(config, seed) for seed in (2**32 - 1, 2**32 - 1, 1))
    views = [
        steps.seen(model, X, step, 3).numpy() for model in (one, same, other) for step in (0, 1)
    ]
    np.testing.assert_array_equal(views[0], views[2])
    assert len({view.tobytes() for view in views}) == 4


def test_averages_follow_their_generators(tiny):
    model = new_model(tiny(ema=0.3, learning_rate=0.01), steps=4)
    expected = {name: weights(model, name) for name in GENERATORS}
    for name in GENERATORS:
        assert_equal(expected[name], weights(model, f"{name}_ema"))
    for step in range(3):
        train(model, (X, Y))
        share = min(0.3, (1 + step) / (10 + step))
        for name in GENERATORS:
            pairs = zip(expected[name], weights(model, name), strict=True)
            expected[name] = [share * mean + (1 - share) * new for mean, new in pairs]
    for name in GENERATORS:
        for mean, found in zip(expected[name], weights(model, f"{name}_ema"), strict=True):
            np.testing.assert_allclose(found, mean, atol=1e-6)
    assert model.translators == (model.generator_xy_ema, model.generator_yx_ema)


def test_without_averages_the_generators_translate(model):
    assert model.translators == (model.generator_xy, model.generator_yx)
    assert not hasattr(model, "generator_xy_ema")


def test_a_plateau_halves_the_rates_of_both_kinds_of_networks(tiny):
    # At such a rate no loss falls.
    rate = {"learning_rate": 1e-20, "discriminator_learning_rate": 4e-20}
    model = new_model(tiny(schedule="plateau", patience=1, checkpoint_every=1, **rate))
    rates = []
    for _ in range(4):
        train(model, (X, Y))
        optimizers = model.generator_optimizer, model.discriminator_optimizer
        rates.append([float(optimizer.learning_rate) for optimizer in optimizers])
    factors = np.array([1, 1, 0.5, 0.25])
    np.testing.assert_allclose(rates, np.outer(factors, [1e-20, 4e-20]), rtol=1e-5)


def test_the_plateau_is_told_the_generators_weighted_loss(tiny):
    model = new_model(tiny(schedule="plateau", checkpoint_every=10))
    losses = train(model, (X, Y))
    np.testing.assert_allclose(model.plateau.total, model.generator_loss(losses), rtol=1e-6)


# --- Precision and memory ---------------------------------------------------


@pytest.fixture(scope="module")
def precise(tiny):
    """Losses of three steps in float32."""
    return train(new_model(tiny()), *[(X, Y)] * 3)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_trains_almost_as_float32(tiny, precise, precision):
    model = new_model(tiny(precision=precision))
    before = {name: weights(model, name) for name in NETWORKS}
    losses = train(model, *[(X, Y)] * 3)
    for name in NETWORKS:
        assert not any(map(np.array_equal, before[name], weights(model, name))), name
    for name in CycleGAN.LOSSES:
        np.testing.assert_allclose(losses[name], precise[name], rtol=0.02, err_msg=name)
    assert keras.mixed_precision.global_policy().name == "float32"


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_everything_works_in_half_precision(tiny, precision):
    model = new_model(tiny(precision=precision, **EVERYTHING))
    losses = train(model, *[(X, Y)] * 2)
    # Gradients may overflow until the loss scale has found its size.
    assert all(np.isfinite(loss) for name, loss in losses.items() if "norm" not in name)


def test_a_step_that_overflows_float16_is_left_out_and_the_scale_lowered(tiny):
    model = new_model(tiny(precision="mixed_float16"))
    optimizer = model.generator_optimizer
    scale = float(optimizer.loss_scale)
    before = weights(model, "generator_xy")
    huge = [tf.fill(v.shape, np.inf) for v in model.generator_variables]
    optimizer.apply_gradients(zip(huge, model.generator_variables, strict=True))
    assert_equal(before, weights(model, "generator_xy"))
    assert float(optimizer.loss_scale) == scale / 2


@pytest.mark.parametrize("adversarial", ["lsgan", "wgan_gp"])
def test_parts_of_a_batch_give_the_gradients_of_the_whole(tiny, adversarial):
    changes = {"adversarial": adversarial, "gradient_penalty": 0.0, "critic_steps": 1}
    changes |= {"r1": 1.0, "r1_every": 1, "cycle_ssim": 0.5}
    whole, cut = (new_model(tiny(**changes, accumulate=parts)) for parts in (1, 2))
    reported = [train(model, (X, Y)) for model in (whole, cut)]
    np.testing.assert_allclose(*[[*losses.values()] for losses in reported], rtol=1e-5)
    for name in ("generator_optimizer", "discriminator_optimizer"):
        ones, others = (moments(getattr(model, name)) for model in (whole, cut))
        assert norm(ones) > 0
        for one, other in zip(ones, others, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5 * norm(ones))
    np.testing.assert_allclose(whole.pool_x.images, cut.pool_x.images, atol=1e-6)


# --- State ------------------------------------------------------------------


@pytest.mark.parametrize(
    "precision", ["float32", pytest.param("mixed_float16", marks=pytest.mark.slow)]
)
def test_all_state_is_in_variables_that_a_checkpoint_holds(tiny, tmp_path, precision):
    config = tiny(**EVERYTHING, precision=precision)
    whole = new_model(config, seed=5)
    train(whole, (X, Y), (X2, Y2), (X, Y2))
    path = tf.train.Checkpoint(model=whole).write(str(tmp_path / "state"))

    resumed = new_model(config, seed=5)
    train(resumed, (X2, X))  # Nothing of which may be left.
    tf.train.Checkpoint(model=resumed).read(path).assert_existing_objects_matched()
    assert train(whole, (Y, X), (X2, Y)) == train(resumed, (Y, X), (X2, Y))
    assert_equal(whole.get_weights(), resumed.get_weights())
    assert float(whole.plateau.factor) < 1.0
    for name in ("generator_optimizer", "discriminator_optimizer"):
        one, two = (getattr(model, name).variables for model in (whole, resumed))
        assert_equal(one, two)


# --- XLA --------------------------------------------------------------------


@pytest.mark.slow  # XLA needs minutes on two cores to compile even this.
@pytest.mark.parametrize("changes", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_xla_changes_the_speed_and_neither_losses_nor_weights(tiny, changes):
    models = [new_model(tiny(**changes, xla=xla)) for xla in ("off", "on")]
    for x, y in [(X, Y), (X2, Y2), (X, Y2)]:
        losses = [[*m.train_on_batch(x, y, return_dict=True).values()] for m in models]
        np.testing.assert_allclose(*losses, rtol=1e-3, atol=1e-5)
    for name in ("generator_optimizer", "discriminator_optimizer"):
        ones, others = (moments(getattr(model, name)) for model in models)
        difference = norm([one - other for one, other in zip(ones, others, strict=True)])
        assert difference < 1e-2 * norm(ones)
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)
