import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras.errors import SettingsError
from i2i_keras.run_folder import files
from i2i_keras.translators import TRANSLATORS, cut, health
from i2i_keras.translators.cut import CUT, FASTCUT
from i2i_keras.translators.patch_nce import layer_names, patch_nce, take_patches

RNG = np.random.default_rng(0)
X, Y = (tf.constant(RNG.uniform(-1, 1, (2, 16, 16, 3)), tf.float32) for _ in "xy")

REACHED = {
    "adversarial_xy": {"generator_xy", "discriminator_y"},
    "nce_loss": {"generator_xy", "heads"},
    "identity_loss": {"generator_xy", "heads"},
}
SMALL = {"filters": 2, "num_downsamplings": 1, "num_residual_blocks": 2, "outer_kernel": 3}


@pytest.fixture(scope="module")
def model(tiny_cut, new_model):
    return new_model(tiny_cut(lambda_nce=2.0, lambda_identity=3.0))


def terms(model, step=0, part=0):
    return model.generator_terms(X, Y, model.seeds(step, part))[0]


def losses(model, **kwargs):
    return {name: float(value) for name, value in terms(model, **kwargs).items()}


def assert_equal(ones, others):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_array_equal(one, other)


# --- Losses -------------------------------------------------------------------


@pytest.mark.parametrize("term", REACHED)
def test_a_loss_reaches_exactly_its_networks(reached, model, term):
    assert reached(model, lambda m: terms(m)[term]) == REACHED[term]


def by_hand(model, images):
    """The contrastive loss of images, its keys being plain numbers."""
    names = layer_names(model.config.generator)
    queries, keys = model.encoder(model.generator_xy(images)), model.encoder(images)
    seed = model.seeds().of(cut.Draw.PATCHES)
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
        loss = terms(model)["nce_loss"]
    pairs = [tape.gradient(value, variables, None, "zero") for value in (loss, wanted)]
    assert max(np.abs(g).max() for g in pairs[1]) > 0
    for one, other in zip(*pairs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4 * np.abs(other).max() + 1e-4)


def test_the_contrastive_loss_reaches_the_encoder_the_decoder_and_every_head(tiny_cut, new_model):
    model = new_model(tiny_cut())
    with tf.GradientTape() as tape:
        loss = terms(model)["nce_loss"]
    gradients = tape.gradient(loss, model.generator_variables)
    for variable, gradient in zip(model.generator_variables, gradients, strict=True):
        assert np.abs(gradient).max() > 0, variable.name


@pytest.mark.parametrize(
    ("changes", "nce", "identity"),
    [({}, 1, 1), ({"lambda_nce": 0.0}, 0, 1), ({"lambda_identity": 0.0}, 1, 0), (FASTCUT, 10, 0)],
)
def test_the_generators_loss_is_one_weighted_sum(tiny_cut, changes, nce, identity, new_model):
    model = new_model(tiny_cut(**changes))
    found = losses(model)
    assert (found["identity_loss"] > 0) == (identity > 0)
    wanted = found["adversarial_xy"] + nce * found["nce_loss"] + identity * found["identity_loss"]
    assert float(model.generator_loss(found)) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize(("weight", "images"), [(1.0, [X, Y]), (0.0, [X])])
def test_without_identity_only_x_goes_through_and_nothing_is_mirrored(
    tiny_cut, new_model, recorded, weight, images
):
    model = new_model(tiny_cut(lambda_identity=weight))
    seen = recorded(model, "translation")
    terms(model)
    assert_equal(seen.inputs, [tf.concat(images, 0)])


def test_batch_norm_never_mixes_x_and_y(tiny_cut, new_model, recorded):
    model = new_model(tiny_cut(generator={**SMALL, "norm": "batch"}))
    seen = recorded(model, "translation")
    terms(model)
    assert_equal(seen.inputs, [X, Y])


@pytest.mark.parametrize(
    ("changes", "largest"),
    # Untrained, patches look alike: about the log of their number.
    [({"num_patches": 4}, 4), ({"num_patches": 20}, 20), ({"num_patches": 999}, 256)],
)
def test_more_patches_make_it_harder(tiny_cut, changes, largest, new_model):
    found = losses(new_model(tiny_cut(**changes, temperature=100.0)))["nce_loss"]
    # The pixels have 256 places, the three other layers 64.
    wanted = (np.log(largest) + 3 * np.log(min(largest, 64))) / 4
    assert found == pytest.approx(wanted, rel=0.01)


def test_a_low_temperature_sharpens_what_is_found(tiny_cut, new_model):
    cold, warm = (losses(new_model(tiny_cut(temperature=t)))["nce_loss"] for t in (0.07, 100.0))
    assert abs(cold - warm) > 0.1


def test_vectors_have_the_width_of_the_settings(tiny_cut):
    heads = CUT(tiny_cut(projection=5)).heads
    assert {output.shape[-1] for output in heads.output.values()} == {5}


def test_patches_depend_on_seed_and_step_alone(model, tiny_cut, new_model):
    first = losses(model)["nce_loss"]
    assert losses(model)["nce_loss"] == first
    assert losses(model, step=1)["nce_loss"] != first
    assert losses(model, part=1)["nce_loss"] != first
    other = new_model(tiny_cut())
    other.set_weights(model.get_weights())
    assert losses(other)["nce_loss"] == pytest.approx(first, rel=1e-6)
    other.seed = 1
    assert losses(other)["nce_loss"] != pytest.approx(first, rel=1e-6)


# --- The training -------------------------------------------------------------


def test_the_history_is_of_one_direction(fitted_cut):
    assert list(files.read_table(fitted_cut.whole / "history.csv")[0]) == [
        "step",
        *CUT.LOSSES,
        *CUT.SIGNALS,
        "generator_learning_rate",
        "discriminator_learning_rate",
        "style_distance_xy",
        "luminance_correlation_xy",
        "diversity_xy",
        "checkerboard_xy",
    ]


def test_sample_pictures_hold_x_its_translation_and_y(fitted_cut):
    with Image.open(fitted_cut.whole / "samples" / "step-000004.png") as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (20, 3 * 24, 3)
    x, fake_y = pixels[np.newaxis, :, :24] / 127.5 - 1.0, pixels[:, 24:48]
    made = cut.load(fitted_cut.whole)(tf.constant(x, tf.float32))[0]
    np.testing.assert_allclose(fake_y, 127.5 * (made + 1.0), atol=0.6)


def test_advice_names_a_setting_that_there_is():
    rows = [{"diversity_xy": 0.0, "change_xy": 0.0, "style_distance_xy": 1.0}] * 3
    told = " ".join(warning.text for warning in health.diagnose(rows, content="lambda_nce"))
    assert told.count("lambda_nce") == 2
    assert "lambda_cycle" not in told


def test_there_is_no_way_back(fitted_cut):
    assert TRANSLATORS["cut"].directions == ("xy",)
    for load in (cut.load, cut.load_generator, lambda *a: cut.load(*a, step=2)):
        with pytest.raises(SettingsError, match="CUT has no generator yx; for the way back, train"):
            load(fitted_cut.whole, "yx")
