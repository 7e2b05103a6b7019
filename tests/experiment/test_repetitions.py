"""One tiny experiment with two seeds."""

import json
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from i2i_keras import config
from i2i_keras.cli import main
from i2i_keras.datasets.spaces import read_space
from i2i_keras.evaluation.best import find_best
from i2i_keras.evaluation.intervals import bootstrap
from i2i_keras.evaluation.metrics import mean_iou
from i2i_keras.evaluation.scores import compare
from i2i_keras.experiment.counting import load_confusions
from i2i_keras.experiment.repetitions import repetitions, trainings
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run

ARMS = ("source_only", "adapted:cyclegan", "oracle")
SEEDS = (3, 5)
CHANGES = (
    *(f"seeds={list(SEEDS)}", "streets.num_test=4", "translator.cyclegan.steps=1"),
    "segmenter.checkpoint_every=1",
    *("evaluate.bootstrap_samples=50", "evaluate.num_quality_images=2"),
)


@pytest.fixture(scope="module")
def twice(tmp_path_factory, tiny_experiment):
    """The experiment, stage by stage."""
    found = tiny_experiment(tmp_path_factory.mktemp("twice") / "run", *CHANGES)
    stages = ("prepare", "train-translator", "translate", "train-segmenter", "evaluate", "report")
    found.results = {stage: found.command(stage) for stage in stages}
    for stage, result in found.results.items():
        assert result.exit_code == 0, f"{stage}: {result.output}"
    return found


@pytest.fixture(scope="module")
def summary(twice):
    return files.read_json(twice.root / "evaluate" / "summary.json")


def confusions(root, arm):
    return load_confusions(Run(root), arm)


def test_each_seed_has_trainings_of_its_own_and_no_records(twice):
    for seed in SEEDS:
        member = twice.root / f"seed-{seed}"
        assert (
            files.read_json(member / "train-segmenter/oracle/done.json")["settings"]["seed"] == seed
        )
        assert (member / "prepare").readlink() == Path("../prepare")
    assert not (twice.root / "train-segmenter").exists()


def test_the_trainings_of_a_scored_run_are_found(twice):
    found = [member.root for member in trainings(Run(twice.root))]
    assert found == [twice.root / f"seed-{seed}" for seed in SEEDS]
    (alone,) = trainings(Run(found[0]))
    assert alone.root == found[0]


def test_the_intervals_can_be_drawn_anew_from_what_the_run_holds(twice, summary):
    members = trainings(Run(twice.root))
    counts = {arm: np.stack([load_confusions(m, arm) for m in members]) for arm in ARMS}
    drawn = bootstrap(counts, summary["bootstrap_samples"], summary["bootstrap_seed"])
    for arm, facts in compare(drawn).items():
        assert facts["ci95"] == pytest.approx(summary["arms"][arm]["ci95"])


def test_trainings_of_two_seeds_differ(twice):
    one, two = (confusions(twice.root / f"seed-{seed}", "oracle") for seed in SEEDS)
    assert not np.array_equal(one, two)


def test_the_summary_is_of_both(twice, summary):
    assert summary["seeds"] == [*SEEDS]
    for arm in ARMS:
        points = [
            float(mean_iou(confusions(twice.root / f"seed-{seed}", arm).sum(axis=0)))
            for seed in SEEDS
        ]
        facts = summary["arms"][arm]
        assert facts["seeds"] == pytest.approx(points)
        assert facts["mean_iou"] == pytest.approx(np.mean(points))
        assert facts["std"] == pytest.approx(np.std(points, ddof=1))


def test_the_best_arms_are_those_of_both(twice, summary):
    members = trainings(Run(twice.root))
    counts = {arm: np.stack([load_confusions(m, arm) for m in members]) for arm in ARMS}
    settings = (summary["bootstrap_samples"], summary["bootstrap_seed"])
    wanted = find_best(counts, read_space(members[0].label_space), *settings)
    assert summary["best"] == json.loads(json.dumps(wanted))
    assert summary["best"]["mean_iou"]["arm"] in ARMS[:2]
    one = files.read_json(members[0].root / "evaluate" / "summary.json")["best"]
    assert one["mean_iou"]["difference"] != summary["best"]["mean_iou"]["difference"]


def test_an_arms_table_is_the_mean_of_both(twice):
    paths = [twice.root / f"seed-{seed}" / "evaluate" / "oracle.json" for seed in SEEDS]
    one, two = map(files.read_json, paths)
    both = files.read_json(twice.root / "evaluate" / "oracle.json")
    assert both["num_images"] == one["num_images"] and isinstance(both["num_images"], int)
    assert both["loss"] == pytest.approx((one["loss"] + two["loss"]) / 2)
    assert both["iou"]["road"] == pytest.approx((one["iou"]["road"] + two["iou"]["road"]) / 2)


def test_a_state_that_labels_would_choose_is_one_trainings(twice, summary):
    chosen = summary["arms"]["oracle"]["label_chosen"]
    found = [
        files.read_json(twice.root / f"seed-{seed}" / "evaluate" / "summary.json") for seed in SEEDS
    ]
    singles = [facts["arms"]["oracle"]["label_chosen"] for facts in found]
    assert chosen["mean_iou"] == pytest.approx(np.mean([one["mean_iou"] for one in singles]))
    assert "step" in singles[0] and "step" not in chosen


def test_the_report_adds_up_the_seconds_of_all_stages(twice):
    text = (twice.root / "report" / "report.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| (\S+) +\| +([\d,.]+) \|$", text, re.MULTILINE))
    paths = {path.resolve() for path in twice.root.rglob("done.json")}  # Some are linked.
    seconds = [files.read_json(path)["seconds"] for path in paths]
    shown = [float(text.replace(",", "")) for name, text in rows.items() if name != "all"]
    assert float(rows["all"].replace(",", "")) == pytest.approx(sum(shown))
    assert sum(shown) == pytest.approx(sum(seconds), abs=0.05 * len(shown) + 1e-6)
    assert {"raw", "prepare", "seed-3", "seed-5"} <= {*rows}


def test_commands_say_which_seed_they_are_at(twice):
    output = twice.results["train-segmenter"].output
    for seed in SEEDS:
        assert f"train-segmenter oracle (seed {seed}): done in" in output


def test_the_report_has_both_and_a_page_for_each(twice):
    text = (twice.root / "report" / "report.md").read_text("utf-8")
    assert "| seed 3" in text and "| seed 5" in text and "Std over trainings" in text
    assert "they hold for other trainings as well" in text
    for seed in SEEDS:
        page = (twice.root / f"seed-{seed}" / "report" / "report.md").read_text("utf-8")
        assert "They do not cover the chance in training" in page


def test_run_finds_everything_done_also_where_it_was_moved_to(twice, tmp_path, tiny_experiment):
    moved = tiny_experiment(tmp_path / "run", *CHANGES)
    shutil.copytree(twice.root, moved.root, symlinks=True)
    result = moved.command("run")
    assert result.exit_code == 0, result.output
    assert "done in" not in result.output
    assert "--- seed 3 ---" in result.output
    for seed in SEEDS:
        assert f"evaluate oracle (seed {seed}): mean IoU " in result.output


def test_one_seed_can_be_done_alone_and_comes_to_the_same(twice, tmp_path, tiny_experiment):
    alone = tiny_experiment(tmp_path / "run", *CHANGES)
    result = alone.command("run", "--seed", 5, "--only", "source_only")
    assert result.exit_code == 0, result.output
    assert not (alone.root / "seed-3" / "train-segmenter").exists()
    one, other = (confusions(root / "seed-5", "source_only") for root in (alone.root, twice.root))
    np.testing.assert_array_equal(one, other)
    missing = [f"{arm} (seed 3)" for arm in ARMS] + [f"{arm} (seed 5)" for arm in ARMS[1:]]
    assert f"Not trained yet: {', '.join(missing)}; whoever trains the last one" in result.output


def test_members_are_made_by_several_at_once(tmp_path):
    settings = config.build(Settings, {"seeds": [*range(20)]})
    (tmp_path / "prepare").mkdir()
    barrier = threading.Barrier(8)

    def make(_):
        barrier.wait()
        return repetitions(settings, Run(tmp_path))

    with ThreadPoolExecutor(8) as pool:
        assert all(len(members) == 20 for members in pool.map(make, range(8)))
    assert {path.readlink() for path in tmp_path.glob("seed-*/prepare")} == {Path("../prepare")}


def test_images_are_translated_by_the_translator_of_one_seed(twice, tmp_path):
    images = twice.root / "prepare" / "source-val" / "images"
    arguments = ("translate", "--images", images, "--out", tmp_path)
    refused = twice.command(*arguments)
    assert refused.exit_code == 2
    assert f"Give the run directory of one, such as --run {twice.root}/seed-3." in refused.output
    one = ["translate", "--run", twice.root / "seed-3", *arguments[1:]]
    result = CliRunner().invoke(main, [str(word) for word in one])
    assert result.exit_code == 0, result.output
    assert [path.name for path in tmp_path.glob("*.png")]


def test_a_seed_cannot_stand_twice(twice):
    result = twice.command("prepare", "--set", "seeds=[1, 1]")
    assert result.exit_code == 2 and "a seed stands twice" in result.output
