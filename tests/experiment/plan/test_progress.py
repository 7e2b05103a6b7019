"""What a run tells of how far it has come."""

import re

import pytest

from i2i_keras import config
from i2i_keras.experiment.plan.progress import Progress
from i2i_keras.experiment.plan.tasks import plan
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run

ARMS = 'arms=["source_only", "adabn:color", "oracle"]'


class Fake:
    """A run whose tasks are said to be done."""

    def __init__(self, root, *changes):
        changes = [ARMS, "evaluate.num_states=0", "evaluate.num_quality_images=0", *changes]
        settings = config.build(Settings, config.read("demo", changes))
        self.tasks = plan(settings, Run(root))

    def do(self, task, seconds):
        for place in task.places:
            results = {"labelled": {"target-test": 1}}  # It can be scored.
            facts = {"results": results, "seconds": seconds / len(task.places), "fingerprint": "x"}
            files.write_json(place / "done.json", facts)

    def told(self, seconds):
        """The lines of a whole run, whose tasks take so many seconds each."""
        progress, lines = Progress(self.tasks), []
        for task in self.tasks:
            lines.append(progress.before(task))
            self.do(task, seconds)
        return lines


@pytest.fixture
def fake(tmp_path):
    return Fake(tmp_path / "run")


def minutes(line):
    return float(re.search(r"([\d.]+) min left", line)[1])


def test_each_line_says_for_which_arm_it_is(fake):
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


def test_what_one_arm_took_others_that_are_trained_alike_will_take(fake):
    left = [line.partition("; ")[2] for line in fake.told(60.0)]
    assert left == [
        *("", ""),  # Nothing was measured yet.
        "more than 2 min left",  # Two more segmenters.
        *(["more than 4 min left"] * 3),  # And their scores.
        # What adabn takes is not known; it is not trained as the others are.
        "more than 3 min left",
        *("about 3 min left", "about 2 min left", "about 1 min left"),
    ]


def test_what_one_seed_took_the_next_will_take(tmp_path):
    lines = Fake(tmp_path / "run", "seeds=[4, 7]").told(180.0)
    second = lines[10]
    assert second.startswith("Seed 7, arm 1 of 3, source_only: train-segmenter; about ")
    assert minutes(second) == 27
    assert all(line.startswith("Seed 4, arm") for line in lines[1:10])


def test_of_what_is_done_nothing_is_told(fake):
    progress = Progress(fake.tasks)
    for task in fake.tasks[:3]:
        fake.do(task, 9000.0)
        assert progress.before(task) == ""


def test_what_another_process_has_done_meanwhile_is_not_left(fake):
    for task in fake.tasks[:3] + fake.tasks[6:]:
        fake.do(task, 60.0)
    assert minutes(Progress(fake.tasks).before(fake.tasks[3])) == 1


def test_translators_are_scored_for_no_arm(tmp_path):
    fake = Fake(tmp_path / "run", "evaluate.num_quality_images=2")
    assert fake.told(60.0)[-1] == "evaluate color"
    fake = Fake(tmp_path / "runs", "evaluate.num_quality_images=2", "seeds=[4, 7]")
    assert fake.told(60.0)[-1] == "Seed 7: evaluate color; about 1 min left"
