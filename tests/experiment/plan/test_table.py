"""Plans as they are shown, of runs whose stages are given."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from i2i_keras import config
from i2i_keras.experiment.plan import table
from i2i_keras.experiment.plan import tasks as planning
from i2i_keras.experiment.settings import Settings
from i2i_keras.report.terminal import Terminal
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run

PRESET = ["seeds=[1, 2]", 'arms=["source_only", "adapted:color"]', "evaluate.num_states=0"]


class Fake:
    """A run directory with stages that were done elsewhere."""

    def __init__(self, root, *changes):
        self.run = Run(root)
        self.settings = config.build(Settings, config.read("demo", [*PRESET, *changes]))
        self.tasks = planning.plan(self.settings, self.run)
        self.finish("raw", 30.0)
        counts = {f"{d}-{s}": 4 for d in ("source", "target") for s in ("train", "val", "test")}
        self.finish("prepare", 10.0, records=counts, labelled=counts, size=[96, 176])

    def finish(self, stage, seconds, **results):
        facts = {"results": results, "seconds": seconds, "fingerprint": "x"}
        facts |= {"settings": {}, "inputs": {}}
        files.write_json(self.run.root / stage / "done.json", facts)

    def finish_all(self, seed, seconds):
        for task in self.tasks[1:]:
            if task.settings.seed == seed:
                for place in task.places:
                    self.finish(self.run.name_of(place), seconds)

    def stop(self, seed, seconds, steps):
        """Leaves a training as it is when it was stopped."""
        place = self.run.member(seed).segmenter("source_only")
        (place / "checkpoints").mkdir(parents=True)
        for step in steps:
            (place / "checkpoints" / f"ckpt-{step}.index").touch()
        begun = {"settings": {}, "inputs": {}, "seconds": seconds}
        files.write_json(place / "begun.json", begun)

    def lines(self):
        return table.to_text(self.tasks).splitlines()


@pytest.fixture
def fake(tmp_path):
    return Fake(tmp_path / "run")


def test_what_is_done_took_what_it_took(fake):
    fake.finish_all(1, 70.0)
    fake.finish_all(2, 80.0)
    *lines, total = fake.lines()
    assert lines[1].split() == ["prepare", "done", "40", "s"]  # Drawn and prepared.
    assert {" ".join(line.split()[-4:]) for line in lines[2:]} == {
        *("1 done 1.2 min", "2 done 1.3 min"),
    }
    assert total == "All of it is done."


def test_of_what_was_never_done_no_time_is_told(fake, tmp_path):
    lines = fake.lines()
    assert lines[-1].split() == ["evaluate", "color", "2", "to", "do"]
    assert not [line for line in lines if "about" in line.lower()]
    new = planning.plan(fake.settings, Run(tmp_path / "new"))
    assert table.to_text(new).splitlines()[0].split() == ["plan", "seed", "state"]


def test_what_another_seed_has_done_will_take_as_long(fake):
    fake.finish_all(1, 600.0)
    lines = fake.lines()
    assert lines[0].split() == ["plan", "seed", "state", "time"]
    assert lines[2].split() == ["train-segmenter", "source_only", "1", "done", "10", "min"]
    assert lines[-2].split() == ["evaluate", "color", "2", "to", "do", "about", "10", "min"]
    assert lines[-1] == "About 1 h 10 min to do."


def test_arms_that_are_trained_alike_take_as_long(fake):
    fake.finish("seed-1/train-segmenter/source_only", 600.0)
    lines = fake.lines()
    alike = [line for line in lines if "train-segmenter" in line and "to do" in line]
    assert len(alike) == 3 and all("about 10 min" in line for line in alike)
    assert not [line for line in lines if "translat" in line and "about" in line]
    assert lines[-1] == "More than 30 min to do."


def test_an_arm_that_is_trained_in_another_way_says_nothing(tmp_path):
    arms = 'arms=["source_only","mixed:color","self_training","adabn","oracle","label_safe:color"]'
    fake = Fake(tmp_path / "run", arms)
    fake.finish("seed-1/train-segmenter/source_only", 600.0)
    told = [line.split()[1] for line in fake.lines() if "to do  about" in line]
    assert {*told} == {"source_only", "oracle"}


def test_of_several_seeds_that_are_done_the_odd_one_does_not_count(tmp_path):
    fake = Fake(tmp_path / "run", "seeds=[1, 2, 3, 4]", 'arms=["source_only"]')
    for seed, seconds in ((1, 6.0), (2, 600.0), (3, 660.0)):
        fake.finish_all(seed, seconds)
    assert fake.lines()[-1] == "About 20 min to do."


def test_a_training_that_was_stopped_has_the_rest_to_do(fake):
    fake.finish_all(1, 600.0)
    fake.stop(2, 480.0, steps=(100, 400))
    assert any("goes on from step 400  about 2 min" in line for line in fake.lines())


def test_a_training_that_takes_longer_than_expected_is_not_done_in_negative_time(fake):
    fake.finish_all(1, 600.0)
    fake.stop(2, 9000.0, steps=(100,))
    assert any("goes on from step 100  about 0 s" in line for line in fake.lines())


def test_a_plan_fits_a_narrow_terminal(fake):
    fake.finish_all(1, 600.0)
    lines = table.to_text(fake.tasks, Terminal(45)).splitlines()
    assert max(map(len, lines)) <= 45
    assert not any("Not shown" in line for line in lines)
    assert sum("to do  about 10 min" in line for line in lines) == 7


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (89.0, "1.5 min"), (3540.0, "59 min")),
        *((597.1, "10 min"), (594.0, "9.9 min"), (61.0, "1 min")),
        *((3580.0, "1 h 00 min"), (12000.0, "3 h 20 min"), (90000.0, "25 h 00 min")),
    ],
)
def test_times_are_said_in_the_unit_that_fits(seconds, text):
    assert table.duration(seconds) == text


@settings(deadline=None, max_examples=30)  # Files are written.
@given(seconds=st.lists(st.floats(0, 20_000), min_size=7, max_size=7))
def test_the_sum_of_a_plan_is_that_of_the_times_that_it_shows(tmp_path_factory, seconds):
    fake = Fake(tmp_path_factory.mktemp("plan") / "run")
    for task, took in zip(fake.tasks[1:8], seconds, strict=True):
        fake.finish(fake.run.name_of(task.places[-1]), took)
    *lines, total = fake.lines()
    shown = sum(read(line.rpartition("about ")[2]) for line in lines[1:] if "about" in line)
    said = read(total.removeprefix("About ").removesuffix(" to do."))
    # The sum is said as coarsely as any time.
    assert abs(said - shown) <= (0.5 if said < 60 else 3 if said < 600 else 30)


def read(text):
    """Seconds of a time as it is said."""
    numbers = re.findall(r"([\d.]+) (s|min|h)", text)
    return sum(float(number) * {"s": 1, "min": 60, "h": 3600}[unit] for number, unit in numbers)
