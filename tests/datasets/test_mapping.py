"""A TOML file that says what the labels of a plain folder hold."""

import re

import numpy as np
import pytest

from i2i_keras.datasets import DATASETS
from i2i_keras.datasets.readers import build_reader
from i2i_keras.datasets.spaces import LABEL_SPACES
from i2i_keras.errors import SettingsError
from i2i_keras.preparation.domains import DomainConfig, audit_domain


@pytest.fixture
def mapped(tmp_path, save):
    """Labels of an image, of numbers or of colors, by a mapping."""

    def read(toml, pixels, space="cityscapes19"):
        (tmp_path / "m.toml").write_text(toml)
        mapping = str(tmp_path / "m.toml")
        reader = build_reader(DATASETS["folder"], "ids", LABEL_SPACES[space], mapping)
        return reader.labels[reader.numbers(save(tmp_path / "a.png", pixels))].tolist(), reader

    return read


def test_a_mapping_by_values_joins_and_ignores(mapped):
    toml = "[values]\nroad = [6, 24]\ncar = [10]\nparking = [9]\nignored = [0]\n"
    found, reader = mapped(toml, [[6, 24, 10, 9, 0, 77]])
    # Parking is none of the 19 classes.
    assert found == [[0, 0, 13, 255, 255, 255]]
    assert np.flatnonzero(reader.valid).tolist() == [0, 6, 9, 10, 24]


def test_a_mapping_by_colors_joins_and_ignores(mapped):
    toml = """
    [colors]
    road = [[128, 64, 128], [157, 234, 50]]
    sky = [[70, 130, 180]]
    ignored = [[0, 0, 0]]
    """
    pixels = [[(128, 64, 128), (157, 234, 50), (70, 130, 180), (0, 0, 0), (1, 2, 3)]]
    found, reader = mapped(toml, pixels)
    assert found == [[0, 0, 10, 255, 255]]
    assert np.flatnonzero(reader.valid).tolist() == [7, 23, 255]


def test_a_mapping_may_use_the_classes_of_another_data_set(mapped):
    found, _ = mapped('classes = "camvid"\n[values]\npavement = [1]\ntree = [2]', [[1, 2]], "idd7")
    assert found == [[1, 5]]


def test_a_mapping_may_use_the_names_of_the_label_space(mapped):
    toml = 'classes = "label_space"\n[values]\n"living things" = [4, 5]\nsky = [0]\nignored = [9]'
    found, reader = mapped(toml, [[0, 4, 5, 9]], "idd7")
    assert found == [[6, 2, 2, 255]]
    assert np.flatnonzero(reader.valid).tolist() == [0, 4, 5, 9]


def test_a_mapping_of_colors_may_use_the_names_of_the_label_space(mapped):
    toml = 'classes = "label_space"\n[colors]\nsky = [[0, 0, 255]]\nignored = [[0, 0, 0]]'
    assert mapped(toml, [[(0, 0, 255), (0, 0, 0), (0, 0, 9)]], "idd7")[0] == [[6, 255, 255]]


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("[values]\nstreet = [1]", r"no class 'street'; there are unlabeled, .* and ignored"),
        ("[colors]\nstreet = [[1, 2, 3]]", r"no class 'street'; there are unlabeled, .*ignored"),
        ('classes = "label_space"\n[values]\nparking = [1]', "no class 'parking'; there are road"),
        ('classes = "idd"\n[values]\nsky = [1]', "does not say what the classes of 'idd' are"),
        ('classes = "kitti"\n[values]\nsky = [1]', "Setting 'classes': there is no 'kitti'; it is"),
        ("", r"give a table \[values\] or a table \[colors\], and not both"),
        ("[values]\nsky = [1]\n[colors]\nroad = [[1, 2, 3]]", "and not both"),
        ("[values]\nsky = [256]", r"Setting 'values.sky.0': it has to be less .*; got 256"),
        ("[values]\nsky = 'a'", "Setting 'values.sky': it has to be a list, not 'a'"),
        ("[values]\nskye = [1]", "no class 'skye'. Did you mean 'sky'"),
        ("[values]\nsky = 1", "Setting 'values.sky': it has to be a list, not 1"),
        ("[colors]\nsky = [[1, 2]]", "Setting 'colors.sky.0': it has to be a list of 3, not"),
        ("[colours]\nsky = [[1, 2, 3]]", "No setting 'colours'. Did you mean 'colors'?"),
        ("[values]\nsky = [1, 2]\nroad = [2]", "2 means both 'sky' and 'road'"),
        ("[colors]\nsky = [[1, 2, 3]]\nroad = [[1, 2, 3]]", r"\(1, 2, 3\) means both 'sky' and"),
        ("values = sky", "is not valid TOML"),
    ],
)
def test_a_wrong_mapping_is_refused_by_its_name(mapped, tmp_path, toml, words):
    with pytest.raises(SettingsError) as error:
        mapped(toml, [[0]])
    assert re.search(words, str(error.value))
    assert str(error.value).startswith(str(tmp_path / "m.toml"))


def test_what_a_mapping_does_not_name_is_found(tmp_path, save):
    (tmp_path / "m.toml").write_text("[values]\nroad = [3]\nignored = [9]\n")
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3))
    save(tmp_path / "train/images/a.png", pixels)
    save(tmp_path / "train/images/b.png", 255 - pixels)
    save(tmp_path / "train/labels/a.png", np.repeat([[3, 9]], 12).reshape(4, 6))
    save(tmp_path / "train/labels/b.png", np.repeat([[3, 0, 255]], 8).reshape(4, 6))
    config = DomainConfig(format="folder", mapping=str(tmp_path / "m.toml"))
    audited = audit_domain(config, tmp_path, "", workers=1)
    [finding] = [f for f in audited.findings if f.bad]
    # Not "train ids", though it seems so: the mapping says what it holds.
    assert (finding.kind, finding.file) == ("unknown class", "train/labels/b.png")
    assert finding.what == "holds 0, 255 in 16 pixels, which is no class of this data set"
    assert [row["pixels"] for row in audited.rows["train"]] == [{0: 12, 255: 12}, {0: 8, 255: 16}]
