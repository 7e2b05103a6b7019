from collections import defaultdict

import numpy as np
import pytest

from i2i_keras.data.labels import CLASSES, IGNORE, colorize
from i2i_keras.datasets.gta5 import COLORS
from i2i_keras.datasets.spaces import LABEL_SPACES

# What every other implementation uses (AdaptSegNet, tllib, DAFormer, ...).
PEERS_TRAIN_IDS = {
    **{7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10},
    **{24: 11, 25: 12, 26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18},
}
EVALUATED = (
    *("road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign"),
    *("vegetation", "terrain", "sky", "person", "rider", "car", "truck", "bus", "train"),
    *("motorcycle", "bicycle"),
)


def collisions(colors):
    """Ids that share a color, by color."""
    ids = defaultdict(set)
    for id_, color in enumerate(colors):
        ids[color].add(id_)
    return len(ids), [group for group in ids.values() if len(group) > 1]


def test_the_table_is_in_the_order_of_the_ids():
    assert [row.id for row in CLASSES] == list(range(35))


def test_train_ids_are_those_of_every_peer():
    found = {row.id: row.train_id for row in CLASSES if row.train_id != IGNORE}
    assert found == PEERS_TRAIN_IDS


def test_names_are_unique():
    assert len({row.name for row in CLASSES}) == 35


def test_there_are_the_eight_categories_of_cityscapes():
    assert {row.category for row in CLASSES} == {
        *("void", "flat", "construction", "object", "nature", "sky", "human", "vehicle")
    }


def test_cityscapes_has_29_colors():
    # 34 is the license plate, which shares the car's.
    assert collisions([row.color for row in CLASSES]) == (29, [{0, 1, 2, 3, 4}, {17, 18}, {26, 34}])


def test_gta5_has_30_colors():
    assert collisions(COLORS) == (30, [{0, 1, 2, 3}, {17, 18}, {26, 34}])


def test_static_alone_has_another_color_in_gta5():
    rows = zip(CLASSES, COLORS, strict=True)
    differing = [(row.name, color) for row, color in rows if row.color != color]
    assert differing == [("static", (20, 20, 20))]


@pytest.mark.parametrize("space", LABEL_SPACES.values(), ids=LABEL_SPACES)
def test_every_raw_value_becomes_an_index_or_is_ignored(space):
    for labels in space.labels.values():
        assert labels.shape == (256,)
        assert labels.dtype == np.uint8
        assert {*labels.tolist()} == {*range(len(space.names)), IGNORE}
        assert labels[IGNORE] == IGNORE


@pytest.mark.parametrize("space", LABEL_SPACES.values(), ids=LABEL_SPACES)
def test_license_plates_are_ignored(space):
    assert space.labels["cityscapes"][34] == IGNORE


@pytest.mark.parametrize("name", ["cityscapes34", "cityscapes19"])
def test_names_and_colors_of_a_space_are_those_of_its_ids(name):
    space = LABEL_SPACES[name]
    assert space.colors.shape == (len(space.names), 3)
    for row in CLASSES:
        index = space.labels["cityscapes"][row.id]
        if index != IGNORE:
            assert space.names[index] == row.name
            assert tuple(space.colors[index]) == row.color


def test_the_reports_space_keeps_the_ids_0_to_33():
    expected = np.where(np.arange(256) < 34, np.arange(256), IGNORE)
    np.testing.assert_array_equal(LABEL_SPACES["cityscapes34"].labels["cityscapes"], expected)


def test_the_evaluated_classes_are_cityscapes_19_in_order():
    assert LABEL_SPACES["cityscapes19"].names == EVALUATED


def test_the_colors_of_the_19_classes_lead_back_to_them():
    space = LABEL_SPACES["cityscapes19"]
    label = np.arange(19, dtype=np.uint8).reshape(1, 19)
    painted = colorize(label, space.colors)
    index_of = {tuple(color): index for index, color in enumerate(space.colors.tolist())}
    assert [index_of[tuple(color)] for color in painted[0].tolist()] == list(range(19))


def test_ignored_pixels_are_painted_black():
    painted = colorize(np.full((2, 3), IGNORE, np.uint8), LABEL_SPACES["cityscapes19"].colors)
    assert painted.shape == (2, 3, 3)
    assert not painted.any()
