"""What docs/datasets.md says is so."""

import re
from pathlib import Path

import pytest
from PIL import Image

from i2i_keras import datasets
from i2i_keras.datasets import DATASETS
from i2i_keras.datasets.description import Description
from i2i_keras.datasets.spaces import LABEL_SPACES, labels_of
from i2i_keras.errors import SettingsError
from i2i_keras.preparation.domains import DomainConfig

TEXT = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text("utf-8")
[EXAMPLE] = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def toy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("toy.toml").write_text(EXAMPLE, "utf-8")
    return "toy.toml"


def test_the_example_reads_what_is_said(toy, tmp_path):
    for name in ("0001.jpg", "0001_classes.png"):
        path = tmp_path / "raw" / "train" / "monday" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (2, 2), 3).save(path)
    [record] = DomainConfig(format=toy).find(tmp_path / "raw")["train"]
    assert f"`{record.name}`" in TEXT and record.name == "monday_0001"
    assert (record.image.name, record.label.name) == ("0001.jpg", "0001_classes.png")
    space = LABEL_SPACES["cityscapes19"]
    table = labels_of(datasets.find(toy), space)
    assert [int(table[number]) for number in (3, 0)] == [space.names.index("road"), 255]


def test_the_fault_is_told_as_is_said(toy):
    [told] = re.findall(r"^Error: (toy.toml.*) \.\.\.$", TEXT, re.MULTILINE)
    Path("toy.toml").write_text(EXAMPLE.replace('"terrain"', '"terain"'), "utf-8")
    with pytest.raises(SettingsError) as error:
        datasets.find(toy)
    assert str(error.value).startswith(told)


def test_every_setting_is_listed():
    table = TEXT.partition("### All settings")[2].partition("\n## ")[0]
    keys = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", table, re.MULTILINE)
    listed = {key for some in keys for key in re.findall(r"`(\w+)`", some)}
    assert listed == {*Description.model_fields, "variants", "default"}


def test_every_data_set_is_listed_with_its_variants_and_splits():
    rows = re.findall(r"^\| `(\w+)`[^|]* \|([^|]*)\|([^|]*)\|", TEXT, re.MULTILINE)
    found = {name: (variants, splits) for name, variants, splits in rows if name in DATASETS}
    assert {*found} == {*DATASETS}
    for name, dataset in DATASETS.items():
        variants, splits = (re.findall(r"`([^`]+)`", cell) for cell in found[name])
        assert (variants, splits) == ([*dataset.variants], [*dataset.splits])
