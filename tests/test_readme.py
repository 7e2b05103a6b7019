"""The README is short, and what it says exists."""

import itertools
import re
import subprocess
from pathlib import Path

import pytest

import i2i_keras
from i2i_keras import config
from i2i_keras.experiment.settings import Settings
from i2i_keras.translators import TRANSLATORS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
TARGETS = {*re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)}
# Without code, tables, headings and pictures.
PROSE = re.sub(r"```.*?```|^[|#<].*?$", "", README, flags=re.DOTALL | re.MULTILINE)
LIMIT = 1200


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def sentences(text):
    # Links by their words; list items and blank lines end sentences, too.
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    ends = re.split(r"(?<=[.!?:])\s+|\n\s*\n|^- ", plain, flags=re.MULTILINE)
    return [" ".join(words) for words in map(str.split, ends) if len(words) > 1]


def test_it_has_at_most_1200_words():
    assert len(README.split()) <= LIMIT


def test_three_sentences_say_what_it_does():
    opening = README.partition("\n\n")[2].partition("\n\n")[0]
    assert len(sentences(opening)) == 3


def test_install_and_quick_start_are_on_the_first_screen():
    # A picture counts as lines of 24 pixels, as they are on GitHub.
    [width] = map(int, re.findall(r'<img [^>]*width="(\d+)"', README))
    above, _, below = README.partition("\n## Quick start\n")
    picture = width * 578 / 1200 / 24
    assert "\n## Install\n" in above
    assert len(above.splitlines()) + picture + below.index("```\n\n") / 80 < 40


def test_sentences_are_short():
    lengths = {sentence: len(sentence.split()) for sentence in sentences(PROSE)}
    assert len(lengths) > 40
    assert max(lengths.values()) <= 35, max(lengths, key=lengths.get)
    assert sum(lengths.values()) / len(lengths) < 18


def test_no_table_has_more_than_four_columns():
    rows = re.findall(r"^\|(.*)\|$", README, re.MULTILINE)
    assert rows and max(row.count("|") for row in rows) <= 3


def test_the_picture_is_there_and_told_in_words():
    [(path, told)] = re.findall(r'<img src="(\S+)" [^>]*alt="([^"]+)"', README)
    assert (ROOT / path).is_file() and len(told.split()) > 10


def anchors(path):
    """As GitHub makes them from headings."""
    found = set()
    for heading in re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE):
        found.add(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-"))
    return found


def test_every_link_into_the_repository_is_alive():
    links = [link for link in re.findall(r"\]\(([^)]*)\)", README) if ":" not in link]
    assert len(links) >= 15
    for link in links:
        path, _, anchor = link.partition("#")
        assert (ROOT / path).is_file(), link
        assert not anchor or anchor in anchors(ROOT / path), link


def test_every_make_target_is_one():
    named = {
        *re.findall(r"^make ([a-z-]+)", "\n".join(blocks("sh")), re.MULTILINE),
        *re.findall(r"`make ([a-z-]+)", README),
    }
    assert {"install", "demo", "compare", "docs"} <= named
    assert named <= TARGETS


def test_every_translator_is_listed_with_its_paper():
    part = README.partition("## Compare translators")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|.*\]\(https://\S+\)\) \| (\w+) \|", part, re.MULTILINE)
    trained = {name: "yes" if m.load_generator else "none" for name, m in TRANSLATORS.items()}
    assert dict(rows) == trained


def test_the_result_table_is_that_of_the_results_page():
    results = (ROOT / "docs" / "results.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z_:]+)`: [^|]*\|(.*)\|$", README, re.MULTILINE)
    assert len(rows) == 4
    for arm, cells in rows:
        numbers = [cell.strip() for cell in cells.split("|")]
        there = re.findall(rf"^\| {arm}(?:,[^|]*)? \|(.*)\|$", results, re.MULTILINE)
        assert numbers in [[c.strip() for c in row.split("|")[:3]] for row in there], arm


def test_the_preset_is_one(tmp_path):
    [text] = blocks("toml")
    path = tmp_path / "preset.toml"
    path.write_text(text, "utf-8")
    settings = config.build(Settings, config.read(str(path), ()))
    assert settings.methods == ["fourier", "cyclegan"]
    assert settings.target.split == "val_as_test"


def test_every_name_of_the_python_api_is_one():
    [block] = blocks("python")
    named = {*re.findall(r"\bi2i\.(\w+)", block)}
    assert len(named) >= 3
    assert all(callable(getattr(i2i_keras, name)) for name in named)


def test_the_citation_has_this_version():
    assert f"version = {{{i2i_keras.__version__}}}" in README


@pytest.mark.slow  # Installs everything, runs the whole demo and all other tests.
def test_the_make_commands_of_the_first_screens_end_well(tmp_path):
    subprocess.run(["git", "clone", "--quiet", ROOT, tmp_path / "clone"], check=True)
    shown = "\n".join(itertools.chain(blocks("sh")[:2], ["make test"]))
    named = re.findall(r"^make ([a-z-]+)", shown, re.MULTILINE)
    assert named == ["install", "demo", "test"]
    for target in named:  # The last one leaves slow tests out, and so this one.
        subprocess.run(["make", target], cwd=tmp_path / "clone", check=True)
    assert (tmp_path / "clone" / "runs" / "demo" / "report" / "index.html").is_file()
