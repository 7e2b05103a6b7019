"""What `import i2i_keras as i2i` gives, as a program uses it."""

import subprocess
import sys

import numpy as np
import pytest

import i2i_keras as i2i
from i2i_keras.data.records import read_image, read_label
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.evaluation.metrics import mean_iou


@pytest.fixture(scope="module")
def done(tmp_path_factory, tiny_experiment):
    """A run, by `i2i.run` alone."""
    arms = 'arms=["source_only", "adapted:cyclegan", "adapted:color", "oracle"]'
    experiment = tiny_experiment(tmp_path_factory.mktemp("api") / "run", arms)
    experiment.summary = i2i.run(experiment.settings(), experiment.root)
    return experiment


@pytest.fixture(scope="module")
def pixels(done):
    """An image whose sides no network takes as they are."""
    return np.asarray(read_image(done.records("prepare/target-test")[0].image))[:27, :45]


def test_a_run_gives_its_summary_and_is_not_done_twice(done):
    assert list(done.summary["arms"]) == [*done.settings().arms]
    assert i2i.run(done.settings(), done.root) == done.summary


def test_a_run_of_other_settings_is_refused(done):
    with pytest.raises(DataError, match="was made with other settings: seed = 0 in the run, 1 h"):
        i2i.run(done.settings("seed=1"), done.root)


@pytest.mark.parametrize("direction", ["xy", "yx"])
def test_a_translator_is_a_function_of_images(done, pixels, direction):
    translate = i2i.load_translator(done.root, direction)
    assert (translate.method, translate.direction) == ("cyclegan", direction)
    made = translate(pixels)
    assert (made.shape, made.dtype) == (pixels.shape, np.uint8)
    floats = translate((pixels / 127.5 - 1).astype(np.float32))
    assert floats.dtype == np.float32
    np.testing.assert_allclose(made, (floats + 1) * 127.5, atol=0.51)
    assert np.array_equal(translate(np.stack([pixels, pixels]))[1], made)
    assert translate.model.output_shape[-1] == 3


def test_a_translator_gives_what_the_run_has_translated(done):
    translate = i2i.load_translator(done.root / "train-translator" / "cyclegan")
    before, after = (
        done.records(f"{t}/source-train")[0] for t in ("prepare", "translate/cyclegan")
    )
    made = translate(np.asarray(read_image(before.image)))
    difference = np.abs(made.astype(int) - np.asarray(read_image(after.image)))
    assert difference.max() <= 1


def test_a_method_without_a_network_is_a_function_too(done, pixels):
    translate = i2i.load_translator(done.root, method="color")
    assert translate.model is None
    assert translate(pixels).shape == pixels.shape


def test_a_segmenter_gives_the_classes_of_images(done, pixels):
    segment = i2i.load_segmenter(done.root, arm="oracle")
    classes = segment(pixels)
    assert (classes.shape, classes.dtype) == (pixels.shape[:2], np.uint8)
    assert classes.max() < len(segment.names) == segment.model.output_shape[-1]
    assert np.array_equal(segment(np.stack([pixels]))[0], classes)
    again = i2i.load_segmenter(done.root / "train-segmenter" / "oracle")
    assert np.array_equal(again(pixels), classes)


def test_a_segmenter_gives_what_the_run_has_predicted(done):
    record = done.records("prepare/target-test")[0]
    kept = done.root / "evaluate" / "predictions" / "oracle" / f"{record.name}.png"
    segment = i2i.load_segmenter(done.root, arm="oracle")
    assert np.array_equal(segment(np.asarray(read_image(record.image))), read_label(kept))


def test_of_several_segmenters_the_best_without_target_labels_is_loaded(done):
    assert i2i.load_segmenter(done.root).arm != "oracle"


@pytest.mark.parametrize(
    "images", [np.zeros((4, 4)), np.zeros((4, 4, 3), int), np.full((4, 4, 3), 2.0)]
)
def test_other_arrays_are_refused(done, images):
    with pytest.raises(ValueError, match="images have to be"):
        i2i.load_translator(done.root)(images)


def test_a_path_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="is no folder; give a run directory"):
        i2i.load_translator(tmp_path / "nowhere")


def test_confusions_are_scored_with_intervals():
    rng = np.random.default_rng(0)
    good = np.stack([np.diag(rng.integers(50, 90, 4)) + 1 for _ in range(30)])
    bad = good + rng.integers(20, 40, good.shape)
    arms = i2i.evaluate_confusions({"source_only": bad, "adapted:mine": good}, samples=200)
    assert arms["source_only"]["mean_iou"] == pytest.approx(mean_iou(bad.sum(axis=0)))
    low, high = arms["adapted:mine"]["gain_ci95"]
    assert 0 < low < arms["adapted:mine"]["gain"] < high


def test_nothing_heavy_is_imported_before_it_is_used():
    code = "import sys, i2i_keras as i2i; dir(i2i); sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_there_is_not_is_no_attribute():
    with pytest.raises(AttributeError, match="has no attribute 'load_nothing'"):
        i2i.load_nothing  # noqa: B018


def test_what_is_offered_is_what_there_is():
    assert {*dir(i2i)} == {"__version__", *i2i.__all__}
    assert all(callable(getattr(i2i, name)) for name in i2i.__all__)


def test_a_run_that_cannot_be_done_leaves_nothing(tmp_path):
    with pytest.raises(SettingsError, match="Give the source's folder"):
        i2i.run("student_report", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_that_is_no_run_is_said_to_be_none(tmp_path):
    for load in (i2i.load_translator, i2i.load_segmenter):
        with pytest.raises(SettingsError, match="is no run directory; give one, or its"):
            load(tmp_path)


@pytest.mark.parametrize(
    "confusions",
    [
        {},
        {"source_only": np.ones((4, 3))},
        {"source_only": np.ones((5, 3, 3)), "adapted:mine": np.ones((4, 3, 3))},
        {"source_only": np.ones((5, 3, 3)), "adapted:mine": np.ones((5, 4, 4))},
        {"source_only": np.ones((1, 5, 3, 3)), "adapted:mine": np.ones((3, 5, 3, 3))},
    ],
)
def test_confusions_that_do_not_belong_together_are_refused(confusions):
    with pytest.raises(ValueError, match="confusions have to be"):
        i2i.evaluate_confusions(confusions)


def test_images_without_pixels_are_refused(done):
    with pytest.raises(ValueError, match="images have to have pixels"):
        i2i.load_translator(done.root)(np.zeros((0, 8, 8, 3), np.uint8))
