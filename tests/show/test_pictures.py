"""What the page shows: what the commands would write."""

import io
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from i2i_keras.cli import main
from i2i_keras.data.records import read_records
from i2i_keras.errors import SettingsError
from i2i_keras.experiment.translating import TrainedTranslator
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run
from i2i_keras.show import images
from i2i_keras.show.networks import Networks

MAKERS = (
    "translate/color/xy",
    "translate/color/yx",
    "translate/cyclegan/xy",
    "translate/cyclegan/yx",
    "segment/adapted:cyclegan",
    "segment/source_only",
)


def test_the_page_has_all_networks_both_ways_all_test_images_and_all_classes(ask, trained_run):
    page = ask().body.decode()
    for what in MAKERS:
        assert f'data-what="{what}"' in page
    for table in ("target-test", "source-test"):
        for one in read_records(trained_run, trained_run / "prepare" / f"{table}.csv"):
            assert f'value="{table}/{one.name}"' in page
    for row in files.read_json(trained_run / "prepare" / "label_space.json")["classes"]:
        assert row["name"] in page


@pytest.mark.parametrize("what", [what for what in MAKERS if what.startswith("translate")])
def test_a_translation_is_that_of_the_command(ask, trained_run, record, tmp_path, what):
    _, method, direction = what.split("/")
    words = ["translate", "--run", trained_run, "--method", method, "--direction", direction]
    words += ["--images", record.image, "--out", tmp_path]
    result = CliRunner().invoke(main, [*map(str, words)])
    assert result.exit_code == 0, result.output
    [expected] = tmp_path.glob("*.png")
    for scale in ("working", "native"):
        found = ask.make(what, record=f"target-test/{record.name}", scale=scale).pictures()
        np.testing.assert_array_equal(found[f"{method}-{direction}.png"], Image.open(expected))


@pytest.mark.parametrize("scale", ["working", "native"])
@pytest.mark.parametrize("arm", ["source_only", "adapted:cyclegan"])
def test_a_segmentation_is_that_of_the_command(ask, trained_run, save, tmp_path, arm, scale):
    """Of an image of another size than those of the training."""
    pixels = np.random.default_rng(0).integers(0, 255, (50, 70, 3))
    image = save(tmp_path / "image.png", pixels)
    words = ["segment", "--run", trained_run, "--arm", arm, "--scale", scale]
    words += ["--images", image, "--out", tmp_path / "out"]
    result = CliRunner().invoke(main, [*map(str, words)])
    assert result.exit_code == 0, result.output
    found = ask.make(f"segment/{arm}", image.read_bytes(), scale=scale).pictures()
    assert len(found) == 2
    for kind, folder in (("overlay", "overlays"), ("classes", "classes")):
        expected = Image.open(tmp_path / "out" / folder / "image.png")
        np.testing.assert_array_equal(found[f"{arm.replace(':', '-')}-{kind}.png"], expected)


def test_at_the_working_scale_a_large_image_is_translated_smaller(ask, save, tmp_path):
    data = save(tmp_path / "image.png", np.zeros((64, 160, 3))).read_bytes()
    sizes = {
        scale: ask.make("translate/cyclegan/xy", data, scale=scale).pictures()["cyclegan-xy.png"]
        for scale in ("working", "native")
    }
    assert sizes["working"].shape == (32, 80, 3)  # tiny.toml has a height of 32.
    assert sizes["native"].shape == (64, 160, 3)


def test_a_small_image_is_not_enlarged_to_be_translated(ask, save, tmp_path):
    data = save(tmp_path / "image.png", np.zeros((8, 16, 3))).read_bytes()
    found = ask.make("translate/cyclegan/xy", data).pictures()
    assert found["cyclegan-xy.png"].shape == (8, 16, 3)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF"])
def test_the_image_itself_is_given_back_as_a_png(ask, kind):
    pixels = np.full((5, 7, 3), 204, np.uint8)  # Of the palette of a GIF, too.
    draft = io.BytesIO()
    Image.fromarray(pixels).save(draft, kind)
    np.testing.assert_array_equal(
        ask.make("image", draft.getvalue()).pictures()["image.png"], pixels
    )


def test_an_upload_is_turned_as_its_camera_says(ask):
    draft, exif = io.BytesIO(), Image.Exif()
    exif[274] = 6
    Image.fromarray(np.zeros((4, 9, 3), np.uint8)).save(draft, "JPEG", exif=exif)
    found = ask.make("image", draft.getvalue()).pictures()
    assert found["image.png"].shape == (9, 4, 3)


def test_networks_are_loaded_once_and_when_they_are_asked_for(trained_run, monkeypatch):
    loaded, load = [], TrainedTranslator.load

    def note(trained):
        loaded.append(f"{trained.method}-{trained.direction}")
        return load(trained)

    monkeypatch.setattr(TrainedTranslator, "load", note)
    networks = Networks(Run(trained_run))
    assert loaded == []
    pixels = np.zeros((8, 8, 3), np.uint8)
    for scale in ("working", "native", "working"):
        networks.make("translate/color/xy", pixels, scale)
    assert loaded == ["color-xy"]


def test_the_seed_chooses_one_of_several_trainings(trained_run, tmp_path):
    for seed in (3, 5):
        shutil.copytree(trained_run, tmp_path / f"seed-{seed}")
    run = Run(tmp_path)
    assert Networks(run).run.root.name == "seed-3"
    assert Networks(run, 5).run.root.name == "seed-5"
    with pytest.raises(SettingsError, match="has no training of seed 4; there are 3, 5"):
        Networks(run, 4)


def test_where_there_are_no_test_images_others_are_listed(trained_run, tmp_path):
    run = Run(shutil.copytree(trained_run, tmp_path / "run"))
    run.table(run.records, "target-test").unlink()
    assert [*images.listed_images(run)] == ["target-val", "source-test"]
