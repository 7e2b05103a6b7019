import numpy as np
import pytest
from PIL import Image

from i2i_keras import config
from i2i_keras.data.labels import IGNORE
from i2i_keras.data.records import Record
from i2i_keras.segmenters.segmenter_config import SegmenterConfig
from i2i_keras.segmenters.segmenter_training import Examples, fit


@pytest.fixture(scope="session")
def tiny():
    """Settings of the smallest segmenter, with changes to any of them."""

    def build(**changes):
        table = {
            "unet": {"filters": 4, "depth": 1, "l2": 0.0},
            "pipeline": {"batch_size": 2, "crop": [16, 16]},
            "steps": 4,
            "checkpoint_every": 2,
        }
        return config.build(SegmenterConfig, table | changes)

    return build


@pytest.fixture(scope="session")
def records(tmp_path_factory):
    """Two images whose color says the class, but for a frame to be ignored."""
    folder, rng = tmp_path_factory.mktemp("records"), np.random.default_rng(0)
    colors = np.array([(200, 30, 30), (30, 200, 30), (30, 30, 200)], np.uint8)
    found = []
    for number in range(2):
        record = Record(str(number), folder / f"{number}.png", folder / f"{number}-label.png")
        label = np.kron(rng.integers(0, 3, (4, 5)), np.ones((5, 5))).astype(np.uint8)
        Image.fromarray(colors[label]).save(record.image)
        label[:2] = IGNORE
        Image.fromarray(label).save(record.label)
        found.append(record)
    return found


@pytest.fixture(scope="session")
def trained(tmp_path_factory, tiny, records):
    """Folder of a training of four steps, and what it returned."""
    folder = tmp_path_factory.mktemp("trained")
    facts = fit(tiny(schedule="cosine"), Examples(records, records[:1]), 3, folder, 5)
    return folder, facts
