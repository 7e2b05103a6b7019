"""A data set with classes of its own is one file and one line of `DATASETS`."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PACKAGE = Path(__file__).parents[2] / "i2i_keras"
TOY = '''
"""Toy: ROOT/SPLIT/NAME.jpg, ROOT/SPLIT/NAME_classes.png or NAME_colors.png."""

from i2i_keras.data.records import SPLITS
from i2i_keras.datasets.dataset import Coding, Dataset, RawClass
from i2i_keras.datasets.raw_files import named, pair

CODING = Coding(
    "toy",
    (
        RawClass("lane", 3, "road", (10, 200, 30)),
        RawClass("lawn", 40, "terrain", (1, 2, 3)),
        RawClass("block", 77, "building", (255, 0, 255)),
        RawClass("walker", 200, "person", (128, 64, 128)),
        RawClass("kite", 0, "", (90, 90, 90)),
    ),
)
ENDINGS = {"ids": "_classes.png", "colors": "_colors.png"}


def official(root, encoding="ids"):
    def records(folder):
        ending = ENDINGS[encoding]
        place = lambda name: (folder / f"{name}.jpg", folder / f"{name}{ending}")
        return pair(named(folder, ".jpg"), named(folder, ending), place)

    return {split: records(root / split) for split in SPLITS}


DATASET = Dataset(
    "Toy",
    splits={"official": official},
    coding=CODING,
    numbers=CODING.numbers.values(),
    encodings=("ids", "colors"),
    colors=CODING.colors,
    recognize=lambda root: "" if any(root.glob("train/*_classes.png")) else None,
    spaces={
        "toy2": [
            {"name": "ground", "color": (0, 9, 0), "cityscapes": ["road"], "toy": ["lane", "lawn"]},
            {"name": "rest", "color": (9, 9, 9), "toy": ["block", "walker", "kite"]},
        ]
    },
)
'''
NUMBERS = (3, 40, 77, 200, 0)
COLORS = ((10, 200, 30), (1, 2, 3), (255, 0, 255), (128, 64, 128), (90, 90, 90))
LABELS = {
    "cityscapes19": [0, 9, 2, 11, 255],
    "cityscapes34": [7, 22, 11, 24, 255],
    "idd7": [0, 1, 5, 2, 255],
    "toy2": [0, 0, 1, 1, 1],
}
CODE = """
import json, sys
from pathlib import Path
from i2i_keras.preparation.audit import overview
from i2i_keras.preparation.detect import detect
from i2i_keras.preparation.domains import Domain, DomainConfig, audit_domain
from i2i_keras.preparation.prepare import PrepareConfig, prepare

roots = {role: Path("raw", role) for role in ("source", "target")}
told = {"detected": detect(roots["source"]).config.format}
for encoding in ("ids", "colors"):
    config = DomainConfig(format="toy", encoding=encoding)
    told[encoding] = overview(audit_domain(config, roots["source"], "", workers=1))
    domains = {role: Domain(config, root, config.find(root)) for role, root in roots.items()}
    for space in sys.argv[1:]:
        settings = PrepareConfig(label_space=space, size=(8, 10), workers=1)
        prepare(settings, domains, Path(f"{space}-{encoding}"))
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """Where a copy of the package with the toy prepared it; what it said."""
    folder = tmp_path_factory.mktemp("toy")
    shutil.copytree(PACKAGE, folder / "i2i_keras")
    (folder / "i2i_keras/datasets/toy.py").write_text(TOY)
    register = folder / "i2i_keras/datasets/__init__.py"
    line = '    "folder": folder.DATASET,\n'
    text = register.read_text().replace(line, f'    "toy": toy.DATASET,\n{line}')
    register.write_text(text.replace("gta5, idd", "gta5, idd, toy"))
    for number, split in enumerate(("train", "val", "test")):
        draw(folder / "raw" / "source" / split, number)
        draw(folder / "raw" / "target" / split, 10 + number)
    process = subprocess.run(
        [sys.executable, "-c", CODE, *LABELS],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return folder, json.loads(process.stdout)


def draw(folder, seed):
    """An image, and as its label five columns of one class each."""
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 10, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "a.jpg")
    for ending, codes in (("classes", NUMBERS), ("colors", COLORS)):
        label = np.repeat(np.array([codes], np.uint8), 2, axis=1).repeat(8, axis=0)
        Image.fromarray(label).save(folder / f"a_{ending}.png")


def test_its_folder_is_recognized(toy):
    assert toy[1]["detected"] == "toy"


@pytest.mark.parametrize(("encoding", "holds"), [("ids", "numbers"), ("colors", "colors")])
def test_its_audit_tells_its_classes_by_those_of_cityscapes(toy, encoding, holds):
    assert toy[1][encoding][:2] == [
        "train: 1 images, 1 labelled, 10 x 8",
        f"  labels hold {holds} (1): road 20.0%, building 20.0%, terrain 20.0%, person 20.0%,"
        " ignored 20.0%",
    ]
    assert toy[1][encoding][-1] == "Nothing is wrong."


@pytest.mark.parametrize("encoding", ["ids", "colors"])
@pytest.mark.parametrize("space", LABELS)
def test_it_is_prepared_into_every_label_space(toy, space, encoding):
    path = toy[0] / f"{space}-{encoding}" / "prepare" / "source-train" / "labels" / "a.png"
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.array(image)[0], np.repeat(LABELS[space], 2))
