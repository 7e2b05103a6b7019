"""Which tasks begin first where several are done at once."""

import pytest

from i2i_keras import config
from i2i_keras.experiment.plan.order import longest_first
from i2i_keras.experiment.plan.progress import side_by_side
from i2i_keras.experiment.plan.tasks import plan
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run

ARMS = [
    *("source_only", "adabn", "adapted:color", "adapted:cyclegan", "label_safe:cyclegan"),
    *("adapted:cycada", "self_training:cyclegan", "oracle"),
]


@pytest.fixture
def tasks(tmp_path):
    arms = f"arms={ARMS}".replace("'", '"')
    settings = config.build(Settings, config.read("demo", [arms, "seeds=[1, 2]"]))
    return plan(settings, Run(tmp_path / "run"))[1:]


def finish(task, seconds):
    for place in task.places:
        facts = {"seconds": seconds / len(task.places), "results": {}, "fingerprint": ""}
        files.write_json(place / "done.json", facts)


def test_each_stands_behind_those_that_it_waits_for(tasks):
    placed = longest_first(tasks)
    assert sorted(map(id, tasks)) == sorted(id(one.task) for one in placed)
    for place, one in enumerate(placed):
        waited = {(placed[other].task.kind, placed[other].task.of) for other in one.after}
        assert waited == {*one.task.needs}
        assert all(other < place for other in one.after)
        assert {placed[other].task.run.root for other in one.after} <= {one.task.run.root}


def test_the_longest_chain_begins_and_a_lone_arm_does_not(tasks):
    names = [one.task.name for one in longest_first(tasks)]
    # CyCADA waits for source_only, and three arms for CycleGAN.
    assert names[:2] == 2 * ["train-segmenter source_only"]
    assert {*names[2:6]} == {"train-translator cycada", "train-translator cyclegan"}
    assert names.index("train-translator color") < names.index("train-segmenter oracle")


def test_what_is_known_to_be_slow_begins_before_what_is_guessed(tasks):
    oracle = next(task for task in tasks if task.name == "train-segmenter oracle")
    finish(oracle, 10_000.0)
    first, *_ = longest_first(tasks)
    # Trainings of arms take as long as the one that is known.
    assert first.task.name == "train-segmenter source_only" and first.chain > 20_000
    last = {one.task.name: one.chain for one in longest_first(tasks)}["evaluate oracle"]
    assert last < 20


def test_what_is_left_is_shared_by_all_but_not_a_chain(tasks):
    for task in tasks[: len(tasks) // 2]:
        finish(task, 60.0)
    half = len(tasks) // 2
    assert side_by_side(tasks, 1).startswith(f"{half} of {2 * half} tasks done; about ")

    def minutes(room):
        value, unit = side_by_side(tasks, room).partition("about ")[2].split()[:2]
        return float(value) if unit == "min" else 60 * float(value)

    assert minutes(2) == pytest.approx(minutes(1) / 2, rel=0.1)
    assert minutes(1000) == pytest.approx(5, abs=0.1)  # source_only, cycada, its arm.


def test_nothing_is_foretold_of_what_is_not_known(tasks):
    assert side_by_side(tasks, 4) == f"0 of {len(tasks)} tasks done"
