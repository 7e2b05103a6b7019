"""What a shell is offered after Tab, as Click's own classes tell it."""

import json
import shutil
import subprocess
import sys

import pytest
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete
from click.testing import CliRunner

from i2i_keras import config
from i2i_keras.cli import completing, main
from i2i_keras.experiment.settings import Settings
from i2i_keras.translators import TRANSLATORS


def offered(*words, kind=ShellComplete):
    """What is offered for the last of some words, and of which type."""
    *before, last = words
    shell = kind(main, {}, "i2i-keras", completing.VARIABLE)
    return [(item.value, item.type) for item in shell.get_completions(before, last)]


def names(*words):
    return [name for name, _ in offered(*words)]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with a run of two arms, whose name has a space and an umlaut."""
    run = tmp_path / "runs" / "tür one"
    done = run / "train-segmenter" / "adapted-color"
    done.mkdir(parents=True)
    (done / "done.json").write_text("{}")
    facts = {"preset": "demo", "settings": {"arms": ["source_only", "adapted:color"]}}
    (run / "settings.json").write_text(json.dumps(facts))
    (tmp_path / "runs" / "no run").mkdir()
    monkeypatch.chdir(tmp_path)


def test_commands_are_offered():
    assert names("stat") == ["status"]


@pytest.mark.parametrize("command", ["run", "prepare", "config", "ablate"])
def test_presets_are_offered_and_files_beside_them(command):
    assert names(command, "--preset", "trans") == ["translation"]
    assert names(command, "--preset", "") == config.names_in("presets")
    assert offered(command, "--preset", "./mine") == [("./mine", "file")]


@pytest.mark.parametrize("words", [["run", "--run"], ["status"], ["verify"], ["config", "--run"]])
def test_runs_are_offered_and_folders_beside_them(words):
    assert names(*words, "") == ["runs/tür one"]
    assert offered(*words, "elsewhere/") == [("elsewhere/", "dir")]


@pytest.mark.parametrize(
    "words", [["run", "--only"], ["train-segmenter", "--arm"], ["segment", "--arm"]]
)
def test_arms_of_the_run_are_offered_or_else_of_the_preset(words):
    command, option = words
    found = names(command, "--run", "runs/tür one", option, "")
    assert found == ["adapted:color", "source_only"]
    assert names(command, "--preset", "demo", option, "or") == ["oracle"]
    assert "adabn" in names(command, option, "")
    assert names(command, "--preset", "no such", option, "") == []


def test_ablations_and_translators_are_offered():
    assert names("ablate", "--rows", "") == config.names_in("ablations")
    assert names("translate", "--method", "") == sorted(TRANSLATORS)


def test_the_arms_of_a_preset_that_names_none_are_the_defaults():
    assert sorted(completing.ARMS) == sorted(Settings().arms)


@pytest.mark.parametrize(
    ("shell", "kind"), [("bash", BashComplete), ("zsh", ZshComplete), ("fish", FishComplete)]
)
def test_the_script_is_clicks_own(shell, kind):
    told = CliRunner().invoke(main, ["completion", shell])
    assert told.exit_code == 0
    assert told.output.strip() == kind(main, {}, "i2i-keras", completing.VARIABLE).source().strip()


def test_bash_completes_by_it(tmp_path):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    script = CliRunner().invoke(main, ["completion", "bash"]).output
    program = tmp_path / "i2i-keras"
    start = 'from i2i_keras.cli import main\nmain(prog_name="i2i-keras")\n'
    program.write_text(f"#!{sys.executable}\n{start}")
    program.chmod(0o755)
    words = "COMP_WORDS=(i2i-keras run --preset idd); COMP_CWORD=3; _i2i_keras_completion i2i-keras"
    text = f'export PATH=.:$PATH\n{script}\n{words}\necho "${{COMPREPLY[@]}}"\n'
    told = subprocess.run([bash, "-c", text], capture_output=True, text=True, cwd=tmp_path)
    assert told.stdout.strip() == "idd_to_camvid", told


def test_another_shell_is_refused():
    told = CliRunner().invoke(main, ["completion", "tcsh"])
    assert told.exit_code == 2 and "tcsh" in told.output
