import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.run_folder import files
from i2i_keras.translators import cycada
from i2i_keras.translators.cyclegan import CycleGAN

RNG = np.random.default_rng(0)
X, Y = (tf.constant(RNG.uniform(-1, 1, (2, 16, 16, 3)), tf.float32) for _ in "xy")
BEFORE, AFTER = (RNG.normal(size=(2, 4, 5, 3)).astype(np.float32) for _ in range(2))


@pytest.fixture(scope="module")
def model(tiny_cycada, segment):
    return new_model(tiny_cycada(), segment)


def new_model(config, segment):
    """A compiled model, always of the same weights."""
    keras.utils.set_random_seed(0)
    model = cycada.CyCADA(config, 0, segment)
    model.compile(4)
    return model


def terms(model):
    losses = model.generator_terms(X, Y, model.seeds())[0]
    return {name: float(losses[f"semantic_{name}"]) for name in ("xy", "yx")}


def by_hand(before, after, confidence=0.0):
    """Mean of -log of the probability of what was seen before."""
    entropies = []
    for old, new in zip(before.reshape(-1, 3), after.reshape(-1, 3), strict=True):
        if (np.exp(old) / np.exp(old).sum()).max() >= confidence:
            entropies.append(np.log(np.exp(new).sum()) - new[old.argmax()])
    return np.mean(entropies)


class Recorder:
    """A segmenter that remembers how large its batches were."""

    def __init__(self, segment):
        self.segment, self.sizes = segment, []

    def __call__(self, images):
        self.sizes.append(len(images))
        return self.segment(images)


# --- The loss -----------------------------------------------------------------


@pytest.mark.parametrize("confidence", [0.0, 0.6])
def test_it_is_the_cross_entropy_with_what_was_seen_before(confidence):
    found = cycada.semantic(tf.constant(BEFORE), tf.constant(AFTER), confidence)
    assert float(found) == pytest.approx(by_hand(BEFORE, AFTER, confidence), rel=1e-5)


def test_where_nothing_is_sure_there_is_no_loss():
    assert float(cycada.semantic(tf.constant(BEFORE), tf.constant(AFTER), 0.9999)) == 0.0


def test_labels_are_constants():
    before, after = tf.Variable(BEFORE), tf.Variable(AFTER)
    with tf.GradientTape() as tape:
        loss = cycada.semantic(before, after, 0.5)
    gradients = tape.gradient(loss, [before, after])
    assert gradients[0] is None and np.abs(gradients[1]).max() > 0


def test_each_direction_compares_images_with_their_translations(model, segment):
    found = terms(model)
    for direction, images in (("xy", X), ("yx", Y)):
        fakes = getattr(model, f"generator_{direction}")(images, training=True)
        wanted = by_hand(segment(images).numpy(), segment(fakes).numpy())
        assert found[direction] == pytest.approx(wanted, rel=1e-4)
    assert abs(found["xy"] - found["yx"]) > 1e-4


@pytest.mark.parametrize("direction", ["xy", "yx"])
def test_it_reaches_the_generator_of_its_direction_alone(reached, model, direction):
    term = f"semantic_{direction}"
    found = reached(model, lambda m: m.generator_terms(X, Y, m.seeds())[0][term])
    assert found == {f"generator_{direction}"}


def test_the_generators_loss_is_cyclegans_and_the_weighted_sum(tiny_cycada, segment):
    model = new_model(tiny_cycada(lambda_semantic=3.0), segment)
    losses = model.generator_terms(X, Y, model.seeds())[0]
    plain = float(CycleGAN.generator_loss(model, losses))
    wanted = plain + 3.0 * (float(losses["semantic_xy"]) + float(losses["semantic_yx"]))
    assert float(model.generator_loss(losses)) == pytest.approx(wanted, rel=1e-6)


# --- Settings -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "sizes", "there"),
    [
        # Labels of x and y, then their translations.
        ({}, [4, 4], {"xy", "yx"}),
        ({"semantic_directions": ["xy"]}, [2, 2], {"xy"}),
        ({"semantic_directions": ["yx"]}, [2, 2], {"yx"}),
        ({"lambda_semantic": 0.0}, [], set()),
    ],
    ids=["both", "xy", "yx", "none"],
)
def test_what_does_not_count_is_not_computed(tiny_cycada, segment, model, changes, sizes, there):
    recorder = Recorder(segment)
    found = terms(new_model(tiny_cycada(**changes), recorder))
    assert recorder.sizes == sizes
    for direction, value in terms(model).items():
        wanted = value if direction in there else 0.0
        assert found[direction] == pytest.approx(wanted, rel=1e-5)


def test_unsure_labels_can_be_left_out(tiny_cycada, segment, model):
    sure = new_model(tiny_cycada(semantic_confidence=0.7), segment)
    fakes = sure.generator_xy(X, training=True)
    wanted = by_hand(segment(X).numpy(), segment(fakes).numpy(), 0.7)
    assert terms(sure)["xy"] == pytest.approx(wanted, rel=1e-4)
    assert abs(terms(sure)["xy"] - terms(model)["xy"]) > 1e-4


# --- The step -----------------------------------------------------------------


def test_generators_learn_from_it_and_the_segmenter_does_not_change(
    tiny_cycada, segmenter, segment
):
    before = segmenter.get_weights()
    with_it, without = (
        new_model(tiny_cycada(lambda_semantic=weight), segment) for weight in (1.0, 0.0)
    )
    for model in (with_it, without):
        losses = model.train_on_batch(X, Y, return_dict=True)
    assert {*losses} >= {*cycada.CyCADA.LOSSES}
    for name in ("generator_xy", "generator_yx"):
        one, two = (getattr(model, name).get_weights() for model in (with_it, without))
        assert any(not np.array_equal(*pair) for pair in zip(one, two, strict=True)), name
    # Batch-norm statistics included.
    for old, new in zip(before, segmenter.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_no_state_holds_the_segmenter(tiny_cycada, segmenter, tiny, tmp_path):
    models = cycada.CyCADA(tiny_cycada(), 0, segmenter), CycleGAN(tiny())
    ours, cyclegans = (
        {name for name, _ in tf.train.list_variables(tf.train.Checkpoint(model=model).write(path))}
        for model, path in zip(models, (f"{tmp_path}/one", f"{tmp_path}/two"), strict=True)
    )
    assert ours == cyclegans


# --- The training -------------------------------------------------------------


def arrays(folder, network):
    found = []
    with h5py.File(folder / f"{network}.weights.h5") as file:
        file.visititems(
            lambda name, node: found.append(node[()]) if isinstance(node, h5py.Dataset) else None
        )
    return found


def test_without_weight_it_is_cyclegan_bit_by_bit(fitted, tiny_cycada, images, tmp_path):
    def segment(_):
        raise AssertionError("not to be called")

    cycada.fit(tiny_cycada(lambda_semantic=0.0), *images, tmp_path, 7, segment=segment)
    for name in ("generator_xy", "generator_yx", "discriminator_x", "discriminator_y"):
        for one, other in zip(arrays(fitted.whole, name), arrays(tmp_path, name), strict=True):
            np.testing.assert_array_equal(one, other)
    plain, ours = (files.read_table(f / "history.csv") for f in (fitted.whole, tmp_path))
    for row, same in zip(plain, ours, strict=True):
        assert same.pop("semantic_xy") == same.pop("semantic_yx") == "0.0"
        assert row == same


def test_the_history_has_both_directions_of_it(fitted_cycada):
    for row in files.read_table(fitted_cycada.whole / "history.csv"):
        assert float(row["semantic_xy"]) > 0 < float(row["semantic_yx"])
