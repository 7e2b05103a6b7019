import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.records import Record
from i2i_keras.evaluation.distribution import Extractor
from i2i_keras.experiment.quality import _Compared, _measure_distances


@pytest.fixture
def compared(tmp_path):
    """From a number to as many images of each kind."""

    def make(count):
        records = []
        for number in range(count):
            path = tmp_path / f"{number}.png"
            pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
            Image.fromarray(pixels).save(path)
            records.append(Record(str(number), path, None))
        return _Compared(records, records, records)

    return make


@pytest.mark.parametrize(("count", "known"), [(1, False), (2, True)])
def test_distances_need_two_images(compared, count, known):
    eye = Extractor(lambda images: images[:, 0, 0], "corners")
    found = _measure_distances(eye, 1, compared(count), ("source", "translated"))
    assert [bool(found[kind]) for kind in ("frechet_distance", "kernel_distance")] == [known] * 2
    if known:
        assert np.isfinite([*found["frechet_distance"].values()]).all()
