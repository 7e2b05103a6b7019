"""`~` is the home of the user in all paths: shells leave it in `--out=~/x`."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from i2i_keras import config
from i2i_keras.cli import main
from i2i_keras.preparation.domains import DomainConfig


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for number, folder in enumerate(("photos", "paintings")):
        (tmp_path / folder).mkdir()
        for image in range(3):
            pixels = np.random.default_rng([number, image]).integers(0, 256, (16, 24, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{image}.png")
    return tmp_path


def command(*words):
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_root_is_below_home_and_one_of_no_user_stays(home):
    assert DomainConfig(format="folder", root="~/photos").root == f"{home}/photos"
    assert DomainConfig(format="folder", mapping="~/a.toml").mapping == f"{home}/a.toml"
    assert DomainConfig(format="folder", root="~nobody-at-all/x").root == "~nobody-at-all/x"
    assert DomainConfig(format="folder").root == ""


def test_a_preset_is_below_home(home):
    (home / "mine.toml").write_text("seed = 3", "utf-8")
    assert config.read("~/mine.toml") == {"seed": 3}


def test_audit_and_its_findings(home):
    told = command("audit", "~/photos", "--format", "folder", "--json", "~/found.json")
    assert "train: 3 images, 0 labelled" in told
    assert (home / "found.json").is_file()


def test_init_and_the_run(home):
    command("init", "~/photos", "~/paintings", "--out=~/mine.toml")
    assert f'"{home}/photos"' in (home / "mine.toml").read_text("utf-8")
    words = ["--preset", "translation", "--source=~/photos", "--set=target.root=~/paintings"]
    told = command("run", "--dry-run", *words)
    assert "source-train: 3 images" in told and "target-train: 3 images" in told
    command("prepare", *words, "--run=~/runs/x", "--set=prepare.workers=1")
    assert (home / "runs" / "x" / "prepare" / "done.json").is_file()
    assert str(home) not in (home / "runs" / "x" / "settings.json").read_text("utf-8")
