import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras import config
from i2i_keras.errors import SettingsError
from i2i_keras.segmenters.segmenter_config import SegmenterConfig
from i2i_keras.training.schedules import (
    SCHEDULES,
    ConstantThenLinear,
    Options,
    Plateau,
    learning_rate,
    total_steps,
)
from i2i_keras.translators import TRANSLATORS


def rates(steps, share, initial=0.2):
    schedule = ConstantThenLinear(initial, steps, share)
    return np.array([float(schedule(step)) for step in range(steps + 1)])


def test_the_papers_rate_is_constant_for_half_and_then_falls_to_zero():
    expected = [0.2] * 6 + [0.16, 0.12, 0.08, 0.04, 0.0]
    np.testing.assert_allclose(rates(10, 0.5), expected, rtol=1e-6, atol=1e-8)


def test_share_1_is_constant_up_to_the_last_step():
    np.testing.assert_allclose(rates(8, 1.0)[:-1], 0.2, rtol=1e-6)


def test_share_0_falls_from_the_beginning():
    np.testing.assert_allclose(rates(4, 0.0), [0.2, 0.15, 0.1, 0.05, 0.0], rtol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.97, 1.0])
def test_the_rate_never_rises_nor_leaves_its_bounds(share):
    values = rates(37, share)
    assert (np.diff(values) <= 1e-9).all()
    assert values.min() >= 0 and values.max() == np.float32(0.2)


def test_after_the_last_step_it_stays_zero():
    assert float(ConstantThenLinear(0.2, 10)(25)) == 0.0


def test_it_survives_a_round_trip_through_its_config():
    schedule = ConstantThenLinear(0.1, 20, 0.25)
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert copy.get_config() == {"initial": 0.1, "steps": 20, "constant_share": 0.25}


# --- All of them ------------------------------------------------------------

STEPS = 80
SHARES = np.arange(STEPS + 1) / STEPS
# The factor of the rate by the share of the training that is done.
FORMULAS = {
    "linear": np.clip((1 - SHARES) / 0.7, 0, 1),
    "constant": np.ones(STEPS + 1),
    "cosine": (1 + np.cos(np.pi * SHARES)) / 2,
    "poly": (1 - SHARES) ** 0.9,
    "plateau": np.full(STEPS + 1, 0.25),
}


def test_every_schedule_of_the_table_has_a_formula():
    assert FORMULAS.keys() == SCHEDULES.keys()


@pytest.mark.parametrize("name", FORMULAS)
def test_the_rate_is_that_of_its_formula_at_every_step(name):
    plateau = Plateau(1, 1)
    plateau.factor.assign(0.25)
    rate = learning_rate(name, 0.3, STEPS, Options(0.3, plateau))
    found = [float(rate(step)) if callable(rate) else rate for step in range(STEPS + 1)]
    np.testing.assert_allclose(found, 0.3 * FORMULAS[name], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("kind", [SegmenterConfig, TRANSLATORS["cyclegan"].config])
def test_every_training_takes_every_schedule_but_a_plateau_that_nobody_tells_a_loss(name, kind):
    if (name, kind) == ("plateau", SegmenterConfig):
        with pytest.raises(SettingsError, match="there is no 'plateau'; it is one of linear, con"):
            config.build(kind, {"schedule": name})
    else:
        assert config.build(kind, {"schedule": name}).schedule == name


def test_a_plateau_without_a_loss_is_refused():
    with pytest.raises(ValueError, match="needs a Plateau that observes a loss"):
        learning_rate("plateau", 0.3, STEPS)


# --- Plateau ----------------------------------------------------------------


def factors(losses, window=1, patience=2, plateau=None, first=0):
    """The factor after each of the losses."""
    plateau = plateau or Plateau(window, patience)
    observe = tf.function(plateau.observe)
    found = []
    for step, loss in enumerate(losses, start=first):
        observe(tf.constant(loss, tf.float32), tf.constant(step, tf.int64))
        found.append(float(plateau.factor))
    return found


def test_a_falling_loss_keeps_the_rate():
    assert factors([5.0, 4.0, 3.0, 2.0, 1.0]) == [1.0] * 5


def test_a_loss_that_does_not_fall_halves_the_rate_once_a_patience():
    assert factors([1.0] * 6) == [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]


def test_one_lower_loss_begins_the_wait_anew():
    assert factors([3.0, 3.0, 2.0, 2.0, 2.0]) == [1.0, 1.0, 1.0, 1.0, 0.5]


def test_means_over_windows_are_compared():
    # The means are 2, 1.5, 1.5, 1.5.
    assert factors([1.0, 3.0, 2.0, 1.0, 0.0, 3.0, 3.0, 0.0], window=2) == [1.0] * 7 + [0.5]


def test_a_loss_that_is_no_number_does_not_fall():
    assert factors([1.0, float("nan"), float("nan"), 0.5]) == [1.0, 1.0, 0.5, 0.5]


def test_the_rates_of_both_networks_follow_one_plateau():
    plateau = Plateau(1, 1)
    options = Options(plateau=plateau)
    schedules = [learning_rate("plateau", rate, 10, options) for rate in (0.2, 0.1)]
    factors([1.0, 1.0], plateau=plateau)
    np.testing.assert_allclose([schedule(7) for schedule in schedules], [0.1, 0.05])


@pytest.mark.parametrize("stop", range(1, 8))
def test_a_plateau_goes_on_from_its_state_wherever_it_was_stopped(stop, tmp_path):
    losses = [1.0, 3.0, 2.0, 2.0, 2.0, 2.0, 3.0, 1.0]
    whole, stopped, resumed = (Plateau(2, 1) for _ in range(3))
    expected = factors(losses, plateau=whole)
    begun = factors(losses[:stop], plateau=stopped)
    path = tf.train.Checkpoint(plateau=stopped).write(str(tmp_path / "state"))
    tf.train.Checkpoint(plateau=resumed).read(path).assert_consumed()
    assert begun + factors(losses[stop:], plateau=resumed, first=stop) == expected
    assert expected[-1] == 0.125


@pytest.mark.parametrize(
    ("steps", "epochs", "num_records", "batch_size", "expected"),
    [
        (7, 15.0, 2082, 32, 7),  # Steps go before epochs.
        (None, 15.0, 2082, 32, 975),  # The report: 65 whole batches an epoch.
        (None, 200.0, 1000, 1, 200_000),
        (None, 2.0, 3, 8, 2),  # Too few records for a batch: one step each.
        (None, 0.5, 8, 2, 2),
        (None, 0.01, 8, 2, 1),
    ],
)
def test_the_length_is_in_steps_or_in_epochs(steps, epochs, num_records, batch_size, expected):
    assert total_steps(steps, epochs, num_records, batch_size) == expected
