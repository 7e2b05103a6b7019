import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras.errors import SettingsError
from i2i_keras.run_folder import files
from i2i_keras.translators import TRANSLATORS, cut, health
from i2i_keras.translators.cut_model import CUT


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
    for load in (cut.load, cut.load_generator, lambda *a: cut.load_state(*a, 2)):
        with pytest.raises(SettingsError, match="CUT has no generator yx; for the way back, train"):
            load(fitted_cut.whole, "yx")
