"""Data, presets and runs as the pages name them."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras.datasets import DATASETS, streets
from i2i_keras.datasets.spaces import LABEL_SPACES, labels_of

ROOT = Path(__file__).parents[2]
SPACE = LABEL_SPACES["idd7"]  # Into which all data sets fit.


def draw(root, name, variant, image, label, write):
    """Streets in the layout and with the numbers of a data set."""
    dataset = DATASETS[name] if not variant else DATASETS[name].variants[variant]
    number_of = {int(own): n for n, own in reversed([*enumerate(labels_of(dataset, SPACE))])}
    street = SPACE.labels["cityscapes"]
    for n, split in enumerate(("train",) * 3 + ("val",) * 2 + ("test",) * 2):
        pixels, ids = streets.draw_street("camera", (64, 128), n)
        places = [root / path.format(split=split, n=f"{n:04}") for path in (image, label)]
        for place in places:
            place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(places[0])
        numbers = np.vectorize(lambda v: number_of.get(int(street[v]), 255), otypes=[np.uint8])(ids)
        write(places[1], numbers)


def gray(path, numbers):
    Image.fromarray(numbers).save(path)


def deep(path, numbers):
    """16 bits a channel: the class, and the instance."""
    pixels = np.stack([numbers, numbers, 0 * numbers], axis=-1).astype(np.uint16)
    tf.io.write_file(str(path), tf.io.encode_png(pixels))


def red(path, numbers):
    Image.fromarray(np.stack([numbers, 0 * numbers, 0 * numbers], axis=-1)).save(path)


@pytest.fixture(scope="module")
def home(tmp_path_factory, drawn, tiny_preset):
    """A folder with data and presets, as the pages name them."""
    root = tmp_path_factory.mktemp("home")
    for name in ("cityscapes", "gta5"):
        shutil.copytree(drawn / name, root / "data" / name)
    layouts = {
        "camvid": ("camvid", "", "{split}/{n}.png", "{split}annot/{n}.png", gray),
        "idd_lite": (
            *("idd", "", "leftImg8bit/{split}/1/{n}_image.jpg", "gtFine/{split}/1/{n}_label.png"),
            gray,
        ),
        "synthia": ("synthia", "", "RGB/{n}.png", "GT/LABELS/{n}.png", deep),
        "carla": ("carla", "0.9.14", "rgb/{n}.png", "semantic/{n}.png", red),
    }
    for folder, (name, variant, image, label, write) in layouts.items():
        draw(root / "data" / folder, name, variant, image, label, write)
    page = (ROOT / "docs" / "datasets.md").read_text("utf-8")
    toy = re.search(r"```toml\n(# toy.toml.*?)```", page, re.DOTALL)
    (root / "toy.toml").write_text(toy[1], "utf-8")
    for n, split in enumerate(("train", "train", "val", "test")):
        pixels, ids = streets.draw_street("game", (64, 128), n)
        folder = root / "data" / "toy" / split / "monday"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{n:04}.jpg")
        numbers = np.select([ids == 7, ids == 11], [3, 77], 0)
        gray(folder / f"{n:04}_classes.png", numbers.astype(np.uint8))
    for folder in ("photos", "paintings", "frames", "shared/frames"):
        (root / folder).mkdir(parents=True)
        for n in range(2):
            pixels, _ = streets.draw_street("game", (64, 128), n)
            Image.fromarray(pixels).save(root / folder / f"{n}.jpg")
    mine = 'seeds = [0, 1, 2, 3, 4]\narms = ["source_only", "adapted:cyclegan"]\n'
    for folder in ("", "runs"):
        (root / folder).mkdir(exist_ok=True)
        (root / folder / "mine.toml").write_text(mine + tiny_preset.read_text("utf-8"), "utf-8")
    return root


@pytest.fixture(scope="module")
def finished(home, tiny_experiment):
    """A folder with finished runs, as the pages name them."""
    root = home / "finished"
    done = tiny_experiment(root / "runs" / "demo")
    result = done.command("run")
    assert result.exit_code == 0, result.output
    shutil.copytree(done.root, root / "runs" / "photos-to-paintings")
    for folder in ("photos", "frames"):
        shutil.copytree(home / folder, root / folder)
    return root
