import keras
import numpy as np
import pytest

from i2i_keras.errors import FileError
from i2i_keras.training.weights import load_weights, save_weights


def new_model():
    model = keras.Sequential([keras.layers.Dense(3, kernel_initializer="zeros")])
    model.build((None, 50))
    return model


def another_model():
    return keras.Sequential([keras.Input((7,)), keras.layers.Dense(2), keras.layers.Dense(2)])


def test_weights_survive_a_round_trip(tmp_path):
    model, copy = new_model(), new_model()
    model.set_weights([np.full_like(array, 5) for array in model.get_weights()])
    save_weights(model, tmp_path / "new" / "line.weights.h5")
    load_weights(copy, tmp_path / "new" / "line.weights.h5")
    np.testing.assert_array_equal(copy.get_weights()[0], model.get_weights()[0])
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["line.weights.h5"]


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-99]), "cannot be read as weights"),
        (lambda path: path.write_text("no weights"), "cannot be read as weights"),
        (lambda path: save_weights(another_model(), path), "cannot be read as weights"),
    ],
    ids=["missing", "cut short", "text", "another network"],
)
def test_weights_that_cannot_be_read_are_named(tmp_path, broken, what):
    path = tmp_path / "line.weights.h5"
    save_weights(new_model(), path)
    broken(path)
    with pytest.raises(FileError, match=rf"line.weights.h5 {what}.*; delete .* and make it"):
        load_weights(new_model(), path)
