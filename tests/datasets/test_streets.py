import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from i2i_keras.data.labels import CLASSES
from i2i_keras.datasets.gta5 import COLORS, official_frames
from i2i_keras.datasets.spaces import LABEL_SPACES
from i2i_keras.datasets.streets import (
    STYLES,
    StreetsConfig,
    draw_street,
    write_cityscapes,
    write_gta5,
)
from i2i_keras.datasets.streets.files import EXTRAS
from i2i_keras.errors import SettingsError

SIZE = (96, 176)
IDS = {row.name: row.id for row in CLASSES}
TINY = StreetsConfig(num_train=3, num_val=2, num_test=1, camera_size=(64, 128), game_size=(64, 128))


@pytest.fixture(scope="module")
def scenes():
    """Twenty scenes of each style: `{style: (images, ids)}`."""
    drawn = {style: [draw_street(style, SIZE, seed) for seed in range(20)] for style in STYLES}
    return {
        style: tuple(np.stack(part) for part in zip(*pairs, strict=True))
        for style, pairs in drawn.items()
    }


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """A tiny set in each layout."""
    folder = tmp_path_factory.mktemp("streets")
    write_cityscapes(folder / "cityscapes", TINY, "camera", workers=1)
    write_gta5(folder / "gta5", TINY, "game", workers=1)
    return folder


def read_tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def mean_color(scenes, style, name):
    images, ids = scenes[style]
    return images[ids == IDS[name]].mean(axis=0)


@pytest.mark.parametrize("style", STYLES)
def test_a_seed_gives_the_same_bytes_and_another_seed_does_not(style):
    first, again, other = (draw_street(style, SIZE, seed) for seed in (3, 3, 4))
    for one, two, three in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, two)
        assert not np.array_equal(one, three)


def test_the_styles_do_not_share_a_scene(scenes):
    for camera, game in zip(scenes["camera"][1], scenes["game"][1], strict=True):
        assert np.mean(camera != game) > 0.1


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("size", [(64, 128), (65, 131), (192, 348)])
@pytest.mark.parametrize("extras", EXTRAS.values(), ids=EXTRAS)
def test_every_size_has_an_id_of_the_table_at_every_pixel(style, size, extras):
    image, ids = draw_street(style, size, 0, extras)
    assert image.shape == (*size, 3)
    assert ids.shape == size
    assert image.dtype == ids.dtype == np.uint8
    assert ids.max() <= 34


@pytest.mark.parametrize("style", STYLES)
def test_all_evaluated_classes_but_the_train_occur(scenes, style):
    labels = LABEL_SPACES["cityscapes19"].labels["cityscapes"][scenes[style][1]]
    occurring = {LABEL_SPACES["cityscapes19"].names[i] for i in np.unique(labels) if i != 255}
    assert occurring == {*LABEL_SPACES["cityscapes19"].names} - {"train"}


def test_only_the_layout_decides_on_hoods_and_plates():
    for style in STYLES:
        found = {
            layout: set(np.unique([draw_street(style, SIZE, seed, extras)[1] for seed in range(4)]))
            for layout, extras in EXTRAS.items()
        }
        special = {IDS[name] for name in ("ego vehicle", "out of roi", "license plate")}
        assert found["cityscapes"] & special == {IDS["ego vehicle"], IDS["out of roi"]}
        assert found["gta5"] & special == {IDS["license plate"]}


@pytest.mark.parametrize("style", STYLES)
def test_materials_differ_in_color_under_their_labels(scenes, style):
    names = ("sky", "road", "vegetation", "sidewalk")
    colors = [mean_color(scenes, style, name) for name in names]
    for i, one in enumerate(colors):
        for two in colors[:i]:
            assert np.abs(one - two).max() > 12


def test_materials_keep_their_order_of_lightness_in_both_styles(scenes):
    for style in STYLES:
        light = [mean_color(scenes, style, n).mean() for n in ("vegetation", "road", "sky")]
        assert light == sorted(light)


def test_the_label_has_its_edges_where_the_image_has_them(scenes):
    for style in STYLES:
        images, ids = scenes[style]
        step = np.abs(np.diff(images.astype(int), axis=2)).sum(axis=-1)
        edge = np.diff(ids.astype(int), axis=2) != 0
        assert step[edge].mean() > 2 * step[~edge].mean()


def test_the_game_is_more_saturated_than_the_camera(scenes):
    spread = {style: np.ptp(scenes[style][0].astype(int), axis=-1).mean() for style in STYLES}
    assert spread["game"] > 2 * spread["camera"]


def test_the_camera_is_noisier_than_the_game_where_nothing_is(scenes):
    noise = {}
    for style in STYLES:
        images, ids = scenes[style]
        sky = (ids == IDS["sky"])[:, :, 1:]
        noise[style] = np.median(np.abs(np.diff(images.astype(int), axis=2))[sky])
    assert noise["camera"] >= 3 > 1 >= noise["game"]


def test_the_cityscapes_layout_is_the_true_one(trees):
    root = trees / "cityscapes"
    labels = sorted((root / "gtFine").glob("*/*/*_gtFine_labelIds.png"))
    assert [path.relative_to(root / "gtFine").as_posix() for path in labels[:2]] == [
        "test/berlin/berlin_000000_000019_gtFine_labelIds.png",
        "train/aachen/aachen_000000_000019_gtFine_labelIds.png",
    ]
    assert len(labels) == 6
    assert len(read_tree(root)) == 18
    for path in labels:
        core = path.name.removesuffix("_gtFine_labelIds.png")
        folder = root / "leftImg8bit" / path.parent.relative_to(root / "gtFine")
        with Image.open(folder / f"{core}_leftImg8bit.png") as image:
            assert (image.mode, image.size) == ("RGB", (128, 64))
        with Image.open(path) as label:
            assert (label.mode, label.size) == ("L", (128, 64))
            ids = np.asarray(label)
        with Image.open(path.with_name(f"{core}_gtFine_color.png")) as painted:
            assert painted.mode == "RGBA"
            colors = np.array([(*row.color, 255) for row in CLASSES])
            np.testing.assert_array_equal(np.asarray(painted), colors[ids])


def test_the_gta5_layout_is_the_true_one(trees):
    root, frames = trees / "gta5", official_frames()
    wanted = [*frames["train"][:3], *frames["val"][:2], *frames["test"][:1]]
    for folder in ("images", "labels"):
        names = sorted(path.name for path in (root / folder).iterdir())
        assert names == sorted(f"{frame:05d}.png" for frame in wanted)
    for path in (root / "labels").iterdir():
        with Image.open(path) as label, Image.open(root / "images" / path.name) as image:
            assert (label.mode, image.mode) == ("P", "RGB")
            palette = np.array(label.getpalette()[: 3 * len(CLASSES)]).reshape(-1, 3)
            np.testing.assert_array_equal(palette, COLORS)


def test_a_deleted_file_is_written_again_and_the_others_are_kept(trees):
    before = read_tree(trees)
    for pattern in ("gtFine/*/*/*_labelIds.png", "leftImg8bit/*/*/*.png"):
        next((trees / "cityscapes").glob(pattern)).unlink()
    kept = next((trees / "gta5" / "images").iterdir())
    with Image.open(kept) as image:
        size = image.size
    Image.new("RGB", size).save(kept)
    black = kept.read_bytes()

    write_cityscapes(trees / "cityscapes", TINY, "camera", workers=1)
    write_gta5(trees / "gta5", TINY, "game", workers=1)

    after = read_tree(trees)
    name = kept.relative_to(trees).as_posix()
    assert after.pop(name) == black
    kept.write_bytes(before.pop(name))
    assert after == before


def test_two_processes_write_the_same_bytes_as_one(tmp_path):
    config = TINY.model_copy(update={"num_train": 14})
    for workers in (1, 2):
        write_gta5(tmp_path / str(workers), config, "game", workers)
    assert read_tree(tmp_path / "1") == read_tree(tmp_path / "2")


def test_drawing_does_not_import_tensorflow():
    code = "import sys, i2i_keras.datasets.streets; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "wrong", [{"num_val": 0}, {"camera_size": (32, 64)}, {"seed": -1}, {"nmu_train": 4}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        StreetsConfig(**wrong)


def test_more_frames_than_gta5_has_are_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"lower streets\.num_train"):
        write_gta5(tmp_path, StreetsConfig(num_train=20_000), "game", workers=1)
