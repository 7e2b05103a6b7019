"""What an experiment does, in which order."""

import pytest

from i2i_keras import config
from i2i_keras.errors import SettingsError
from i2i_keras.experiment.plan import tasks as planning
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder.run import Run


@pytest.fixture
def names(tmp_path):
    """Names of the tasks of a plan, without those that score."""

    def plan(arms, *overrides, only=(), seed=None, scores=False):
        settings = config.build(Settings, config.read("demo", [f"arms={arms}", *overrides]))
        tasks = planning.plan(settings, Run(tmp_path / "run"), only, seed)
        return [task.name for task in tasks if scores or task.kind != "evaluate"]

    return plan


def test_each_task_stands_after_those_that_it_needs(names):
    assert names(["label_safe:cyclegan", "mixed:color", "source_only", "adabn:cut"]) == [
        "prepare",
        *("train-translator color", "translate color", "train-segmenter mixed:color"),
        "train-segmenter source_only",
        *("train-translator cut", "translate cut"),
        # Not named, but adabn takes its network.
        *("train-segmenter adapted:cut", "train-segmenter adabn:cut"),
        *("train-translator cyclegan", "translate cyclegan"),
        "train-segmenter label_safe:cyclegan",
    ]


def test_an_arm_is_scored_once_it_is_trained_and_translators_in_the_end(names):
    assert names(["source_only", "adapted:color", "adabn:color"], scores=True) == [
        *("prepare", "train-segmenter source_only", "evaluate source_only"),
        *("train-translator color", "translate color"),
        *("train-segmenter adapted:color", "evaluate adapted:color"),
        *("train-segmenter adabn:color", "evaluate adabn:color"),
        "evaluate color",
    ]


def test_an_arm_that_is_only_needed_is_not_scored(names):
    assert "evaluate adapted:color" not in names(["adabn:color"], scores=True)


def test_a_translator_with_a_segmenters_eyes_stands_after_source_only(names):
    arms = ["adapted:color", "adapted:cycada", "source_only"]
    whole = names(arms)
    assert whole == [
        "prepare",
        *("train-translator color", "translate color", "train-segmenter adapted:color"),
        *("train-segmenter source_only", "train-translator cycada", "translate cycada"),
        "train-segmenter adapted:cycada",
    ]
    part = names(arms, only=["adapted:cycada"])
    assert part == [name for name in whole if "color" not in name]


@pytest.mark.parametrize(
    ("arm", "tasks"),
    [
        ("source_only", ["train-segmenter source_only"]),
        ("oracle", ["train-segmenter oracle"]),
        ("adabn", ["train-segmenter source_only", "train-segmenter adabn"]),
        (
            "label_safe:color",
            [
                *("train-segmenter source_only", "train-translator color"),
                *("translate color", "train-segmenter label_safe:color"),
            ],
        ),
        (
            "adabn:color",
            [
                *("train-translator color", "translate color"),
                *("train-segmenter adapted:color", "train-segmenter adabn:color"),
            ],
        ),
    ],
)
def test_a_part_is_its_arm_and_what_that_needs(names, arm, tasks):
    arms = ["label_safe:color", "source_only", "adabn", "oracle", "adapted:fourier", "adabn:color"]
    assert names(arms, only=[arm]) == ["prepare", *tasks]


def test_parts_keep_the_order_of_the_whole(names):
    arms = ["oracle", "adabn", "source_only", "adapted:color", "label_safe:color"]
    whole = names(arms, scores=True)
    for only in (["adabn"], ["label_safe:color", "oracle"], ["adapted:color", "source_only"]):
        part = names(arms, only=only, scores=True)
        assert part == [name for name in whole if name in part]


def test_each_seed_has_all_tasks_but_the_preparation(names):
    one = names(["source_only", "adapted:color"], scores=True)
    three = names(["source_only", "adapted:color"], "seeds=[1, 2, 3]", scores=True)
    assert three == [one[0], *one[1:] * 3]


def test_a_seeds_part_is_its_own(tmp_path):
    settings = config.build(Settings, config.read("demo", ["seeds=[4, 5]"]))
    tasks = planning.plan(settings, Run(tmp_path / "run"), seed=5)
    assert {(t.settings.seed, t.run.root.name) for t in tasks[1:]} == {(5, "seed-5")}
    assert tasks[0].run.root == tmp_path / "run"


def test_a_single_training_is_a_seed_too(names):
    assert names(["oracle"], seed=0) == names(["oracle"])


def test_unknown_arms_and_seeds_are_refused(names):
    with pytest.raises(SettingsError, match="No arm 'adabn'; here there are source_only, oracle"):
        names(["source_only", "oracle"], only=["oracle", "adabn"])
    with pytest.raises(SettingsError, match="No seed 3 here; there are 1, 2"):
        names(["oracle"], "seeds=[1, 2]", seed=3)


def test_a_plan_writes_nothing(names, tmp_path):
    names(["label_safe:cyclegan", "source_only"], "seeds=[1, 2]")
    assert not [*tmp_path.iterdir()]
