import h5py
import keras
import numpy as np
import pytest

from i2i_keras.errors import DataError, FileError
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


# --- Numbers that are none ---------------------------------------------------


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_not_saved(tmp_path, number):
    model = new_model()
    model.layers[0].kernel.assign(np.full((50, 3), number, np.float32))
    with pytest.raises(
        DataError, match=r"would hold what is not a number \(.*kernel\).*learning_rate"
    ):
        save_weights(model, tmp_path / "line.weights.h5")
    assert not [*tmp_path.iterdir()]


def test_weights_that_are_no_numbers_are_not_loaded(tmp_path):
    model, path = new_model(), tmp_path / "line.weights.h5"
    model.layers[0].bias.assign([0, np.nan, 0])
    model.save_weights(str(path))
    with pytest.raises(FileError, match=r"line.weights.h5 holds what is not a number \(.*bias\)"):
        load_weights(new_model(), path)


# --- Files of others ---------------------------------------------------------


def change(path, make):
    """Replaces a data set of a file of weights."""
    with h5py.File(path, "r+") as file:
        found = []
        file.visititems(
            lambda at, item: found.append(at) if isinstance(item, h5py.Dataset) else None
        )
        del file[found[0]]
        make(file, found[0])


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            lambda file, at: file.__setitem__(at, h5py.ExternalLink("/etc/hostname", "/a")),
            "is a link, which could lead to another file",
        ),
        (lambda file, at: file.__setitem__(at, h5py.SoftLink("/a")), "is a link"),
        (
            lambda file, at: file.create_dataset(
                at, (50, 3), "f4", external=[("/dev/zero", 0, 600)]
            ),
            "lies in another file",
        ),
        (
            lambda file, at: file.create_dataset(
                at, (2**40,), "f4", chunks=(2**20,), compression="gzip"
            ),
            "declares more numbers than its network has",
        ),
        (
            lambda file, at: file.create_dataset(at, (2,), h5py.string_dtype()),
            "holds no numbers",
        ),
    ],
    ids=["external link", "soft link", "external storage", "terabytes", "texts"],
)
def test_files_that_lead_elsewhere_or_are_too_large_are_refused(tmp_path, make, told):
    path = tmp_path / "line.weights.h5"
    save_weights(new_model(), path)
    change(path, make)
    with pytest.raises(FileError, match=rf"cannot be read as weights of its network \(.*{told}"):
        load_weights(new_model(), path)


def test_groups_that_hold_each_other_end(tmp_path):
    path = tmp_path / "line.weights.h5"
    save_weights(new_model(), path)
    with h5py.File(path, "r+") as file:
        file["round"] = file["/"]
    load_weights(new_model(), path)


def test_weights_are_what_keras_writes(tmp_path):
    model = new_model()
    save_weights(model, tmp_path / "a.weights.h5")
    model.save_weights(str(tmp_path / "b.weights.h5"))
    shown = []
    for name in "ab":
        with h5py.File(tmp_path / f"{name}.weights.h5") as file:
            found = {}
            file.visititems(
                lambda at, item, found=found: found.update(
                    {at: item[()].tolist() if isinstance(item, h5py.Dataset) else None}
                )
            )
            shown.append(found)
    assert shown[0] == shown[1]
