import gc
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner

from i2i_keras.cli import main
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run

COMMANDS = sorted(main.commands)
OTHERS = (
    *("ablate", "audit", "completion", "config", "init", "segment", "show", "status", "verify"),
    "watch",
)
FOLDERS = ("/data/gta5", "photos", "paintings", "runs/demo")  # In examples.
STAGES = [command for command in COMMANDS if command not in OTHERS]


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    """Runs a command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


def python(*arguments, **kwargs):
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=120, **kwargs
    )


def assert_refused(result, code, message):
    """One sentence, no traceback."""
    assert result.exit_code == code, result.output
    last = result.output.strip().splitlines()[-1]
    assert last.startswith("Error: ") and last.endswith("."), result.output
    assert message in last
    assert "Traceback" not in result.output


# --- Help -------------------------------------------------------------------


def test_help_shows_the_road():
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert all(command in result.output for command in COMMANDS)
    assert (
        "Stage by stage, on your data:\n    i2i-keras prepare --preset student_report"
        in result.output
    )


def test_the_stages_are_the_commands():
    assert STAGES == [
        "evaluate",
        "export",
        "prepare",
        "report",
        "run",
        "streets",
        "train-segmenter",
        "train-translator",
        "translate",
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example(command):
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0
    assert f"Example: i2i-keras {command}" in " ".join(result.output.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_example_parses(command):
    help_text = " ".join(main.commands[command].help.split())
    words = shlex.split(help_text.partition("Example: i2i-keras ")[2])
    # Folders that a user has are not there.
    words = ["." if w in FOLDERS or words[i - 1] == "--images" else w for i, w in enumerate(words)]
    assert words[0] == command
    main.commands[command].make_context(command, words[1:])


def test_the_version_is_the_packages():
    result = CliRunner().invoke(main, ["--version"])
    assert result.output.strip().endswith(metadata.version("i2i_keras"))


def test_the_package_can_be_run_as_a_module():
    result = python("-m", "i2i_keras", "run", "--prset", "demo")
    assert result.returncode == 2
    words = " ".join(result.stderr.split())  # A long path is on a line of its own.
    assert words.startswith(f"Usage: {sys.executable} -m i2i_keras run [OPTIONS] ")
    assert "'--preset'" in result.stderr
    assert python("-m", "i2i_keras", "--version").stdout.startswith(
        f"{sys.executable} -m i2i_keras, "
    )


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_does_without_the_heavy_imports(arguments):
    heavy = "{'tensorflow', 'keras', 'numpy', 'matplotlib', 'pydantic'}"
    result = python(
        "-c",
        "import sys\nfrom i2i_keras.cli import main\n"
        f"main({arguments}, standalone_mode=False)\n"
        f"print('heavy:', *{heavy} & set(sys.modules))",
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[-1] == "heavy:"


def test_help_answers_at_once():
    def seconds():
        before = os.times()
        python("-c", "from i2i_keras.cli import main; main(['--help'])", check=True)
        after = os.times()
        return (
            after.children_user
            + after.children_system
            - (before.children_user + before.children_system)
        )

    # Processor time, the best of five, so that a busy machine does not count.
    assert min(seconds() for _ in range(5)) < 0.3


# --- What a user can get wrong ----------------------------------------------


@pytest.mark.parametrize("command", [c for c in STAGES if c != "report"])
def test_an_unknown_setting_is_a_usage_error(invoke, command):
    result = invoke(command, "--set", "segmenter.stepz=3")
    assert_refused(result, 2, "No setting 'segmenter.stepz'. Did you mean 'segmenter.steps'?")


@pytest.mark.parametrize(("given", "meant"), [("rnu", "run"), ("train_segmenter", "train-segmen")])
def test_a_misspelled_command_is_answered_with_the_right_one(invoke, given, meant):
    message = f"No command '{given}'. Did you mean '{meant}"
    assert_refused(invoke(given), 2, message)
    assert_refused(invoke(given), 2, "There are ablate, audit, completion, config, evaluate, ")


def test_a_misspelled_option_is_answered_with_the_right_one(invoke):
    result = invoke("run", "--dry-rum")
    assert (result.exit_code, "'--dry-run'" in result.output) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["train-segmenter", "--arm", "source_only", "--arm", "orakle"], "oracle"),
        (["train-translator", "--method", "color", "--method", "cyclgan"], "cyclegan"),
        (["translate", "--method", "color", "--method", "cyclgan"], "cyclegan"),
        (["export", "--method", "cylcegan"], "cyclegan"),
    ],
)
def test_the_second_name_is_looked_at_before_the_first_one_is_trained(invoke, arguments, meant):
    assert_refused(invoke(*arguments), 2, f"Did you mean '{meant}'?")


@pytest.mark.parametrize("command", [c for c in STAGES if c != "report"])
def test_an_unknown_preset_is_a_usage_error(invoke, command):
    assert_refused(invoke(command, "--preset", "dmeo"), 2, "Did you mean 'demo'?")


def test_the_threads_of_the_settings_are_tensorflows(invoke, monkeypatch):
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "9")
    invoke("evaluate", "--set", "threads_per_operation=3")
    assert os.environ["TF_NUM_INTRAOP_THREADS"] == "3"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--rows", "student_reprot"],
            "No ablation 'student_reprot'. Did you mean 'student_report'? There are l",
        ),
        (["--only", "bce"], "report has no row 'bce'. Did you mean 'BCE'? There are batch norm"),
        (["--preset", "dmeo"], "Did you mean 'demo'?"),
        (["--set", "segmenter.stepz=3"], "Did you mean 'segmenter.steps'?"),
        (["--method", "cyclgan"], "No translator 'cyclgan'. Did you mean 'cyclegan'? There are c"),
        (["--set", "seeds=[1]"], "one training has no spread; set seed instead, or name several"),
    ],
)
def test_an_ablation_that_cannot_be_is_a_usage_error(invoke, arguments, message):
    assert_refused(invoke("ablate", *arguments), 2, message)


def test_an_impossible_value_is_a_usage_error(invoke):
    result = invoke("prepare", "--set", "prepare.size=[0, 96]")
    assert_refused(result, 2, "Setting 'prepare.size.0': it has to be greater than 0; got 0.")


def test_without_roots_they_are_asked_for(invoke):
    assert_refused(
        invoke("prepare", "--preset", "student_report"), 2, "Give the source's folder: --source"
    )


def test_a_preset_without_streets_says_so(invoke):
    assert_refused(
        invoke("streets", "--preset", "student_report"), 2, "This preset has no [streets]"
    )


def test_a_root_that_is_not_of_its_format_is_named(invoke, tmp_path):
    result = invoke(
        "prepare", "--preset", "student_report", "--source", tmp_path, "--target", tmp_path
    )
    assert_refused(result, 1, f"{tmp_path} has no folder leftImg8bit; give the root of Cityscapes.")


def test_a_root_that_is_not_there_is_named(invoke):
    result = invoke("prepare", "--source", "nowhere", "--target", "nowhere")
    assert_refused(result, 1, "nowhere has no folder leftImg8bit; give the root of Cityscapes.")


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        ("train-translator", "prepare"),
        ("translate", "train-translator/color"),
        ("export", "train-translator/cyclegan"),
        ("train-segmenter", "prepare"),
        ("evaluate", "prepare"),
    ],
)
def test_a_stage_out_of_order_names_what_is_missing(invoke, tmp_path, command, missing):
    (tmp_path / "runs" / "demo").mkdir(parents=True)
    message = f"runs/demo/{missing} is not finished; make it with: i2i-keras "
    assert_refused(invoke(command), 1, message)


@pytest.mark.parametrize(
    "command",
    ["evaluate", "export", "report", "train-segmenter", "train-translator", "translate"],
)
def test_a_run_that_is_not_there_is_not_made_by_asking_for_it(invoke, tmp_path, command):
    assert invoke(command, "--run", "mistyped").exit_code == 1
    assert not (tmp_path / "mistyped").exists()


def test_a_report_of_nothing_names_what_is_missing(invoke, tmp_path):
    (tmp_path / "runs" / "demo").mkdir(parents=True)
    message = "runs/demo/evaluate/summary.json is missing; make it with: i2i-keras evaluate --run"
    assert_refused(invoke("report"), 1, message)


@pytest.mark.parametrize(
    "arm",
    ["orakle", "adapted", "adapted:cat", "mixed:", "oracle:cyclegan", "adapted:cyclegan+fourier"],
)
def test_an_unknown_arm_is_a_usage_error(invoke, arm):
    result = invoke("train-segmenter", "--arm", arm)
    assert result.exit_code == 2
    assert f"no arm {arm!r}" in result.output
    assert "rms are source_only, oracle, adabn, self_training, adapted:METHOD" in result.output


@pytest.mark.parametrize("command", ["train-translator", "translate", "export"])
@pytest.mark.parametrize(("method", "meant"), [("cat", "cut"), ("cyclegan+fourier", "cyclegan")])
def test_an_unknown_method_is_a_usage_error(invoke, command, method, meant):
    result = invoke(command, "--method", method)
    told = f"No translator {method!r}. Did you mean {meant!r}? There are cyclegan, cycada, cut"
    assert_refused(result, 2, told)


@pytest.mark.parametrize("shard", ["3/2", "half"])
def test_an_impossible_shard_is_a_usage_error(invoke, shard):
    message = f"No shard '{shard}'; give I/N with I from 1 to N, such as 1/4."
    assert_refused(invoke("translate", "--shard", shard), 2, message)


@pytest.mark.parametrize("option", ["--images", "--out"])
def test_images_and_out_go_together(invoke, option):
    assert_refused(invoke("translate", option, "."), 2, "--images and --out go together.")


def test_a_kept_state_is_for_images_only(invoke):
    message = "--step goes with --images; records are of what it saved in the end."
    assert_refused(invoke("translate", "--step", "7"), 2, message)


def test_a_reference_is_for_images_only(invoke):
    message = "--reference goes with --images; for records there is the setting."
    assert_refused(invoke("translate", "--reference", "domain"), 2, message)


def test_a_network_to_export_is_a_translators_or_a_segmenters(invoke):
    message = "--arm is of a segmenter and --method of a translator; give one."
    assert_refused(invoke("export", "--arm", "oracle", "--method", "cyclegan"), 2, message)


def test_a_segmenter_has_no_direction(invoke):
    message = "A segmenter has no --direction; leave it out, or give --method."
    assert_refused(invoke("export", "--arm", "oracle", "--direction", "xy"), 2, message)


@pytest.mark.parametrize("missing", ["--images", "--out"])
def test_images_and_out_are_needed_to_segment(invoke, missing):
    given = {"--images": ".", "--out": "out"}
    del given[missing]
    (option,) = given.items()
    result = invoke("segment", *option)
    assert result.exit_code == 2
    assert f"Missing option '{missing}'" in result.output


@pytest.mark.parametrize(
    "arguments", [("segment", "--images", ".", "--out", "out"), ("export", "--arm", "oracle")]
)
def test_without_a_trained_segmenter_there_is_nothing_to_use(invoke, tmp_path, arguments):
    (tmp_path / "bare").mkdir()
    message = "bare holds no trained segmenter; make it with: i2i-keras train-segmenter --run bare."
    assert_refused(invoke(*arguments, "--run", "bare", "--preset", "demo"), 1, message)


def test_images_go_through_one_translator(invoke, tmp_path):
    """Several would write over each other's files."""
    (tmp_path / "runs" / "demo").mkdir(parents=True)
    result = invoke("translate", "--images", ".", "--out", "translated")
    message = "through one translator; say which by one --method: color, fourier, cyclegan."
    assert_refused(result, 2, message)


@pytest.mark.parametrize("command", ["translate", "segment", "export"])
def test_a_folder_of_photos_is_no_run(invoke, tmp_path, command):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.png").touch()
    result = invoke(command, "--run", "photos", "--images", ".", "--out", "out")
    if command == "export":
        result = invoke(command, "--run", "photos")
    assert_refused(result, 1, "photos holds no run; give the directory of one.")


@pytest.mark.parametrize("command", ["show", "status", "verify", "watch"])
def test_a_run_that_is_not_there_is_a_usage_error(invoke, command):
    assert_refused(invoke(command, "nowhere"), 2, "Directory 'nowhere' does not exist.")


def test_an_unknown_direction_is_a_usage_error(invoke):
    assert invoke("translate", "--direction", "xx").exit_code == 2


def test_a_run_in_use_is_refused(invoke, tmp_path):
    with Run(tmp_path / "runs" / "demo").locked():
        result = invoke("evaluate")
    assert_refused(result, 1, "Another process works in runs/demo; wait for it, or use another")


def test_an_error_of_the_system_is_one_sentence(invoke, tmp_path):
    (tmp_path / "runs").write_text("a file, where a folder should be", "utf-8")
    result = invoke("evaluate")
    assert result.exit_code == 1
    assert result.output.startswith("Error: runs")
    assert "Traceback" not in result.output


def test_an_error_without_a_file_is_said_as_it_is(invoke, monkeypatch, tmp_path):
    (tmp_path / "runs" / "demo").mkdir(parents=True)

    def fail(*given, **named):
        raise OSError("no locks on this disk")

    monkeypatch.setattr(Run, "locked", fail)
    assert_refused(invoke("evaluate"), 1, "Error: no locks on this disk.")


def test_the_run_directory_is_named_after_the_preset_unless_told(invoke, tmp_path):
    (tmp_path / "mine.toml").write_text("", "utf-8")
    for name in ("runs/mine", "other"):
        (tmp_path / name).mkdir(parents=True)
    assert "runs/mine/" in invoke("report", "--preset", "mine.toml").output
    assert "other/evaluate" in invoke("report", "--preset", "mine.toml", "--run", "other").output


# --- Stopping ---------------------------------------------------------------


# Pillow leaves the file open that it was writing.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_ends_with_130_and_says_how_to_go_on(invoke, tmp_path):
    ended = threading.Event()

    def interrupt():
        while not list(tmp_path.rglob("*.png")):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)
        # Python loses an interruption that falls into an object's end.
        while not ended.wait(5):
            os.kill(os.getpid(), signal.SIGINT)

    # A shell's background job, as CI may be, is born deaf to Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=interrupt, daemon=True).start()
    result = invoke("streets", "--set", "streets.num_train=900", "--set", "prepare.workers=1")
    ended.set()
    signal.signal(signal.SIGINT, before)
    assert result.exit_code == 130
    assert "Stopped; the same command goes on from here." in result.output
    assert not (tmp_path / "runs" / "demo" / "raw" / "done.json").exists()
    del result
    gc.collect()


# --- Stages in the shell ----------------------------------------------------


def test_streets_are_drawn_once_and_then_skipped(invoke, tmp_path):
    few = [f"--set=streets.num_{split}=1" for split in ("train", "val", "test")]
    arguments = [*few, "--set=streets.camera_size=[64, 128]", "--set=streets.game_size=[64, 128]"]
    first = invoke("streets", "--preset", "demo", "--run", "mine", *arguments)
    assert first.exit_code == 0, first.output
    assert "streets: done in " in first.output
    assert "streets: was done before" in invoke("streets", "--run", "mine", *arguments).output
    assert (tmp_path / "mine" / "raw" / "cityscapes" / "leftImg8bit" / "train").is_dir()
    refusal = invoke("streets", "--run", "mine", *arguments, "--set", "streets.seed=5")
    assert_refused(refusal, 1, "mine/raw was made with seed = 0 (now 5); use another --run, or")


def test_the_report_does_without_tensorflow(tmp_path):
    summary = {"label_space": "cityscapes19", "num_images": 2, "bootstrap_samples": 10}
    arm = {"mean_iou": 0.5, "ci95": [0.4, 0.6]}
    files.write_json(
        tmp_path / "evaluate" / "summary.json",
        {**summary, "absent": [], "arms": {"source_only": arm}},
    )
    result = python(
        "-c",
        "import sys\nfrom i2i_keras.cli import main\n"
        f"main(['report', '--run', {str(tmp_path)!r}], standalone_mode=False)\n"
        "sys.exit('tensorflow' in sys.modules)",
    )
    assert result.returncode == 0, result.stderr
    assert Path(result.stdout.removeprefix("report: ").strip()).is_file()
