import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.data.labels import IGNORE
from i2i_keras.segmenters.losses import cross_entropy, dice_loss
from i2i_keras.segmenters.segmenter_model import SegmenterModel
from i2i_keras.training.schedules import falling

RNG = np.random.default_rng(0)
IMAGES = tf.constant(RNG.uniform(-1, 1, (2, 16, 16, 3)), tf.float32)
LABELS = tf.constant(RNG.choice([0, 1, 2, IGNORE], (2, 16, 16)), tf.int32)
RATE = 1e-2


@pytest.fixture(scope="module")
def build(tiny):
    """A compiled model, always with the same weights."""

    def make(class_weights=None, **changes):
        tf.keras.utils.set_random_seed(3)
        model = SegmenterModel(tiny(learning_rate=RATE, **changes), 3, class_weights)
        model.compile(steps=10)
        return model

    return make


def step(model, images=IMAGES, labels=LABELS):
    """Losses of one update, and each variable before and after it."""
    before = [variable.numpy() for variable in model.network.trainable_variables]
    losses = {name: float(value) for name, value in model.train_step((images, labels)).items()}
    after = [variable.numpy() for variable in model.network.trainable_variables]
    return losses, before, after


def pairs(model, one, other):
    """Weights, but for biases before a batch norm, which takes them away.

    Their gradient is rounding error, of which Adam makes whole steps.
    """
    names = [variable.name for variable in model.network.trainable_variables]
    rows = zip(names, one, other, strict=True)
    return [(a, b) for name, a, b in rows if "bias" not in name or "logits" in name]


def test_every_variable_moves(build):
    model = build()
    _, before, after = step(model)
    for variable, old, new in zip(model.network.trainable_variables, before, after, strict=True):
        assert not np.array_equal(old, new), variable.name


def test_without_options_the_loss_is_the_cross_entropy(build):
    model = build()
    expected = cross_entropy(LABELS, model.network(IMAGES, training=True))
    losses, _, _ = step(build())
    assert losses.keys() == {"loss", "accuracy"}
    assert losses["loss"] == pytest.approx(float(expected), rel=1e-5)


def test_dice_is_added_with_its_weight(build):
    logits = build().network(IMAGES, training=True)
    losses, _, _ = step(build(dice=0.25))
    assert losses["cross_entropy"] == pytest.approx(float(cross_entropy(LABELS, logits)), rel=1e-5)
    assert losses["dice"] == pytest.approx(float(dice_loss(LABELS, logits)), rel=1e-5)
    assert losses["loss"] == pytest.approx(losses["cross_entropy"] + 0.25 * losses["dice"])


def test_smoothing_and_class_weights_are_those_of_the_cross_entropy(build):
    logits = build().network(IMAGES, training=True)
    losses, _, _ = step(build([1.0, 2.0, 5.0], label_smoothing=0.2))
    expected = cross_entropy(LABELS, logits, 0.2, [1.0, 2.0, 5.0])
    assert losses["loss"] == pytest.approx(float(expected), rel=1e-5)


def test_l2_is_of_the_squares_of_the_kernels(build):
    model = build(unet={"filters": 4, "depth": 1, "l2": 0.01})
    kernels = [v.numpy() for v in model.network.trainable_variables if "kernel" in v.name]
    losses, _, _ = step(model)
    # A network of depth 1 has eight convolutions: all are first or last ones.
    expected = 0.01 * sum(np.square(kernel, dtype=np.float64).sum() for kernel in kernels)
    assert losses["l2"] == pytest.approx(expected, rel=1e-5)
    assert losses["loss"] == pytest.approx(losses["cross_entropy"] + losses["l2"], rel=1e-5)


def test_weight_decay_shrinks_kernels_and_nothing_else(build):
    model = build(weight_decay=0.1)
    _, before, decayed = step(model)
    _, _, plain = step(build())
    rows = zip(model.network.trainable_variables, before, decayed, plain, strict=True)
    for variable, old, shrunk, new in rows:
        expected = RATE * 0.1 * old if "kernel" in variable.name else np.zeros_like(old)
        np.testing.assert_allclose(new - shrunk, expected, atol=1e-7, err_msg=variable.name)


def test_parts_of_a_batch_give_the_update_of_the_whole(build):
    # Two equal halves: only then does batch norm see the same in both.
    images, labels = (tf.concat([batch[:1], batch[:1]], 0) for batch in (IMAGES, LABELS))
    model = build()
    whole, _, one = step(model, images, labels)
    parts, _, other = step(build(accumulate=2), images, labels)
    assert parts == pytest.approx(whole, rel=1e-5)
    for a, b in pairs(model, one, other):
        np.testing.assert_allclose(a, b, atol=0.02 * RATE)


def test_a_validation_is_of_the_plain_cross_entropy_and_moves_nothing(build):
    model = build([1.0, 2.0, 5.0], label_smoothing=0.2, dice=1.0)
    before = model.get_weights()
    found = model.test_step((IMAGES, LABELS))
    expected = cross_entropy(LABELS, model.network(IMAGES, training=False))
    assert float(found["loss"]) == pytest.approx(float(expected), rel=1e-6)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_logits_and_losses_are_float32(build, precision):
    model = build(precision=precision)
    assert model.network(IMAGES).dtype == tf.float32
    assert model.train_step((IMAGES, LABELS))["loss"].dtype == tf.float32


@pytest.mark.parametrize(
    ("kind", "shares"),
    [
        ("constant", [1, 1, 1]),
        ("cosine", [1, (1 + np.cos(np.pi / 4)) / 2, 0]),
        ("poly", [1, 0.75**0.9, 0]),
    ],
)
def test_the_rate_falls_as_its_formula_says(kind, shares):
    rate = falling(kind, 0.3, 80)
    values = [float(rate(step)) if callable(rate) else rate for step in (0, 20, 80)]
    np.testing.assert_allclose(values, 0.3 * np.array(shares), atol=1e-7)


@pytest.mark.slow  # XLA needs half a minute to compile even this.
def test_xla_changes_the_speed_and_not_the_step(build):
    steps = {}
    for xla in (False, True):
        model = build(dice=0.5, weight_decay=0.1, accumulate=2)
        compiled = tf.function(model.train_step, jit_compile=xla)
        losses = {name: float(value) for name, value in compiled((IMAGES, LABELS)).items()}
        steps[xla] = losses, [v.numpy() for v in model.network.trainable_variables]
    assert steps[True][0] == pytest.approx(steps[False][0], rel=1e-4)
    for a, b in pairs(model, steps[True][1], steps[False][1]):
        # Adam's first step is the sign of the gradient where that is not tiny.
        assert np.mean(np.abs(a - b) < 0.01 * RATE) > 0.95
