"""What a run tells of how far it has come."""

import re

import pytest

from i2i_keras import config
from i2i_keras.experiment.plan.progress import Progress
from i2i_keras.experiment.plan.table import Row
from i2i_keras.experiment.plan.tasks import plan
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Done, Run

ARMS = 'arms=["source_only", "adabn:color", "oracle"]'


class Fake:
    """A run whose tasks are said to be done."""

    def __init__(self, root, *changes, seconds=60.0):
        changes = [ARMS, "evaluate.num_states=0", "evaluate.num_quality_images=0", *changes]
        settings = config.build(Settings, config.read("demo", changes))
        self.tasks = plan(settings, Run(root))
        self.rows = [Row(task, None if task.kind == "prepare" else seconds) for task in self.tasks]

    def do(self, progress, task, seconds, skipped=False):
        for stage in task.stages:
            results = {"labelled": {"target-test": 1}}  # It can be scored.
            facts = {"results": results, "seconds": seconds / len(task.stages), "fingerprint": "x"}
            files.write_json(task.run.root / stage / "done.json", facts)
        progress.after(task, Done({}, seconds, skipped, "x"))

    def told(self, times):
        """The lines of a whole run, whose tasks take so many seconds each."""
        progress, lines = Progress(self.rows), []
        for task in self.tasks:
            lines.append(progress.before(task))
            self.do(progress, task, times)
        return lines


@pytest.fixture
def fake(tmp_path):
    return Fake(tmp_path / "run")


def minutes(line):
    return float(re.search(r"about ([\d.]+) min left", line)[1])


def test_each_line_says_for_which_arm_it_is_and_what_is_left(fake):
    told = [line.partition("; ")[0] for line in fake.told(60.0)]
    assert told == [
        "prepare",
        *("Arm 1 of 3, source_only: train-segmenter", "Arm 1 of 3, source_only: evaluate"),
        "Arm 2 of 3, adabn:color: train-translator color",
        "Arm 2 of 3, adabn:color: translate color",
        # Trained for adabn alone.
        "Arm 2 of 3, adabn:color: train-segmenter adapted:color",
        *("Arm 2 of 3, adabn:color: train-segmenter", "Arm 2 of 3, adabn:color: evaluate"),
        *("Arm 3 of 3, oracle: train-segmenter", "Arm 3 of 3, oracle: evaluate"),
    ]


def test_where_all_takes_as_long_as_estimated_the_rest_is_counted_down(fake):
    first, *rest = fake.told(60.0)
    assert first == "prepare; about 9 min left, and what the plan marks with ?"
    assert [line.partition("; ")[2] for line in rest] == [
        *(f"about {left} min left" for left in range(9, 0, -1)),
    ]


def test_what_tasks_really_took_corrects_the_rest(fake):
    lines = fake.told(120.0)
    # Two of nine took twice as long: the other seven will, too, or nearly.
    assert 12 < minutes(lines[3]) < 14
    assert 1.85 < minutes(lines[-1]) < 2.01


def test_one_short_task_does_not_speak_for_all(tmp_path):
    fake = Fake(tmp_path / "run", seconds=600.0)
    fake.rows[1] = fake.rows[1]._replace(seconds=1.0)
    progress = Progress(fake.rows)
    fake.do(progress, fake.tasks[0], 5.0)
    fake.do(progress, fake.tasks[1], 20.0)  # Twenty times as long.
    assert 80 <= minutes(re.sub("1 h (..) min", lambda m: f"{60 + int(m[1])} min",
                                progress.before(fake.tasks[2]))) < 90  # fmt: skip


def test_what_one_seed_took_the_next_will_take(tmp_path):
    fake = Fake(tmp_path / "run", "seeds=[4, 7]")
    lines = fake.told(180.0)
    second = lines[10]
    assert second.startswith("Seed 7, arm 1 of 3, source_only: train-segmenter; ")
    assert minutes(second) == 27
    assert all(line.startswith("Seed 4, arm") for line in lines[1:10])


def test_where_nothing_is_known_nothing_is_claimed(fake):
    fake.rows = [Row(task, None) for task in fake.tasks]
    assert not [line for line in fake.told(60.0) if "left" in line]


def test_of_what_is_done_nothing_is_told_and_nothing_learned(fake):
    progress = Progress(fake.rows)
    for task in fake.tasks[:3]:
        fake.do(progress, task, 9000.0, skipped=True)
        assert progress.before(task) == ""
    assert minutes(progress.before(fake.tasks[3])) == 7


def test_a_training_that_went_on_from_a_step_teaches_nothing(fake):
    fake.rows[1] = fake.rows[1]._replace(step=500)
    progress = Progress(fake.rows)
    for task in fake.tasks[:2]:
        fake.do(progress, task, 9000.0)
    assert minutes(progress.before(fake.tasks[2])) == 8


def test_what_another_process_has_done_meanwhile_is_not_left(fake):
    progress = Progress(fake.rows)
    for task in fake.tasks[:1] + fake.tasks[7:]:
        fake.do(progress, task, 60.0, skipped=True)
    assert minutes(progress.before(fake.tasks[1])) == 6


def test_translators_are_scored_for_no_arm(tmp_path):
    fake = Fake(tmp_path / "run", "evaluate.num_quality_images=2")
    assert fake.told(60.0)[-1] == "evaluate color; about 1 min left"
    fake = Fake(tmp_path / "runs", "evaluate.num_quality_images=2", "seeds=[4, 7]")
    assert fake.told(60.0)[-1] == "Seed 7: evaluate color; about 1 min left"
