"""Every command that README, CONTRIBUTING and the pages show is run by a test.

Most are run here, in a folder with drawn data: what trains for hours on true
data with `--dry-run`, which reads data and settings and makes the plan.
`ELSEWHERE` names the tests that run the others.
"""

import configparser
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from PIL import Image

from i2i_keras.cli import main
from i2i_keras.datasets import DATASETS, streets
from i2i_keras.datasets.spaces import LABEL_SPACES, labels_of

ROOT = Path(__file__).parents[1]
NAMES = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
PAGES = [*NAMES, *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
SPACE = LABEL_SPACES["idd7"]  # Into which all data sets fit.

# By the beginning of a command the test that runs it, or one like it.
FIRST = "test_readme.py::test_the_make_commands_of_the_first_screens_end_well"
OWN = "test_own_folders.py::test_the_plan_is_what_is_done"
BENCH = "test_benchmarks.py::test_all_benchmarks_run_and_are_written_down"
SCALE = "test_benchmarks.py::test_the_cost_of_thirteen_arms_is_told"
ROWS = "experiment/test_ablation.py::test_every_row_that_comes_with_the_package_is_valid"
RAY = (
    "experiment/cluster/test_runs.py::test_with_one_machine_of_two_lost_it_is_the_same_to_the_byte"
)
ELSEWHERE = {
    "make install": FIRST,
    "make demo": FIRST,
    "make test": FIRST,
    ". .venv/bin/activate": FIRST,
    "make docs": "test_site.py::test_ci_builds_the_site",
    "make notebooks": "test_notebooks.py::test_notebooks_run_on_any_finished_run",
    "pip install": "test_shown_commands.py::test_what_pip_is_told_to_install_is_what_we_need",
    "i2i-keras init photos paintings": OWN,
    "i2i-keras run --preset photos-to-paintings.toml": OWN,
    "make ablate": ROWS,
    "i2i-keras ablate": ROWS,
    # CONTRIBUTING's.
    "i2i-keras run --preset demo --target toy": (
        "test_contributing.py::test_the_new_translator_is_an_arm_scored_and_in_the_report"
    ),
    "export TF_CONFIG=": (
        "training/test_devices.py::test_a_killed_worker_ends_all_and_the_same_command_goes_on"
    ),
    "i2i-keras train-segmenter --run /shared/run": (
        "training/test_devices.py::test_a_killed_worker_ends_all_and_the_same_command_goes_on"
    ),
    "export RAY_": RAY,
    "ray start": RAY,
    "cd /shared": RAY,
    "python benchmarks/large_sets.py": (
        "test_benchmarks.py::test_every_stage_of_a_large_set_is_measured"
    ),
    "python benchmarks/scale.py": SCALE,
    "python benchmarks/": BENCH,
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
    return next((test for start, test in ELSEWHERE.items() if line.startswith(start)), None)


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


def draw(root, name, variant, image, label, write):
    """Streets in the layout and with the numbers of a data set."""
    dataset = DATASETS[name] if not variant else DATASETS[name].variants[variant]
    number_of = {int(own): n for n, own in reversed([*enumerate(labels_of(dataset, SPACE))])}
    street = SPACE.labels["cityscapes"]
    for n, split in enumerate(("train",) * 3 + ("val",) * 2 + ("test",) * 2):
        pixels, ids = streets.draw_street("camera", (64, 128), n)
        places = [root / path.format(split=split, n=f"{n:04}") for path in (image, label)]
        for place in places:
            place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(places[0])
        numbers = np.vectorize(lambda v: number_of.get(int(street[v]), 255), otypes=[np.uint8])(ids)
        write(places[1], numbers)


def gray(path, numbers):
    Image.fromarray(numbers).save(path)


def deep(path, numbers):
    """16 bits a channel: the class, and the instance."""
    pixels = np.stack([numbers, numbers, 0 * numbers], axis=-1).astype(np.uint16)
    tf.io.write_file(str(path), tf.io.encode_png(pixels))


def red(path, numbers):
    Image.fromarray(np.stack([numbers, 0 * numbers, 0 * numbers], axis=-1)).save(path)


@pytest.fixture(scope="module")
def home(tmp_path_factory, drawn, tiny_preset):
    """A folder with data and presets, as the pages name them."""
    root = tmp_path_factory.mktemp("home")
    for name in ("cityscapes", "gta5"):
        shutil.copytree(drawn / name, root / "data" / name)
    layouts = {
        "camvid": ("camvid", "", "{split}/{n}.png", "{split}annot/{n}.png", gray),
        "idd_lite": (
            *("idd", "", "leftImg8bit/{split}/1/{n}_image.jpg", "gtFine/{split}/1/{n}_label.png"),
            gray,
        ),
        "synthia": ("synthia", "", "RGB/{n}.png", "GT/LABELS/{n}.png", deep),
        "carla": ("carla", "0.9.14", "rgb/{n}.png", "semantic/{n}.png", red),
    }
    for folder, (name, variant, image, label, write) in layouts.items():
        draw(root / "data" / folder, name, variant, image, label, write)
    page = (ROOT / "docs" / "datasets.md").read_text("utf-8")
    toy = re.search(r"```toml\n(# toy.toml.*?)```", page, re.DOTALL)
    (root / "toy.toml").write_text(toy[1], "utf-8")
    for n, split in enumerate(("train", "train", "val", "test")):
        pixels, ids = streets.draw_street("game", (64, 128), n)
        folder = root / "data" / "toy" / split / "monday"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{n:04}.jpg")
        numbers = np.select([ids == 7, ids == 11], [3, 77], 0)
        gray(folder / f"{n:04}_classes.png", numbers.astype(np.uint8))
    for folder in ("photos", "frames", "shared/frames"):
        (root / folder).mkdir(parents=True)
        for n in range(2):
            pixels, _ = streets.draw_street("game", (64, 128), n)
            Image.fromarray(pixels).save(root / folder / f"{n}.jpg")
    mine = 'seeds = [0, 1, 2, 3, 4]\narms = ["source_only", "adapted:cyclegan"]\n'
    for folder in ("", "runs"):
        (root / folder).mkdir(exist_ok=True)
        (root / folder / "mine.toml").write_text(mine + tiny_preset.read_text("utf-8"), "utf-8")
    return root


@pytest.fixture(scope="module")
def finished(home, tiny_experiment):
    """A folder with finished runs, as the pages name them."""
    root = home / "finished"
    done = tiny_experiment(root / "runs" / "demo")
    result = done.command("run")
    assert result.exit_code == 0, result.output
    shutil.copytree(done.root, root / "runs" / "photos-to-paintings")
    for folder in ("photos", "frames"):
        shutil.copytree(home / folder, root / folder)
    return root


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
        assert words[0] == "i2i-keras", f"{line} is run nowhere; see ELSEWHERE"
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
