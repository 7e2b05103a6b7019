import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.training.schedules import ConstantThenLinear, Plateau, total_steps
from i2i_keras.training.schedules import rates as rates_of


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


def test_the_rate_of_a_kind():
    linear = rates_of("linear", 0.2, 10, 0.5, None)
    assert linear.get_config() == {"initial": 0.2, "steps": 10, "constant_share": 0.5}
    cosine = rates_of("cosine", 0.2, 10, 0.5, None)
    expected = 0.1 * (1 + np.cos(np.pi * np.arange(11) / 10))
    np.testing.assert_allclose([cosine(k) for k in range(11)], expected, atol=1e-7)


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


def test_the_rate_of_both_networks_follows_the_plateau():
    plateau = Plateau(1, 1)
    schedules = [rates_of("plateau", rate, 10, 0.5, plateau) for rate in (0.2, 0.1)]
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
