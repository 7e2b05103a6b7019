"""Exported segmenters, run as their users will: without this package."""

import functools
import importlib.util
import json
import zipfile

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras import config
from i2i_keras.data.records import Record, write_records
from i2i_keras.datasets.spaces import SpaceClass, build_space, write_space
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.experiment import segmenting
from i2i_keras.experiment.choosing import TrainedSegmenter
from i2i_keras.models.formats import FORMATS
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run
from i2i_keras.segmenters import segmenter_training
from i2i_keras.segmenters.segmenter_config import SegmenterConfig
from i2i_keras.segmenters.trained import load

NAMES = ("dark", "light", "red", "blue")
SPACE = build_space("four", [SpaceClass(name=name, color=(0, 0, 0)) for name in NAMES])
NETWORKS = {
    "unet": {"unet": {"filters": 4, "depth": 2, "l2": 0.0}},
    "mobile_unet": {"mobile_unet": {"alpha": 0.35, "filters": 4, "depth": 3}},
}
STRIDES = {"unet": 4, "mobile_unet": 8}
MISSING = any(importlib.util.find_spec(name) is None for name in FORMATS["onnx"].modules)
without_onnx = pytest.mark.skipif(MISSING, reason="the extra onnx is not installed")
KINDS = [pytest.param(k, marks=without_onnx) if k == "onnx" else k for k in sorted(FORMATS)]


def scene(rng, height, width):
    """Blocks of four kinds in noise: an image, and its label."""
    blocks = rng.integers(0, 4, (-(-height // 8), -(-width // 8)), np.uint8)
    label = blocks.repeat(8, 0).repeat(8, 1)[:height, :width]
    colors = np.array([(40, 40, 40), (210, 210, 210), (190, 60, 60), (60, 60, 190)])
    noise = rng.normal(0, 25, (height, width, 3))
    return np.clip(colors[label] + noise, 0, 255).astype(np.uint8), label


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Both networks, trained for a few steps as two arms."""
    run = Run(tmp_path_factory.mktemp("exporting") / "run")
    rng = np.random.default_rng(0)

    def records(folder):
        write_space(folder / "label_space.json", SPACE)
        rows = []
        for number in range(12):
            places = [folder / f"{number}-{what}.png" for what in ("image", "label")]
            for place, pixels in zip(places, scene(rng, 40, 72), strict=True):
                Image.fromarray(pixels).save(place)
            rows.append(Record(str(number), *places))
        write_records(run.root, folder / "target-train.csv", rows)
        return {}

    run.stage("prepare", {}, {}, records)
    rows = segmenting.prepared(run, "target-train")
    for arm, network in zip(("source_only", "oracle"), NETWORKS, strict=True):
        pipeline = {"batch_size": 4, "crop": [32, 32]}
        table = {"network": network, "steps": 40, "checkpoint_every": 20, "pipeline": pipeline}
        settings = config.build(SegmenterConfig, table | NETWORKS[network])

        def train(folder, settings=settings):
            return segmenter_training.fit(settings, segmenter_training.Examples(rows), 4, folder, 0)

        run.stage(f"train-segmenter/{arm}", {}, {}, train)
    return run


@pytest.fixture(
    scope="module", params=["unet", pytest.param("mobile_unet", marks=pytest.mark.slow)]
)
def trained(request, run):
    return TrainedSegmenter(run, {"unet": "source_only", "mobile_unet": "oracle"}[request.param])


@pytest.fixture(scope="module", params=KINDS)
def exported(request, trained, tmp_path_factory):
    """Format, file, and what the comparison said."""
    out = tmp_path_factory.mktemp("exported") / "deep" / "exported"
    return request.param, out, segmenting.export(trained, request.param, out, None)


@functools.cache
def keras_network(trained):
    model = load(trained.folder, trained.step).model
    return tf.function(lambda images: model(images, training=False), reduce_retracing=True)


def own_classes(trained, pixels):
    """What the arm says of an image, by numpy and Keras."""
    stride = STRIDES[files.read_json(trained.folder / "config.json")["network"]]
    padding = [(0, -side % stride) for side in pixels.shape[:2]]
    padded = np.pad(pixels, (*padding, (0, 0)), mode="symmetric")
    images = padded[np.newaxis].astype(np.float32) / 127.5 - 1.0
    logits = keras_network(trained)(images)
    return logits.numpy()[0, : pixels.shape[0], : pixels.shape[1]].argmax(-1)


def run_tflite(path, pixels):
    interpreter = tf.lite.Interpreter(str(path))
    place = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(place, (1, *pixels.shape))
    interpreter.allocate_tensors()
    interpreter.set_tensor(place, pixels[np.newaxis])
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]


def run_onnx(path, pixels):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["classes"], {"image": pixels[np.newaxis]})[0][0]


@functools.cache
def load_saved_model(path):
    return tf.saved_model.load(str(path))


def run_saved_model(path, pixels):
    signature = load_saved_model(path).signatures["serving_default"]
    return signature(image=tf.constant(pixels[np.newaxis]))["classes"].numpy()[0]


def labels_of_tflite(path):
    with zipfile.ZipFile(path) as archive:
        return archive.read("labels.txt").decode().splitlines()


def labels_of_onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return json.loads(session.get_modelmeta().custom_metadata_map["labels"])


def labels_of_saved_model(path):
    return (path / "assets.extra" / "labels.txt").read_text("utf-8").splitlines()


def test_an_exported_segmenter_gives_the_arms_own_classes_on_20_images(trained, exported):
    kind, out, (other, total) = exported
    assert total > 10 * 40 * 72
    assert other <= 1e-4 * total
    assert [path.name for path in out.parent.iterdir()] == ["exported"]

    rng = np.random.default_rng(1)
    different = pixels = 0
    seen = set()
    for size in [(48, 80)] * 10 + [(37, 53)] * 10:
        image, _ = scene(rng, *size)
        found, wanted = globals()[f"run_{kind}"](out, image), own_classes(trained, image)
        assert (found.dtype, found.shape) == (np.uint8, size)
        different += int((found != wanted).sum())
        pixels += found.size
        seen |= {*np.unique(found)}
    print(f"\n{kind}: {different} of {pixels} pixels differ")
    assert different <= 1e-4 * pixels
    assert seen == {0, 1, 2, 3}
    assert globals()[f"labels_of_{kind}"](out) == [*NAMES]


def test_an_exported_segmenter_takes_images_of_any_size(trained, exported):
    kind, out, _ = exported
    image, _ = scene(np.random.default_rng(2), 50, 33)
    run = globals()[f"run_{kind}"]
    for height, width in ((1, 1), (1, 33), (50, 1), (5, 3), (16, 32)):
        found = run(out, image[:height, :width])
        assert found.shape == (height, width)
        if min(height, width) >= 5:  # Smaller ones are mirrored again and again.
            assert (found != own_classes(trained, image[:height, :width])).mean() <= 1e-4


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "tflite"])
def test_images_of_a_batch_do_not_see_each_other(run, tmp_path, kind):
    trained, rng = TrainedSegmenter(run, "source_only"), np.random.default_rng(3)
    segmenting.export(trained, kind, tmp_path / "exported", None)
    images = np.stack([scene(rng, 24, 31)[0] for _ in range(3)])
    found = FORMATS[kind].read(tmp_path / "exported")(images)
    np.testing.assert_array_equal(found, [own_classes(trained, image) for image in images])


def test_a_kept_state_is_exported_and_compared_on_a_given_image(run, tmp_path):
    image, _ = scene(np.random.default_rng(4), 41, 30)
    Image.fromarray(image).save(tmp_path / "image.png")
    made = []
    for step in (20, 40):
        trained, out = TrainedSegmenter(run, "source_only", step), tmp_path / str(step)
        found = segmenting.export(trained, "saved_model", out, tmp_path / "image.png")
        assert found == (0, 41 * 30 + 31 * 23)  # Three quarters, odd.
        made.append(run_saved_model(out, image))
        np.testing.assert_array_equal(made[-1], own_classes(trained, image))
    assert (made[0] != made[1]).any()


def test_what_comes_out_different_is_not_written(run, tmp_path, monkeypatch):
    read_tflite = FORMATS["tflite"].read

    def one_wrong(path):
        ours = read_tflite(path)

        def read(images):
            classes = ours(images).copy()
            classes[:, 0, 0] ^= 1
            return classes

        return read

    monkeypatch.setitem(FORMATS, "tflite", FORMATS["tflite"]._replace(read=one_wrong))
    message = r"tflite gives 20 of 4\d{4} pixels another class .* than 1 in 10000; .* not writ"
    with pytest.raises(DataError, match=message):
        segmenting.export(
            TrainedSegmenter(run, "source_only"), "tflite", tmp_path / "exported", None
        )
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten_and_an_unknown_format_refused(run, tmp_path):
    trained = TrainedSegmenter(run, "source_only")
    (tmp_path / "mine").write_text("mine", "utf-8")
    with pytest.raises(DataError, match="mine is there already; delete it, or give another"):
        segmenting.export(trained, "saved_model", tmp_path / "mine", None)
    with pytest.raises(SettingsError, match="No format 'pb'; there are saved_model, tflite, onnx"):
        segmenting.export(trained, "pb", tmp_path / "out", None)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
