"""A data set with classes of its own is one file, beside the package."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from i2i_keras import config
from i2i_keras.cli import main
from i2i_keras.preparation.domains import Domain, DomainConfig
from i2i_keras.preparation.prepare import PrepareConfig, prepare

TOY = """
title = "Toy"
images = "{split}/{name}.jpg"
labels = "{split}/{name}_classes.png"
default = "numbers"
classes = [
    { name = "lane", number = 3, cityscapes = "road", color = [10, 200, 30] },
    { name = "lawn", number = 40, cityscapes = "terrain", color = [1, 2, 3] },
    { name = "block", number = 77, cityscapes = "building", color = [255, 0, 255] },
    { name = "walker", number = 200, cityscapes = "person", color = [128, 64, 128] },
    { name = "kite", number = 0, color = [90, 90, 90] },
]

[label_space]
name = "toy2"
classes = [
    { name = "ground", color = [0, 9, 0], cityscapes = ["road"], own = ["lane", "lawn"] },
    { name = "rest", color = [9, 9, 9], own = ["block", "walker", "kite"] },
]

[variants.numbers]

[variants.painted]
labels = "{split}/{name}_colors.png"
"""
NUMBERS = (3, 40, 77, 200, 0)
COLORS = ((10, 200, 30), (1, 2, 3), (255, 0, 255), (128, 64, 128), (90, 90, 90))
LABELS = {
    "cityscapes19": [0, 9, 2, 11, 255],
    "cityscapes34": [7, 22, 11, 24, 255],
    "idd7": [0, 1, 5, 2, 255],
    "toy.toml": [0, 0, 1, 1, 1],
}
KINDS = {"ids": "numbers", "colors": "painted"}


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The folder with toy.toml and the raw files of source and target."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy.toml").write_text(TOY)
    for number, split in enumerate(("train", "val", "test")):
        draw(tmp_path / "raw" / "source" / split, number)
        draw(tmp_path / "raw" / "target" / split, 10 + number)
    return tmp_path


def draw(folder, seed):
    """An image, and as its label five columns of one class each."""
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 10, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "a.jpg")
    for ending, codes in (("classes", NUMBERS), ("colors", COLORS)):
        label = np.repeat(np.array([codes], np.uint8), 2, axis=1).repeat(8, axis=0)
        Image.fromarray(label).save(folder / f"a_{ending}.png")


@pytest.fixture
def invoke():
    return lambda *words: CliRunner().invoke(main, [*words])


@pytest.mark.parametrize(("encoding", "holds"), [("ids", "numbers"), ("colors", "colors")])
def test_its_audit_tells_its_classes_by_those_of_cityscapes(toy, invoke, encoding, holds):
    words = ["--encoding", encoding, "--variant", KINDS[encoding], "--workers", "1"]
    told = invoke("audit", "raw/source", "--format", "toy.toml", *words).stdout.splitlines()
    assert told[:2] == [
        "train: 1 image, 1 labelled, 10 x 8",
        f"  labels hold {holds} (1): road 20.0%, building 20.0%, terrain 20.0%, person 20.0%,"
        " ignored 20.0%",
    ]
    assert told[-1] == "Nothing is wrong."


@pytest.mark.parametrize("encoding", ["ids", "colors"])
@pytest.mark.parametrize("space", LABELS)
def test_it_is_prepared_into_every_label_space(toy, space, encoding):
    table = {"format": "toy.toml", "encoding": encoding, "variant": KINDS[encoding]}
    domain = config.build(DomainConfig, table)
    domains = {}
    for role in ("source", "target"):
        root = toy / "raw" / role
        domains[role] = Domain(domain, root, domain.find(root))
    prepare(PrepareConfig(label_space=space, size=(8, 10), workers=1), domains, toy / "run")
    for role in domains:
        path = toy / "run" / "prepare" / f"{role}-train" / "labels" / "a.png"
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.array(image)[0], np.repeat(LABELS[space], 2))
