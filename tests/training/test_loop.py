import signal
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras import config as settings
from i2i_keras import quiet
from i2i_keras.errors import DataError
from i2i_keras.run_folder import files
from i2i_keras.run_folder.places import PROGRESS
from i2i_keras.training import loop
from i2i_keras.training.checkpoints import CheckpointConfig, Checkpoints, list_checkpoints
from i2i_keras.training.history import Warning, Watch
from i2i_keras.training.signals import Stopped


class Line(keras.Sequential):
    """A line through the origin."""

    def train_step(self, batch):
        x, y = batch
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self(x, training=True) - y))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return {"loss": loss}


def new_model(rate=0.1):
    """A line through data of slope 3, from zero."""
    model = Line([keras.layers.Dense(1, kernel_initializer="zeros", use_bias=False)])
    model.build((None, 1))
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, jit_compile=False)
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


def train(folder, observe=None, model=None, steps=6, every=2, diagnose=None, **changes):
    model = model or new_model()
    config = settings.build(CheckpointConfig, {"checkpoint_every": every, **changes})
    watch = Watch(observe or Observer(), "loss", diagnose or (lambda rows: []))
    checkpoints = Checkpoints(model, folder, config.keep_checkpoints)
    facts = loop.train(model, batches, checkpoints, steps, config, watch)
    return model, facts


def history(folder):
    return files.read_table(folder / "history.csv")


def rows(folder):
    return [int(row["step"]) for row in history(folder)]


def assert_the_same(one, two):
    """Folders and models of two trainings."""
    assert (one[0] / "history.csv").read_bytes() == (two[0] / "history.csv").read_bytes()
    np.testing.assert_array_equal(one[1].get_weights()[0], two[1].get_weights()[0])


class Whole:
    """A training that ran through."""

    def __init__(self, folder):
        self.folder, self.observe = folder, Observer()
        self.model, self.facts = train(folder, self.observe)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return Whole(tmp_path_factory.mktemp("whole"))


# --- The history ------------------------------------------------------------


def test_it_observes_at_every_checkpoint(whole):
    assert whole.observe.steps == rows(whole.folder) == [2, 4, 6]


def test_the_last_step_is_a_checkpoint_whatever_the_interval(tmp_path):
    train(tmp_path, steps=5)
    assert rows(tmp_path) == [2, 4, 5]


def test_what_was_observed_is_in_the_history(whole):
    row = history(whole.folder)[1]
    assert (row["step"], float(row["twice"])) == ("4", 8.0)
    assert float(row["loss"]) > 0


def test_a_row_holds_the_mean_since_the_one_before(tmp_path, whole):
    train(tmp_path, every=1)
    every = [float(row["loss"]) for row in history(tmp_path)]
    pairs = [float(row["loss"]) for row in history(whole.folder)]
    np.testing.assert_allclose(np.reshape(every, (3, 2)).mean(axis=1), pairs, rtol=1e-12)


def test_the_best_step_is_that_of_the_lowest_loss_and_its_checkpoint_is_kept(tmp_path):
    # Adam's first steps of 4 go far beyond the slope of 3.
    _, facts = train(tmp_path, model=new_model(rate=4.0), every=1, keep_checkpoints=1)
    losses = [float(row["loss"]) for row in history(tmp_path)]
    assert facts["best_step"] == 1 + np.argmin(losses) < 6
    assert Checkpoints(new_model(), tmp_path).steps() == [facts["best_step"], 6]


def test_the_progress_line_says_how_it_goes(tmp_path, capsys):
    train(tmp_path / "line", every=6)
    line = capsys.readouterr().err
    loss = float(history(tmp_path / "line")[0]["loss"])
    assert "train line: 100%" in line
    assert f"loss {loss:.3g}, twice 12" in line


def test_a_line_is_short_and_averages_both_directions():
    row = {
        "adversarial_xy": 0.2,
        "adversarial_yx": 0.4,
        "discriminator_x_loss": 1.0,
        "balance_x": 0.5,
        "balance_y": 0.7,
        "generator_learning_rate": 2e-4,
        "discriminator_gradient_norm": 1.25,
    }
    line = "adv 0.3, D 1, balance 0.6, G lr 0.0002, D grad 1.25"
    assert loop.brief(row) == line


def test_tensorboard_shows_every_row_once_even_after_a_stop(tmp_path):
    with pytest.raises(Stopped):
        train(tmp_path, Observer(2, signal.SIGTERM))
    train(tmp_path)
    [log] = (tmp_path / "tensorboard").iterdir()
    found = []
    for event in tf.compat.v1.train.summary_iterator(str(log)):
        for value in event.summary.value:
            found.append((value.tag, event.step, float(tf.make_ndarray(value.tensor))))
    expected = [
        (name, int(row["step"]), pytest.approx(float(row[name]), rel=1e-6))
        for row in history(tmp_path)
        for name in ("loss", "twice")
    ]
    assert found == expected


# --- Warnings ---------------------------------------------------------------


def ill_from_4(observed):
    """Finds the same illness from step 4 on, and notes what it was shown."""

    def diagnose(rows):
        observed.append([row["step"] for row in rows])
        return [Warning("ill", "It is ill; try better.")] if rows[-1]["step"] >= 4 else []

    return diagnose


def test_a_warning_is_shown_once_and_is_in_the_results(tmp_path, capsys):
    shown = []
    _, facts = train(tmp_path, diagnose=ill_from_4(shown))
    assert shown == [[2], [2, 4], [2, 4, 6]]
    assert facts["warnings"] == ["step 4: It is ill; try better."]
    assert capsys.readouterr().out == "Warning: step 4: It is ill; try better.\n"


def test_a_warning_before_a_stop_is_in_the_results_and_not_shown_again(tmp_path, capsys):
    with pytest.raises(Stopped):
        train(tmp_path, Observer(4, signal.SIGTERM), diagnose=ill_from_4([]))
    capsys.readouterr()
    _, facts = train(tmp_path, diagnose=ill_from_4([]))
    assert facts["warnings"] == ["step 4: It is ill; try better."]
    assert capsys.readouterr().out == ""


def test_a_finished_training_tells_its_results_again(whole):
    assert train(whole.folder)[1] == whole.facts == {"best_step": 6, "warnings": []}


# --- Stops and kills --------------------------------------------------------


def test_a_stop_between_two_rows_leaves_no_checkpoint_of_its_own(tmp_path, monkeypatch):
    train(tmp_path / "whole", steps=8, keep_checkpoints=2)
    add = loop.Means.add

    def stop_at_5(self, step, losses):
        add(self, step, losses)
        if step == 5:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch, pytest.raises(Stopped):
        patch.setattr(loop.Means, "add", stop_at_5)
        train(tmp_path / "stopped", steps=8)
    assert list_checkpoints(tmp_path / "stopped")[-1] == 5
    train(tmp_path / "stopped", steps=8)
    whole, stopped = (list_checkpoints(tmp_path / name) for name in ("whole", "stopped"))
    assert whole == stopped == [6, 8]


def test_checkpoints_by_the_clock_are_kept_until_the_next_one(tmp_path):
    seen = []

    class Listing(Observer):
        def __call__(self, step):
            seen.append(list_checkpoints(tmp_path / "clock"))
            return super().__call__(step)

    train(tmp_path / "clock", Listing(), every=3, checkpoint_minutes=1e-9)
    assert seen == [[2], [3, 5]]
    train(tmp_path / "plain", every=3)
    assert list_checkpoints(tmp_path / "clock") == list_checkpoints(tmp_path / "plain") == [3, 6]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_after_a_whole_step_and_it_goes_on_from_there(tmp_path, number, whole):
    with pytest.raises(Stopped):
        train(tmp_path, Observer(2, number))
    stopped_at = Checkpoints(new_model(), tmp_path).restore().step
    assert 2 <= stopped_at < 6
    model, _ = train(tmp_path)
    assert_the_same((tmp_path, model), (whole.folder, whole.model))


@pytest.mark.parametrize("step", [1, 3, 5])
def test_a_stop_within_a_row_changes_neither_row_nor_weights(tmp_path, whole, monkeypatch, step):
    add = loop.Progress.add

    def stop(progress, losses):
        if progress.keeper.step + 1 == step:
            signal.raise_signal(signal.SIGTERM)
        return add(progress, losses)

    monkeypatch.setattr(loop.Progress, "add", stop)
    with pytest.raises(Stopped):
        train(tmp_path)
    monkeypatch.undo()
    assert Checkpoints(new_model(), tmp_path).restore().step in (step, step + 1)
    model, _ = train(tmp_path)
    assert_the_same((tmp_path, model), (whole.folder, whole.model))


def test_a_signal_at_the_last_step_loses_nothing(tmp_path, whole):
    with pytest.raises(Stopped):
        train(tmp_path, Observer(6, signal.SIGTERM))
    observe = Observer()
    model, _ = train(tmp_path, observe)
    assert observe.steps == []
    assert_the_same((tmp_path, model), (whole.folder, whole.model))


def test_a_second_signal_ends_it_without_saving(tmp_path):
    def observe(step):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt) as error:
        train(tmp_path, observe)
    assert not isinstance(error.value, Stopped)
    assert Checkpoints(new_model(), tmp_path).steps() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_do_afterwards_what_they_did_before(tmp_path, number):
    before = signal.getsignal(number), signal.set_wakeup_fd(-1)
    threads = threading.active_count()
    train(tmp_path)
    assert (signal.getsignal(number), signal.set_wakeup_fd(-1)) == before
    assert threading.active_count() <= threads + 1  # tqdm keeps one for all bars.


def test_a_training_in_a_thread_works_and_leaves_signals_alone(tmp_path, whole):
    found = []
    thread = threading.Thread(target=lambda: found.append(train(tmp_path)[0]))
    thread.start()
    thread.join()
    assert_the_same((tmp_path, found[0]), (whole.folder, whole.model))


def test_a_kill_between_history_and_checkpoint_leaves_no_row_twice(tmp_path, whole):
    train(tmp_path, steps=4)
    history = files.read_table(whole.folder / "history.csv")
    files.write_table(tmp_path / "history.csv", history, columns=list(history[0]))
    model, _ = train(tmp_path)
    assert_the_same((tmp_path, model), (whole.folder, whole.model))


def test_a_broken_checkpoint_is_told_and_the_one_before_gone_on_from(tmp_path, whole, capsys):
    train(tmp_path, steps=4)
    for path in (tmp_path / "checkpoints").glob("ckpt-4.data*"):
        path.write_bytes(path.read_bytes()[:-1])
    model, _ = train(tmp_path)
    told = (
        f"Warning: the checkpoint of step 4 of {tmp_path.name} is broken; going on from step 2.\n"
    )
    assert capsys.readouterr().out == told
    assert_the_same((tmp_path, model), (whole.folder, whole.model))


def test_minutes_save_checkpoints_within_a_row_and_change_no_row(tmp_path, whole, monkeypatch):
    add = loop.Means.add

    def killed(self, step, losses):
        add(self, step, losses)
        assert step < 4

    with monkeypatch.context() as patch, pytest.raises(AssertionError):
        patch.setattr(loop.Means, "add", killed)
        train(tmp_path, checkpoint_minutes=1e-9, keep_checkpoints=9)
    assert list_checkpoints(tmp_path) == [2, 3]
    model, _ = train(tmp_path)
    assert_the_same((tmp_path, model), (whole.folder, whole.model))


def test_without_minutes_time_does_not_matter(tmp_path):
    train(tmp_path, every=6, keep_checkpoints=9)
    assert Checkpoints(new_model(), tmp_path).steps() == [6]


# --- Divergence -------------------------------------------------------------


def test_a_loss_that_is_no_number_any_more_is_an_error(tmp_path):
    with pytest.raises(DataError) as error:
        train(tmp_path, model=new_model(rate=float("nan")), every=6)
    told = f"loss of {tmp_path.name} is nan at step 2; lower learning_rate"
    assert str(error.value).startswith(told)
    assert not (tmp_path / "history.csv").exists()


# --- How far it is, for `status` ---------------------------------------------


@pytest.mark.parametrize("manner", ["beside", "quiet"])
def test_it_tells_how_far_it_is_and_leaves_nothing_of_that(tmp_path, monkeypatch, capfd, manner):
    monkeypatch.setattr(loop, "_REFRESH", 0.0)
    seen = []

    def look(step):
        seen.append(files.read_json(tmp_path / PROGRESS))
        return {}

    with quiet.talking(manner):
        train(tmp_path, look)
    assert [(one["step"], one["steps"]) for one in seen] == [(1, 6), (3, 6), (5, 6)]
    assert seen[0]["seconds_left"] is None and seen[1]["seconds_left"] >= 0
    assert not (tmp_path / PROGRESS).exists()
    shown = capfd.readouterr()
    assert ("6/6" in shown.err) == (manner == "beside") and shown.out == ""


def test_quiet_leaves_warnings_on_stderr(tmp_path, capfd):
    def diagnose(rows):
        return [Warning("odd", "It is odd.")]

    for manner, place in (("beside", "out"), ("aside", "err"), ("quiet", "err")):
        with quiet.talking(manner):
            train(tmp_path / manner, diagnose=diagnose)
        shown = capfd.readouterr()._asdict()
        assert "Warning: step 2: It is odd." in shown.pop(place)
        assert "It is odd" not in shown.popitem()[1]
