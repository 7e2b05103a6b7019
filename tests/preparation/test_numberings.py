import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.labels import CLASSES
from i2i_keras.datasets.spaces import find_space
from i2i_keras.errors import DataError
from i2i_keras.preparation import numberings
from i2i_keras.preparation.domains import Domain, DomainConfig, audit_domain, check_labels
from i2i_keras.preparation.prepare import PrepareConfig, prepare

# From a Cityscapes id to the number of each data set; what is left out is void.
_IDS = [row.id for row in CLASSES if row.train_id != 255]


def _table(numbers, void):
    table = np.full(256, void, np.uint8)
    table[_IDS] = [void if number is None else number for number in numbers]
    return table


_X = None
_CARLA = [7, 8, 1, 11, 2, 5, 12, 12, 9, 9, 0, 4, 4, 10, 10, 10, 10, 10, 10]
TABLES = {
    "train ids": _table(range(19), 255),
    "SYNTHIA": _table([3, 4, 2, 21, 5, 7, 15, 9, 6, 16, 1, 10, 17, 8, 18, 19, 20, 12, 11], 0),
    "VIPER": _table([3, 4, 9, _X, 11, _X, 13, 14, 8, 6, 2, 20, _X, 24, 27, 26, 29, 23, 22], 0),
    "Mapillary Vistas 1.2": _table(
        [13, 15, 17, 6, 3, 45, 48, 50, 30, 29, 27, 19, 20, 55, 61, 54, 58, 57, 52], 65
    ),
    "Mapillary Vistas 2.0": _table(
        [21, 24, 27, 12, 5, 85, 90, 99, 64, 63, 61, 30, 32, 108, 114, 107, 111, 110, 105], 123
    ),
    "CARLA up to 0.9.9": _table(_CARLA, 0),
    "CARLA 0.9.10 to 0.9.13, or SHIFT": _table(
        [7, 8, 1, 11, 2, 5, 18, 12, 9, 22, 13, 4, 4, 10, 10, 10, 10, 10, 10], 0
    ),
    "CARLA from 0.9.14": _table(range(1, 20), 0),
    "IDD level3Ids": _table(
        [0, 2, 22, 14, 15, 20, 19, 18, 24, 3, 25, 4, 5, 9, 10, 11, 12, 6, 7], 255
    ),
    "IDD Lite": _table([0, 1, 5, 4, 4, 4, 4, 4, 5, 1, 6, 2, 2, 3, 3, 3, 3, 3, 3], 255),
    "CamVid": _table([3, 4, 1, 7, 7, 2, 6, 6, 5, 5, 0, 9, 10, 8, 8, 8, 8, 10, 10], 11),
    "BDD100K's polygons": _table(
        [7, 8, 10, 15, 11, 20, 25, 26, 29, 28, 30, 31, 32, 35, 40, 34, 39, 37, 33], 0
    ),
    "SELMA": _table(
        [7, 8, 1, 11, 2, 5, 18, 12, 9, 22, 13, 40, 41, 100, 101, 102, 103, 104, 105], 0
    ),
}
CASES = {**TABLES, "train ids without 255": _table(range(19), 19)}


def test_every_numbering_has_a_case():
    assert {*TABLES, numberings.IDS} == {*numberings.NUMBERINGS}


def _recode(root, table):
    for path in root.glob("gtFine/*/*/*_labelIds.png"):
        Image.fromarray(table[np.asarray(Image.open(path))]).save(path)


@pytest.fixture
def foreign(streets, tmp_path):
    """From a case to a plain folder and a tree of Cityscapes, numbered so."""

    def make(case, format_):
        root = streets / "cityscapes"
        _recode(root, CASES[case])
        if format_ == "cityscapes":
            return root
        folder = tmp_path / "folder"
        for split in ("train", "test"):
            for kind, ending in (("images", "leftImg8bit"), ("labels", "labelIds")):
                (folder / split / kind).mkdir(parents=True)
                for path in root.rglob(f"{split}/*/*_{ending}.png"):
                    name = "_".join(path.name.split("_")[:3])
                    (folder / split / kind / f"{name}.png").write_bytes(path.read_bytes())
        return folder

    return make


@pytest.mark.parametrize("format_", ["cityscapes", "folder"])
@pytest.mark.parametrize("case", CASES)
def test_a_foreign_numbering_read_as_cityscapes_ids_is_named(case, format_, foreign):
    root = foreign(case, format_)
    audited = audit_domain(DomainConfig(format=format_), root, "", 1)
    bad = [finding for finding in audited.findings if finding.bad]
    title = case.removesuffix(" without 255")
    told = [f for f in bad if title in f.what or (title == "train ids" and f.kind == title)]
    assert told and (told[0].kind == "train ids" or "Cityscapes ids" in told[0].what)

    config = DomainConfig(format=format_)
    with pytest.raises(DataError, match="seem to be those of") as caught:
        check_labels(config, root, config.find(root), find_space("cityscapes19"))
    assert title in str(caught.value)


@pytest.mark.parametrize("format_", ["cityscapes", "gta5"])
def test_drawn_streets_are_no_foreign_set(format_, drawn):
    audited = audit_domain(DomainConfig(format=format_), drawn / format_, "", 1)
    kinds = {finding.kind for finding in audited.findings}
    assert not kinds & {"foreign numbers", "mostly ignored", "no road or sky", "sky below road"}


@pytest.mark.parametrize("role", ["source", "target"])
@pytest.mark.parametrize("on_bad", ["fail", "skip"])
@pytest.mark.parametrize("case", CASES)
def test_prepare_refuses_a_foreign_set(case, role, on_bad, streets, tmp_path):
    _recode(streets / "cityscapes", CASES[case])
    domains = _domains(streets, role)
    with pytest.raises(DataError, match=case.removesuffix(" without 255")):
        prepare(PrepareConfig(size=(32, 64), on_bad=on_bad, workers=1), domains, tmp_path / "run")


def test_labels_that_are_trusted_are_prepared(streets, tmp_path):
    _recode(streets / "cityscapes", TABLES["SYNTHIA"])
    domains = _domains(streets, "source", trust_labels=True)
    done = prepare(PrepareConfig(size=(32, 64), workers=1), domains, tmp_path / "run")
    assert any("foreign numbers" in note for note in done["noted"])


def _domains(streets, role, **believed):
    config, other = DomainConfig(format="cityscapes", **believed), DomainConfig(format="gta5")
    wrong = Domain(config, streets / "cityscapes", config.find(streets / "cityscapes"))
    fine = Domain(other, streets / "gta5", other.find(streets / "gta5"))
    return {"source": fine, "target": fine, role: wrong}


def test_a_plain_folder_is_asked_what_its_numbers_mean(tmp_path):
    """7 and 0 are road and void by two numberings at once."""
    label = np.zeros((20, 30), np.uint8)
    label[10:] = 7
    for kind in ("images", "labels"):
        (tmp_path / "train" / kind).mkdir(parents=True)
    for number in range(4):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"train/images/{number}.png")
        Image.fromarray(label).save(tmp_path / f"train/labels/{number}.png")

    def bad(**config):
        found = audit_domain(DomainConfig(format="folder", **config), tmp_path, "", 1).findings
        return [finding.kind for finding in found if finding.bad]

    assert bad() == ["unclear numbers"]
    assert bad(encoding="ids") == []


def test_likelihood_is_the_mean_logarithm():
    """By the formula of the docstring: shares of road and sky, one row off."""
    found = {7: (300, 0.77), 23: (100, 0.12 + 0.15), 0: (100, 0.5), 77: (500, 0.5)}
    expected = (
        0.3 * np.log(0.32) + 0.1 * (np.log(0.1) - 0.5) + 0.1 * np.log(0.08) + 0.5 * np.log(1e-6)
    )
    ids = numberings.NUMBERINGS[numberings.IDS]
    assert numberings.likelihood(ids, found) == pytest.approx(expected)


def test_places_are_counts_and_mean_rows():
    numbers = np.array([[1, 1], [1, 9], [9, 9]], np.uint8)
    assert numberings.places(numbers) == [
        (1, 3, pytest.approx(1 / 6)),
        (9, 3, pytest.approx(5 / 6)),
    ]


def test_files_are_joined_by_their_pixels():
    assert numberings.join([[(1, 3, 0.0)], [(1, 1, 1.0), (2, 5, 0.5)]]) == {
        1: (4, 0.25),
        2: (5, 0.5),
    }
