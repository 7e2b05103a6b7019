"""Frames of the true Cityscapes and GTA5, where there are any."""

import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.labels import CLASSES
from i2i_keras.data.records import read_records
from i2i_keras.datasets import DATASETS
from i2i_keras.datasets.gta5 import COLORS
from i2i_keras.preparation.domains import Domain, DomainConfig
from i2i_keras.preparation.prepare import PrepareConfig, prepare

NATIVE = {"cityscapes": (1024, 2048), "gta5": (1052, 1914)}
TRAIN_IDS = (
    *((7, 0), (8, 1), (11, 2), (12, 3), (13, 4), (17, 5), (19, 6), (20, 7), (21, 8), (22, 9)),
    *((23, 10), (24, 11), (25, 12), (26, 13), (27, 14), (28, 15), (31, 16), (32, 17), (33, 18)),
)


def raw_ids(path):
    """An oracle: the numbers of the file, whatever its palette."""
    with Image.open(path) as image:
        assert image.mode in "LP"
        return np.array(image)


def to_space(ids, space):
    """An oracle of the look-up table: class by class."""
    if space == "cityscapes34":
        return np.where(ids <= 33, ids, 255)
    label = np.full_like(ids, 255)
    for id_, train_id in TRAIN_IDS:
        label[ids == id_] = train_id
    return label


@pytest.fixture(scope="module", params=NATIVE)
def labelled(request, real_data):
    """The format and some labelled raw records."""
    splits = DATASETS[request.param].splits["official"](real_data / request.param)
    records = [record for split in ("val", "train") for record in splits[split] if record.label]
    assert records
    return request.param, real_data / request.param, records[:4]


def prepared(root, labelled, **settings):
    format_, raw, records = labelled
    config = PrepareConfig(workers=1, **settings)
    domain = Domain(DomainConfig(format=format_), raw, {"train": records})
    prepare(config, {"source": domain}, root)
    return zip(read_records(root, root / "prepare/source-train.csv"), records, strict=True)


@pytest.mark.parametrize("space", ["cityscapes34", "cityscapes19"])
def test_prepared_labels_have_the_histogram_of_the_raw_ones(tmp_path, labelled, space):
    pairs = prepared(tmp_path, labelled, size=NATIVE[labelled[0]], label_space=space)
    for record, raw in pairs:
        np.testing.assert_array_equal(
            np.bincount(raw_ids(record.label).ravel(), minlength=256),
            np.bincount(to_space(raw_ids(raw.label), space).ravel(), minlength=256),
        )


@pytest.mark.parametrize("space", ["cityscapes34", "cityscapes19"])
def test_labels_of_the_working_size_are_the_nearest_raw_ones(tmp_path, labelled, space):
    for record, raw in prepared(tmp_path, labelled, size=(280, 560), label_space=space):
        ids = raw_ids(raw.label)
        rows, columns = (
            (2 * np.arange(new) + 1) * old // (2 * new)
            for old, new in zip(ids.shape, (280, 560), strict=True)
        )
        expected = to_space(ids[rows][:, columns], space)
        np.testing.assert_array_equal(raw_ids(record.label), expected)


def test_images_of_the_working_size_keep_their_mean_color(tmp_path, labelled):
    for record, raw in prepared(tmp_path, labelled, size=(280, 560)):
        with Image.open(record.image) as image, Image.open(raw.image) as original:
            assert (image.mode, image.size) == ("RGB", (560, 280))
            np.testing.assert_allclose(
                np.mean(image, axis=(0, 1)), np.mean(original, axis=(0, 1)), atol=0.5
            )


def test_gta5s_palette_is_that_of_the_class_table(real_data):
    with Image.open(real_data / "gta5" / "labels" / "00003.png") as image:
        palette = np.reshape(image.getpalette()[: 3 * 34], (-1, 3)).tolist()
    assert palette == [list(color) for color in COLORS[:34]]


def test_cityscapes_color_files_have_the_colors_of_the_class_table(real_data):
    table = np.array([row.color for row in CLASSES])
    files = sorted((real_data / "cityscapes" / "gtFine").rglob("*_color.png"))
    assert files
    for path in files:
        ids = raw_ids(path.with_name(path.name.replace("_color", "_labelIds")))
        with Image.open(path) as image:
            drawn = np.array(image)[..., :3]
        evaluated = np.isin(ids, [id_ for id_, _ in TRAIN_IDS if id_ != 17])
        np.testing.assert_array_equal(drawn[evaluated], table[ids[evaluated]])
