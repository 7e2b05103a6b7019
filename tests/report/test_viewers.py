import base64
import shutil
import zlib

import numpy as np
import pytest

from i2i_keras.data.records import read_label
from i2i_keras.datasets.spaces import LABEL_SPACES
from i2i_keras.evaluation import metrics
from i2i_keras.report.viewers import image_scores, prediction_viewers, translation_viewers
from i2i_keras.report.widgets import packed_label, picture_url
from i2i_keras.run_folder.run import Run

SPACE = LABEL_SPACES["cityscapes19"]
ARMS = ["source_only", "adapted:cyclegan", "oracle"]


def unpacked(packed):
    values = np.frombuffer(zlib.decompress(base64.b64decode(packed["zlib"])), np.uint8)
    return values.reshape(packed["height"], packed["width"])


@pytest.fixture
def counted(full_run, tmp_path):
    """A full run whose arms were counted image by image."""
    run = Run(tmp_path / "run")
    shutil.copytree(full_run.root, run.root)
    rng = np.random.default_rng(0)
    for arm in ARMS:
        run.scores(arm).mkdir(parents=True, exist_ok=True)
        np.savez(run.confusions(arm), confusions=rng.integers(0, 9, (2, 19, 19)))
    return run


def test_every_layer_of_an_image_is_what_lies_in_the_run(full_run):
    target, source = prediction_viewers(full_run, ARMS, SPACE, "adapted:cyclegan")
    kinds = [(layer["title"], layer["kind"]) for layer in target.data["layers"]]
    assert kinds == [
        ("image", "picture"),
        ("truth", "label"),
        *((arm, "label") for arm in ARMS),
        *((f"errors of {arm}", "error") for arm in ARMS),
    ]
    keys = {layer["title"]: layer["key"] for layer in target.data["layers"]}
    assert target.data["right"] == keys["adapted:cyclegan"]
    item = target.data["items"][1]
    wanted = full_run.predictions("oracle") / f"{item['name']}.png"
    np.testing.assert_array_equal(unpacked(item["layers"][keys["oracle"]]), read_label(wanted))
    assert [layer["title"] for layer in source.data["layers"]][2] == "source_only"


def test_scores_are_those_of_each_image_alone(counted):
    found = image_scores(counted, ARMS)
    counts = np.load(counted.confusions("oracle"))["confusions"]
    assert found["oracle"] == pytest.approx(
        dict(zip(("000", "001"), metrics.mean_iou(counts), strict=True))
    )
    viewer, _ = prediction_viewers(counted, ARMS, SPACE, "oracle")
    assert viewer.data["items"][0]["scores"]["arm2"] == pytest.approx(found["oracle"]["000"])
    assert "2 test images" in viewer.caption


def test_arms_that_were_counted_on_other_images_have_no_scores(counted):
    np.savez(counted.confusions("oracle"), confusions=np.ones((5, 19, 19), int))
    assert "oracle" not in image_scores(counted, ARMS)


def test_translations_are_beside_what_they_are_of(full_run):
    (viewer,) = translation_viewers(full_run)
    assert [layer["title"] for layer in viewer.data["layers"]] == ["source", "by cyclegan"]
    assert [item["name"] for item in viewer.data["items"]] == ["000", "001"]


def test_the_translator_of_the_best_arm_is_shown_first(full_run):
    for name in ("color", "zebra"):
        shutil.copytree(full_run.translated("cyclegan"), full_run.translated(name))
        for table in full_run.translated(name).glob("*.csv"):
            table.write_text(table.read_text().replace("/cyclegan/", f"/{name}/"))

    def right(best):
        (viewer,) = translation_viewers(full_run, best)
        layers = {layer["key"]: layer["title"] for layer in viewer.data["layers"]}
        return layers[viewer.data["right"]]

    assert right("adapted:cyclegan") == "by cyclegan"
    assert right("label_safe:color") == "by color"
    assert right("adabn") == right(None) == "by zebra"


def test_large_pictures_are_shown_smaller_and_labels_keep_their_classes():
    label = np.random.default_rng(0).integers(0, 19, (1500, 3000)).astype(np.uint8)
    packed = packed_label(label)
    assert (packed["height"], packed["width"]) == (500, 1000)
    np.testing.assert_array_equal(unpacked(packed), label[::3, ::3])
    large = picture_url(np.zeros((1500, 3000, 3), np.uint8))
    assert len(large) < 20_000
