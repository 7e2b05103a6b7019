import json
import shutil
import zlib

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from PIL import Image

from i2i_keras import config
from i2i_keras.cli import main
from i2i_keras.data.records import Record, read_records, write_records
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.experiment import translating
from i2i_keras.experiment.translating import (
    TrainedTranslator,
    translate,
    translate_images,
    translate_shard,
)
from i2i_keras.models.formats import FORMATS
from i2i_keras.models.networks import build_generator
from i2i_keras.run_folder import files
from i2i_keras.run_folder.locks import Shard
from i2i_keras.run_folder.run import Run
from i2i_keras.training.checkpoints import Checkpoints
from i2i_keras.translators import TRANSLATORS
from i2i_keras.translators.cyclegan import CycleGANConfig

NETWORK = {"filters": 2, "num_downsamplings": 1, "num_residual_blocks": 0, "outer_kernel": 3}
TABLES = {"source-train": 5, "source-val": 2, "target-train": 3}


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """What a training leaves, but for the training."""
    path = tmp_path_factory.mktemp("template")
    settings = config.build(CycleGANConfig, {"generator": NETWORK})
    files.write_json(path / "config.json", settings.model_dump(mode="json"))
    for direction in ("xy", "yx"):
        generator = build_generator(settings.generator, f"generator_{direction}")
        generator.save_weights(path / f"generator_{direction}.weights.h5")
    return path


def keep_state(run, step):
    """Keeps a checkpoint of other weights, as a training does."""
    settings = config.build(CycleGANConfig, {"generator": NETWORK})
    model = tf.Module()
    for direction in ("xy", "yx"):
        name = f"generator_{direction}"
        setattr(model, name, build_generator(settings.generator, name))
    trained = run.root / "train-translator" / "cyclegan"
    Checkpoints(model, trained).save(step, {})
    return model.generator_xy


@pytest.fixture
def run(tmp_path, template):
    """A run directory whose translator is trained."""
    run = Run(tmp_path / "run")
    rng = np.random.default_rng(0)

    def records(folder):
        for table, count in TABLES.items():
            rows = []
            for number in range(count):
                image = folder / table / f"{number}.png"
                image.parent.mkdir(exist_ok=True)
                Image.fromarray(rng.integers(0, 256, (12, 15, 3), np.uint8)).save(image)
                rows.append(Record(str(number), image, image.with_name("label.png")))
            write_records(run.root, folder / f"{table}.csv", rows)
        return {}

    def train(folder):
        for path in (*template.glob("*.weights.h5"), template / "config.json"):
            (folder / path.name).write_bytes(path.read_bytes())
        return {}

    run.stage("prepare", {}, {}, records)
    run.stage("train-translator/cyclegan", {}, {}, train)
    return run


def folder(run):
    return run.root / "translate" / "cyclegan"


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def images(run):
    return {path.relative_to(run.root): path.read_bytes() for path in run.root.rglob("*/*.png")}


# --- The stage --------------------------------------------------------------


def test_records_are_translated_and_their_labels_kept(run):
    translate(TrainedTranslator(run, "cyclegan"))
    for table in ("source-train", "source-val"):
        old = read_records(run.root, run.root / "prepare" / f"{table}.csv")
        new = read_records(run.root, folder(run) / f"{table}.csv")
        assert [(r.name, r.label) for r in new] == [(r.name, r.label) for r in old]


def test_the_target_is_translated_without_its_labels(run):
    translate(TrainedTranslator(run, "cyclegan", "yx"))
    new = read_records(run.root, run.root / "translate/cyclegan-yx/target-train.csv")
    assert [record.label for record in new] == [None] * 3


def test_it_gives_what_the_translator_gives(run):
    trained = TrainedTranslator(run, "cyclegan")
    translate(trained)
    function = TRANSLATORS["cyclegan"].load(trained.folder, "xy")
    old, new = (pixels(root / "source-train/0.png") for root in (run.root / "prepare", folder(run)))
    wanted = function(tf.constant(old[np.newaxis] / 127.5 - 1.0, tf.float32))[0]
    np.testing.assert_allclose(new, 127.5 * (wanted + 1.0), atol=0.6)


def test_translations_are_compressed_as_what_was_prepared(run, unseal):
    translate(TrainedTranslator(run, "cyclegan"))
    names = [*(folder(run) / "source-train").glob("*.png")]
    small = {path.name: pixels(path) for path in names}
    shutil.rmtree(folder(run))

    unseal(run.root / "prepare")
    done = run.root / "prepare" / "done.json"
    facts = files.read_json(done) | {"settings": {"prepare": {"compress": False}}}
    done.write_text(json.dumps(facts))
    translate(TrainedTranslator(run, "cyclegan"))
    for path in names:
        data = path.read_bytes()
        rows = zlib.decompressobj().decompress(data[data.index(b"IDAT") + 4 :])
        assert len(data) > len(rows) and rows[:: 1 + 15 * 3] == bytes(12)  # Nor filtered.
        np.testing.assert_array_equal(pixels(path), small[path.name])


def test_small_tiles_change_no_more_than_rounding(run, tmp_path):
    Image.effect_noise((70, 50), 80).save(tmp_path / "noise.png")
    made = []
    for tile in (None, 16):
        trained, out = TrainedTranslator(run, "cyclegan", tile=tile), tmp_path / f"tile-{tile}"
        translate_images(trained, [str(tmp_path / "noise.png")], out, Shard())
        made.append(pixels(out / "noise.png"))
    assert np.abs(made[0] - made[1]).max() <= 1


# --- Shards -----------------------------------------------------------------


def test_the_last_shard_finishes_the_stage(run):
    trained = TrainedTranslator(run, "cyclegan")
    assert translate_shard(trained, Shard(1, 2)) is None
    names = sorted(p.relative_to(folder(run)).as_posix() for p in folder(run).rglob("*.png"))
    assert names == [*(f"source-train/{n}.png" for n in (0, 2, 4)), "source-val/0.png"]
    with pytest.raises(DataError, match="is not finished"):
        run.done("translate/cyclegan")

    done = translate_shard(trained, Shard(2, 2))
    assert done is not None and not done.skipped
    assert done.results == {"records": {"source-train": 5, "source-val": 2}}
    assert run.done("translate/cyclegan").fingerprint == done.fingerprint


def test_shards_leave_what_one_process_leaves(run, tmp_path):
    trained = TrainedTranslator(run, "cyclegan")
    for number in (3, 1, 2):
        translate_shard(trained, Shard(number, 3))
    sharded = images(run)
    tables = (folder(run) / "source-train.csv").read_text("utf-8")
    for path in folder(run).rglob("*"):
        if path.is_file():
            path.unlink()
    translate(trained)
    assert images(run) == sharded
    assert (folder(run) / "source-train.csv").read_text("utf-8") == tables


def test_a_shard_of_a_finished_stage_was_done_before(run):
    trained = TrainedTranslator(run, "cyclegan")
    translate(trained)
    assert translate_shard(trained, Shard(1, 2)).skipped


def test_what_a_shard_left_is_taken_over_by_another_cut(run):
    trained = TrainedTranslator(run, "cyclegan")
    translate_shard(trained, Shard(1, 2))
    before = {path: path.stat().st_mtime_ns for path in folder(run).rglob("*.png")}
    assert not translate(trained).skipped
    assert all(path.stat().st_mtime_ns == when for path, when in before.items())


def test_images_of_an_older_translator_do_not_finish_a_stage(run, unseal):
    trained = TrainedTranslator(run, "cyclegan")
    unseal(trained.folder)
    translate_shard(trained, Shard(1, 2))
    weights = trained.folder / "generator_xy.weights.h5"
    weights.write_bytes((trained.folder / "generator_yx.weights.h5").read_bytes())
    assert translate_shard(trained, Shard(2, 2)) is None
    assert translate_shard(trained, Shard(1, 2)) is not None


# --- Any images -------------------------------------------------------------


def test_shards_of_a_folder_are_all_of_it(run, tmp_path):
    trained, source = TrainedTranslator(run, "cyclegan"), run.root / "prepare" / "source-train"
    made = [translate_images(trained, [str(source)], tmp_path, Shard(n, 2)) for n in (1, 2)]
    assert [one.number for one in made] == [3, 2]
    assert len(list(tmp_path.glob("*.png"))) == 5


def test_a_file_of_the_users_is_not_written_over(run, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    Image.new("RGB", (3, 3)).save(out / "1.png")
    before = (out / "1.png").read_bytes()
    with pytest.raises(DataError, match=r"1\.png is there and was not made by i2i-keras; move it"):
        source = run.root / "prepare" / "source-train"
        translate_images(TrainedTranslator(run, "cyclegan"), [str(source)], out, Shard())
    assert [path.read_bytes() for path in out.glob("*.png")] == [before]


def command(run, *words):
    given = ["translate", "--run", run.root, "--method", "cyclegan", *words]
    return CliRunner().invoke(main, [str(word) for word in given])


@pytest.fixture
def drives(tmp_path):
    """Two drives whose frames have the same names."""
    for drive in ("a", "b"):
        (tmp_path / "drives" / drive).mkdir(parents=True)
        for frame in ("1", "2"):
            Image.effect_noise((20, 16), 80).save(tmp_path / "drives" / drive / f"{frame}.bmp")
    return tmp_path / "drives"


def made(out):
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png"))


def test_the_tree_of_a_folder_is_kept(run, drives, tmp_path):
    result = command(run, "--images", drives, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert f"translate cyclegan: 4 images in {tmp_path / 'out'}" in result.output
    assert made(tmp_path / "out") == ["a/1.png", "a/2.png", "b/1.png", "b/2.png"]


def test_several_folders_and_files_go_together(run, drives, tmp_path):
    out = tmp_path / "out"
    words = [word for d in ("a", "b/*", "b/2.bmp") for word in ("--images", drives / d)]
    result = command(run, *words, "--out", out)
    assert result.exit_code == 0, result.output
    assert made(out) == ["2.png", "a/1.png", "a/2.png", "b/1.png", "b/2.png"]


@pytest.mark.parametrize("on_bad", ["fail", "skip"])
def test_it_goes_on_past_unreadable_images(run, drives, tmp_path, on_bad):
    (drives / "a" / "1.bmp").write_bytes(b"no image")
    (drives / "film.mp4").touch()
    out = tmp_path / "out"
    result = command(run, "--images", drives, "--out", out, "--on-bad", on_bad)
    assert result.exit_code == (on_bad == "fail")
    assert made(out) == ["a/2.png", "b/1.png", "b/2.png"]
    assert "translate cyclegan: 3 images in" in result.output
    assert "1 image left out:\n  " in result.output
    assert "a/1.bmp cannot be read as an image" in result.output
    assert "Note: 1 .mp4 beside them, which are no images." in result.output


def test_one_image_goes_to_the_file_that_is_named(run, drives, tmp_path):
    out = tmp_path / "new" / "one.png"
    result = command(run, "--images", drives / "a" / "1.bmp", "--out", out)
    assert result.exit_code == 0, result.output
    assert f"1 image in {out}" in result.output
    assert [path.name for path in out.parent.iterdir()] == ["one.png"]
    with Image.open(out) as image:
        assert image.size == (20, 16)


@pytest.mark.parametrize(
    ("images", "out", "code", "words"),
    [
        ("", "x.png", 2, "x.png would be one file of 4 images; give a folder for --out."),
        ("a/1.bmp", "x.jpg", 2, "x.jpg has to be a PNG, such as x.png."),
        ("a/1.bmp", "mine.png", 1, "mine.png is there and was not made by i2i-keras; move it away"),
        ("mine.png", "mine.png", 1, "mine.png is the image itself; give another --out."),
        ("b", "a", 1, "a/1.png is there and was not made by i2i-keras; move it away"),
    ],
)
def test_what_cannot_be_written_is_refused(run, drives, images, out, code, words):
    for place in ("mine.png", "a/1.png") if images else ():
        Image.effect_noise((20, 16), 80).save(drives / place)
    result = command(run, "--images", drives / images, "--out", drives / out)
    assert result.exit_code == code, result.output
    assert words in result.output.replace("\n", " ")
    assert not (drives / "x.png").exists()


def test_records_are_not_left_out(run):
    result = command(run, "--on-bad", "skip")
    assert result.exit_code == 2
    assert "--on-bad goes with --images; for records there is prepare.on_bad." in result.output


def test_a_network_takes_no_reference(run, drives):
    words = ("--images", drives / "a", "--out", drives / "x", "--reference", "domain")
    result = command(run, *words)
    assert result.exit_code == 2
    told = "cyclegan translates by its network and takes no --reference; that is for color and"
    assert told in result.output.replace("\n", " ")


@pytest.fixture
def colored(run):
    """The run with a color transfer of two very different references."""
    rng = np.random.default_rng(0)
    paths = []
    for name, level in (("x", 90), ("dark", 40), ("light", 210)):
        path = run.root / f"{name}.png"
        pixels = rng.normal(level, 15, (12, 15, 3)).clip(0, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(path)
        paths.append(path)
    method = TRANSLATORS["color"]

    def fit(folder):
        return method.fit(method.config(), paths[:1], paths[1:], folder, 0)

    run.stage("train-translator/color", {}, {}, fit)
    return run


def test_films_are_translated_by_one_reference(colored, drives):
    means = {}
    for reference in (colored.root / "dark.png", colored.root / "light.png", "domain", None):
        out = drives / "out"  # What was made by another reference is made anew.
        extra = () if reference is None else ("--reference", reference)
        words = ("translate", "--run", colored.root, "--method", "color", "--out", out)
        words = (*words, "--images", drives / "a", *extra)
        result = CliRunner().invoke(main, [str(word) for word in words])
        assert result.exit_code == 0, result.output
        means[str(reference)] = [float(pixels(path).mean()) for path in sorted(out.glob("*.png"))]
    dark, light, domain, each = means.values()
    assert len(dark) >= 2
    assert max(dark) < min(domain) <= max(domain) < min(light)
    assert {round(mean, -1) for mean in each} <= {round(mean, -1) for mean in (*dark, *light)}


def test_a_reference_below_home_is_found(colored, drives, monkeypatch):
    monkeypatch.setenv("HOME", str(colored.root))
    words = ("translate", "--run", colored.root, "--method", "color", "--reference", "~/dark.png")
    words = (*words, "--images", drives / "a", "--out", drives / "out")
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output


def test_a_reference_that_is_not_there_is_named(colored, drives):
    words = ("translate", "--run", colored.root, "--method", "color", "--reference", "no.png")
    words = (*words, "--images", drives / "a", "--out", drives / "out")
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 1
    assert "no.png" in result.output and "Traceback" not in result.output
    assert not (drives / "out").exists()


def test_home_is_known_in_all_paths(run, drives, monkeypatch):
    monkeypatch.setenv("HOME", str(drives.parent))
    result = command(run, "--images", "~/drives/a", "--out", "~/out")
    assert result.exit_code == 0, result.output
    assert made(drives.parent / "out") == ["1.png", "2.png"]


def test_the_other_direction_is_another_translator(run, tmp_path):
    source = str(run.root / "prepare" / "source-train" / "0.png")
    made = []
    for direction in ("xy", "yx"):
        translate_images(TrainedTranslator(run, "cyclegan", direction), [source], tmp_path, Shard())
        made.append((tmp_path / "0.png").read_bytes())
    assert made[0] != made[1]


def test_a_kept_state_is_another_translator(run, tmp_path):
    generator = keep_state(run, 5)
    source = run.root / "prepare" / "source-train" / "0.png"
    end, state = TrainedTranslator(run, "cyclegan"), TrainedTranslator(run, "cyclegan", step=5)
    assert end.fingerprint() != state.fingerprint()
    made = []
    for trained in (end, state):
        translate_images(trained, [str(source)], tmp_path / "out", Shard())
        made.append(pixels(tmp_path / "out" / "0.png"))
    assert (made[0] != made[1]).any()
    padded = np.pad(pixels(source), ((0, 0), (0, 1), (0, 0)), mode="symmetric")[np.newaxis]
    wanted = generator(padded / 127.5 - 1.0, training=False)[0, :, :15]
    np.testing.assert_allclose(made[1], 127.5 * (wanted + 1.0), atol=0.6)


def test_a_state_that_is_not_kept_is_refused(run, tmp_path):
    keep_state(run, 5)
    with pytest.raises(SettingsError, match=r"no checkpoint of step 6; it keeps those of 5\."):
        translate_images(
            TrainedTranslator(run, "cyclegan", step=6), [str(run.root)], tmp_path / "o", Shard()
        )
    run.stage("train-translator/color", {}, {}, lambda folder: {})
    with pytest.raises(SettingsError, match="no checkpoint of step 6; it keeps none at all"):
        TrainedTranslator(run, "color", step=6).done()


def test_a_kept_state_is_exported(run, tmp_path):
    keep_state(run, 5)
    image = run.root / "prepare" / "source-train" / "0.png"
    made = []
    for step in (None, 5):
        trained, out = TrainedTranslator(run, "cyclegan", step=step), tmp_path / str(step)
        assert translating.export(trained, "saved_model", out, image) <= 2
        made.append(FORMATS["saved_model"].read(out)(pixels(image)[np.newaxis].astype(np.uint8)))
    assert (made[0] != made[1]).any()


def test_the_only_trained_network_is_exported_and_else_cyclegan(run):
    def train(*methods):
        for method in methods:
            run.stage(f"train-translator/{method}", {}, {}, lambda folder: {})

    train("color")
    assert translating.exported_method(run) == "cyclegan"
    train("cut", "cycada")
    assert translating.exported_method(run) == "cyclegan"
    (run.root / "train-translator" / "cyclegan" / "done.json").unlink()
    with pytest.raises(SettingsError, match="Give --method, one of cycada, cut"):
        translating.exported_method(run)
    (run.root / "train-translator" / "cycada" / "done.json").unlink()
    assert translating.exported_method(run) == "cut"


def test_a_method_that_keeps_statistics_depends_on_them(run, tmp_path):
    x, y = (sorted((run.root / "prepare" / table).glob("*.png")) for table in list(TABLES)[::2])
    color, trained = TRANSLATORS["color"], TrainedTranslator(run, "color")
    found = []
    for seed in (0, 1, 0):
        color.fit(color.config(), x, y, trained.folder, seed)
        found.append(trained.fingerprint())
    assert found[0] == found[2] != found[1]


def test_a_method_may_keep_its_numbers_in_any_json_file(run):
    trained = TrainedTranslator(run, "cyclegan")
    before = trained.fingerprint()
    files.write_json(trained.folder / "gamma.json", {"xy": 1.5})
    assert (after := trained.fingerprint()) != before
    done = files.read_json(trained.folder / "done.json")
    files.write_json(trained.folder / "done.json", done | {"seconds": 99})
    assert trained.fingerprint() == after


# --- Methods without a network ----------------------------------------------


@pytest.fixture
def networkless(run, monkeypatch):
    """A method that is a function, as color transfer would be."""
    other = TRANSLATORS["cyclegan"]._replace(
        load=lambda path, way: lambda x: -x, load_generator=None
    )
    monkeypatch.setitem(TRANSLATORS, "cyclegan", other)
    return TrainedTranslator(run, "cyclegan")


def test_a_method_without_a_network_translates(networkless, run):
    translate(networkless)
    old, new = (pixels(root / "source-train/0.png") for root in (run.root / "prepare", folder(run)))
    np.testing.assert_array_equal(new, 255 - old)


def test_a_method_without_a_network_is_not_exported(networkless, tmp_path):
    with pytest.raises(SettingsError, match="cyclegan has no network that could be exported; take"):
        translating.export(networkless, "tflite", tmp_path / "out", None)


def test_a_method_is_compared_on_its_first_image_or_a_given_one(run, tmp_path):
    for name, image in (("a", None), ("b", run.root / "prepare/target-train/1.png")):
        worst = translating.export(
            TrainedTranslator(run, "cyclegan"), "saved_model", tmp_path / name, image
        )
        assert worst <= 2
        assert (tmp_path / name / "saved_model.pb").is_file()


def test_translators_without_a_network_cannot_be_exported(tmp_path):
    place = tmp_path / "train-translator" / "color"
    place.mkdir(parents=True)
    (place / "done.json").write_text("{}")
    with pytest.raises(DataError, match="have no network that could be exported: color"):
        translating.exported_method(Run(tmp_path))
