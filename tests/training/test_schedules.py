import keras
import numpy as np
import pytest

from i2i_keras.training.schedules import ConstantThenLinear, total_steps


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
