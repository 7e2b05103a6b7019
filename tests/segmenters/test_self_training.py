import numpy as np
import pytest
from PIL import Image

from i2i_keras import config
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.run_folder import files
from i2i_keras.segmenters import segmenter, self_training
from i2i_keras.segmenters.segmenter import Examples, load
from i2i_keras.segmenters.self_training_config import SelfTrainingConfig
from i2i_keras.training import checkpoints


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """Three images without a label anywhere near them."""
    folder, rng = tmp_path_factory.mktemp("target"), np.random.default_rng(1)
    for number in range(3):
        pixels = rng.integers(100, 256, (20, 24, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def fit(tiny, records, target, tmp_path_factory):
    def train(segmenter=None, images=target, **own):
        folder = tmp_path_factory.mktemp("trained")
        examples = Examples(records, records[:1], images)
        chosen = SelfTrainingConfig(**own)
        facts = self_training.fit(chosen, tiny(**(segmenter or {})), examples, 3, folder, 5)
        return folder, facts

    return train


@pytest.fixture(scope="module")
def trained(fit):
    return fit(threshold=0.0)


def test_the_history_says_how_it_went(trained):
    rows = files.read_table(trained[0] / "history.csv")
    assert [row["step"] for row in rows] == ["2", "4"]
    new = ["source_loss", "mixed_loss", "confident_share"]
    assert {"loss", "accuracy", "learning_rate", "val_loss", "val_accuracy", *new} < {*rows[0]}
    for row in rows:
        total = float(row["source_loss"]) + float(row["mixed_loss"])
        assert float(row["loss"]) == pytest.approx(total, rel=1e-5)
        assert float(row["confident_share"]) == 1.0


def test_the_network_is_saved_and_the_teacher_stays_in_the_state(trained):
    network = load(trained[0])
    state = load(trained[0], 4).model.get_weights()
    for one, other in zip(network.model.get_weights(), state, strict=True):
        np.testing.assert_array_equal(one, other)
    teacher = load(trained[0]).model
    checkpoints.read_network(trained[0], 4, "teacher", teacher)
    differs = [
        not np.array_equal(one, other)
        for one, other in zip(
            network.model.trainable_variables, teacher.trainable_variables, strict=True
        )
    ]
    assert all(differs)
    assert network.segment(np.zeros((1, 16, 16, 3), np.float32)).shape == (1, 16, 16, 3)


def test_without_weight_it_is_the_training_of_the_other_arms(fit, tiny, records, tmp_path):
    folder, _ = fit(weight=0.0)
    segmenter.fit(tiny(), Examples(records, records[:1]), 3, tmp_path, 5)
    for one, other in zip(
        load(folder).model.get_weights(), load(tmp_path).model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_every_setting_of_a_segmenter_is_one_here(fit):
    folder, facts = fit(
        {
            "network": "mobile_unet",
            "mobile_unet": {"alpha": 0.35, "filters": 2, "depth": 1},
            "pipeline": {"batch_size": 2, "crop": [16, 16], "scale": [0.8, 1.5], "jitter": 0.2},
            "class_weighting": "inverse_log",
            "label_smoothing": 0.1,
            "dice": 0.5,
            "weight_decay": 0.01,
            "schedule": "poly",
            "accumulate": 2,
            "select": "entropy",
            "steps": 2,
            "checkpoint_every": 1,
            "keep_checkpoints": 2,
        }
    )
    row = files.read_table(folder / "history.csv")[-1]
    assert {"cross_entropy", "dice", "target_entropy", "mixed_loss"} < {*row}
    assert checkpoints.kept_steps(folder) == [1, 2]
    assert facts["kept_step"] == facts["best_step"]
    assert load(folder).model.name == "mobile_unet"


def test_a_teacher_that_is_never_sure_is_warned_of(fit, trained):
    _, facts = fit(threshold=1.0)
    [warning] = facts["warnings"]
    assert warning == (
        "step 4: The teacher is sure of 0.0% of the target's pixels, so that hardly anything is"
        " learned of them. Lower self_training.threshold or train for more steps."
    )
    assert trained[1]["warnings"] == []


def test_without_images_of_the_target_it_does_not_begin(fit):
    with pytest.raises(DataError, match="There are no images of the target to train on"):
        fit(images=[])


@pytest.mark.parametrize(
    ("name", "value"), [("threshold", 1.1), ("ema", 1.0), ("weight", -1), ("jitter", 2)]
)
def test_a_setting_out_of_range_is_named(name, value):
    with pytest.raises(SettingsError, match=name):
        config.build(SelfTrainingConfig, {name: value})
