from pathlib import Path

import pytest

from i2i_keras.data.records import Record
from i2i_keras.datasets.raw_files import by_name, named, pair
from i2i_keras.errors import DataError


def place(name):
    return Path("images") / f"{name}.png", Path("labels") / f"{name}.png"


def test_images_without_any_label_are_an_unlabelled_set():
    images = {"b": Path("b.jpg"), "a": Path("a.png")}
    expected = [Record("a", Path("a.png"), None), Record("b", Path("b.jpg"), None)]
    assert pair(images, {}, place) == expected


def test_what_one_of_a_pair_lacks_is_named_where_it_should_be():
    images = {"a": Path("a.png"), "b": Path("b.png")}
    labels = {"b": Path("b-label.png"), "c": Path("c-label.png")}
    assert pair(images, labels, place) == [
        Record("a", Path("a.png"), Path("labels/a.png")),
        Record("b", Path("b.png"), Path("b-label.png")),
        Record("c", Path("images/c.png"), Path("c-label.png")),
    ]


def test_files_are_named_without_their_ending_in_upper_or_lower_case(tmp_path):
    for name in ("b_X.PNG", "a_x.png", "._a_x.png", "c.png"):
        (tmp_path / name).touch()
    assert named(tmp_path, "_x.png") == {"a": tmp_path / "a_x.png", "b": tmp_path / "b_X.PNG"}


def test_two_files_of_one_name_are_refused():
    with pytest.raises(DataError) as error:
        by_name([("a", Path("a.png")), ("a", Path("a.jpg"))])
    assert str(error.value) == "a.png and a.jpg would both be 'a'; rename one."
