"""A training that diverges goes back to what was finite, at half its rate."""

import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras import config, stack
from i2i_keras.errors import DataError, DivergedError
from i2i_keras.run_folder import files
from i2i_keras.training import loop, schedules
from i2i_keras.training.checkpoints import CheckpointConfig, Checkpoints
from i2i_keras.training.history import Watch
from i2i_keras.training.signals import Stopped

RATE, STEPS = 30.0, 120


class Line(keras.Sequential):
    """A line through data of slope 3: at a rate above 3 it runs away."""

    def train_step(self, batch):
        x, y = batch
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self(x, training=True) - y))
        gradients = tape.gradient(loss, self.trainable_variables)
        stack.apply_gradients(self.optimizer, gradients, self.trainable_variables)
        return {"loss": loss}


def new_model(schedule="constant", rate=RATE):
    model = Line([keras.layers.Dense(1, kernel_initializer="zeros", use_bias=False)])
    model.build((None, 1))
    made = schedules.learning_rate(schedule, rate, STEPS)
    optimizer = keras.optimizers.SGD(made)
    stack.build(optimizer, model.trainable_variables)
    model.compile(optimizer, jit_compile=False)
    model.rates = schedules.Rates()
    model.rates.add(optimizer, made)
    return model


def batches(first):
    def batch(step):
        x = tf.random.stateless_uniform((64, 1), tf.stack([0, step]))
        return x, 3.0 * x

    return tf.data.Dataset.range(first, 10_000, output_type=tf.int32).map(batch)


def train(folder, model, every=10, on_nan="rollback", observe=None, made_with=""):
    table = {"checkpoint_every": every, "on_nan": on_nan}
    settings = config.build(CheckpointConfig, table)
    watch = Watch(lambda step: {"rate": stack.learning_rate(model.optimizer)}, "loss")
    if observe:
        watch = watch._replace(observe=observe)
    checkpoints = Checkpoints(model, folder, 2, made_with)
    return loop.train(model, batches, checkpoints, STEPS, settings, watch)


def slope(model):
    return float(model.get_weights()[0][0, 0])


@pytest.mark.parametrize("every", [10, STEPS])
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_it_goes_back_halves_the_rate_and_learns_what_a_lower_one_learns(
    tmp_path, schedule, every, capsys
):
    model = new_model(schedule)
    facts = train(tmp_path, model, every)
    told = capsys.readouterr().out
    assert 1 <= len(facts["warnings"]) <= 5
    for number, warning in enumerate(facts["warnings"], start=1):
        assert f"Warning: {warning}\n" in told
        assert f"at {0.5**number:g} times the learning rate." in warning
        # To a checkpoint; while there is none, to the beginning.
        step, back = (int(word) for word in warning.replace(":", " ").split() if word.isdigit())
        assert back < step
        assert back % every == 0
    rows = files.read_numbers(tmp_path / "history.csv")
    assert [row["step"] for row in rows] == list(range(every, STEPS + 1, every))
    assert all(np.isfinite(row["loss"]) for row in rows)
    if every < STEPS:
        assert slope(model) == pytest.approx(3.0, abs=1e-3)
    else:  # From the beginning: nothing but the rate is another.
        plain = new_model(schedule, RATE * 0.5 ** len(facts["warnings"]))
        train(tmp_path / "plain", plain, every)
        assert slope(model) == slope(plain)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_the_rate_of_the_history_is_the_lower_one(tmp_path, schedule):
    facts = train(tmp_path, new_model(schedule))
    rows = files.read_numbers(tmp_path / "history.csv")
    last, factor = rows[-3], 0.5 ** len(facts["warnings"])
    share = 1.0 if schedule == "constant" else (1 + np.cos(np.pi * 99 / STEPS)) / 2
    assert last["step"] == 100
    assert last["rate"] == pytest.approx(RATE * factor * share, rel=1e-3)


def test_without_it_it_stops_and_can_go_on_with_it(tmp_path):
    with pytest.raises(DivergedError, match=r"loss of .* is (inf|nan) at step"):
        train(tmp_path, new_model(), on_nan="stop")
    model = new_model()
    assert train(tmp_path, model)["warnings"]
    assert slope(model) == pytest.approx(3.0, abs=1e-3)


def test_stopped_after_it_went_back_it_ends_with_the_same_bits(tmp_path):
    whole = new_model("cosine")
    expected = train(tmp_path / "whole", whole)

    class KillError(Exception):
        pass

    def kill_at(step):
        def observe(reached):
            if reached == step:
                raise KillError
            return {"rate": stack.learning_rate(model.optimizer)}

        return observe

    for step in (20, 30, 70):
        folder = tmp_path / str(step)
        model = new_model("cosine")
        with pytest.raises(KillError):
            train(folder, model, observe=kill_at(step))
        model = new_model("cosine")
        assert train(folder, model) == expected
        assert slope(model) == slope(whole)
        history = (folder / "history.csv").read_bytes()
        assert history == (tmp_path / "whole" / "history.csv").read_bytes()
    assert not [*tmp_path.rglob(".draft*")]


def test_it_goes_back_five_times_and_no_more(tmp_path):
    with pytest.raises(DivergedError, match="halved 5 times already") as error:
        train(tmp_path, new_model(rate=1e9))
    assert "lower learning_rate" in str(error.value)


def test_checkpoints_of_before_know_nothing_of_it_and_are_read(tmp_path):
    model = new_model(rate=0.1)
    train(tmp_path / "stop", model, on_nan="stop", every=STEPS)
    again = new_model(rate=0.1)
    shutil.copytree(tmp_path / "stop", tmp_path / "rollback")
    assert train(tmp_path / "rollback", again, every=STEPS)["warnings"] == []
    assert slope(again) == slope(model)


def test_other_errors_are_none_to_go_back_from(tmp_path):
    def observe(step):
        raise DataError("An image is broken.")

    with pytest.raises(DataError, match="broken"):
        train(tmp_path, new_model(rate=0.1), observe=observe)


def test_a_stop_is_no_divergence(tmp_path):
    import signal

    def observe(step):
        signal.raise_signal(signal.SIGTERM)
        return {"rate": 1.0}

    with pytest.raises(Stopped):
        train(tmp_path, new_model(rate=0.1), observe=observe)
