import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras import runs
from i2i_keras.errors import DataError
from i2i_keras.training import callbacks
from i2i_keras.training.checkpoints import Checkpoints, save_weights


def new_model(rate=0.1):
    """A line through data of slope 3, from zero."""
    model = keras.Sequential([keras.layers.Dense(1, kernel_initializer="zeros")])
    model.build((None, 1))
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, "mse")
    return model


def batches(first):
    """Batch k is a function of k."""

    def batch(step):
        x = tf.random.stateless_uniform((4, 1), tf.stack([0, step]))
        return x, 3.0 * x

    return tf.data.Dataset.range(first, 10_000, output_type=tf.int32).map(batch)


class Observer:
    """Notes its steps, and sends itself a signal at one of them."""

    def __init__(self, at=None, number=None):
        self.steps, self.at, self.number = [], at, number

    def __call__(self, step):
        self.steps.append(step)
        if step == self.at:
            signal.raise_signal(self.number)
        return {"twice": 2 * step}


def train(folder, observe=None, model=None, steps=6, every=2):
    model = model or new_model()
    callbacks.train(model, batches, folder, steps, every, observe or Observer())
    return model


def rows(folder):
    return [int(row["step"]) for row in runs.read_table(folder / "history.csv")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A training that ran through: its folder, model and observer."""
    folder, observe = tmp_path_factory.mktemp("whole"), Observer()
    return folder, train(folder, observe), observe


def test_it_observes_at_every_checkpoint(whole):
    assert whole[2].steps == rows(whole[0]) == [2, 4, 6]


def test_the_last_step_is_a_checkpoint_whatever_the_interval(tmp_path):
    train(tmp_path, steps=5)
    assert rows(tmp_path) == [2, 4, 5]


def test_what_was_observed_is_in_the_history(whole):
    row = runs.read_table(whole[0] / "history.csv")[1]
    assert (row["step"], row["twice"]) == ("4", "8")
    assert float(row["loss"]) > 0


def test_a_row_holds_the_mean_since_the_one_before(tmp_path, whole):
    train(tmp_path, every=1)
    every = [float(row["loss"]) for row in runs.read_table(tmp_path / "history.csv")]
    pairs = [float(row["loss"]) for row in runs.read_table(whole[0] / "history.csv")]
    np.testing.assert_allclose(np.reshape(every, (3, 2)).mean(axis=1), pairs, rtol=1e-6)


def test_two_states_are_kept(whole):
    states = {p.name.split(".")[0] for p in (whole[0] / "checkpoints").glob("ckpt-*")}
    assert states == {"ckpt-4", "ckpt-6"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_after_a_whole_step_and_it_goes_on_from_there(tmp_path, number, whole):
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, Observer(2, number))
    stopped_at = rows(tmp_path)[-1]
    assert 2 <= stopped_at < 6
    assert Checkpoints(new_model(), tmp_path).restore() == stopped_at
    model = train(tmp_path)
    assert rows(tmp_path)[-1] == 6
    np.testing.assert_array_equal(model.get_weights()[0], whole[1].get_weights()[0])


def test_a_signal_at_the_last_step_loses_nothing(tmp_path, whole):
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, Observer(6, signal.SIGTERM))
    observe = Observer()
    model = train(tmp_path, observe)
    assert observe.steps == []
    np.testing.assert_array_equal(model.get_weights()[0], whole[1].get_weights()[0])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_do_afterwards_what_they_did_before(tmp_path, number):
    before = signal.getsignal(number)
    train(tmp_path)
    assert signal.getsignal(number) is before


def test_a_kill_between_history_and_state_leaves_no_row_twice(tmp_path, whole):
    train(tmp_path, steps=4)
    history = runs.read_table(whole[0] / "history.csv")
    runs.write_table(tmp_path / "history.csv", history, columns=list(history[0]))
    model = train(tmp_path)
    assert (tmp_path / "history.csv").read_bytes() == (whole[0] / "history.csv").read_bytes()
    np.testing.assert_array_equal(model.get_weights()[0], whole[1].get_weights()[0])


def test_a_loss_that_is_no_number_any_more_is_an_error(tmp_path):
    with pytest.raises(DataError) as error:
        train(tmp_path, model=new_model(rate=float("nan")))
    assert str(error.value).startswith(f"loss of {tmp_path.name} is nan at step 2; lower its ")
    assert not (tmp_path / "history.csv").exists()


def test_a_state_of_another_network_is_refused(tmp_path):
    train(tmp_path)
    other = keras.Sequential([keras.layers.Dense(2), keras.layers.Dense(1)])
    other.build((None, 1))
    with pytest.raises((AssertionError, ValueError)):
        Checkpoints(other, tmp_path).restore()


def test_without_a_state_it_begins_at_step_0(tmp_path):
    assert Checkpoints(new_model(), tmp_path).restore() == 0


def test_states_can_be_moved(tmp_path):
    model = train(tmp_path / "old")
    (tmp_path / "old").rename(tmp_path / "new")
    copy = new_model()
    assert Checkpoints(copy, tmp_path / "new").restore() == 6
    np.testing.assert_array_equal(copy.get_weights()[0], model.get_weights()[0])


def test_weights_survive_a_round_trip(tmp_path, whole):
    save_weights(whole[1], tmp_path / "new" / "line.weights.h5")
    copy = new_model()
    copy.load_weights(tmp_path / "new" / "line.weights.h5")
    np.testing.assert_array_equal(copy.get_weights()[0], whole[1].get_weights()[0])
