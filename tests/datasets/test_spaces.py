import json
import re

import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.records import read_label, read_records
from i2i_keras.datasets.spaces import (
    LABEL_SPACES,
    SUBSETS,
    SpaceClass,
    build_space,
    categories_of,
    evaluated_in,
    find_space,
    read_space,
    write_space,
)
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.preparation.domains import Domain, DomainConfig
from i2i_keras.preparation.prepare import PrepareConfig, prepare

# Level 1 of IDD, from Cityscapes' and GTA5's ids and from CamVid's numbers.
IDD7_OF_IDS = {
    **{7: 0, 8: 1, 22: 1, 24: 2, 25: 2, 26: 3, 27: 3, 28: 3, 31: 3, 32: 3, 33: 3},
    **{12: 4, 13: 4, 17: 4, 19: 4, 20: 4, 11: 5, 21: 5, 23: 6},
}
IDD7_OF_CAMVID = {3: 0, 4: 1, 9: 2, 10: 2, 8: 3, 2: 4, 6: 4, 7: 4, 1: 5, 5: 5, 0: 6}
MINE = """
[[classes]]
name = "way"
color = [128, 64, 128]
cityscapes = ["road", "sidewalk", "parking"]
camvid = ["road", "pavement"]

[[classes]]
name = "moving"
color = [0, 0, 142]
cityscapes = ["car", "license plate", "person"]
"""


def table(numbers):
    """From any number to its label; what is not named is ignored."""
    return [numbers.get(number, 255) for number in range(256)]


@pytest.mark.parametrize(
    ("coding", "numbers"),
    [
        ("cityscapes", IDD7_OF_IDS),
        ("camvid", IDD7_OF_CAMVID),
        ("idd", {n: n for n in range(7)}),
    ],
)
def test_idd7_joins_the_classes_of_each_data_set(coding, numbers):
    assert LABEL_SPACES["idd7"].labels[coding].tolist() == table(numbers)


def test_spaces_have_their_names():
    assert {name: space.name for name, space in LABEL_SPACES.items()} == {
        name: name for name in ("cityscapes34", "cityscapes19", "idd7")
    }


def test_only_cityscapes_tells_its_classes_apart():
    assert {name: [*space.labels] for name, space in LABEL_SPACES.items()} == {
        "cityscapes34": ["cityscapes"],
        "cityscapes19": ["cityscapes"],
        "idd7": ["cityscapes", "camvid", "idd"],
    }


def test_the_subsets_are_those_of_synthias_two_protocols():
    lacking = {name: {*SUBSETS["cityscapes19"]} - {*subset} for name, subset in SUBSETS.items()}
    assert {name: len(subset) for name, subset in SUBSETS.items()} == {
        **{"cityscapes19": 19, "cityscapes16": 16, "cityscapes13": 13}
    }
    assert lacking["cityscapes16"] == {"terrain", "truck", "train"}
    assert lacking["cityscapes13"] == {"terrain", "truck", "train", "wall", "fence", "pole"}


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    return path


def test_a_space_of_ones_own_joins_what_its_file_says(mine):
    space = find_space(str(mine))
    assert (space.name, space.names) == ("mine", ("way", "moving"))
    assert space.colors.tolist() == [[128, 64, 128], [0, 0, 142]]
    assert {coding: labels.tolist() for coding, labels in space.labels.items()} == {
        "cityscapes": table({7: 0, 8: 0, 9: 0, 26: 1, 34: 1, 24: 1}),
        "camvid": table({3: 0, 4: 0}),
    }


def test_streets_are_prepared_in_a_space_of_ones_own(mine, drawn, tmp_path):
    domains = {}
    for role, layout in (("source", "cityscapes"), ("target", "gta5")):
        config = DomainConfig(format=layout)
        domains[role] = Domain(config, drawn / layout, config.find(drawn / layout))
    prepare(PrepareConfig(label_space=str(mine), size=(64, 128), workers=1), domains, tmp_path)
    assert read_space(tmp_path / "prepare/label_space.json").names == ("way", "moving")
    for role, domain in domains.items():
        records = read_records(tmp_path, tmp_path / "prepare" / f"{role}-test.csv")
        for record, raw in zip(records, domain.splits["test"], strict=True):
            ids = read_ids(raw.label)
            expected = np.full(ids.shape, 255)
            expected[np.isin(ids, [7, 8, 9])] = 0
            expected[np.isin(ids, [24, 26, 34])] = 1
            np.testing.assert_array_equal(read_label(record.label), expected)


def read_ids(path):
    with Image.open(path) as image:
        return np.array(image)


@pytest.mark.parametrize("name", LABEL_SPACES)
def test_a_space_comes_back_from_its_file(tmp_path, name):
    space = LABEL_SPACES[name]
    write_space(tmp_path / "space.json", space)
    again = read_space(tmp_path / "space.json")
    assert (again.name, again.names, again.classes) == (space.name, space.names, space.classes)
    np.testing.assert_array_equal(again.colors, space.colors)
    assert again.labels.keys() == space.labels.keys()
    for coding, labels in space.labels.items():
        np.testing.assert_array_equal(again.labels[coding], labels)


def test_ones_own_space_comes_back_without_its_toml_file(mine, tmp_path):
    write_space(tmp_path / "space.json", find_space(str(mine)))
    mine.unlink()
    assert read_space(tmp_path / "space.json").names == ("way", "moving")


def changed(old, new):
    assert old in MINE
    return MINE.replace(old, new, 1)


ONE_CLASS = MINE.split("[[classes]]")[1]
MANY = "".join(f'[[classes]]\nname = "{n}"\ncolor = [0, 0, 0]\n' for n in range(255))


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        (changed("parking", "park"), "'way' joins a class that cityscapes does not have: 'park"),
        (
            changed("pavement", "sidewalk"),
            "'way' joins a class that camvid does not have: 'sidewalk'",
        ),
        (changed('"person"', '"road"'), "cityscapes's 'road' is joined by two classes"),
        (changed('"parking"', '"road"'), "cityscapes's 'road' is joined by two classes"),
        (changed('"moving"', '"way"'), "from 2 to 254 classes of different names"),
        (f"[[classes]]{ONE_CLASS}", "from 2 to 254 classes of different names"),
        (MANY, "from 2 to 254 classes of different names"),
        (
            changed("[0, 0, 142]", "[0, 0, 256]"),
            "classes.1.color.2.*less than or equal to 255.*256",
        ),
        (changed("color = [0, 0, 142]", ""), "Setting 'classes.1.color' is needed"),
        (changed("camvid", "kitti"), "No setting 'classes.0.kitti'"),
        ("", "Setting 'classes' is needed"),
        ("classes = [", "is not valid TOML"),
    ],
)
def test_a_wrong_space_is_refused_by_its_name(tmp_path, toml, words):
    path = tmp_path / "mine.toml"
    path.write_text(toml)
    with pytest.raises(SettingsError) as error:
        find_space(str(path))
    assert re.search(words, str(error.value))
    assert str(error.value).startswith(str(path))


def test_a_space_that_is_not_there_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(SettingsError) as error:
        find_space("idd8")
    assert str(error.value) == (
        "no label space 'idd8'. Did you mean 'idd7'? There are cityscapes34, cityscapes19, idd7,"
        " or give a .toml file."
    )
    with pytest.raises(SettingsError, match=r"none\.toml cannot be read: No such file"):
        find_space(str(tmp_path / "none.toml"))


@pytest.mark.parametrize(
    "content", ["{}", "[]", '{"name": "a", "classes": []}', '{"name": 3, "classes": []}', "{"]
)
def test_a_file_that_holds_no_space_is_refused(tmp_path, content):
    (tmp_path / "space.json").write_text(content)
    with pytest.raises(
        DataError,
        match=r"space\.json (holds no label space|holds no JSON object|is not valid JSON)",
    ):
        read_space(tmp_path / "space.json")


@pytest.mark.parametrize("format_", ["camvid", "idd"])
def test_a_domain_that_the_space_does_not_know_is_refused(tmp_path, save, format_):
    for place in (
        *("train/a.png", "trainannot/a.png"),
        *("leftImg8bit/train/1/2_image.jpg", "gtFine/train/1/2_label.png"),
    ):
        save(tmp_path / place, np.zeros((4, 6)))
    config = DomainConfig(format=format_)
    domain = Domain(config, tmp_path, config.find(tmp_path))
    with pytest.raises(SettingsError) as error:
        prepare(PrepareConfig(workers=1, size=(32, 32)), {"source": domain}, tmp_path / "run")
    assert str(error.value) == (
        f"The label space cityscapes19 does not say what the classes of {format_!r} are; set"
        " prepare.label_space to idd7, or to a TOML file that does."
    )
    assert not (tmp_path / "run").exists()


def test_a_space_is_written_in_words(tmp_path):
    write_space(tmp_path / "space.json", LABEL_SPACES["idd7"])
    classes = json.loads((tmp_path / "space.json").read_text())["classes"]
    assert classes[1] == {
        **{"name": "non-drivable", "color": [244, 35, 232], "cityscapes": ["sidewalk", "terrain"]},
        **{"camvid": ["pavement"], "idd": ["non-drivable"]},
    }


def test_a_class_has_the_category_that_all_it_joins_share():
    found = dict(zip(LABEL_SPACES["idd7"].names, categories_of(LABEL_SPACES["idd7"]), strict=True))
    assert found == {
        "drivable": "flat",
        "non-drivable": None,  # Sidewalk is flat, terrain nature.
        "living things": "human",
        "vehicles": "vehicle",
        "roadside objects": None,  # Walls are construction, poles objects.
        "far objects": None,
        "sky": "sky",
    }


def test_void_is_no_category():
    space = LABEL_SPACES["cityscapes34"]
    found = dict(zip(space.names, categories_of(space), strict=True))
    assert [name for name, category in found.items() if category is None] == [*space.names[:7]]
    assert found["caravan"] == "vehicle"


def test_a_class_is_evaluated_if_one_that_it_joins_is():
    assert evaluated_in(LABEL_SPACES["cityscapes19"]).all()
    space = LABEL_SPACES["cityscapes34"]
    assert {*np.array(space.names)[evaluated_in(space)]} == {*SUBSETS["cityscapes19"]}
    rows = [
        SpaceClass(name="way", color=(0, 0, 0), cityscapes=("road", "parking")),
        SpaceClass(name="lot", color=(0, 0, 0), cityscapes=("rail track",)),
        SpaceClass(name="theirs", color=(0, 0, 0), camvid=("tree",)),
    ]
    assert evaluated_in(build_space("own", rows)).tolist() == [True, False, True]
