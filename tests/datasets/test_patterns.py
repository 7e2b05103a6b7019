"""What patterns match, and where their files are."""

import pytest

from i2i_keras.datasets import patterns
from i2i_keras.datasets.patterns import Place

FILES = (
    "train/a.png",
    "train/b.PNG",
    "train/c.jpg",
    "train/.hidden.png",
    "train/one/d.png",
    "train/one/two/e.png",
    "val/a.png",
    "x_train/a.png",
)


@pytest.fixture
def root(tmp_path):
    for file in FILES:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    return tmp_path


def found(root, pattern, split="train"):
    files = patterns.find(root, pattern, split)
    return {path.relative_to(root).as_posix(): place for place, path in files}


def test_a_split_and_a_name_are_within_one_folder(root):
    assert found(root, "{split}/{name}.png") == {
        "train/a.png": Place((), "a"),
        "train/b.PNG": Place((), "b"),
    }
    assert [*found(root, "{split}/{name}.png", "val")] == ["val/a.png"]


def test_folders_are_any_number_and_part_of_the_place(root):
    assert found(root, "{split}/**/{name}.png") == {
        "train/a.png": Place(("",), "a"),
        "train/b.PNG": Place(("",), "b"),
        "train/one/d.png": Place(("one",), "d"),
        "train/one/two/e.png": Place(("one/two",), "e"),
    }
    files = {p.relative_to(root).as_posix() for p in root.glob("**/*.png") if p.name[0] != "."}
    assert {*found(root, "**/{name}.png")} - {"train/b.PNG"} == files


def test_a_star_is_within_one_folder_and_no_part_of_the_place(root):
    assert found(root, "*train/{name}.png") == {
        "train/a.png": Place((), "a"),
        "train/b.PNG": Place((), "b"),
        "x_train/a.png": Place((), "a"),
    }


def test_words_in_braces_are_alternatives(root):
    assert [*found(root, "{split}/{name}.{jpg,png}")] == [
        "train/a.png",
        "train/b.PNG",
        "train/c.jpg",
    ]
    assert [*found(root, "{x_,}{split}/a.{name}")] == ["train/a.png", "x_train/a.png"]


def test_a_name_may_be_a_folders(root):
    assert found(root, "train/{name}/d.png") == {"train/one/d.png": Place((), "one")}


def test_a_split_may_be_a_folder_in_another(root):
    assert [*found(root, "{split}/{name}.png", "train/one")] == ["train/one/d.png"]


def test_dots_and_pluses_mean_themselves(tmp_path):
    for name in ("a.b+.png", "axb+.png", "a.bb.png"):
        (tmp_path / name).touch()
    assert found(tmp_path, "{name}.b+.png") == {"a.b+.png": Place((), "a")}


def test_links_are_followed_and_loops_end(root):
    (root / "train/one/back").symlink_to(root / "train")
    (root / "linked").symlink_to(root / "train/one")
    assert [*found(root, "linked/{name}.png")] == ["linked/d.png"]
    assert len(found(root, "train/**/{name}.png")) == 4


def test_what_is_not_there_holds_nothing(tmp_path):
    assert found(tmp_path / "none", "{split}/**/{name}.png") == {}


@pytest.mark.parametrize("file", ["train/a.png", "train/one/d.png", "train/one/two/e.png"])
def test_a_file_is_where_its_place_says(root, file):
    pattern = "{split}/**/{name}.{png,jpg}"
    assert patterns.path_of(root, pattern, "train", found(root, pattern)[file]) == root / file


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("images/a.png", "{name} has to stand in it once"),
        ("{name}/{name}.png", "{name} has to stand in it once"),
        ("/images/{name}.png", "a path below the root"),
        ("../{name}.png", "a path below the root"),
        ("images//{name}.png", "a path below the root"),
        ("images\\{name}.png", "a path below the root"),
        ("a**/{name}.png", "** has to stand for whole folders"),
        ("{names}/{name}.png", "there is no {names}"),
        ("", "a path below the root"),
    ],
)
def test_what_is_no_pattern_is_told(pattern, words):
    assert words in patterns.fault(pattern)


def test_all_of_it_together_is_no_fault():
    assert patterns.fault("{split}/**/{name}_{a,b}*.png") == ""
