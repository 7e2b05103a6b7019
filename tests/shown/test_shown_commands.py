"""Every command that README, CONTRIBUTING and the pages show is run by a test.

Most are run here, in a folder with drawn data: what trains for hours on true
data with `--dry-run`, which reads data and settings and makes the plan.
`elsewhere.toml` names the tests that run the others.
"""

import configparser
import os
import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from i2i_keras import config
from i2i_keras.cli import main

ROOT = Path(__file__).parents[2]
NAMES = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
PAGES = [*NAMES, *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]

# By the beginning of a command the test that runs it, or one like it.
ELSEWHERE = {
    start: test
    for test, starts in config.read_toml(Path(__file__).with_name("elsewhere.toml")).items()
    for start in starts
}


def commands(name):
    """What a page shows in a shell, one command a line, as it is typed."""
    text = (ROOT / name).read_text("utf-8")
    found = []
    for language, block in re.findall(r"```(sh|yaml)\n(.*?)```", text, re.DOTALL):
        if language == "yaml":
            found += re.findall(r"(?:exec )?(i2i-keras [^'\n]*)", block)
            continue
        block = re.sub(r"^#.*$", "", block, flags=re.MULTILINE)  # Also those of sbatch.
        # A quoted value may go on in the next line.
        for line in re.findall(r"(?:'[^']*'|\"[^\"]*\"|\\\n|[^\n])+", block):
            line = re.sub(r"\s# .*$", "", re.sub(r"\\?\n\s*", " ", line)).strip()
            found += [part.strip() for part in line.split(" && ")] if line else []
    return [re.sub(r"^(exec |\.venv/bin/)", "", line) for line in found if line]


SHOWN = {line: name for name in reversed(PAGES) for line in commands(name)}


def elsewhere(line):
    """The test that runs it; the longest beginning that fits counts."""
    fitting = [start for start in ELSEWHERE if line.startswith(start)]
    return ELSEWHERE[max(fitting, key=len)] if fitting else None


RUN_HERE = sorted(line for line in SHOWN if not elsewhere(line))


def test_commands_were_found_and_no_rule_is_for_none():
    assert len(SHOWN) > 50 and len(RUN_HERE) > 25
    for start in ELSEWHERE:
        assert any(line.startswith(start) for line in SHOWN), start


@pytest.mark.parametrize("test", sorted({*ELSEWHERE.values()}))
def test_the_tests_that_run_the_others_are_there(test):
    name, _, function = test.partition("::")
    assert f"def {function}(" in (ROOT / "tests" / name).read_text("utf-8")


@pytest.mark.parametrize("line", sorted({*SHOWN} - {*RUN_HERE}))
def test_what_is_run_elsewhere_has_no_unknown_option_either(line):
    words = shlex.split(line)
    if words[0] == "i2i-keras":
        parse(words[1:])
    elif words[0] == "make":
        assert re.search(rf"^{words[1]}\b.*:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    elif words[:1] == ["python"]:
        assert (ROOT / words[1]).is_file()


def parse(words):
    """As click parses them; paths need not be there."""
    command = main.commands[words[0]]
    known = {
        option
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
    }
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known


def test_commands_named_in_the_text_are_commands():
    for name in PAGES:
        text = re.sub(r"```.*?```", "", (ROOT / name).read_text("utf-8"), flags=re.DOTALL)
        for words in re.findall(r"`i2i-keras ([a-z-]+[^`]*)`", text):
            parse(shlex.split(words.replace("\n", " ")))


def test_targets_named_in_the_text_are_targets():
    targets = {*re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)}
    for name in set(PAGES) - {"docs/changelog.md"}:
        named = re.findall(r"`make\s([a-z-]+)", (ROOT / name).read_text("utf-8"))
        assert {*named} <= targets, name


def test_what_pip_is_told_to_install_is_what_we_need():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", "utf-8")
    rows = parser["options"]["install_requires"].strip().splitlines()
    needed = {re.match(r"[\w-]+", row)[0] for row in rows}
    pins = (ROOT / "constraints-3.12.txt").read_text("utf-8").splitlines()
    lines = [line for line in SHOWN if line.startswith("pip install")]
    assert len(lines) >= 3
    for line in lines:
        for word in [word for word in shlex.split(line)[2:] if not word.startswith("-")]:
            if found := re.fullmatch(r"(?:\.|i2i_keras)(?:\[(\w+)\])?", word):
                assert not found[1] or found[1] in parser["options.extras_require"]
                continue
            name, _, version = word.replace("tensorflow-cpu", "tensorflow").partition("==")
            assert name in needed
            assert not version or f"{name}=={version}" in pins


# --- Run here ----------------------------------------------------------------


def is_of_run(words):
    """Whether it is a command on a run that has been finished."""
    of = ("runs/demo", "runs/photos-to-paintings")
    return words[0] != "run" and any(word in of for word in words)


def expanded(line):
    """The i2i-keras commands of a line, as `make` says them."""
    if not line.startswith("make "):
        return [shlex.split(line)]
    told = subprocess.run(
        ["make", "-n", "-o", "install", *shlex.split(line)[1:]],
        cwd=ROOT,
        env={name: os.environ[name] for name in ("HOME", "PATH")},  # Not an outer make's.
        capture_output=True,
        text=True,
        check=True,
    ).stdout.replace("\\\n", " ")
    found = re.findall(r"^\.venv/bin/(i2i-keras .*)$", told, re.MULTILINE)
    assert found, told
    return [shlex.split(one) for one in found]


def placed(word, root):
    """A word with its paths below `root`, and a scheduler's variables."""
    word = re.sub(r"\$\{?(SLURM_ARRAY_TASK_ID|JOB_COMPLETION_INDEX)\}?", "1", word)
    word = word.replace("runs/NAME", "runs/demo")
    return re.sub(r"^/(data|shared|runs)\b", rf"{root}/\1", word)


@pytest.mark.parametrize("line", RUN_HERE)
def test_a_command_that_is_shown_ends_well(line, home, request, monkeypatch):
    for words in expanded(line):
        assert words[0] == "i2i-keras", f"{line} is run nowhere; see elsewhere.toml"
        words = [placed(word, home) for word in words[1:]]
        folder = request.getfixturevalue("finished") if is_of_run(words) else home
        monkeypatch.chdir(folder)
        if "/shared/runs/mine" in line and words[0] != "prepare":
            train_one_seed(home)
        if words[0] == "run":
            words.append("--dry-run")
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, f"{words}\n{result.output}"


def train_one_seed(home):
    """What the scheduler's jobs leave, of the first of them."""
    run = home / "shared" / "runs" / "mine"
    begin = ["run", "--preset", str(home / "mine.toml"), "--run", str(run)]
    result = CliRunner().invoke(main, [*begin, "--seed", "0", "--only", "adapted:cyclegan"])
    assert result.exit_code == 0, result.output
