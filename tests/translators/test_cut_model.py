import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.translators import steps
from i2i_keras.translators.cut_config import FASTCUT
from i2i_keras.translators.cut_model import CUT, NETWORKS
from i2i_keras.translators.losses import ADVERSARIAL
from i2i_keras.translators.patch_nce import layer_names, patch_nce, take_patches

RNG = np.random.default_rng(0)
X, Y = (tf.constant(RNG.uniform(-1, 1, (2, 16, 16, 3)), tf.float32) for _ in "xy")
X2, Y2 = (tf.constant(RNG.uniform(-1, 1, (2, 16, 16, 3)), tf.float32) for _ in "xy")

REACHED = {
    "adversarial_xy": {"generator_xy", "discriminator_y"},
    "nce_loss": {"generator_xy", "heads"},
    "identity_loss": {"generator_xy", "heads"},
}
SMALL = {"filters": 2, "num_downsamplings": 1, "num_residual_blocks": 2, "outer_kernel": 3}
EVERYTHING = {
    "gradient_penalty": 10.0,
    "r1": 1.0,
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
    "generator": {**SMALL, "skip": True, "norm": "batch"},
    "discriminator": {
        **{"filters": 2, "num_downsamplings": 1, "norm": "none"},
        **{"dropout": 0.3, "spectral_norm": True},
    },
}


def new_model(config, seed=0, steps=4):
    """A compiled model, always of the same weights for a seed."""
    keras.utils.set_random_seed(seed)
    model = CUT(config, seed)
    model.compile(steps)
    return model


@pytest.fixture(scope="module")
def stepped(tiny_cut):
    """The model after a step, its weights before it, and what it reported."""
    model = new_model(tiny_cut(lambda_nce=2.0, lambda_identity=3.0))
    before = {name: weights(model, name) for name in NETWORKS}
    return model, before, model.train_on_batch(X, Y, return_dict=True)


@pytest.fixture(scope="module")
def model(stepped):
    return stepped[0]


def train(model, *batches):
    """Steps without a graph, the making of which would take longer."""
    losses = {}
    for batch in batches:
        losses = model.train_step(batch)
    return {name: float(loss) for name, loss in losses.items()}


def weights(model, network):
    return [v.numpy() for v in getattr(model, network).trainable_variables]


def assert_equal(ones, others):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_array_equal(one, other)


def losses(model, x=X, y=Y, **kwargs):
    return {n: float(v) for n, v in model.generator_losses(x, y, **kwargs)[0].items()}


class Recorder:
    """A network that remembers what it was given."""

    def __init__(self, network):
        self.network, self.inputs = network, []

    def __call__(self, images, **kwargs):
        self.inputs.append(images)
        return self.network(images, **kwargs)


# --- Losses -------------------------------------------------------------------


@pytest.mark.parametrize("term", REACHED)
def test_a_loss_reaches_exactly_its_networks(reached, model, term):
    assert reached(model, lambda m: m.generator_losses(X, Y)[0][term]) == REACHED[term]


def test_the_discriminators_loss_reaches_it_alone(reached, model):
    fake_y = model.generator_xy(X)
    found = reached(model, lambda m: m.discriminator_loss(m.discriminator_losses(Y, fake_y)[0]))
    assert found == {"discriminator_y"}


def by_hand(model, images):
    """The contrastive loss of images, its keys being plain numbers."""
    names = layer_names(model.config.generator)
    queries, keys = model.encoder(model.generator_xy(images)), model.encoder(images)
    seed = steps.seed_of(model, 0, 1)
    found = []
    for name in names:
        units = []
        for features in (queries, keys):
            patches = take_patches(features, model.config.num_patches, seed)
            units.append(model.heads(patches)[name])
        found.append(tf.reduce_mean(patch_nce(units[0], units[1].numpy(), 0.07)))
    return tf.add_n(found) / len(names)


def test_the_contrastive_loss_is_a_mean_over_layers_of_x_and_its_translation(model):
    assert losses(model)["nce_loss"] == pytest.approx(float(by_hand(model, X)), rel=1e-5)


def test_the_identity_loss_is_the_same_of_y(model):
    assert losses(model)["identity_loss"] == pytest.approx(float(by_hand(model, Y)), rel=1e-5)


def test_keys_are_constants_to_generator_and_heads(model):
    variables = model.generator_variables
    with tf.GradientTape(persistent=True) as tape:
        wanted = by_hand(model, X)
        loss = model.generator_losses(X, Y)[0]["nce_loss"]
    pairs = [tape.gradient(value, variables, None, "zero") for value in (loss, wanted)]
    assert max(np.abs(g).max() for g in pairs[1]) > 0
    for one, other in zip(*pairs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4 * np.abs(other).max() + 1e-4)


def test_the_contrastive_loss_reaches_the_encoder_the_decoder_and_every_head(tiny_cut):
    model = new_model(tiny_cut())
    with tf.GradientTape() as tape:
        loss = model.generator_losses(X, Y)[0]["nce_loss"]
    gradients = tape.gradient(loss, model.generator_variables)
    for variable, gradient in zip(model.generator_variables, gradients, strict=True):
        assert np.abs(gradient).max() > 0, variable.name


@pytest.mark.parametrize(
    ("changes", "nce", "identity"),
    [({}, 1, 1), ({"lambda_nce": 0.0}, 0, 1), ({"lambda_identity": 0.0}, 1, 0), (FASTCUT, 10, 0)],
)
def test_the_generators_loss_is_one_weighted_sum(tiny_cut, changes, nce, identity):
    model = new_model(tiny_cut(**changes))
    found = losses(model)
    assert (found["identity_loss"] > 0) == (identity > 0)
    wanted = found["adversarial_xy"] + nce * found["nce_loss"] + identity * found["identity_loss"]
    assert float(model.generator_loss(found)) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize(("weight", "images"), [(1.0, [X, Y]), (0.0, [X])])
def test_without_identity_only_x_goes_through_and_nothing_is_mirrored(tiny_cut, weight, images):
    model = new_model(tiny_cut(lambda_identity=weight))
    seen = model.translation = Recorder(model.translation)
    model.generator_losses(X, Y)
    assert_equal(seen.inputs, [tf.concat(images, 0)])


def test_batch_norm_never_mixes_x_and_y(tiny_cut):
    model = new_model(tiny_cut(generator={**SMALL, "norm": "batch"}))
    seen = model.translation = Recorder(model.translation)
    model.generator_losses(X, Y)
    assert_equal(seen.inputs, [X, Y])


def test_fakes_are_what_the_generator_makes_of_x(model):
    np.testing.assert_allclose(
        model.generator_losses(X, Y)[1], model.generator_xy(X, training=True), atol=1e-6
    )


def test_the_adversarial_loss_is_that_of_the_settings(tiny_cut):
    found = {name: losses(new_model(tiny_cut(adversarial=name))) for name in ADVERSARIAL}
    for name, of_name in found.items():
        model = new_model(tiny_cut())  # Of the same weights.
        logits = model.discriminator_y(model.generator_xy(X, training=True), training=True)
        wanted = float(ADVERSARIAL[name].generator(logits))
        assert of_name["adversarial_xy"] == pytest.approx(wanted, rel=1e-4, abs=1e-6)


def test_the_discriminators_loss_halves_the_penalties_too(tiny_cut):
    model = new_model(tiny_cut(gradient_penalty=10.0, r1=4.0, r1_every=1))
    found = model.discriminator_losses(Y, X)[0]
    wanted = found["discriminator_y_loss"]
    wanted += 5.0 * found["gradient_penalty_y"] + 2.0 * found["r1_y"]
    assert found["r1_y"] > 0 and found["gradient_penalty_y"] > 0
    assert float(model.discriminator_loss(found)) == pytest.approx(float(wanted))


@pytest.mark.parametrize(
    ("changes", "largest"),
    # Untrained, patches look alike: about the log of their number.
    [({"num_patches": 4}, 4), ({"num_patches": 20}, 20), ({"num_patches": 999}, 256)],
)
def test_more_patches_make_it_harder(tiny_cut, changes, largest):
    found = losses(new_model(tiny_cut(**changes, temperature=100.0)))["nce_loss"]
    # The pixels have 256 places, the three other layers 64.
    wanted = (np.log(largest) + 3 * np.log(min(largest, 64))) / 4
    assert found == pytest.approx(wanted, rel=0.01)


def test_a_low_temperature_sharpens_what_is_found(tiny_cut):
    cold, warm = (losses(new_model(tiny_cut(temperature=t)))["nce_loss"] for t in (0.07, 100.0))
    assert abs(cold - warm) > 0.1


def test_vectors_have_the_width_of_the_settings(tiny_cut):
    heads = CUT(tiny_cut(projection=5)).heads
    assert {shape[-1] for shape in heads.output_shape.values()} == {5}


def test_patches_depend_on_seed_and_step_alone(model, tiny_cut):
    first = losses(model)["nce_loss"]
    assert losses(model)["nce_loss"] == first
    assert losses(model, step=1)["nce_loss"] != first
    assert losses(model, part=1)["nce_loss"] != first
    other = new_model(tiny_cut())
    other.set_weights(model.get_weights())
    assert losses(other)["nce_loss"] == pytest.approx(first, rel=1e-6)
    other.seed = 1
    assert losses(other)["nce_loss"] != pytest.approx(first, rel=1e-6)


# --- A step -------------------------------------------------------------------


def test_one_step_moves_every_weight_of_all_networks(stepped):
    model, before, _ = stepped
    for name in NETWORKS:
        variables = getattr(model, name).trainable_variables
        for old, new in zip(before[name], variables, strict=True):
            assert not np.array_equal(old, new), f"{name}: {new.name}"


def test_one_step_reports_every_loss_and_signal(stepped):
    assert tuple(stepped[2]) == (*CUT.LOSSES, *CUT.SIGNALS)
    assert all(np.isfinite(value) for value in stepped[2].values())
    assert "change_xy" in CUT.SIGNALS and "discriminator_accuracy_y" in CUT.SIGNALS
    assert not {name for name in CUT.SIGNALS if name.endswith(("_x", "_yx"))}


@pytest.mark.parametrize(
    "changes",
    [{"adversarial": name} for name in ADVERSARIAL] + [FASTCUT, EVERYTHING],
    ids=[*ADVERSARIAL, "fastcut", "everything"],
)
def test_every_weight_moves_whatever_is_switched_on(tiny_cut, unmoved, changes):
    assert not unmoved(new_model(tiny_cut(**changes)), NETWORKS)


def test_each_critic_step_has_images_of_its_own_and_the_generator_the_first(tiny_cut):
    one, two = (new_model(tiny_cut(critic_steps=n, pool_size=9)) for n in (1, 2))
    train(one, (X, Y))
    train(two, (tf.concat([X, X2], 0), tf.concat([Y, Y2], 0)))
    for name in ("generator_xy", "heads"):
        assert_equal(weights(one, name), weights(two, name))
    assert (int(one.pool_y.count), int(two.pool_y.count)) == (2, 4)
    np.testing.assert_allclose(two.pool_y.images[2:4], two.generator_xy(X2), atol=1e-6)
    assert int(two.generator_optimizer.iterations) == 1
    assert int(two.discriminator_optimizer.iterations) == 2


def test_the_discriminator_has_a_rate_of_its_own(tiny_cut):
    model = new_model(tiny_cut(discriminator_learning_rate=1e-3, lambda_identity=0.0))
    before = {name: weights(model, name) for name in NETWORKS}
    train(model, (X, Y))
    for name, rate in (("generator_xy", 2e-4), ("heads", 2e-4), ("discriminator_y", 1e-3)):
        pairs = zip(before[name], weights(model, name), strict=True)
        moved = [np.abs(one - other).max() for one, other in pairs]
        # Adam's first step is the rate, whatever the gradient.
        assert max(moved) == pytest.approx(rate, rel=0.02)


def test_gradients_are_cut_to_the_length_of_the_settings(tiny_cut):
    model = new_model(tiny_cut(clip_norm=1e-3))
    assert train(model, (X, Y))["generator_gradient_norm"] > 1e-3
    moments = [v for v in model.generator_optimizer.variables if v.name.startswith("m/")]
    # Half of the gradient: beta_1 is 0.5.
    assert float(tf.linalg.global_norm(moments)) == pytest.approx(0.5e-3, rel=1e-3)


@pytest.mark.parametrize("changes", [{"instance_noise": 0.1}, {"augment": ["color"]}])
def test_the_discriminator_sees_reals_and_fakes_changed(tiny_cut, changes):
    model = new_model(tiny_cut(**changes))
    seen = [steps.seen(model, X, 0, salt) for salt in (0, 1)]
    assert not np.allclose(seen[0], X) and not np.allclose(*seen)
    assert_equal(steps.seen(model, X, 0, 1), seen[1])


def test_the_average_follows_the_generator_and_translates(tiny_cut):
    model = new_model(tiny_cut(ema=0.9))
    assert model.translator is model.generator_xy_ema
    old = weights(model, "generator_xy")
    train(model, (X, Y))
    for before, new, mean in zip(
        old, weights(model, "generator_xy"), weights(model, "generator_xy_ema"), strict=True
    ):
        # The first step's decay is 0.1.
        np.testing.assert_allclose(mean, before + 0.9 * (new - before), atol=1e-6)


def test_parts_of_a_batch_give_the_gradients_of_the_whole(tiny_cut):
    # All places: otherwise each part would draw its own.
    found = [new_model(tiny_cut(accumulate=parts, num_patches=256)) for parts in (1, 2)]
    for model in found:
        train(model, (X, Y))
    for kind in ("generator", "discriminator"):
        ones, others = (
            [v.numpy() for v in getattr(m, f"{kind}_optimizer").variables if "m/" in v.name]
            for m in found
        )
        for one, other in zip(ones, others, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-2, atol=1e-4 * np.abs(one).max() + 1e-6)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_finds_almost_the_same_losses(tiny_cut, precision):
    exact, half = (losses(new_model(tiny_cut(precision=p))) for p in ("float32", precision))
    assert half != exact
    for name, value in exact.items():
        assert half[name] == pytest.approx(value, rel=0.05), name


def test_all_state_is_in_variables_that_a_checkpoint_holds(tiny_cut, tmp_path):
    config = tiny_cut(**EVERYTHING)
    whole = new_model(config, seed=5)
    train(whole, (X, Y), (X2, Y2), (X, Y2))
    path = tf.train.Checkpoint(model=whole).write(str(tmp_path / "state"))

    resumed = new_model(config, seed=5)
    train(resumed, (X2, X))  # Nothing of which may be left.
    tf.train.Checkpoint(model=resumed).read(path).assert_existing_objects_matched()
    assert train(whole, (Y, X), (X2, Y)) == train(resumed, (Y, X), (X2, Y))
    assert_equal(whole.get_weights(), resumed.get_weights())
    for name in ("generator_optimizer", "discriminator_optimizer"):
        assert_equal(*(getattr(model, name).variables for model in (whole, resumed)))


@pytest.mark.slow  # XLA needs minutes on two cores to compile even this.
def test_xla_changes_the_speed_and_not_the_losses(tiny_cut):
    models = [new_model(tiny_cut(xla=xla)) for xla in ("off", "on")]
    for x, y in [(X, Y), (X2, Y2)]:
        found = [[*m.train_on_batch(x, y, return_dict=True).values()] for m in models]
        np.testing.assert_allclose(*found, rtol=1e-2, atol=1e-4)
