"""Plans as they are shown, of runs whose stages are given."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from i2i_keras import config
from i2i_keras.experiment.plan import table
from i2i_keras.experiment.plan.tasks import plan
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
        self.tasks = plan(self.settings, self.run)
        self.finish("raw", 30.0)
        counts = {f"{d}-{s}": 4 for d in ("source", "target") for s in ("train", "val", "test")}
        self.finish("records", 10.0, records=counts, labelled=counts, size=[96, 176])

    def finish(self, stage, seconds, **results):
        facts = {"results": results, "seconds": seconds, "fingerprint": "x"}
        files.write_json(self.run.root / stage / "done.json", facts)

    def finish_all(self, seed, seconds):
        for task in self.tasks[1:]:
            for stage in task.stages:
                self.finish(f"seed-{seed}/{stage}", seconds)

    def rows(self):
        return table.forecast(self.tasks, self.settings, self.run)

    def text(self):
        return table.to_text(self.rows())


@pytest.fixture
def fake(tmp_path):
    return Fake(tmp_path / "run")


def test_what_is_done_took_what_it_took(fake):
    fake.finish_all(1, 70.0)
    fake.finish_all(2, 80.0)
    found = {(row.task.settings.seed, row.seconds) for row in fake.rows()[1:]}
    assert found == {(1, 70.0), (2, 80.0)}
    assert fake.rows()[0].seconds == 40.0  # Drawn and prepared.
    assert fake.text().splitlines()[-1] == "All of it is done."
    assert "to do" not in fake.text()


def test_what_another_seed_has_done_will_take_as_long(fake):
    fake.finish_all(1, 600.0)
    second = [row for row in fake.rows() if row.task.settings.seed == 2]
    assert len(second) == 7
    assert [row.seconds for row in second] == [600.0] * 7
    lines = fake.text().splitlines()
    assert lines[0].split() == ["plan", "seed", "state", "time"]
    assert lines[2].split() == ["train-segmenter", "source_only", "1", "done", "10", "min"]
    assert lines[-2].split() == ["evaluate", "color", "2", "to", "do", "about", "10", "min"]
    assert lines[-1] == "About 1 h 10 min to do."


def test_of_several_seeds_that_are_done_the_odd_one_does_not_count(tmp_path):
    fake = Fake(tmp_path / "run", "seeds=[1, 2, 3, 4]")
    for seed, seconds in ((1, 5.0), (2, 600.0), (3, 620.0)):
        fake.finish_all(seed, seconds)
    assert {row.seconds for row in fake.rows() if row.task.settings.seed == 4} == {600.0}


def test_a_training_with_more_states_than_steps_has_nothing_to_do(fake):
    """Which will be refused in its turn, but not be done in negative time."""
    folder = fake.run.root / "seed-2" / "segmenter" / "source_only" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / "ckpt-9999.index").touch()
    (row,) = [row for row in fake.rows() if row.step]
    assert row.seconds == 0.0


def test_a_training_that_was_stopped_has_the_rest_to_do(fake):
    fake.finish_all(1, 600.0)
    fake.settings = config.build(Settings, config.read("demo", [*PRESET, "segmenter.steps=500"]))
    folder = fake.run.root / "seed-2" / "segmenter" / "source_only" / "checkpoints"
    folder.mkdir(parents=True)
    for step in (100, 400):
        (folder / f"ckpt-{step}.index").touch()
    (row,) = [row for row in fake.rows() if row.step]
    assert (row.task.name, row.step) == ("train-segmenter source_only", 400)
    assert row.seconds == pytest.approx(120.0)
    assert "goes on from step 400  about 2 min" in fake.text()


def test_what_is_not_known_is_marked(fake):
    fake.finish_all(1, 600.0)
    rows = [row._replace(seconds=None) if row.task.of == "color" else row for row in fake.rows()]
    lines = table.to_text(rows).splitlines()
    assert lines[-2].split() == ["evaluate", "color", "2", "to", "do", "?"]
    assert lines[-1].endswith(" to do, and what is marked with ?.")


def test_a_plan_fits_a_narrow_terminal(fake):
    fake.finish_all(1, 600.0)
    lines = table.to_text(fake.rows(), Terminal(45)).splitlines()
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


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    return Fake(tmp_path_factory.mktemp("plan") / "run").tasks[1]


@given(seconds=st.lists(st.floats(0, 20_000), min_size=1, max_size=30))
def test_the_sum_of_a_plan_is_that_of_the_times_that_it_shows(task, seconds):
    rows = [table.Row(task, found) for found in seconds]
    *lines, total = table.to_text(rows).splitlines()
    shown = sum(read(line.rpartition("about ")[2]) for line in lines[1:])
    said = read(total.removeprefix("About ").removesuffix(" to do."))
    # The sum is said as coarsely as any time.
    assert abs(said - shown) <= (0.5 if said < 60 else 3 if said < 600 else 30)


def read(text):
    """Seconds of a time as it is said."""
    numbers = re.findall(r"([\d.]+) (s|min|h)", text)
    return sum(float(number) * {"s": 1, "min": 60, "h": 3600}[unit] for number, unit in numbers)
