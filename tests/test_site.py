"""The site that `make docs` builds, and what builds it."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from i2i_keras.cli import main
from i2i_keras.config.describe import describe
from i2i_keras.experiment.settings import Settings

ROOT = Path(__file__).parents[1]
SITE = ROOT / "build" / "docs"


def load(name):
    """A module of docs/."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generated():
    return load("generated")


@pytest.fixture(scope="module")
def reachable():
    return load("reachable")


@pytest.fixture(scope="module")
def pages():
    """The HTML of all pages of a site that was built."""
    if not (SITE / "index.html").is_file():
        pytest.skip("no site: make docs")
    return {
        path.relative_to(SITE).with_suffix("").as_posix(): path.read_text("utf-8")
        for path in SITE.rglob("*.html")
    }


def test_ci_builds_the_site():
    assert re.search(
        r"^make (-j 2 )?docs$", (ROOT / ".ci" / "run").read_text("utf-8"), re.MULTILINE
    )


# --- What fills pages --------------------------------------------------------


def test_links_of_the_readme_are_right_in_the_folder_of_the_pages(generated):
    text = generated.fill("<!-- file README.md -->")
    assert "](quick_start.md)" in text and "](contributing.md)" in text
    assert 'src="demo.png"' in text
    assert "](docs/" not in text and "](README" not in text


def test_progress_bars_of_notebooks_are_left_out(generated):
    bars = "prepare: 45%|## | 27/60 [00:05<00:05, 6.30image/s]\na: 0image [00:00, ?image/s]  \n"
    assert generated.fill(f"before\n{bars}after [1, 2]") == "before\nafter [1, 2]"


@pytest.mark.parametrize(
    ("link", "filled"),
    [
        ("[x](../CONTRIBUTING.md#habits)", "[x](contributing.md#habits)"),
        ("[x](../README.md)", "[x](index.md)"),
        ("[x](results.md)", "[x](results.md)"),
    ],
)
def test_links_to_files_of_the_root_become_links_to_their_pages(generated, link, filled):
    assert generated.fill(link) == filled


def test_a_page_that_may_be_missing_is_listed_once_it_is_there(generated, tmp_path, monkeypatch):
    monkeypatch.setattr(generated, "ROOT", tmp_path)
    assert generated.fill("<!-- page speed -->") == ""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "speed.md").touch()
    assert generated.fill("<!-- page speed -->") == "speed"


def test_the_help_of_every_command_is_there(generated):
    text = generated.fill("<!-- commands -->")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == sorted(main.commands)
    assert text.count("Example: ") >= len(main.commands)
    assert text.count("-h, --help") == len(main.commands)
    assert max(map(len, text.splitlines())) <= 80


def test_every_setting_is_in_the_tables_once(generated, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    text = generated.fill("<!-- settings -->")
    table, found = "", []
    for line in text.splitlines():
        if heading := re.match(r"## (?:`\[(.*)\]`|At the top)$", line):
            table = heading[1] or ""
        elif row := re.match(r"\| `(\w+)` \| `(.*?)` \| (.+) \|$", line):
            found.append(f"{table}.{row[1]}".lstrip("."))
            assert len(row[3]) > 10, line
    names = [row.name for row in describe(Settings)]
    tables = {name.rpartition(".")[0] for name in names}
    assert sorted(found) == sorted(set(names) - tables)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("# T\n\n[x](other.md)", "other.md"),
        ("# T\n\n[x](#nowhere)", "nowhere"),
        ("# T\n\n![x](picture.png)", "picture.png"),
        ("# T\n\n[x](#t)", None),
    ],
)
def test_a_dead_link_ends_the_build(text, fault, tmp_path):
    pytest.importorskip("myst_parser")
    (tmp_path / "index.md").write_text(text, "utf-8")
    settings = ["extensions=myst_parser", "myst_heading_anchors=4"]
    words = ["-C", "-W", "-q", *(word for one in settings for word in ("-D", one))]
    result = subprocess.run(
        [sys.executable, "-m", "sphinx", *words, tmp_path, tmp_path / "out"],
        capture_output=True,
        text=True,
    )
    assert (result.returncode == 0) == (fault is None), result.stderr
    assert fault is None or fault in result.stderr


def test_make_docs_is_as_strict():
    target = (ROOT / "Makefile").read_text("utf-8").partition("\ndocs: ")[2].partition("\n\n")[0]
    assert " -W " in target and " -E " in target


def test_what_the_theme_writes_can_be_reached(reachable, tmp_path):
    page = tmp_path / "a" / "page.html"
    page.parent.mkdir()
    page.write_text("".join(reachable.REPLACED), "utf-8")
    reachable.mend(tmp_path)
    text = page.read_text("utf-8")
    assert text.count('tabindex="0"') == 2 and text.count("aria-label=") == 2
    assert '<p class="caption" role="heading" aria-level="2">' in text


# --- The site itself ---------------------------------------------------------


def test_the_site_asks_no_other_host_for_anything(pages):
    for name, text in pages.items():
        loaded = re.findall(r'<(?:script|img|iframe|source)\b[^>]*\bsrc="([^"]*)"', text)
        loaded += re.findall(r'<link\b(?![^>]*rel="(?:author|canonical)")[^>]*href="([^"]*)"', text)
        assert loaded and not [url for url in loaded if re.match(r"(?:https?:)?//", url)], name
    for path in SITE.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(?:https?:)?//", path.read_text("utf-8")), path


def test_settings_commands_and_functions_are_in_the_site(pages):
    assert "translator.cyclegan" in pages["settings"] and "lambda_cycle" in pages["settings"]
    assert all(f"i2i-keras {name} [OPTIONS]" in pages["commands"] for name in main.commands)
    assert 'id="i2i_keras.load_translator"' in pages["python_api"]


def test_every_notebook_is_in_the_site_with_its_pictures(pages):
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        text = pages[f"gallery/{path.stem}"]
        pictures = re.findall(r'src="\.\./(_images/[^"]+)"', text)
        assert pictures, path.stem
        assert all((SITE / picture).is_file() for picture in pictures)
