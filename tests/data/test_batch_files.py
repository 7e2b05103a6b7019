import numpy as np
import pytest

from i2i_keras.data.batch_files import batch_files
from i2i_keras.data.order import by_rare_classes, shuffled
from i2i_keras.data.pipeline import PipelineConfig, training_batches
from i2i_keras.data.records import Record


@pytest.mark.parametrize("step", [1, 2, 3, 4, 9])
@pytest.mark.parametrize(
    "order", [shuffled(7, 11), by_rare_classes(np.eye(7, dtype=np.int64), 0.1, 11)]
)
def test_the_files_of_a_batch_are_those_of_its_images(tmp_path, save, step, order):
    records = [
        Record(str(n), save(tmp_path / f"{n}.png", np.full((4, 4, 3), 10 * n)), None)
        for n in range(7)
    ]
    config = PipelineConfig(batch_size=3, crop=(4, 4))
    images, _ = next(iter(training_batches(config, records, 11, step - 1, order=order)))
    seen = [round(127.5 * (1 + float(image[0, 0, 0])) / 10) for image in images]
    assert [int(path.stem) for path in batch_files(records, 3, order, step)] == seen
