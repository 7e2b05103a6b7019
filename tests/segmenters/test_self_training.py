import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras import config
from i2i_keras.data.labels import IGNORE
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.models.draws import fold
from i2i_keras.run_folder import files
from i2i_keras.segmenters import segmenter_training, self_training
from i2i_keras.segmenters.segmenter_training import Examples
from i2i_keras.segmenters.self_training import SelfTrainingModel
from i2i_keras.segmenters.self_training_config import SelfTrainingConfig
from i2i_keras.segmenters.trained import load
from i2i_keras.training import checkpoints

RNG = np.random.default_rng(0)
IMAGES, TARGET = (tf.constant(RNG.uniform(-1, 1, (2, 16, 16, 3)), tf.float32) for _ in "xy")
LABELS = tf.constant(RNG.choice([0, 1, 2, IGNORE], (2, 16, 16)), tf.int32)
BATCH = (IMAGES, LABELS, TARGET)
SEED = tf.constant([5, 6], tf.int64)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("threshold", 1.1), ("ema", 1.0), ("weight", -1), ("jitter", 2)),
        *(("rare_classes", 0), ("masked_weight", -1), ("mask_block", 0), ("mask_share", 1.0)),
    ],
)
def test_a_setting_out_of_range_is_named(name, value):
    with pytest.raises(SettingsError, match=name):
        config.build(SelfTrainingConfig, {name: value})


# --- What a step learns from -----------------------------------------------


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


def mix(model, seed=SEED):
    """Mixed images, and how sure the teacher is of each."""
    pseudo, share = model.label(TARGET)
    return model.mix(IMAGES, LABELS, pseudo, seed), share


@pytest.fixture(scope="module")
def mixed(build):
    """A teacher, what it makes of two pairs, and how sure it is."""
    model = unsure(build(own={"threshold": 0.9, "jitter": 0.0}))
    return model, *mix(model)


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
        found, _ = mix(model)
        shares.append((model.teacher.get_weights(), float(tf.reduce_min(found.weights))))
    values = [value for _, value in shares]
    assert values == sorted(values) and len(set(values)) > 2 and values[-1] == 1.0


def test_jitter_changes_the_colors_of_mixed_images_and_no_label(build):
    (plain, _), (changed, _) = (mix(build(own={"jitter": jitter})) for jitter in (0.0, 0.25))
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
    (_, gradients), _ = model.compute_part(0, *BATCH)
    twin = build(own={"weight": 0.7})
    seed = tf.random.fold_in(tf.constant([4, 0], tf.int64), 0, alg="philox")
    found, _ = mix(twin, seed)
    with tf.GradientTape() as tape:
        source = twin.losses_of(LABELS, twin.network(IMAGES, training=True))["loss"]
        loss = source + 0.7 * twin.mixed_loss(found, twin.network(found.images, training=True))
    expected = tape.gradient(loss, twin.network.trainable_variables)
    for one, other in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_masked_images_are_learned_with_the_labels_of_whole_ones(build):
    own = {"weight": 0.0, "masked_weight": 0.7, "mask_block": 4, "jitter": 0.0, "threshold": 0.5}
    model, twin = unsure(build(own=own)), build(own=own)
    twin.teacher.set_weights(model.teacher.get_weights())
    (losses, gradients), _ = model.compute_part(0, *BATCH)
    assert "mixed_loss" not in losses
    logits = twin.teacher(TARGET, training=True).numpy()
    sure = (softmax(logits).max(-1) >= 0.5).mean((1, 2))
    masked = twin.mask(twin.label(TARGET)[0], fold(fold(tf.constant([4, 0], tf.int64), 0), 1))
    hidden = (masked.images.numpy() == 0).all(-1)
    assert 0.5 < hidden.mean() < 0.9
    np.testing.assert_array_equal(masked.images.numpy()[~hidden], TARGET.numpy()[~hidden])
    with tf.GradientTape() as tape:
        source = twin.losses_of(LABELS, twin.network(IMAGES, training=True))["loss"]
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(
            logits.argmax(-1), twin.network(masked.images, training=True)
        )
        # Hoyer et al., 2023: the share of sure pixels weighs an image.
        expected = tf.reduce_mean(sure.astype(np.float32)[:, None, None] * each)
        loss = source + 0.7 * expected
    assert float(losses["masked_loss"]) == pytest.approx(float(expected), rel=1e-5)
    wanted = tape.gradient(loss, twin.network.trainable_variables)
    for one, other in zip(gradients, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_mixed_and_masked_losses_add_up(build):
    losses = step(build(own={"weight": 0.5, "masked_weight": 2.0, "mask_block": 4}))
    total = losses["source_loss"] + 0.5 * losses["mixed_loss"] + 2.0 * losses["masked_loss"]
    assert losses["loss"] == pytest.approx(total)
    plain = step(build(own={"weight": 0.5}))
    assert losses["mixed_loss"] == pytest.approx(plain["mixed_loss"])


def test_a_larger_share_hides_more_and_blocks_have_their_size(build):
    shown = {}
    for share, block in ((0.2, 4), (0.8, 4), (0.5, 16)):
        model = build(own={"masked_weight": 1, "mask_share": share, "mask_block": block})
        images = model.mask(model.label(TARGET)[0], SEED).images.numpy()
        shown[share] = (images != 0).any(-1).mean((1, 2))
    assert shown[0.2].mean() > 0.6 > 0.4 > shown[0.8].mean()
    assert set(shown[0.5]) <= {0.0, 1.0}  # A block is as large as an image.


def test_what_is_mixed_depends_on_seed_step_and_part_alone(build):
    model = build()

    def loss(part=0):
        (losses, _), _ = model.compute_part(part, *BATCH)
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
        build(accumulate=2).compute_part(number, *(b[number : number + 1] for b in BATCH))[0]
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


# --- A training --------------------------------------------------------------


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """Three images without a label anywhere near them."""
    folder, rng = tmp_path_factory.mktemp("target"), np.random.default_rng(1)
    for number in range(3):
        pixels = rng.integers(100, 256, (20, 24, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def fit(tiny, records, target, tmp_path_factory):
    def train(segmenter=None, images=target, **own):
        folder = tmp_path_factory.mktemp("trained")
        examples = Examples(records, records[:1], images)
        chosen = SelfTrainingConfig(**own)
        facts = self_training.fit(chosen, tiny(**(segmenter or {})), examples, 3, folder, 5)
        return folder, facts

    return train


@pytest.fixture(scope="module")
def trained(fit):
    return fit(threshold=0.0)


def test_the_history_says_how_it_went(trained):
    rows = files.read_table(trained[0] / "history.csv")
    assert [row["step"] for row in rows] == ["2", "4"]
    new = ["source_loss", "mixed_loss", "confident_share"]
    assert {"loss", "accuracy", "learning_rate", "val_loss", "val_accuracy", *new} < {*rows[0]}
    for row in rows:
        total = float(row["source_loss"]) + float(row["mixed_loss"])
        assert float(row["loss"]) == pytest.approx(total, rel=1e-5)
        assert float(row["confident_share"]) == 1.0


def test_the_network_is_saved_and_the_teacher_stays_in_the_checkpoint(trained):
    network = load(trained[0])
    last = load(trained[0], 4).model.get_weights()
    for one, other in zip(network.model.get_weights(), last, strict=True):
        np.testing.assert_array_equal(one, other)
    teacher = load(trained[0]).model
    checkpoints.load_network(trained[0], 4, "teacher", teacher)
    differs = [
        not np.array_equal(one, other)
        for one, other in zip(
            network.model.trainable_variables, teacher.trainable_variables, strict=True
        )
    ]
    assert all(differs)
    assert network.segment(np.zeros((1, 16, 16, 3), np.float32)).shape == (1, 16, 16, 3)


def test_without_weight_it_is_the_training_of_the_other_arms_to_the_bit(
    fit, tiny, records, tmp_path
):
    folder, _ = fit(weight=0.0)
    segmenter_training.fit(tiny(), Examples(records, records[:1]), 3, tmp_path, 5)
    one, other = (load(path).model.get_weights() for path in (folder, tmp_path))
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    one, other = ((path / "history.csv").read_bytes() for path in (folder, tmp_path))
    assert one == other


def test_every_setting_of_a_segmenter_is_one_here(fit):
    folder, facts = fit(
        {
            "network": "mobile_unet",
            "mobile_unet": {"alpha": 0.35, "filters": 2, "depth": 1},
            "pipeline": {"batch_size": 2, "crop": [16, 16], "scale": [0.8, 1.5], "jitter": 0.2},
            "class_weighting": "inverse_log",
            "label_smoothing": 0.1,
            "dice": 0.5,
            "weight_decay": 0.01,
            "schedule": "poly",
            "accumulate": 2,
            "select": "entropy",
            "steps": 2,
            "checkpoint_every": 1,
            "keep_checkpoints": 2,
        }
    )
    row = files.read_table(folder / "history.csv")[-1]
    assert {"cross_entropy", "dice", "target_entropy", "mixed_loss"} < {*row}
    assert checkpoints.list_checkpoints(folder) == [1, 2]
    assert facts["kept_step"] == facts["best_step"]
    assert load(folder).model.name == "mobile_unet"


def test_a_teacher_that_is_never_sure_is_warned_of(fit, trained):
    _, facts = fit(threshold=1.0)
    [warning] = facts["warnings"]
    assert warning == (
        "step 4: The teacher is sure of 0.0% of the target's pixels, so that hardly anything is"
        " learned of them. Lower self_training.threshold or train for more steps."
    )
    assert trained[1]["warnings"] == []


def test_images_of_the_rarest_class_are_drawn_if_they_shall(fit, records, monkeypatch):
    """Of the classes that there are, the one with the fewest pixels."""
    counts = np.stack([np.bincount(np.array(Image.open(r.label)).ravel(), minlength=256)[:3]
                       for r in records])  # fmt: skip
    rarest = np.argmin(np.where(counts.sum(0) > 0, counts.sum(0), 1e9))
    orders = []

    def train(model, batches, examples, *_):
        orders.append(examples.order)
        return next(iter(batches(0).take(1)))

    monkeypatch.setattr(self_training, "train", train)
    fit()
    fit(rare_classes=1e-5)
    assert orders[0] is None
    drawn = {int(index) for _, index in orders[1](0).take(40)}
    assert drawn == {*np.flatnonzero(counts[:, rarest]).tolist()}


def test_all_of_it_trains_together(fit):
    _, facts = fit(rare_classes=0.1, masked_weight=1.0, mask_block=8)
    assert facts["steps"] == 4


def test_settings_that_are_not_used_leave_old_trainings_valid():
    assert SelfTrainingConfig().facts().keys() == {"threshold", "ema", "weight", "jitter"}
    used = SelfTrainingConfig(rare_classes=0.01, masked_weight=1).facts()
    assert used["rare_classes"] == 0.01 and used["mask_block"] == 64


def test_without_images_of_the_target_it_does_not_begin(fit):
    with pytest.raises(DataError, match="There are no images of the target to train on"):
        fit(images=[])
