import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.data.labels import IGNORE
from i2i_keras.segmenters.segmenter_model import SegmenterModel
from i2i_keras.segmenters.self_training_config import SelfTrainingConfig
from i2i_keras.segmenters.self_training_model import SelfTrainingModel

RNG = np.random.default_rng(0)
IMAGES, TARGET = (tf.constant(RNG.uniform(-1, 1, (2, 16, 16, 3)), tf.float32) for _ in "xy")
LABELS = tf.constant(RNG.choice([0, 1, 2, IGNORE], (2, 16, 16)), tf.int32)
BATCH = (IMAGES, LABELS, TARGET)
SEED = tf.constant([5, 6], tf.int64)


@pytest.fixture(scope="module")
def build(tiny):
    """A compiled model, always with the same weights."""

    def make(class_weights=None, own=None, **changes):
        tf.keras.utils.set_random_seed(3)
        config = SelfTrainingConfig(**(own or {}))
        segmenter = tiny(learning_rate=0.01, **changes)
        model = SelfTrainingModel(config, segmenter, 3, class_weights, seed=4)
        model.compile(steps=10)
        return model

    return make


def step(model, *batch):
    return {name: float(value) for name, value in model.train_step(batch or BATCH).items()}


def softmax(logits):
    values = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    return values / values.sum(-1, keepdims=True)


def unsure(model):
    """Makes the teacher's labels depend on the image, and some of them sure."""
    teacher = model.teacher
    values = [RNG.normal(size=v.shape) for v in teacher.trainable_variables]
    for variable, value in zip(teacher.trainable_variables, values, strict=True):
        variable.assign(np.abs(value) if "gamma" in variable.name else value)
    return model


# --- What it learns from ----------------------------------------------------


@pytest.fixture(scope="module")
def mixed(build):
    """A teacher, what it makes of two pairs, and how sure it is."""
    model = unsure(build(own={"threshold": 0.9, "jitter": 0.0}))
    return model, *model.mix(IMAGES, LABELS, TARGET, SEED)


def test_pixels_are_labelled_by_whom_they_are_from(mixed):
    model, found, _ = mixed
    pseudo = model.teacher(TARGET, training=True).numpy().argmax(-1)
    pasted = (found.images.numpy() == IMAGES.numpy()).all(-1)
    assert 0.2 < pasted.mean() < 0.8
    labels = np.where(pasted, LABELS, pseudo)
    np.testing.assert_array_equal(found.labels, labels)
    images = np.where(pasted[..., None], IMAGES, TARGET)
    np.testing.assert_array_equal(found.images, images)
    assert not (labels == IGNORE).any()


def test_pasted_pixels_weigh_one_and_others_as_much_as_the_teacher_is_sure(mixed):
    model, found, share = mixed
    sure = softmax(model.teacher(TARGET, training=True).numpy()).max(-1) >= 0.9
    expected = sure.mean((1, 2))
    assert expected.min() > 0 and expected.max() < 1 and expected[0] != expected[1]
    np.testing.assert_allclose(share, expected, rtol=1e-6)
    pasted = (found.images.numpy() == IMAGES.numpy()).all(-1)
    np.testing.assert_allclose(found.weights, np.where(pasted, 1, expected[:, None, None]))


def test_the_mixed_loss_is_the_weighted_sum_over_the_number_of_pixels(mixed):
    model, found, _ = mixed
    logits = RNG.normal(size=(2, 16, 16, 3)).astype(np.float32)
    true = np.take_along_axis(softmax(logits), found.labels.numpy()[..., None], -1)[..., 0]
    expected = np.mean(found.weights.numpy() * -np.log(true))
    np.testing.assert_allclose(model.mixed_loss(found, logits), expected, rtol=1e-5)


def test_smoothing_and_class_weights_are_of_the_mixed_loss_too(build, mixed):
    _, found, _ = mixed
    weights, smoothing = np.array([1.0, 2.0, 5.0]), 0.2
    model = build([*weights], label_smoothing=smoothing)
    logits = RNG.normal(size=(2, 16, 16, 3)).astype(np.float32)
    log, labels = -np.log(softmax(logits)), found.labels.numpy()
    true = np.take_along_axis(log, labels[..., None], -1)[..., 0]
    losses = (1 - smoothing) * true + smoothing * log.mean(-1)
    expected = np.sum(weights[labels] * found.weights * losses) / weights[labels].sum()
    np.testing.assert_allclose(model.mixed_loss(found, logits), expected, rtol=1e-5)


def test_a_lower_threshold_makes_the_target_weigh_more(build):
    shares = []
    for threshold in (1.0, 0.9, 0.4, 0.0):
        model = unsure(build(own={"threshold": threshold}))
        model.teacher.set_weights(shares[0][0] if shares else model.teacher.get_weights())
        found, _ = model.mix(IMAGES, LABELS, TARGET, SEED)
        shares.append((model.teacher.get_weights(), float(tf.reduce_min(found.weights))))
    values = [value for _, value in shares]
    assert values == sorted(values) and len(set(values)) > 2 and values[-1] == 1.0


def test_jitter_changes_the_colors_of_mixed_images_and_no_label(build):
    (plain, _), (changed, _) = (
        build(own={"jitter": jitter}).mix(IMAGES, LABELS, TARGET, SEED) for jitter in (0.0, 0.25)
    )
    np.testing.assert_array_equal(plain.labels, changed.labels)
    assert 0.01 < np.abs(plain.images - changed.images).mean() < 0.25


# --- A step -----------------------------------------------------------------


def test_a_step_tells_both_losses_and_how_sure_the_teacher_is(build):
    losses = step(build(own={"weight": 0.5}, dice=0.1))
    assert losses["loss"] == pytest.approx(losses["source_loss"] + 0.5 * losses["mixed_loss"])
    dice = losses["cross_entropy"] + 0.1 * losses["dice"]
    assert losses["source_loss"] == pytest.approx(dice)
    assert 0 <= losses["confident_share"] <= 1
    assert losses["mixed_loss"] > 0


def test_without_weight_a_step_is_that_of_plain_training_to_the_bit(build, tiny):
    model = build(own={"weight": 0.0})
    tf.keras.utils.set_random_seed(3)
    plain = SegmenterModel(tiny(learning_rate=0.01), 3)
    plain.compile(steps=10)
    for _ in range(2):
        assert step(model) == step(plain, IMAGES, LABELS)
    for one, other in zip(model.network.get_weights(), plain.network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_teacher_follows_its_network_and_gets_no_gradient(build):
    model, decay = build(own={"ema": 0.6}), 0.6
    expected = [v.numpy() for v in model.teacher.trainable_variables]
    for one, other in zip(expected, model.network.trainable_variables, strict=True):
        np.testing.assert_array_equal(one, other)  # It begins as its network.
    for number in range(6):
        step(model)
        share = min(decay, (1 + number) / (10 + number))
        new = [v.numpy() for v in model.network.trainable_variables]
        expected = [share * a + (1 - share) * b for a, b in zip(expected, new, strict=True)]
    for one, other in zip(expected, model.teacher.trainable_variables, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-6)


def test_the_gradient_is_that_of_both_losses(build):
    model = build(own={"weight": 0.7})
    (_, gradients), _ = model.part(0, *BATCH)
    twin = build(own={"weight": 0.7})
    seed = tf.random.fold_in(tf.constant([4, 0], tf.int64), 0, alg="philox")
    found, _ = twin.mix(*BATCH, seed)
    with tf.GradientTape() as tape:
        source = twin.losses_of(LABELS, twin.network(IMAGES, training=True))["loss"]
        loss = source + 0.7 * twin.mixed_loss(found, twin.network(found.images, training=True))
    expected = tape.gradient(loss, twin.network.trainable_variables)
    for one, other in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_what_is_mixed_depends_on_seed_step_and_part_alone(build):
    model = build()

    def loss(part=0):
        (losses, _), _ = model.part(part, *BATCH)
        return float(losses["mixed_loss"])

    first = loss()
    assert loss() == first != loss(part=1)
    model.optimizer.iterations.assign_add(1)
    assert loss() != first
    model.optimizer.iterations.assign_sub(1)
    model.seed += 1
    assert loss() != first


def test_parts_of_a_batch_are_each_mixed_and_make_one_update(build):
    model = build(accumulate=2)
    losses = step(model)
    assert model.optimizer.iterations == 1
    halves = [
        build(accumulate=2).part(number, *(b[number : number + 1] for b in BATCH))[0]
        for number in range(2)
    ]
    for name in ("source_loss", "mixed_loss", "confident_share"):
        expected = np.mean([float(found[name]) for found, _ in halves])
        assert losses[name] == pytest.approx(expected, rel=1e-4), name


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_in_half_precision_losses_are_float32(build, precision):
    model = build(precision=precision)
    losses = model.train_step(BATCH)
    assert all(value.dtype == tf.float32 for value in losses.values())
    assert np.isfinite([float(value) for value in losses.values()]).all()


@pytest.mark.slow  # XLA needs half a minute to compile even this.
def test_xla_changes_the_speed_and_not_the_losses(build):
    found = []
    for xla in (False, True):
        compiled = tf.function(build(dice=0.5).train_step, jit_compile=xla)
        found += [{name: float(value) for name, value in compiled(BATCH).items()}]
    assert found[1] == pytest.approx(found[0], rel=1e-4)
