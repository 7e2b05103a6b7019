import functools
import json
import re
import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from PIL import Image

from i2i_keras.cli import main
from i2i_keras.data.records import Record, write_records
from i2i_keras.datasets.spaces import SpaceClass, build_space, write_space
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.experiment.choosing import TrainedSegmenter, choose
from i2i_keras.experiment.segmenting import Look, segment_images
from i2i_keras.models.unet import UNetConfig, build_unet
from i2i_keras.run_folder import files, locks
from i2i_keras.run_folder.locks import Shard
from i2i_keras.run_folder.places import folder_name
from i2i_keras.run_folder.run import Run
from i2i_keras.training.checkpoints import Checkpoints

RNG = np.random.default_rng(0)
COLORS = [(200, 0, 0), (0, 101, 0), (0, 0, 255), (255, 255, 255)]
SPACE = build_space("four", [SpaceClass(name=f"c{n}", color=c) for n, c in enumerate(COLORS)])
CONFIG = UNetConfig(filters=4, depth=2, l2=0.0)
ARMS = ("source_only", "adapted:cyclegan", "oracle")
HEIGHT, ALL = 24, Shard()


def picture(height, width):
    return RNG.integers(0, 256, (height, width, 3), np.uint8)


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def read(path):
    with Image.open(path) as image:
        return np.asarray(image)


@functools.cache
def network(seed):
    """A U-Net of random weights, which finds all classes in noise."""
    keras.utils.set_random_seed(seed)
    model = build_unet(CONFIG, len(COLORS))
    head = model.get_layer("logits")
    noise = np.random.default_rng(seed).uniform(-1, 1, (4, 24, 24, 3)).astype(np.float32)
    logits = model(noise, training=False).numpy()
    head.kernel.assign(head.kernel / logits.std((0, 1, 2)))
    head.bias.assign(-logits.mean((0, 1, 2)) / logits.std((0, 1, 2)))
    return model


def trained(run, arm, seed):
    """What a training leaves, but for the training: states of steps 2 and 4."""

    def train(folder):
        facts = {"num_classes": len(COLORS), "network": "unet", "unet": CONFIG.model_dump()}
        files.write_json(folder / "config.json", facts)
        for step in (2, 4):
            holder = tf.Module()
            holder.network = network(10 * seed + step)
            Checkpoints(holder, folder).save(step, {})
        holder.network.save_weights(folder / "unet.weights.h5")
        return {}

    run.stage(f"train-segmenter/{folder_name(arm)}", {}, {}, train)


def prepared(run):
    def records(folder):
        write_space(folder / "label_space.json", SPACE)
        image = folder / "target-train" / "0.png"
        save(image, picture(HEIGHT, 40))
        write_records(run.root, folder / "target-train.csv", [Record("0", image, None)])
        return {}

    run.stage("prepare", {}, {}, records)


def scored(run, **means):
    arms = {
        name.replace("_to_", ":"): {"mean_iou": mean, "ci95": None} for name, mean in means.items()
    }
    facts = {"label_space": "toy", "num_images": 2, "bootstrap_samples": 20, "absent": []}
    files.write_json(run.root / "evaluate" / "summary.json", {**facts, "arms": arms})


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    run = Run(tmp_path_factory.mktemp("template") / "run")
    prepared(run)
    for number, arm in enumerate(ARMS):
        trained(run, arm, number)
    return run


@pytest.fixture
def run(template, tmp_path):
    """A run of three trained arms, without scores."""
    (tmp_path / "run").mkdir()
    for path in template.root.iterdir():
        (tmp_path / "run" / path.name).symlink_to(path)
    return Run(tmp_path / "run")


@pytest.fixture
def photos(tmp_path):
    for name, size in {"a": (60, 90), "b": (17, 23)}.items():
        save(tmp_path / "photos" / f"{name}.png", picture(*size))
    return tmp_path / "photos"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def segment(run, photos, out, arm="source_only", shard=ALL, step=None, **look):
    trained = TrainedSegmenter(run, arm, step)
    return segment_images(trained, [str(photos)], out, shard, Look(**look)).number


def oracle(pixels, height, seed=4):
    """Logits by numpy, Keras and TensorFlow's resize."""
    size = (height, round(pixels.shape[1] * height / pixels.shape[0]))
    seen = np.rint(tf.image.resize(pixels, size, "area"))
    padding = ((0, -size[0] % 4), (0, -size[1] % 4), (0, 0))
    padded = np.pad(seen, padding, mode="symmetric")[np.newaxis].astype(np.float32) / 127.5 - 1.0
    logits = network(seed).predict(padded, verbose=0)[:, : size[0], : size[1]]
    return tf.image.resize(logits, pixels.shape[:2])[0].numpy()


# --- What comes out ---------------------------------------------------------


@pytest.mark.parametrize("scale", ["working", "native"])
def test_classes_are_those_of_keras_at_that_scale(run, photos, out, scale):
    assert segment(run, photos, out, scale=scale) == 2
    for name in "ab":
        pixels, classes = read(photos / f"{name}.png"), read(out / "classes" / f"{name}.png")
        assert (classes.dtype, classes.shape) == (np.uint8, pixels.shape[:2])
        height = HEIGHT if scale == "working" else len(pixels)
        differ = classes != oracle(pixels, height).argmax(-1)
        assert differ.mean() <= 1e-3
        assert len(np.unique(classes)) > 1


def test_an_overlay_is_half_the_image_and_half_the_colors(run, photos, out):
    segment(run, photos, out)
    pixels, classes = read(photos / "a.png"), read(out / "classes" / "a.png")
    wanted = (pixels.astype(float) + np.array(COLORS)[classes]) / 2
    np.testing.assert_allclose(read(out / "overlays" / "a.png"), wanted, atol=0.5)


def test_the_numbers_are_named(run, photos, out):
    segment(run, photos, out)
    facts = json.loads((out / "classes.json").read_text("utf-8"))
    assert facts["1"] == {"name": "c1", "color": [0, 101, 0]}
    assert [*facts] == ["0", "1", "2", "3"]


def test_probabilities_are_written_if_they_are_wanted(run, photos, out):
    segment(run, photos, out)
    assert not (out / "probabilities").exists()
    segment(run, photos, out, probabilities=True)
    with np.load(out / "probabilities" / "a.npz", allow_pickle=False) as arrays:
        found = arrays["probabilities"]
    assert (found.dtype, found.shape) == (np.float16, (60, 90, 4))
    odds = np.exp(oracle(read(photos / "a.png"), HEIGHT))
    np.testing.assert_allclose(found, odds / odds.sum(-1, keepdims=True), atol=2e-3)


def test_the_window_of_the_scores_is_that_of_the_images(run, photos, tmp_path):
    segment(run, photos, tmp_path / "whole")
    scores = {"settings": {"window": [8, 8]}, "inputs": {}, "fingerprint": "x"}
    scores |= {"seconds": 1.0, "results": {}}
    files.write_json(run.root / "evaluate" / "source_only" / "done.json", scores)
    segment(run, photos, tmp_path / "windows")
    whole, windows = (read(tmp_path / n / "classes" / "a.png") for n in ("whole", "windows"))
    assert (whole != windows).any()


# --- Odd images -------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 30), (30, 1), (1, 1), (25, 39)])
@pytest.mark.parametrize("scale", ["working", "native"])
def test_images_of_any_size_are_segmented(run, tmp_path, out, size, scale):
    save(tmp_path / "photos" / "a.png", picture(*size))
    segment(run, tmp_path / "photos", out, scale=scale)
    assert read(out / "classes" / "a.png").shape == size
    assert read(out / "overlays" / "a.png").shape == (*size, 3)


def test_gray_images_are_as_rgb_and_turned_ones_as_they_are_meant(run, tmp_path, out):
    pixels = picture(30, 40)
    gray = pixels[..., 0]
    save(tmp_path / "photos" / "gray.png", gray)
    save(tmp_path / "photos" / "rgb.png", np.stack([gray] * 3, -1))
    exif = Image.Exif()
    exif[0x0112] = 6  # To be turned right.
    save(tmp_path / "photos" / "turned.png", np.rot90(pixels), exif=exif)
    save(tmp_path / "photos" / "upright.png", pixels)
    segment(run, tmp_path / "photos", out)
    gray, rgb, turned, upright = (
        read(out / "classes" / f"{name}.png") for name in ("gray", "rgb", "turned", "upright")
    )
    np.testing.assert_array_equal(gray, rgb)
    np.testing.assert_array_equal(turned, upright)


@pytest.mark.parametrize("on_bad", ["fail", "skip"])
def test_it_goes_on_past_unreadable_images(run, photos, out, on_bad):
    save(photos / "drive" / "b.png", picture(17, 23))
    (photos / "a.png").write_bytes(b"no image")
    result = command(
        *("segment", "--run", run.root, "--arm", "source_only", "--images", photos),
        *("--out", out, "--on-bad", on_bad, "--probabilities"),
    )
    assert result.exit_code == (on_bad == "fail")
    assert "segment source_only: 2 images in" in result.output
    assert "1 image left out:\n  " in result.output
    assert "a.png cannot be read as an image" in result.output
    for folder in ("classes", "overlays"):
        found = sorted(p.relative_to(out / folder).as_posix() for p in (out / folder).rglob("*.*"))
        assert found == ["b.png", "drive/b.png"]
    with np.load(out / "probabilities" / "drive" / "b.npz", allow_pickle=False) as arrays:
        assert arrays["probabilities"].shape == (17, 23, 4)


def test_several_folders_are_segmented_at_once(run, photos, out):
    save(photos.parent / "more" / "a.png", picture(17, 23))
    words = ["--arm", "source_only", "--images", photos, "--images", photos.parent / "more"]
    result = command("segment", "--run", run.root, *words, "--out", out)
    assert result.exit_code == 0, result.output
    found = [p.relative_to(out / "classes").as_posix() for p in (out / "classes").rglob("*.png")]
    assert sorted(found) == ["more/a.png", "photos/a.png", "photos/b.png"]


def test_a_file_of_the_users_beside_ours_is_not_written_over(run, photos, out):
    segment(run, photos, out)
    save(out / "overlays" / "a.png", picture(3, 3))
    with pytest.raises(DataError, match=r"overlays/a\.png is there and was not made by i2i-keras"):
        segment(run, photos, out, arm="oracle")
    assert read(out / "overlays" / "a.png").shape == (3, 3, 3)


@pytest.mark.parametrize("name", ["classes/a.png", "classes.json"])
def test_files_of_the_users_are_not_written_over(run, photos, out, name):
    save(out / "classes" / "a.png", picture(3, 3))
    if name == "classes.json":
        (out / "classes" / "a.png").unlink()
        (out / name).write_text('{"cat": 1}')
    before = (out / name).read_bytes()
    with pytest.raises(DataError, match=rf"{name} is there and was not made by i2i-keras; move"):
        segment(run, photos, out)
    assert (out / name).read_bytes() == before


def test_a_folder_is_not_called_like_an_image(run, photos, tmp_path):
    with pytest.raises(SettingsError, match=r"x\.png is to be a folder, of classes and overlays;"):
        segment(run, photos, tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


def test_what_was_segmented_is_not_segmented_over_itself(run, photos, out):
    segment(run, photos, out)
    for place in (out, out / "classes"):
        with pytest.raises(DataError, match="holds the images themselves"):
            segment(run, place / "*.png" if place != out else place, out)


# --- Again, and by several --------------------------------------------------


def times(out):
    return {p.relative_to(out): p.stat().st_mtime_ns for p in sorted(out.rglob("*/[!.]*.*"))}


def test_what_is_there_is_kept_and_what_is_changed_made_anew(run, photos, out):
    segment(run, photos, out, probabilities=True)
    before = times(out)
    assert len(before) == 6
    segment(run, photos, out, probabilities=True)
    assert times(out) == before
    save(photos / "a.png", picture(20, 30))
    (out / "probabilities" / "b.npz").write_bytes(b"half")
    segment(run, photos, out)
    changed = {str(path) for path, when in times(out).items() if when != before[path]}
    assert changed == {"classes/a.png", "overlays/a.png", "probabilities/b.npz"}
    segment(run, photos, out, probabilities=True)
    assert all(when != before[path] for path, when in times(out).items())


@pytest.mark.parametrize("change", [{"arm": "oracle"}, {"scale": "native"}, {"step": 2}], ids=str)
def test_another_segmenter_or_scale_makes_all_of_it_anew(run, photos, out, change):
    segment(run, photos, out)
    before, classes = times(out), read(out / "classes" / "a.png")
    segment(run, photos, out, **change)
    assert all(when != before[path] for path, when in times(out).items())
    assert (read(out / "classes" / "a.png") != classes).any()


def test_a_kept_state_is_what_it_was(run, photos, out):
    segment(run, photos, out, step=2)
    wanted = oracle(read(photos / "a.png"), HEIGHT, seed=2).argmax(-1)
    assert (read(out / "classes" / "a.png") != wanted).mean() <= 1e-3


def test_the_last_state_is_the_end(run, photos, out):
    segment(run, photos, out)
    classes = read(out / "classes" / "a.png")
    segment(run, photos, out, step=4)
    np.testing.assert_array_equal(read(out / "classes" / "a.png"), classes)


def test_shards_are_all_of_it_also_at_once(run, photos, out):
    for number in range(5):
        save(photos / f"{number}.png", picture(20, 30))
    counts = {}

    def work(number):
        counts[number] = segment(run, photos, out, shard=Shard(number, 3))

    threads = [threading.Thread(target=work, args=(number,)) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == {1: 3, 2: 2, 3: 2}
    assert len(list((out / "classes").glob("*.png"))) == 7
    with locks.sharing(out, Shard(1, 3)), pytest.raises(DataError, match="with --shard I/3"):
        segment(run, photos, out, shard=Shard(2, 2))


# --- Which one --------------------------------------------------------------


def test_the_best_arm_without_target_labels_is_taken(run):
    scored(run, source_only=0.3, adapted_to_cyclegan=0.4, oracle=0.9)
    found = choose(run)
    assert found.arm == "adapted:cyclegan"
    assert str(found) == "adapted:cyclegan (best of 2 arms by the scores on target-test)"


def test_the_floor_is_a_candidate(run):
    scored(run, source_only=0.5, adapted_to_cyclegan=0.4, oracle=0.9)
    assert choose(run).arm == "source_only"


def test_an_arm_without_a_score_is_none(run):
    scored(run, source_only=0.1, adapted_to_cyclegan=None, oracle=0.9)
    assert str(choose(run)) == "source_only (the only arm that was scored)"


def test_a_named_arm_needs_no_scores_and_no_reason(run):
    assert str(choose(run, "oracle", step=2)) == "oracle at step 2"


def test_without_scores_none_is_the_best(run):
    with pytest.raises(SettingsError, match=r"No arm was scored, .* adapted:cyclegan, oracle, sou"):
        choose(run)


def test_without_scores_the_only_arm_beside_the_oracle_is_taken(tmp_path, template):
    (tmp_path / "train-segmenter").mkdir()
    for name in ("source_only", "oracle"):
        (tmp_path / "train-segmenter" / name).symlink_to(template.root / "train-segmenter" / name)
    assert str(choose(Run(tmp_path))) == "source_only (the only arm that was trained)"


def test_an_unknown_arm_is_told_which_there_are(run):
    message = r"No trained arm 'adapted:cycelgan'. Did you mean 'adapted:cyclegan'\? Trained are"
    with pytest.raises(SettingsError, match=message):
        choose(run, "adapted:cycelgan")
    with pytest.raises(SettingsError, match=r"No trained arm 'adabn'; trained are adapted:"):
        choose(run, "adabn")


def test_an_unknown_step_is_told_which_there_are(run):
    with pytest.raises(SettingsError, match=r"no checkpoint of step 3; it keeps those of 2, 4\."):
        choose(run, "oracle", step=3)


def test_a_run_without_a_segmenter_is_told_so(tmp_path):
    with pytest.raises(DataError, match="holds no trained segmenter; make it with"):
        choose(Run(tmp_path / "none"))
    assert not (tmp_path / "none").exists()


@pytest.fixture
def several(tmp_path, template):
    """An experiment of the seeds 10, 9 and 2, in this order."""
    run = Run(tmp_path / "several")
    for number in (9, 10, 2):
        (run.root / f"seed-{number}").mkdir(parents=True)
        (run.root / f"seed-{number}" / "train-segmenter").symlink_to(
            template.root / "train-segmenter"
        )
    (run.root / "prepare").symlink_to(template.root / "prepare")
    return run


def test_of_several_trainings_the_first_is_taken_or_a_given_one(several, photos, out):
    assert str(choose(several, "oracle")) == "oracle of seed 2"
    scored(several, source_only=0.4, oracle=0.9)
    summary = files.read_json(several.root / "evaluate" / "summary.json")
    files.write_json(several.root / "evaluate" / "summary.json", summary | {"seeds": [10, 9, 2]})
    assert str(choose(several)) == "source_only of seed 10 (the only arm that was scored)"
    found = choose(several, seed=9)
    assert found.run.root.name == "seed-9"
    assert segment_images(found, [str(photos)], out, Shard(), Look()).number == 2


def test_an_unknown_seed_is_told_which_there_are(several, run):
    with pytest.raises(SettingsError, match=r"no training of seed 3; there are 2, 9, 10\."):
        choose(several, seed=3)
    with pytest.raises(SettingsError, match=r"no training of seed 3; leave out --seed\."):
        choose(run, seed=3)


def test_arms_are_named_as_their_folders_are_not(run):
    assert run.trained_arms() == ["adapted:cyclegan", "oracle", "source_only"]


def test_a_run_without_images_has_no_working_size(tmp_path, template, photos, out):
    run = Run(tmp_path / "moved")
    (run.root / "prepare").mkdir(parents=True)
    (run.root / "train-segmenter").symlink_to(template.root / "train-segmenter")
    space = (template.root / "prepare" / "label_space.json").read_bytes()
    (run.root / "prepare" / "label_space.json").write_bytes(space)
    with pytest.raises(DataError, match="has no image, so that the working size is unknown"):
        segment(run, photos, out)
    assert segment(run, photos, out, scale="native") == 2


# --- The commands -----------------------------------------------------------


def command(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_the_command_says_which_arm_and_why(run, photos, out):
    scored(run, source_only=0.3, adapted_to_cyclegan=0.4, oracle=0.9)
    result = command("segment", "--run", run.root, "--images", photos / "*.png", "--out", out)
    assert result.exit_code == 0, result.output
    why = "best of 2 arms by the scores on target-test"
    assert f"segment adapted:cyclegan ({why}): 2 images in {out}" in result.output


def test_every_option_of_the_command_counts(run, photos, out):
    options = {"--arm": "oracle", "--scale": "native", "--step": 2, "--shard": "2/2"}
    words = [word for option in options.items() for word in option]
    given = ["--run", run.root, "--images", photos, "--out", out, "--probabilities"]
    result = command("segment", *given, *words)
    assert result.exit_code == 0, result.output
    assert f"segment oracle at step 2: 1 image in {out}" in result.output
    assert [path.name for path in (out / "probabilities").iterdir()] == ["b.npz"]
    pixels = read(photos / "b.png")
    differ = read(out / "classes" / "b.png") != oracle(pixels, len(pixels), seed=22).argmax(-1)
    assert differ.mean() <= 1e-3


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--arm", "orcle"], 2, "Did you mean 'oracle'?"),
        (
            ["--arm", "oracle", "--step", "9"],
            2,
            "keeps no checkpoint of step 9; it keeps those of 2",
        ),
        (["--arm", "oracle", "--seed", "9"], 2, "has no training of seed 9; leave out --seed."),
        ([], 2, "No arm was scored, so that none is known to be the best; evaluate them, or give"),
        (["--arm", "oracle", "--shard", "3/2"], 2, "No shard '3/2'; give I/N"),
        (["--arm", "oracle", "--images", "none*"], 1, "none* holds no PNG, JPEG, BMP, TIFF"),
    ],
)
def test_what_cannot_be_is_one_sentence(run, photos, out, words, code, message):
    result = command("segment", "--run", run.root, "--images", photos, "--out", out, *words)
    assert result.exit_code == code, result.output
    last = result.output.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    assert message in last
    assert not out.exists()


def test_a_segmenter_is_exported_by_its_arm_and_step(run):
    for words, name in ((["--step", "2"], "source_only-step-2"), ([], "source_only")):
        result = command("export", "--run", run.root, "--arm", "source_only", *words)
        assert result.exit_code == 0, result.output
        place = run.root / "export" / f"{name}.saved_model"
        assert re.search(rf"{place}, 0 of \d+ pixels of another class than", result.output)
        assert (place / "assets.extra" / "labels.txt").read_text("utf-8") == "c0\nc1\nc2\nc3\n"
