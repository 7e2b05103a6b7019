import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.encodings import NO_CLASS, TRAIN_IDS
from i2i_keras.data.labels import CLASSES
from i2i_keras.datasets import DATASETS
from i2i_keras.datasets.gta5 import COLORS
from i2i_keras.datasets.readers import build_reader
from i2i_keras.datasets.spaces import LABEL_SPACES
from i2i_keras.errors import FileError, SettingsError

CITYSCAPES, GTA5 = DATASETS["cityscapes"], DATASETS["gta5"]
PALETTES = {"cityscapes": [row.color for row in CLASSES], "gta5": COLORS}
# Ids that a color cannot tell from another one, and which that is.
MERGED = {1: 0, 2: 0, 3: 0, 18: 17, 34: 26}
READ_AS = {
    "cityscapes": {id_: MERGED.get(id_, id_) for id_ in range(35)} | {4: 0},
    "gta5": {id_: MERGED.get(id_, id_) for id_ in range(35)},
}


def reader(dataset, encoding="ids", space="cityscapes34"):
    return build_reader(dataset, encoding, LABEL_SPACES[space])


def labels(reader_, path):
    """What the pipeline gets: labels instead of numbers."""
    return reader_.labels[reader_.numbers(path)]


def paint(path, ids, dataset, alpha=None):
    """Writes ids as a data set's colors."""
    pixels = np.array(PALETTES[dataset], np.uint8)[ids]
    if alpha is not None:
        pixels = np.dstack([pixels, alpha])
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize("dataset", PALETTES)
def test_colors_lead_back_to_every_class_but_for_the_stated_collisions(tmp_path, dataset):
    path = paint(tmp_path / "a.png", np.arange(35).reshape(5, 7), dataset)
    numbers = reader(DATASETS[dataset], "colors").numbers(path)
    assert dict(enumerate(numbers.ravel().tolist())) == READ_AS[dataset]


@pytest.mark.parametrize("dataset", PALETTES)
def test_colors_lead_back_to_every_one_of_the_19_classes(tmp_path, dataset):
    path = paint(tmp_path / "a.png", np.array([[*TRAIN_IDS.values()]]), dataset)
    colors = reader(DATASETS[dataset], "colors", "cityscapes19")
    np.testing.assert_array_equal(labels(colors, path), [range(19)])


def test_gta5s_static_is_no_color_of_cityscapes(tmp_path):
    path = paint(tmp_path / "a.png", np.array([[4, 7]]), "gta5")
    np.testing.assert_array_equal(reader(CITYSCAPES, "colors").numbers(path), [[NO_CLASS, 7]])


def test_the_palette_of_a_gta5_label_is_read_as_its_colors(tmp_path, save_palette):
    path = save_palette(tmp_path / "a.png", np.arange(35).reshape(5, 7))
    numbers = reader(GTA5, "colors").numbers(path)
    assert dict(enumerate(numbers.ravel().tolist())) == READ_AS["gta5"]


def test_the_transparency_of_color_files_is_left_out(tmp_path):
    ids = np.array([[7, 11, 23, 26]])
    path = paint(
        tmp_path / "a.png", ids, "cityscapes", alpha=np.array([[255, 0, 1, 128]], np.uint8)
    )
    np.testing.assert_array_equal(reader(CITYSCAPES, "colors").numbers(path), ids)


def test_the_transparency_of_a_palette_is_left_out(tmp_path, save_palette):
    path = save_palette(tmp_path / "a.png", [[7, 11, 23, 26]])
    with Image.open(path) as image:
        image.save(tmp_path / "b.png", transparency=bytes([0, 99] * 20))
    numbers = reader(CITYSCAPES, "colors").numbers(tmp_path / "b.png")
    np.testing.assert_array_equal(numbers, [[7, 11, 23, 26]])


def test_a_color_one_off_is_no_class(tmp_path, save):
    path = save(tmp_path / "a.png", [[(128, 64, 128), (128, 64, 129), (127, 64, 128)]])
    colors = reader(CITYSCAPES, "colors", "cityscapes19")
    np.testing.assert_array_equal(colors.numbers(path), [[7, NO_CLASS, NO_CLASS]])
    np.testing.assert_array_equal(labels(colors, path), [[0, 255, 255]])
    assert not colors.valid[NO_CLASS]


@pytest.mark.parametrize("dataset", ["cityscapes", "folder"])
def test_train_ids_are_the_19_classes_in_order(tmp_path, save, dataset):
    path = save(tmp_path / "a.png", [[*range(19), 255]])
    train_ids = reader(DATASETS[dataset], "train_ids", "cityscapes19")
    np.testing.assert_array_equal(labels(train_ids, path), [[*range(19), 255]])
    assert np.flatnonzero(train_ids.valid).tolist() == [*range(19), 255]


def test_train_ids_become_ids_in_a_space_of_ids(tmp_path, save):
    path = save(tmp_path / "a.png", [[0, 1, 10, 13, 18, 255]])
    train_ids = reader(CITYSCAPES, "train_ids", "cityscapes34")
    np.testing.assert_array_equal(labels(train_ids, path), [[7, 8, 23, 26, 33, 255]])


def test_train_ids_and_ids_of_one_picture_are_the_same_labels(tmp_path, save):
    ids = np.arange(34).reshape(2, 17)
    by_id = {row.id: row.train_id for row in CLASSES}
    one = save(tmp_path / "ids.png", ids)
    two = save(tmp_path / "train_ids.png", np.vectorize(by_id.get)(ids))
    for space in ("cityscapes19", "idd7"):
        np.testing.assert_array_equal(
            labels(reader(CITYSCAPES, "ids", space), one),
            labels(reader(CITYSCAPES, "train_ids", space), two),
        )


@pytest.mark.parametrize(
    ("encoding", "mode", "words"),
    [
        ("ids", "RGB", "a.png holds the same numbers three times (RGB); save one channel"),
        ("ids", "CMYK", "a.png holds CMYK pixels, not class numbers; if its colors are those"),
        ("colors", "L", "a.png holds L pixels, not colors; set encoding = 'ids' or 'train_ids'"),
        ("colors", "LA", "a.png holds LA pixels, not colors; set encoding = 'ids' or"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_what_to_do(tmp_path, encoding, mode, words):
    picture = Image.new(mode, (4, 3))
    if mode == "CMYK":
        picture.putpixel((0, 0), (10, 90, 0, 0))
    picture.save(tmp_path / "a.png", "TIFF" if mode == "CMYK" else "PNG")
    with pytest.raises(FileError) as error:
        reader(CITYSCAPES, encoding).numbers(tmp_path / "a.png")
    assert words in str(error.value)


@pytest.mark.parametrize("encoding", ["ids", "train_ids", "colors"])
def test_a_jpeg_is_refused_under_any_name(tmp_path, encoding):
    Image.new("RGB", (4, 3)).save(tmp_path / "a.png", "JPEG")
    with pytest.raises(FileError, match=r"a\.png is a JPEG, which blurs labels; give a PNG"):
        reader(CITYSCAPES, encoding).numbers(tmp_path / "a.png")


@pytest.mark.parametrize("dataset", ["camvid", "idd"])
def test_a_space_that_does_not_know_the_classes_is_refused(dataset):
    with pytest.raises(SettingsError) as error:
        reader(DATASETS[dataset], space="cityscapes19")
    assert str(error.value) == (
        f"The label space cityscapes19 does not say what the classes of {dataset!r} are; set"
        " prepare.label_space to idd7, or to a TOML file that does."
    )
