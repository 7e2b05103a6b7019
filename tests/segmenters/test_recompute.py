"""A segmenter that computes again learns the same."""

import pytest

from i2i_keras.segmenters import segmenter, segmenter_training, self_training
from i2i_keras.segmenters.segmenter_training import Examples
from i2i_keras.segmenters.self_training_config import SelfTrainingConfig


def test_what_was_trained_without_it_stays_valid(tiny):
    assert tiny(recompute=True).facts() == tiny().facts()


@pytest.mark.parametrize(
    "recipe",
    [
        {},
        pytest.param(
            {"accumulate": 2, "dice": 0.5, "network": "mobile_unet"}, marks=pytest.mark.slow
        ),
    ],
    ids=str,
)
def test_it_ends_with_the_same_bits(tmp_path, tiny, records, recipe):
    if "network" in recipe:
        recipe = {**recipe, "mobile_unet": {"alpha": 0.35, "filters": 4}}
    examples = Examples(records, records[:1])
    for again in (False, True):
        segmenter_training.fit(
            tiny(recompute=again, **recipe), examples, 3, tmp_path / str(again), 5
        )
    histories = [(tmp_path / str(again) / "history.csv").read_bytes() for again in (False, True)]
    assert histories[0] == histories[1]


@pytest.mark.slow
def test_self_training_does(tmp_path, tiny, records):
    examples = Examples(records, records[:1], [record.image for record in records])
    both = SelfTrainingConfig(threshold=0.4)
    for again in (False, True):
        self_training.fit(both, tiny(recompute=again), examples, 3, tmp_path / str(again), 5)
    histories = [(tmp_path / str(again) / "history.csv").read_bytes() for again in (False, True)]
    assert histories[0] == histories[1]


def test_the_step_is_another(tiny):
    def operations(again):
        import tensorflow as tf

        model = segmenter.SegmenterModel(tiny(recompute=again), 3)
        model.compile(4)
        batch = tf.TensorSpec((2, 16, 16, 3)), tf.TensorSpec((2, 16, 16), tf.int32)
        graph = tf.function(model.train_step).get_concrete_function(batch).graph
        return sum(operation.type == "Conv2D" for operation in graph.get_operations())

    assert operations(True) > operations(False)
