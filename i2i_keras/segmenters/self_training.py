"""Trains a segmenter on labelled records and on the target's images."""

from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from i2i_keras.data.pipeline import training_batches
from i2i_keras.data.records import Record
from i2i_keras.errors import DataError
from i2i_keras.run_folder.files import Facts
from i2i_keras.segmenters import segmenter as segmenters
from i2i_keras.segmenters.segmenter_config import SegmenterConfig
from i2i_keras.segmenters.self_training_config import SelfTrainingConfig
from i2i_keras.segmenters.self_training_model import SelfTrainingModel
from i2i_keras.training.history import Row, Warning

_UNSURE = 0.01  # Share of the target's pixels.


def fit(
    config: SelfTrainingConfig,
    segmenter: SegmenterConfig,
    examples: segmenters.Examples,
    num_classes: int,
    folder: Path,
    seed: int,
) -> Facts:
    """Trains a segmenter by DACS and saves it as `segmenter.fit` does.

    Labelled batches are those that `segmenter.fit` has. States hold the
    teacher, too.

    Args:
        config: of the self-training.
        segmenter: of network and training.
        examples: labelled records, and images of the target.
        num_classes: size of the label space.
        folder: see `segmenter.fit`.
        seed: of weights, batches and mixing.

    Returns:
        What `segmenter.fit` returns.

    Raises:
        DataError: see `segmenter.fit`; or there are no images of the target.
    """
    if not examples.target:
        raise DataError(
            "There are no images of the target to train on; check target.split and target.root."
        )
    weights = segmenters.begin(segmenter, examples, num_classes, seed)
    model = SelfTrainingModel(config, segmenter, num_classes, weights, seed)
    # Colors change when the teacher has seen them.
    pipeline = segmenter.pipeline.model_copy(update={"jitter": 0.0})
    target = [Record(path.stem, path, None) for path in examples.target]

    def batches(first: int) -> tf.data.Dataset:
        labelled = training_batches(segmenter.pipeline, examples.train, seed, first)
        # Of another stream than any labelled one, whose seeds are not negative.
        unlabelled = training_batches(pipeline, target, -1 - seed, first)
        return tf.data.Dataset.zip((labelled, unlabelled)).map(lambda x, y: (*x, y[0]))

    facts = {"seed": seed, "self_training": config.model_dump(mode="json")}
    return segmenters.train(model, batches, examples, folder, facts, _diagnose)


def _diagnose(rows: Sequence[Row]) -> list[Warning]:
    """Warns of a teacher that is never sure, from the second row on."""
    share = rows[-1].get("confident_share", 1.0)
    if len(rows) < 2 or share >= _UNSURE:
        return []
    text = (
        f"The teacher is sure of {share:.1%} of the target's pixels, so that hardly anything is"
        " learned of them. Lower self_training.threshold or train for more steps."
    )
    return [Warning("unsure", text)]
