import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.labels import CLASSES
from i2i_keras.errors import DataError
from i2i_keras.preparation.domains import Domain, DomainConfig, audit_domain
from i2i_keras.preparation.numberings import foreign
from i2i_keras.preparation.prepare import PrepareConfig, prepare

# From a Cityscapes id to the number of each data set; what is left out is void.
_IDS = [row.id for row in CLASSES if row.train_id != 255]


def _table(numbers, void):
    table = np.full(256, void, np.uint8)
    table[_IDS] = [void if number is None else number for number in numbers]
    return table


_X = None
TABLES = {
    "train ids": _table(range(19), 19),
    "SYNTHIA": _table([3, 4, 2, 21, 5, 7, 15, 9, 6, 16, 1, 10, 17, 8, 18, 19, 20, 12, 11], 0),
    "VIPER": _table([3, 4, 9, _X, 11, _X, 13, 14, 8, 6, 2, 20, _X, 24, 27, 26, 29, 23, 22], 0),
    "Mapillary Vistas v1.2": _table(
        [13, 15, 17, 6, 3, 45, 48, 50, 30, 29, 27, 19, 20, 55, 61, 54, 58, 57, 52], 65
    ),
    "Mapillary Vistas v2.0": _table(
        [21, 24, 27, 12, 5, 85, 90, 99, 64, 63, 61, 30, 32, 108, 114, 107, 111, 110, 105], 123
    ),
    "CARLA up to 0.9.9": _table(
        [7, 8, 1, 11, 2, 5, 12, 12, 9, 9, 0, 4, 4, 10, 10, 10, 10, 10, 10], 0
    ),
    "CARLA 0.9.10 to 0.9.13, or SHIFT": _table(
        [7, 8, 1, 11, 2, 5, 18, 12, 9, 22, 13, 4, 4, 10, 10, 10, 10, 10, 10], 0
    ),
    "CARLA from 0.9.14": _table(range(1, 20), 0),
    "IDD level3Ids": _table(
        [0, 2, 22, 14, 15, 20, 19, 18, 24, 3, 25, 4, 5, 9, 10, 11, 12, 6, 7], 255
    ),
    "IDD Lite": _table([0, 1, 5, 4, 4, 4, 4, 4, 5, 1, 6, 2, 2, 3, 3, 3, 3, 3, 3], 255),
}


def _recode(root, table):
    for path in root.glob("gtFine/*/*/*_labelIds.png"):
        Image.fromarray(table[np.asarray(Image.open(path))]).save(path)


@pytest.mark.parametrize("title", TABLES)
def test_a_foreign_numbering_read_as_cityscapes_ids_is_named(title, streets):
    _recode(streets / "cityscapes", TABLES[title])
    audited = audit_domain(DomainConfig(format="cityscapes"), streets / "cityscapes", "", 1)
    told = [finding for finding in audited.findings if finding.kind == "foreign numbers"]
    assert len(told) == 1
    assert told[0].bad and title in told[0].what and "Cityscapes ids" in told[0].what


@pytest.mark.parametrize("format_", ["cityscapes", "gta5"])
def test_drawn_streets_are_no_foreign_set(format_, drawn):
    audited = audit_domain(DomainConfig(format=format_), drawn / format_, "", 1)
    assert not [f for f in audited.findings if f.kind == "foreign numbers"]


@pytest.mark.parametrize("role", ["source", "target"])
@pytest.mark.parametrize("on_bad", ["fail", "skip"])
def test_prepare_refuses_a_foreign_set(role, on_bad, streets, tmp_path):
    _recode(streets / "cityscapes", TABLES["SYNTHIA"])
    config = DomainConfig(format="cityscapes")
    root = streets / "cityscapes"
    other = DomainConfig(format="gta5")
    fine = Domain(other, streets / "gta5", other.find(streets / "gta5"))
    wrong = Domain(config, root, config.find(root))
    domains = {"source": fine, "target": fine, role: wrong}
    with pytest.raises(DataError, match="SYNTHIA"):
        prepare(PrepareConfig(size=(32, 64), on_bad=on_bad, workers=1), domains, tmp_path / "run")


def test_sky_and_road_need_their_share_and_their_places():
    def fits(sky=20, road=20, above=0.1, unknown=10):
        found = {1: (sky, 0.5), 3: (road, 0.5 + above), 4: (990 - sky - road, 0.5)}
        return [n.title for n in foreign(found | {200: (unknown, 0.5)})] == ["SYNTHIA"]

    assert fits()
    assert not fits(sky=19)
    assert not fits(road=19)
    assert not fits(above=0.09)
    assert not fits(unknown=11)


def test_a_set_with_enough_road_below_the_sky_can_be_ids():
    def is_foreign(road, sky=0.3):
        found = {7: (road, 0.5), 23: (5, sky), 0: (500, 0.9), 25: (495 - road, 0.1)}
        return "IDD level3Ids" in [numbering.title for numbering in foreign(found)]

    assert not is_foreign(road=20)
    assert is_foreign(road=19)
    assert not is_foreign(road=20, sky=0.49)
    assert is_foreign(road=20, sky=0.51)
