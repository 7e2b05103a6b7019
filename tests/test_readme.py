"""What the README says exists."""

import re
import subprocess
from pathlib import Path

import click
import pytest

import i2i_keras
from i2i_keras import config
from i2i_keras.cli import main
from i2i_keras.datasets import DATASETS
from i2i_keras.datasets.readers import build_reader
from i2i_keras.datasets.spaces import LABEL_SPACES, find_space
from i2i_keras.experiment.settings import Settings
from i2i_keras.models.discriminator import DiscriminatorConfig
from i2i_keras.models.resnet import ResNetConfig
from i2i_keras.translators.cyclegan import CycleGANConfig

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


SCALE = (ROOT / "docs" / "scale.md").read_text("utf-8")


def blocks(language, text=README):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_every_make_target_is_one():
    named = {
        *re.findall(r"^make ([a-z-]+)", "\n".join(blocks("sh")), re.MULTILINE),
        *re.findall(r"`make ([a-z-]+)", README),
        *re.findall(r"^\| `([a-z-]+)` \| `[a-z-]+/` \|", README, re.MULTILINE),
    }
    assert {"demo", "test", "prepare", "train-translator"} <= named
    assert named <= {*re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)}


@pytest.mark.parametrize("text", [README, SCALE], ids=["readme", "scale"])
def test_every_command_and_option_is_one(text):
    # In a shell what is behind a \ belongs to it, too.
    shown = "\n".join([*blocks("sh", text), *blocks("yaml", text)]).replace("\\\n", " ")
    commands = re.findall(r"i2i-keras ([a-z-]+) (.*)", shown)
    assert len(commands) >= 2
    for name, arguments in commands:
        known = {
            option
            for parameter in main.commands[name].params
            if isinstance(parameter, click.Option)
            for option in parameter.opts
        }
        assert {*re.findall(r"--[a-z-]+", arguments)} <= known, name


def test_every_preset_is_listed():
    rows = re.findall(r"^\| `(\w+)` \|", README.partition("## Presets")[2], re.MULTILINE)
    assert sorted(rows) == config.names_in("presets")


def test_every_data_set_and_split_is_listed():
    rows = dict(re.findall(r"^\| `(\w+)`.*? \| (.*?) \|", README, re.MULTILINE))
    for name, dataset in DATASETS.items():
        for split in dataset.splits if name != "folder" else ():
            assert f"`{split}`" in rows[name]


def test_the_resources_of_a_cluster_are_settings(tmp_path):
    [text] = [text for text in blocks("toml", SCALE) if "[resources" in text]
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    shares = config.build(Settings, config.read(str(path), ())).resources
    assert (shares.evaluate.gpus, shares.train_translator.gpus, shares.prepare.cpus) == (1, 4, 4)


@pytest.fixture
def files(tmp_path):
    """The TOML files that the README shows, by their name."""
    found = {}
    for text in blocks("toml"):
        name = re.match(r"# (\S+\.toml)", text)[1]
        found[name] = tmp_path / name
        found[name].write_text(text, "utf-8")
    return found


def test_the_mapping_is_one(files):
    mapping, space = str(files["carla.toml"]), LABEL_SPACES["cityscapes19"]
    reader = build_reader(DATASETS["folder"], "ids", space, mapping)
    assert [int(reader.labels[value]) for value in (1, 24, 14, 0)] == [0, 0, 13, 255]


def test_the_label_space_is_one(files):
    space = find_space(str(files["mine.toml"]))
    assert space.names == ("drivable", "sky")
    assert int(space.labels["cityscapes"][9]) == 0  # Parking.


def test_the_preset_is_one(files):
    settings = config.build(Settings, config.read(str(files["preset.toml"]), ()))
    assert settings.methods == ["fourier", "cyclegan"]
    assert settings.target.split == "val_as_test"


def test_the_pictures_are_there():
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", README)
    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)


def test_every_setting_of_the_translator_is_one():
    section = README.partition("## The translators")[2].partition("**Health.**")[0]
    table = "\n".join(line for line in section.splitlines() if line.startswith("| "))
    named = {*re.findall(r"`([a-z_0-9.]+)(?: = [^`]*)?`", table)}
    assert len(named) > 20
    known = {*CycleGANConfig.model_fields, *ResNetConfig.model_fields, *Settings.model_fields}
    known |= {f"discriminator.{name}" for name in DiscriminatorConfig.model_fields}
    assert named <= known


def test_every_name_of_the_python_api_is_one():
    [block] = blocks("python")
    named = {*re.findall(r"\bi2i\.(\w+)", block)}
    assert len(named) >= 5
    assert all(callable(getattr(i2i_keras, name)) for name in named)


@pytest.mark.slow  # Installs everything, runs the whole demo and all other tests.
def test_the_make_commands_of_the_first_screens_end_well(tmp_path):
    subprocess.run(["git", "clone", "--quiet", ROOT, tmp_path / "clone"], check=True)
    named = re.findall(r"^make ([a-z-]+)", "\n".join(blocks("sh")[:2]), re.MULTILINE)
    assert named == ["install", "demo", "test"]
    for target in named:  # The last one leaves slow tests out, and so this one.
        subprocess.run(["make", target], cwd=tmp_path / "clone", check=True)
    assert (tmp_path / "clone" / "runs" / "demo" / "report" / "index.html").is_file()
