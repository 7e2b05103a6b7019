"""`run` in parts, of which several share a run directory."""

import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from i2i_keras.cli import main
from i2i_keras.experiment import running
from i2i_keras.run_folder import files, locks

# As the program that pip installs, in the environment of the tests.
PROGRAM = Path(sys.executable).with_name("i2i-keras")
PARTS = ("adapted:cyclegan", "mixed:cyclegan")
CHANGES = (
    'arms=["source_only", "adapted:cyclegan", "mixed:cyclegan"]',
    *("translator.cyclegan.steps=1", "evaluate.num_quality_images=2"),
)


class Parts:
    """A run directory, and `run` on it."""

    def __init__(self, root, preset):
        self.root, self.preset = root, preset

    def words(self, *arguments):
        changes = [f"--set={change}" for change in CHANGES]
        words = ["run", "--preset", self.preset, "--run", self.root, *changes, *arguments]
        return [str(word) for word in words]

    def start(self, *arguments):
        # A shell's background job, as CI may be, is born deaf to Ctrl-C.
        return subprocess.Popen(
            [PROGRAM, *self.words(*arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def command(self, *arguments):
        return CliRunner().invoke(main, self.words(*arguments))

    def files(self):
        return {p: p.stat().st_mtime_ns for p in self.root.rglob("*")}


@pytest.fixture(scope="module")
def shared(tmp_path_factory, tiny_preset):
    """Two arms of the three by two processes at once, from nothing."""
    parts = Parts(tmp_path_factory.mktemp("parts") / "run", tiny_preset)
    processes = [parts.start("--only", arm) for arm in PARTS]
    timers = [threading.Timer(400, process.kill) for process in processes]
    for timer in timers:
        timer.start()
    parts.outputs, errors = zip(*(process.communicate() for process in processes), strict=True)
    for timer in timers:
        timer.cancel()
    assert [process.returncode for process in processes] == [0, 0], errors
    # Before anything else is done there.
    done = parts.root.rglob("done.json")
    parts.stages = {path.parent.relative_to(parts.root).as_posix() for path in done}
    parts.rest = parts.command("--only", "source_only")
    return parts


def test_two_processes_do_their_arms_and_share_what_both_need(shared):
    assert shared.stages == {
        *("raw", "prepare", "train-translator/cyclegan", "translate/cyclegan"),
        *("train-segmenter/adapted-cyclegan", "train-segmenter/mixed-cyclegan"),
        *("evaluate/adapted-cyclegan", "evaluate/mixed-cyclegan"),
    }
    for stage in ("prepare", "train-translator cyclegan", "translate cyclegan"):
        ended = [re.search(rf"^{stage}: (.*)", text, re.M)[1] for text in shared.outputs]
        assert sum(text.startswith("done in") for text in ended) == 1, ended
        assert "was done before" in ended


def test_each_of_them_trains_its_own_arm_alone(shared):
    for own, output in zip(PARTS, shared.outputs, strict=True):
        (arm,) = re.findall(r"^train-segmenter (\S+): done in", output, re.M)
        assert arm == own
        assert re.search(rf"^evaluate {own}: mean IoU [\d.]+ % \(", output, re.M)


def test_no_draft_and_no_beginning_is_left(shared):
    assert not [*shared.root.rglob(".draft-*"), *shared.root.rglob("begun.json")]


def test_who_cannot_report_yet_says_what_is_missing(shared):
    for output in shared.outputs:
        assert "Not trained yet: source_only" in output
        assert "; whoever trains the last one makes the report." in output


def test_who_ends_last_makes_the_report(shared):
    assert shared.rest.exit_code == 0, shared.rest.output
    assert "Not trained yet" not in shared.rest.output
    assert (shared.root / "report" / "index.html").is_file()
    summary = files.read_json(shared.root / "evaluate" / "summary.json")
    assert list(summary["arms"]) == ["source_only", *PARTS]


def test_the_score_of_an_arm_is_told_when_it_arrives(shared):
    again = shared.command("--only", "adapted:cyclegan")
    arm = files.read_json(shared.root / "evaluate" / "summary.json")["arms"]["adapted:cyclegan"]
    line = re.search(r"^evaluate adapted:cyclegan: mean IoU (.*) % \((.*) to (.*)\), gain ",
                     again.output, re.M)  # fmt: skip
    wanted = [100 * share for share in (arm["mean_iou"], *arm["ci95"])]
    assert [float(number) for number in line.groups()] == pytest.approx(wanted, abs=0.051)


def test_before_a_task_it_is_told_for_which_arm_it_is(shared):
    for arm, output in zip(PARTS, shared.outputs, strict=True):
        told = rf"^Arm 1 of 1, {arm}: train-segmenter(; about .* left)?"
        assert re.search(told, output, re.M)
    again = shared.command("--only", "adapted:cyclegan").output
    assert not re.search(r"^Arm \d", again, re.M)  # All of it is done.


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ((0.02, 0.05), "mean IoU 30.0 % (28.0 to 32.0), gain +3.0"),
        ((-0.02, 0.05), "mean IoU 30.0 % (28.0 to 32.0), gain no measurable difference (+3.0)"),
        (None, "mean IoU 30.0 % (28.0 to 32.0)"),
    ],
)
def test_a_gain_that_may_be_chance_is_told_as_none(interval, text):
    arms = {"source_only": {"mean_iou": 0.27}, "oracle": {"mean_iou": 0.3, "ci95": (0.28, 0.32)}}
    if interval:
        arms["oracle"] |= {"gain": 0.03, "gain_ci95": interval}
    assert running.score_text(arms, "oracle") == text


def test_a_gain_adds_up_with_the_line_of_source_only():
    arms = {
        "source_only": {"mean_iou": 0.1416, "ci95": (0.13, 0.15)},
        "oracle": {
            "mean_iou": 0.3182,
            "ci95": (0.3, 0.33),
            "gain": 0.1766,
            "gain_ci95": (0.1, 0.2),
        },
    }
    assert running.score_text(arms, "source_only") == "mean IoU 14.2 % (13.0 to 15.0)"
    assert running.score_text(arms, "oracle") == "mean IoU 31.8 % (30.0 to 33.0), gain +17.6"
    arms["oracle"] |= {"mean_iou": 0.1418, "gain": 0.0002, "gain_ci95": (0.0001, 0.0003)}
    text = "mean IoU 14.18 % (30.00 to 33.00), gain +0.02 over 14.16 %"
    assert running.score_text(arms, "oracle") == text


def test_a_dry_run_of_what_is_done_says_so_and_writes_nothing(shared):
    before = shared.files()
    result = shared.command("--dry-run")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[-1] == "All of it is done."
    plan = lines[lines.index("") + 2 : -1]
    assert len(plan) > 5 and all(" done " in line for line in plan)
    assert shared.files() == before


def test_a_dry_run_of_nothing_writes_nothing(tmp_path, tiny_preset):
    parts = Parts(tmp_path / "run", tiny_preset)
    result = parts.command("--dry-run", "--only", "adapted:cyclegan")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[:2] == ["source-train: 4 images, 4 labelled", "source-val: 1 image, 1 labelled"]
    tasks = [line.partition("  ")[0] for line in lines[lines.index("") + 1 :]]
    assert tasks[1:] == [
        *("prepare", "train-translator cyclegan", "translate cyclegan"),
        *("train-segmenter adapted:cyclegan", "evaluate adapted:cyclegan"),
    ]
    assert "about" not in result.output  # Nothing like it was done yet.
    assert not parts.root.exists()


@pytest.mark.parametrize("arguments", [["--only", "oracle"], ["--seed", "9"]])
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_what_is_no_part_of_the_experiment_is_a_usage_error(tmp_path, tiny_preset, arguments, dry):
    parts = Parts(tmp_path / "run", tiny_preset)
    result = parts.command(*arguments, *dry)
    assert result.exit_code == 2
    assert f"No {arguments[0].strip('-').replace('only', 'arm')}" in result.output
    assert not parts.root.exists()


def test_a_whole_run_does_not_go_beside_a_part_nor_a_part_beside_it(tmp_path, tiny_preset):
    parts = Parts(tmp_path / "run", tiny_preset)
    sentence = f"Another process works in {parts.root}; wait for it, or use another --run."
    for lock, arguments in ((locks.reading, []), (locks.alone, ["--only", "source_only"])):
        with lock(parts.root):
            result = parts.command(*arguments)
        assert result.exit_code == 1
        assert sentence in result.output


def test_who_waits_for_a_stage_says_so_and_can_be_stopped(tmp_path, tiny_preset, end):
    parts = Parts(tmp_path / "run", tiny_preset)
    with locks.in_turn(parts.root / ".locks", "raw"):
        process = parts.start("--only", "source_only")
        read = ""
        while "Waiting for another process" not in read:
            read += process.stderr.readline()
            assert process.poll() is None, read
        assert read.rstrip().endswith("run/raw.")
        process.send_signal(signal.SIGINT)
        code, _, err = end(process)
    assert code == 130
    assert "Stopped; the same command goes on from here." in err
