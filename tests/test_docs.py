"""What the pages of docs/ say is so."""

import re
from pathlib import Path

import pytest

from i2i_keras import config
from i2i_keras.cli import main
from i2i_keras.datasets import DATASETS
from i2i_keras.datasets.readers import build_reader
from i2i_keras.datasets.spaces import LABEL_SPACES, find_space
from i2i_keras.experiment.settings import Settings
from i2i_keras.models.discriminator import DiscriminatorConfig
from i2i_keras.models.networks import SEGMENTERS
from i2i_keras.models.resnet import ResNetConfig
from i2i_keras.run_folder import places
from i2i_keras.segmenters.arms import ARMS
from i2i_keras.segmenters.segmenter_config import SegmenterConfig
from i2i_keras.translators import TRANSLATORS
from i2i_keras.translators.cyclegan import CycleGANConfig

ROOT = Path(__file__).parents[1]
PAGES = {path.stem: path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}


def blocks(language, page):
    return re.findall(rf"```{language}\n(.*?)```", PAGES[page], re.DOTALL)


def part(page, title):
    return PAGES[page].partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_page_is_in_the_list_of_pages():
    listed = {
        name
        for block in re.findall(r"```\{toctree\}\n(.*?)```", PAGES["index"], re.DOTALL)
        for name in re.findall(r"^\w+$", block, re.MULTILINE)
    }
    assert listed == PAGES.keys() - {"index", "speed"}


def test_every_notebook_is_in_the_gallery():
    names = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert re.findall(r"^gallery/(\w+)$", PAGES["gallery"], re.MULTILINE) == names
    assert re.findall(r"\]\(gallery/(\w+)\.md\)", PAGES["gallery"]) == names


def test_every_preset_is_listed():
    rows = re.findall(r"^\| `(\w+)` \|", PAGES["presets"], re.MULTILINE)
    assert sorted(rows) == config.names_in("presets")


def test_every_stage_is_listed_in_its_order():
    rows = re.findall(r"^\| `([a-z-]+)` \| `([a-z-]+)/` \|", PAGES["running"], re.MULTILINE)
    assert [name for name, _ in rows] == [
        *("prepare", "train-translator", "translate", "train-segmenter", "evaluate", "report"),
    ]
    assert all(name == folder and name in main.commands for name, folder in rows)
    assert {places.TRAIN_TRANSLATOR, places.TRAIN_SEGMENTER} <= {folder for _, folder in rows}


def test_every_translator_and_arm_is_listed():
    rows = re.findall(r"^\| `(\w+)` \| .*\]\(https://", PAGES["translators"], re.MULTILINE)
    assert sorted(rows) == sorted(TRANSLATORS)
    first = re.findall(r"^\| `([a-z_]+)[:`]", part("arms", "Who sees what") + PAGES["arms"], re.M)
    assert {*ARMS} <= {*first}


def test_every_setting_of_the_translators_table_is_one():
    table = part("translators", "CycleGAN")
    table = "\n".join(line for line in table.splitlines() if line.startswith("| "))
    named = {*re.findall(r"`([a-z_0-9.]+)(?: = [^`]*)?`", table)}
    assert len(named) > 20
    known = {*CycleGANConfig.model_fields, *ResNetConfig.model_fields, *Settings.model_fields}
    known |= {f"discriminator.{name}" for name in DiscriminatorConfig.model_fields}
    pipeline = CycleGANConfig.model_fields["pipeline"].annotation
    known |= {f"pipeline.{name}" for name in pipeline.model_fields}
    assert named <= known


def test_every_setting_of_the_segmenters_table_is_one():
    rows = [row for row in part("arms", "The segmenter").splitlines() if row.startswith("| ")]
    named = {name for row in rows for name in re.findall(r"`([a-z_.]+)(?: = [^`]*)?`", row)}
    assert len(named) > 15
    known = {*SegmenterConfig.model_fields}
    pipeline = SegmenterConfig.model_fields["pipeline"].annotation
    known |= {f"pipeline.{name}" for name in pipeline.model_fields}
    known |= {f"{name}.weights" for name in SEGMENTERS}
    assert named - {".h5"} <= known


# What the pages name in passing, `like.this = 1` or `this`.
@pytest.mark.parametrize("page", ["faq", "your_data", "running", "scores", "using"])
def test_dotted_settings_in_the_text_are_settings(page):
    text = re.sub(r"```.*?```", "", PAGES[page], flags=re.DOTALL)
    named = {*re.findall(r"`((?:[a-z_]+\.)+[a-z_0-9]+) = ", text)}
    named |= {*re.findall(r"--set ((?:[a-z_]+\.)+[a-z_0-9]+)=", text)}
    for name in named:
        model = Settings
        *tables, last = name.split(".")
        for table in tables:
            model = type(model.model_fields[table].get_default(call_default_factory=True))
        assert last in model.model_fields, name


def test_the_messages_that_the_symptoms_quote_are_said():
    sources = "".join(p.read_text("utf-8") for p in (ROOT / "i2i_keras").rglob("*.py"))
    quoted = re.findall(r'"([a-z][^"`]{10,})"', re.sub(r"`[^`]*`", "", PAGES["faq"]))
    quoted += ["inverts brightness", "Another process works in"]
    assert len(quoted) >= 4
    for words in quoted:
        assert words.rstrip(" .") in sources, words


def test_the_three_symptoms_are_answered():
    titles = re.findall(r"^## (.*)$", PAGES["faq"], re.MULTILINE)
    asked = {"My translations are inverted", "Mean IoU is 3 %", "Out of memory"}
    assert asked <= {*titles}


@pytest.fixture
def files(tmp_path):
    """The TOML files that pages show, by their name."""
    found = {}
    for page in ("your_data", "presets"):
        for text in blocks("toml", page):
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


def test_the_resources_of_a_cluster_are_settings(tmp_path):
    [text] = [text for text in blocks("toml", "scale") if "[resources" in text]
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    shares = config.build(Settings, config.read(str(path), ())).resources
    assert (shares.evaluate.gpus, shares.train_translator.gpus, shares.prepare.cpus) == (1, 4, 4)


def test_names_of_the_python_api_are_all_documented():
    import i2i_keras

    documented = {*re.findall(r"^\.\. auto\w+:: i2i_keras\.(\w+)", PAGES["python_api"], re.M)}
    assert documented == {*i2i_keras.__all__} | {"experiment"}
    [block] = blocks("python", "python_api")
    named = {*re.findall(r"\bi2i\.(\w+)", block)}
    assert len(named) >= 5 and named <= {*i2i_keras.__all__}
