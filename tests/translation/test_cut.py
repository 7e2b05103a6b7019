import h5py
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras import runs
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.models.generator import build_generator
from i2i_keras.training.checkpoints import kept_steps
from i2i_keras.translation import TRANSLATORS, cut, health
from i2i_keras.translation.cut_model import CUT, NETWORKS

RNG = np.random.default_rng(0)
X = tf.constant(RNG.uniform(-1, 1, (2, 16, 16, 3)), tf.float32)


@pytest.fixture(scope="module")
def averaged(tmp_path_factory, tiny_cut, images):
    """A training of two epochs, of another seed, with averages."""
    folder = tmp_path_factory.mktemp("averaged")
    config = tiny_cut(ema=0.9, steps=None, epochs=2.0, checkpoint_every=1)
    # Three and five images in batches of 2.
    assert cut.fit(config, *images, folder, 8)["steps"] == 2
    return folder


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


# --- The training -------------------------------------------------------------


def test_the_history_has_a_row_a_checkpoint_and_one_direction(fitted_cut):
    rows = history(fitted_cut.whole)
    assert [row["step"] for row in rows] == ["2", "4"]
    assert list(rows[0]) == [
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
    pictures = sorted((fitted_cut.whole / "samples").iterdir())
    assert [p.name for p in pictures] == ["step-000002.png", "step-000004.png"]
    with Image.open(pictures[-1]) as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (20, 3 * 24, 3)
    x, fake_y = pixels[np.newaxis, :, :24] / 127.5 - 1.0, pixels[:, 24:48]
    made = cut.load(fitted_cut.whole)(tf.constant(x, tf.float32))[0]
    np.testing.assert_allclose(fake_y, 127.5 * (made + 1.0), atol=0.6)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_training_killed_and_continued_gives_the_very_same_weights(fitted_cut, network):
    one, two = (saved(folder, network) for folder in fitted_cut)
    assert one.keys() == two.keys() and one
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], name)


def test_a_training_killed_and_continued_has_the_very_same_history(fitted_cut):
    one, two = ((folder / "history.csv").read_bytes() for folder in fitted_cut)
    assert one == two


def test_a_training_killed_and_continued_has_the_very_same_state(fitted_cut):
    one, two = (tf.train.load_checkpoint(str(f / "checkpoints" / "ckpt-4")) for f in fitted_cut)
    names = [n for n in one.get_variable_to_shape_map() if not n.startswith("_CHECKPOINTABLE")]
    assert any("heads" in name for name in names)
    assert any("generator_optimizer" in name for name in names)
    for name in names:
        np.testing.assert_array_equal(one.get_tensor(name), two.get_tensor(name), name)


@pytest.mark.parametrize("network", NETWORKS)
def test_another_seed_gives_another_network(fitted_cut, averaged, network):
    one, two = saved(fitted_cut.whole, network), saved(averaged, network)
    # A step moves a weight by 2e-4; weights of another start are 0.02 away.
    assert max(np.abs(one[name] - two[name]).max() for name in one) > 0.01


def test_advice_names_a_setting_that_there_is():
    rows = [{"diversity_xy": 0.0, "change_xy": 0.0, "style_distance_xy": 1.0}] * 3
    told = " ".join(warning.text for warning in health.diagnose(rows, content="lambda_nce"))
    assert told.count("lambda_nce") == 2
    assert "lambda_cycle" not in told


# --- The trained translator ---------------------------------------------------


def test_any_size_comes_back_as_it_went_in(fitted_cut):
    images = tf.random.stateless_uniform((2, 33, 35, 3), (0, 1), -1, 1)
    translated = cut.load(fitted_cut.whole)(images)
    assert translated.shape == images.shape
    assert np.abs(translated).max() <= 1.0


@pytest.mark.parametrize("ema", [None, True, False])
def test_averages_translate_unless_asked_not_to(averaged, tiny_cut, ema):
    name = "generator_xy" if ema is False else "generator_xy_ema"
    generator = build_generator(tiny_cut().generator, "generator")
    generator.load_weights(averaged / f"{name}.weights.h5")
    translate = cut.load(averaged) if ema is None else cut.load(averaged, ema=ema)
    np.testing.assert_allclose(translate(X), generator(X, training=False), atol=1e-6)


@pytest.mark.parametrize("ema", [True, False])
def test_the_last_state_is_what_was_saved_at_the_end(averaged, ema):
    assert kept_steps(averaged) == [1, 2]
    end, last, first = (cut.load_generator(averaged, ema=ema, step=s) for s in (None, 2, 1))
    for one, other in zip(end.get_weights(), last.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert np.abs(first(X) - last(X)).max() > 0


def test_a_state_translates(averaged):
    state = cut.load_state(averaged, "xy", 2)
    np.testing.assert_allclose(state(X), cut.load(averaged)(X), atol=1e-6)


def test_a_state_that_is_not_kept_is_refused(fitted_cut):
    with pytest.raises(DataError, match="ckpt-3 cannot be read as a state of generator_xy"):
        cut.load_state(fitted_cut.whole, "xy", 3)


def test_there_is_no_way_back(fitted_cut):
    assert TRANSLATORS["cut"].directions == ("xy",)
    for load in (cut.load, cut.load_generator, lambda *a: cut.load_state(*a, 2)):
        with pytest.raises(SettingsError, match="CUT has no generator yx; for the way back, train"):
            load(fitted_cut.whole, "yx")
