"""The labels of all true data there is, against a few lines of numpy."""

import re

import numpy as np
import pytest
from PIL import Image

from i2i_keras.datasets.spaces import LABEL_SPACES
from i2i_keras.preparation.domains import DomainConfig, audit_domain

ROOTS = {"camvid": "camvid", "idd": "idd_lite", "cityscapes": "cityscapes", "gta5": "gta5"}
# Where the labels of each data set are, and which split and frame a path is of.
LABELS = {
    "camvid": ("*annot/*.png", r"(\w+)annot/(\w+)\.png"),
    "idd": ("gtFine/*/*/*_label.png", r"gtFine/(\w+)/(\d+/\w+)_label\.png"),
    "cityscapes": ("gtFine/*/*/*_labelIds.png", r"gtFine/(\w+)/\w+/(\w+)_gtFine_labelIds\.png"),
    "gta5": ("labels/*.png", r"(labels)/(\d+)\.png"),
}
IDS_TO_IDD7 = {
    **{7: 0, 8: 1, 22: 1, 24: 2, 25: 2, 26: 3, 27: 3, 28: 3, 31: 3, 32: 3, 33: 3},
    **{12: 4, 13: 4, 17: 4, 19: 4, 20: 4, 11: 5, 21: 5, 23: 6},
}
EVALUATED = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
OF_IDS = {
    "idd7": IDS_TO_IDD7,
    "cityscapes19": {id_: train_id for train_id, id_ in enumerate(EVALUATED)},
    "cityscapes34": {id_: id_ for id_ in range(34)},
}
MAPPINGS = {
    ("camvid", "idd7"): {3: 0, 4: 1, 9: 2, 10: 2, 8: 3, 2: 4, 6: 4, 7: 4, 1: 5, 5: 5, 0: 6},
    ("idd", "idd7"): {n: n for n in range(7)},
    **{(name, space): m for name in ("cityscapes", "gta5") for space, m in OF_IDS.items()},
}
# Images and labels of train, val and test.
COUNTS = {
    "camvid": [(367, 367), (101, 101), (233, 233)],
    "idd": [(1403, 1403), (204, 204), (404, 0)],
    "cityscapes": [(6, 6), (3, 3), (2, 0)],
    "gta5": [(3, 3), (1, 1), (0, 0)],  # Frame 16742 is of the val split.
}


def oracle(root, name, mapping):
    """Pixels by label, of each file: by its split and frame."""
    pattern, place = LABELS[name]
    table = np.array([mapping.get(number, 255) for number in range(256)])
    found = {}
    for path in root.glob(pattern):
        with Image.open(path) as image:
            numbers = np.bincount(np.array(image).ravel(), minlength=256)
        pixels = np.bincount(table, weights=numbers, minlength=256).astype(int)
        split, frame = re.fullmatch(place, path.relative_to(root).as_posix()).groups()
        found[split, frame.replace("/", "_")] = {i: n for i, n in enumerate(pixels) if n}
    return found


@pytest.fixture(scope="module", params=MAPPINGS, ids=lambda pair: "-".join(pair))
def audited(request, real_data):
    """A data set, where it is, and what our reader makes of it."""
    name, space = request.param
    root = real_data / ROOTS[name]
    if not root.is_dir():
        pytest.skip(f"{root} is not there")
    return name, root, audit_domain(DomainConfig(format=name), root, space, workers=2)


def test_label_histograms_are_those_of_the_raw_files(audited, request):
    name, root, found = audited
    expected = oracle(root, name, MAPPINGS[request.node.callspec.params["audited"]])
    ours = {
        (split if name != "gta5" else "labels", row["name"]): row["pixels"]
        for split, rows in found.rows.items()
        for row in rows
        if row["pixels"]
    }
    assert len(ours) == sum(labels for _, labels in COUNTS[name])
    assert ours == expected


def test_nothing_is_wrong_with_the_true_files(audited):
    assert [finding for finding in audited[2].findings if finding.bad] == []


@pytest.mark.parametrize("name", COUNTS)
def test_every_split_has_its_images_and_labels(real_data, name):
    splits = DomainConfig(format=name).find(real_data / ROOTS[name])
    assert [*splits] == ["train", "val", "test"]
    assert COUNTS[name] == [
        (len(records), sum(record.label is not None for record in records))
        for records in splits.values()
    ]


def test_color_files_are_read_as_the_ids_beside_them_in_the_19_classes(real_data):
    root, space = real_data / "cityscapes", LABEL_SPACES["cityscapes19"]
    read = {}
    for encoding in ("ids", "colors"):
        config = DomainConfig(format="cityscapes", encoding=encoding)
        reader, records = config.labels(space).reader, config.find(root)["val"]
        read[encoding] = [reader.labels[reader.numbers(record.label)] for record in records]
    assert len(read["ids"]) == len(read["colors"]) == 3
    np.testing.assert_array_equal(read["ids"], read["colors"])
