import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras import stack
from i2i_keras.errors import DataError
from i2i_keras.training.checkpoints import (
    Checkpoints,
    Restored,
    fingerprint,
    list_checkpoints,
    list_readable,
    load_network,
    newest,
    tell_unreadable,
)


def new_model(units=3):
    model = keras.Sequential([keras.layers.Dense(units, kernel_initializer="zeros")])
    model.build((None, 50))
    return model


def fill(model, value):
    model.set_weights([np.full_like(weights, value) for weights in model.get_weights()])


def save(folder, *steps, **kwargs):
    """Checkpoints whose weights are all the step's number."""
    model = new_model()
    checkpoints = Checkpoints(model, folder, **kwargs)
    for step in steps:
        fill(model, step)
        checkpoints.save(step, {"of": step})


def restore(folder):
    """What was restored and the one value that all weights have."""
    model = new_model()
    fill(model, -1)
    restored = Checkpoints(model, folder).restore()
    [value] = np.unique(np.concatenate([w.ravel() for w in model.get_weights()]))
    return restored, value


def part(folder, step, ending):
    [path] = (folder / "checkpoints").glob(f"ckpt-{step}.{ending}*")
    return path


def files(folder):
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


def truncate(path, share):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def test_the_newest_checkpoint_is_restored_with_its_notes(tmp_path):
    save(tmp_path, 10, 9, 100)
    assert restore(tmp_path) == (Restored(100, {"of": 100}, []), 100)


def test_without_a_checkpoint_nothing_changes(tmp_path):
    assert restore(tmp_path) == (Restored(0, {}, []), -1)


def test_notes_come_back_exactly(tmp_path):
    notes = {"sums": {"loss": [0.1 + 0.2, 3]}, "text": "ü"}
    Checkpoints(new_model(), tmp_path).save(1, notes)
    assert restore(tmp_path)[0].notes == notes


@pytest.mark.parametrize(("keep", "kept"), [(1, [4]), (2, [3, 4]), (9, [1, 2, 3, 4])])
def test_so_many_checkpoints_are_kept(tmp_path, keep, kept):
    save(tmp_path, 1, 2, 3, 4, keep=keep)
    assert Checkpoints(new_model(), tmp_path).steps() == kept
    assert len(files(tmp_path)) == 2 * len(kept)


def test_the_best_checkpoint_is_kept_until_there_is_a_better_one(tmp_path):
    checkpoints = Checkpoints(new_model(), tmp_path, keep=1)
    kept = []
    for step, best in ((1, 1), (2, 1), (3, 1), (4, 4), (5, 4)):
        checkpoints.save(step, {}, best)
        kept.append(checkpoints.steps())
    assert kept == [[1], [1, 2], [1, 3], [4], [4, 5]]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
@pytest.mark.parametrize("ending", ["index", "data"])
def test_a_truncated_newest_checkpoint_falls_back_to_the_one_before(tmp_path, ending, share):
    save(tmp_path, 1, 2)
    truncate(part(tmp_path, 2, ending), share)
    assert restore(tmp_path) == (Restored(1, {"of": 1}, [2]), 1)
    assert Checkpoints(new_model(), tmp_path).steps() == [1]


def test_a_single_changed_byte_is_noticed(tmp_path):
    save(tmp_path, 1, 2)
    path = part(tmp_path, 2, "data")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert restore(tmp_path)[1] == 1


def test_a_checkpoint_without_its_data_falls_back(tmp_path):
    save(tmp_path, 1, 2)
    part(tmp_path, 2, "data").unlink()
    assert restore(tmp_path)[1] == 1


def test_where_no_checkpoint_can_be_read_nothing_is_begun_in_silence(tmp_path):
    save(tmp_path, 1, 2)
    for step in (1, 2):
        truncate(part(tmp_path, step, "data"), 0.5)
    with pytest.raises(DataError, match=r"No checkpoint in .*checkpoints can be read; delete the"):
        restore(tmp_path)
    assert len(files(tmp_path)) == 4


def test_what_a_killed_save_left_is_no_checkpoint_and_goes(tmp_path):
    save(tmp_path, 1)
    folder = tmp_path / "checkpoints"
    (folder / ".draft-2.data-00000-of-00001").write_bytes(b"half")
    (folder / ".draft-2_temp").mkdir()
    (folder / ".draft-2_temp" / "part").write_bytes(b"half")
    (folder / "ckpt-2.data-00000-of-00001").write_bytes(b"whole, but the index is missing")
    assert restore(tmp_path)[1] == 1
    assert not list(folder.glob(".draft-*"))


def test_a_checkpoint_replaces_one_of_the_same_step(tmp_path):
    model = new_model()
    checkpoints = Checkpoints(model, tmp_path)
    for value in (3, 4):
        fill(model, value)
        checkpoints.save(7, {"of": value})
    assert restore(tmp_path) == (Restored(7, {"of": 4}, []), 4)


def test_checkpoints_can_be_moved(tmp_path):
    save(tmp_path / "old", 6)
    (tmp_path / "old").rename(tmp_path / "new")
    assert restore(tmp_path / "new")[1] == 6


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    save(tmp_path, 1)
    for other in (new_model(units=4), keras.Sequential([keras.layers.LSTM(2)])):
        other.build((None, 50) if other.layers[0].name.startswith("dense") else (None, 5, 50))
        with pytest.raises(DataError, match=r"ckpt-1 is a checkpoint of another network; use its"):
            Checkpoints(other, tmp_path).restore()


def test_a_checkpoint_of_the_other_keras_is_refused_and_left_alone(tmp_path, monkeypatch, capsys):
    own = stack.KERAS
    monkeypatch.setattr(stack, "KERAS", 5 - own)
    save(tmp_path, 1, 2)
    monkeypatch.undo()
    before = files(tmp_path)
    told = f"ckpt-2 is a checkpoint of Keras {5 - own}, and this is Keras {own}; use an environment"
    with pytest.raises(DataError, match=told):
        restore(tmp_path)
    with pytest.raises(DataError, match=told):
        load_network(tmp_path, 2, "layer", new_model())
    with pytest.raises(DataError, match=told):
        newest(tmp_path)
    assert files(tmp_path) == before
    assert list_readable(tmp_path) == []
    tell_unreadable(tmp_path)
    told = f"2 checkpoints of {tmp_path.name} left out, of another Keras than this one, {own}."
    assert told in capsys.readouterr().err
    save(tmp_path, 3)
    assert list_readable(tmp_path) == [3] and newest(tmp_path) == 3


def test_a_checkpoint_that_names_no_keras_is_of_keras_2(tmp_path, monkeypatch):
    monkeypatch.setattr(stack, "KERAS", 2)
    checkpoints = Checkpoints(new_model(), tmp_path)
    checkpoints._notes.assign("{}")
    (tmp_path / "checkpoints").mkdir()
    checkpoints._checkpoint.write(str(tmp_path / "checkpoints" / "ckpt-1"))
    assert Checkpoints(new_model(), tmp_path).restore().step == 1
    monkeypatch.setattr(stack, "KERAS", 3)
    with pytest.raises(DataError, match="is a checkpoint of Keras 2, and this is Keras 3"):
        Checkpoints(new_model(), tmp_path).restore()


def test_a_checkpoint_of_other_settings_is_refused_and_left_alone(tmp_path):
    save(tmp_path, 1, made_with="one")
    message = r"checkpoints was made with other settings or another seed; go on with those, or de"
    with pytest.raises(DataError, match=message):
        Checkpoints(new_model(), tmp_path, made_with="other").restore()
    assert list_checkpoints(tmp_path) == [1]
    assert Checkpoints(new_model(), tmp_path, made_with="one").restore().step == 1


def test_a_checkpoint_from_before_settings_were_noted_is_still_read(tmp_path):
    save(tmp_path, 1)
    model = new_model()
    assert Checkpoints(model, tmp_path, made_with="any").restore() == Restored(1, {"of": 1}, [])


def test_what_changes_no_step_is_not_in_the_fingerprint():
    facts = {"seed": 1, "lambda_cycle": 10.0}
    assert fingerprint({**facts, "keep_checkpoints": 3, "checkpoint_minutes": 1.0}) == fingerprint(
        facts
    )
    assert fingerprint({**facts, "seed": 2}) != fingerprint(facts)


def test_a_disk_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "checkpoints").write_text("a file, where a folder is wanted")
    with pytest.raises(DataError, match=r"checkpoints cannot be written \(File exists\); take"):
        Checkpoints(new_model(), tmp_path).save(5, {})


def test_a_checkpoint_is_tensors_and_no_pickle(tmp_path):
    save(tmp_path, 1)
    reader = tf.train.load_checkpoint(str(tmp_path / "checkpoints" / "ckpt-1"))
    types = set(reader.get_variable_to_dtype_map().values())
    assert types <= {tf.float32, tf.int64, tf.string}
    notes = json.loads(reader.get_tensor("notes/.ATTRIBUTES/VARIABLE_VALUE"))
    assert notes == {"of": 1, "keras": stack.KERAS}


# --- One network of a checkpoint ---------------------------------------------


class Two(tf.Module):
    """A model of two networks."""

    def __init__(self):
        super().__init__()
        self.one, self.other = new_model(), new_model()


@pytest.fixture
def trained(tmp_path):
    """Checkpoints: one network's weights are the step, the other's minus it."""
    model = Two()
    checkpoints = Checkpoints(model, tmp_path, keep=3)
    for step in (5, 20, 100):
        fill(model.one, step)
        fill(model.other, -step)
        checkpoints.save(step, {})
    return tmp_path


def test_the_steps_that_are_kept_are_told_in_order(trained):
    assert list_checkpoints(trained) == [5, 20, 100]
    assert list_checkpoints(trained / "nowhere") == []


def test_one_network_of_one_checkpoint_is_read(trained):
    for name, sign in (("one", 1), ("other", -1)):
        for step in (100, 5):
            network = new_model()
            load_network(trained, step, name, network)
            assert {*np.concatenate([w.ravel() for w in network.get_weights()])} == {sign * step}


@pytest.mark.parametrize("units", [3, 4])
def test_a_network_that_is_not_in_the_checkpoint_is_refused(trained, units):
    name = "third" if units == 3 else "one"
    with pytest.raises(DataError, match=f"ckpt-5 cannot be read as a checkpoint of {name}; delete"):
        load_network(trained, 5, name, new_model(units))


def test_a_network_of_a_broken_checkpoint_is_refused(trained):
    truncate(part(trained, 20, "data"), 0.5)
    truncate(part(trained, 5, "index"), 0.5)
    part(trained, 100, "data").unlink()
    for step in (5, 20, 100):
        with pytest.raises(DataError, match=f"ckpt-{step} cannot be read"):
            load_network(trained, step, "one", new_model())
