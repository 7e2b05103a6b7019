import numpy as np
import pytest

from i2i_keras.datasets.spaces import find_space
from i2i_keras.preparation.domains import DomainConfig
from i2i_keras.preparation.whole_set import judge

ROAD, SKY, BUILDING, VOID = 7, 23, 11, 0
STREET = {ROAD: (40, 0.8), SKY: (10, 0.1), BUILDING: (40, 0.3), VOID: (10, 0.5)}


def told(changes, space="cityscapes19", trusted=False, encoding="ids", num_files=5):
    """Kinds of what is found, and whether it is bad."""
    config = DomainConfig(format="folder", encoding=encoding, trust_labels=trusted)
    labels = config.labels(find_space(space))
    found = {number: facts for number, facts in {**STREET, **changes}.items() if facts[0]}
    return {kind: bad for kind, _, _, bad in judge(labels, found, num_files)}


def test_a_street_is_fine():
    assert told({}) == {}


def test_a_sky_below_the_road_is_bad():
    assert told({ROAD: (40, 0.2), SKY: (10, 0.9)})["sky below road"] is True
    assert "sky below road" not in told({ROAD: (40, 0.5), SKY: (10, 0.59)})


@pytest.mark.parametrize("number", [ROAD, SKY])
def test_a_set_without_road_or_sky_is_noted(number):
    assert told({number: (0, 0.0)})["no road or sky"] is False


def test_a_set_that_cannot_have_a_sky_is_not_missing_one(tmp_path):
    mapping = tmp_path / "mapping.toml"
    mapping.write_text("[values]\nroad = [7]\nbuilding = [11]\nignored = [0]\n")
    config = DomainConfig(format="folder", mapping=str(mapping))
    labels = config.labels(find_space("cityscapes19"))
    assert judge(labels, {7: (40, 0.8), 11: (40, 0.3)}, 5) == []


def test_joined_classes_are_road_and_sky_as_well():
    assert told({ROAD: (40, 0.2), SKY: (10, 0.9)}, "idd7")["sky below road"] is True


@pytest.mark.parametrize(("void", "expected"), [(91, True), (89, False)])
def test_more_than_half_that_is_ignored_is_noted(void, expected):
    assert ("mostly ignored" in told({VOID: (void, 0.5)})) is expected


def test_what_is_trusted_is_never_bad():
    upside_down = {ROAD: (40, 0.2), SKY: (10, 0.9)}
    assert any(told(upside_down).values())
    found = told(upside_down, trusted=True)
    assert found and not any(found.values())


def test_few_labels_have_to_be_clearer():
    """As ids they are a little less likely than by another numbering."""
    odd = {ROAD: (20, 0.8), SKY: (0, 0.1), BUILDING: (0, 0.3), VOID: (30, 0.3), 9: (30, 0.3)}
    many, few = (told(odd, num_files=number).get("foreign numbers") for number in (3, 2))
    assert many is True
    assert few is None


def test_without_a_label_nothing_is_found():
    labels = DomainConfig(format="folder").labels(find_space("cityscapes19"))
    assert judge(labels, {}, 0) == []
    assert np.isin(labels.reader.labels[[ROAD, SKY]], [0, 10]).all()
