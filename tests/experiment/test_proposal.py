"""`init`: what it writes, and that it runs as it is."""

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from i2i_keras import config
from i2i_keras.cli import main
from i2i_keras.experiment.settings import Settings
from i2i_keras.preparation import auto_size

STREET = np.repeat([23, 11, 26, 7], 64 * 128 // 4)  # From the sky down to the road.


@pytest.fixture
def init(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *words: CliRunner().invoke(main, ["init", *map(str, words)])


def folder(root, size=(64, 64), label=None, count=12):
    (root / "images").mkdir(parents=True)
    for number in range(count):
        Image.new("RGB", size[::-1], (number, 9, 9)).save(root / "images" / f"{number:02}.png")
    if label is not None:
        (root / "labels").mkdir()
        for number in range(count):
            Image.fromarray(np.resize(np.array(label, np.uint8), size)).save(
                root / "labels" / f"{number:02}.png"
            )


def read(path):
    return config.build(Settings, config.read(str(path)))


def test_without_labels_there_are_no_arms(init, tmp_path):
    folder(tmp_path / "a", (300, 300))
    folder(tmp_path / "b", (300, 300))
    result = init("a", "b")
    assert result.exit_code == 0, result.output
    found = read("a-to-b.toml")
    assert (found.arms, found.translators) == ((), ("cyclegan",))
    assert found.prepare.size == auto_size.auto_size([[(300, 300)]], 128 * 256)
    assert "i2i-keras run --preset a-to-b.toml --dry-run" in result.output


def test_labels_on_both_sides_give_an_oracle_and_a_hold_out(init, tmp_path):
    for name in ("a", "b"):
        folder(tmp_path / name, (64, 128), STREET)
    assert init("a", "b", "--out", "mine.toml").exit_code == 0
    found = read("mine.toml")
    assert found.arms[-1] == "oracle"
    assert found.target.split == "hold_out" and found.target.hold_out.test == 0.2
    assert found.source.hold_out.test == 0.05
    assert found.segmenter.pipeline.crop == (64, 128)


def test_labels_that_number_their_own_classes_get_files_to_name_them(init, tmp_path):
    for name in ("a", "b"):
        folder(tmp_path / name, (64, 64), [40, 50, 60, 255])
    result = init("a", "b")
    assert result.exit_code == 0, result.output
    assert "a-to-b-classes.toml" in result.output
    found = read("a-to-b.toml")
    from i2i_keras.datasets.spaces import find_space

    space = find_space(found.prepare.label_space)
    assert space.names == ("class 40", "class 50", "class 60")
    reader = found.source.labels(space).reader
    assert [int(reader.labels[n]) for n in (40, 50, 60, 255)] == [0, 1, 2, 255]


def test_a_gpu_gets_larger_networks(init, tmp_path, monkeypatch):
    for name in ("a", "b"):
        folder(tmp_path / name, (600, 600))
    assert init("a", "b", "--out", "cpu.toml").exit_code == 0
    monkeypatch.setattr(auto_size, "device", lambda: "GPU")
    assert init("a", "b", "--out", "gpu.toml").exit_code == 0
    cpu, gpu = (read(f"{name}.toml") for name in ("cpu", "gpu"))
    for part in ("generator.filters", "generator.num_residual_blocks", "steps"):
        one, other = (s.translator.cyclegan for s in (cpu, gpu))
        for key in part.split("."):
            one, other = getattr(one, key), getattr(other, key)
        assert one < other
    assert cpu.prepare.size[0] < gpu.prepare.size[0] <= 600


def test_nothing_is_overwritten(init, tmp_path):
    for name in ("a", "b"):
        folder(tmp_path / name)
    (tmp_path / "mine.toml").write_text("precious", "utf-8")
    result = init("a", "b", "--out", "mine.toml")
    assert result.exit_code == 1
    assert "mine.toml is there already; delete it, or give another --out." in result.output
    assert (tmp_path / "mine.toml").read_text("utf-8") == "precious"


def test_what_cannot_be_carried_out_is_not_left_behind(init, tmp_path):
    folder(tmp_path / "a", (64, 128), STREET)
    folder(tmp_path / "b", (64, 128), [40, 50, 60, 70])  # Another numbering than a's.
    result = init("a", "b")
    assert result.exit_code == 1
    assert "labels of b hold 40, 50, 60, 70, which is no numbering of Cityscapes" in result.output
    assert not [*tmp_path.glob("*.toml")]


def test_a_folder_without_images_is_named(init, tmp_path):
    (tmp_path / "a").mkdir()
    folder(tmp_path / "b")
    result = init("a", "b")
    assert result.exit_code == 1
    assert "a holds no PNG, JPEG, BMP, TIFF" in result.output


def test_labels_that_ignore_everything_are_named(init, tmp_path):
    folder(tmp_path / "a", label=[255])
    folder(tmp_path / "b")
    result = init("a", "b")
    assert result.exit_code == 1
    assert "The labels of a ignore every pixel (255); take them away" in result.output


def test_one_folder_is_not_two(init, tmp_path):
    folder(tmp_path / "a")
    result = init("a", tmp_path / "a")
    assert result.exit_code == 1
    assert "a is given twice" in result.output


def test_small_numbers_of_their_own_are_no_train_ids(init, tmp_path):
    for name in ("a", "b"):
        folder(tmp_path / name, label=[1, 2, 3, 4])
    result = init("a", "b")
    assert result.exit_code == 0, result.output
    assert "a-to-b-classes.toml" in result.output


def test_the_split_that_is_told_is_that_which_is_made(init, tmp_path):
    for name in ("a", "b"):
        folder(tmp_path / name, (64, 128), STREET, count=20)
    told = init("a", "b").output
    for role, domain in (
        ("source", read("a-to-b.toml").source),
        ("target", read("a-to-b.toml").target),
    ):
        from pathlib import Path

        found = domain.find(Path(domain.root))
        counts = ", ".join(f"{len(found[s])} {s} ({len(found[s])} labelled)" for s in found)
        assert counts in told, role


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ([11, 3, 14, 1], "but seem to be those of CARLA from 0.9.14"),
        ([0, 0, 7, 7], "nobody has said what their numbers mean; they could be those of"),
    ],
)
def test_labels_of_which_nobody_has_said_what_they_are_are_asked_for(numbers, told, init, tmp_path):
    for name in ("a", "b"):
        folder(tmp_path / name, (64, 128), np.repeat(numbers, 64 * 128 // 4))
    result = init("a", "b")
    assert result.exit_code == 1
    assert "a/labels has labels" in result.output and told in result.output
    assert "--source-encoding" in result.output
    assert not (tmp_path / "a-to-b.toml").exists()


@pytest.mark.parametrize("encoding", ["ids", "own"])
def test_what_the_user_says_of_labels_is_taken(encoding, init, tmp_path):
    for name in ("a", "b"):
        folder(tmp_path / name, (64, 128), np.repeat([0, 0, 7, 7], 64 * 128 // 4))
    result = init("a", "b", "--source-encoding", encoding, "--target-encoding", encoding)
    assert result.exit_code == 0, result.output
    found = read("a-to-b.toml")
    assert [d.encoding for d in (found.source, found.target)] == [
        {"own": ""}.get(encoding, "ids")
    ] * 2
    assert bool(found.source.mapping) == (encoding == "own")


def test_that_numbers_are_taken_for_the_same_classes_is_said(init, tmp_path):
    """Nothing else could tell that 1 is a road here, and a sky there."""
    folder(tmp_path / "a", label=[1, 2, 3, 200])
    folder(tmp_path / "b", label=[1, 2, 201])
    result = init("a", "b", "--source-encoding", "own", "--target-encoding", "own")
    assert result.exit_code == 0, result.output
    for told in (
        "check before you run it: what both domains' labels hold (1, 2) is taken for the same",
        "classes of the source alone: 3, 200\n",
        "classes of the target alone: 201\n",
    ):
        assert told in result.output and told in (tmp_path / "a-to-b.toml").read_text()


def test_labels_that_are_missing_are_not_counted(init, tmp_path):
    wide = (64, 128)
    folder(tmp_path / "a", wide, STREET)
    folder(tmp_path / "b" / "train", wide)
    folder(tmp_path / "b" / "test", wide, STREET)
    (tmp_path / "b" / "test" / "labels" / "03.png").unlink()
    result = init("a", "b")
    assert "12 train (0 labelled), 12 test (11 labelled)" in result.output
    plan = CliRunner().invoke(main, ["run", "--preset", "a-to-b.toml", "--dry-run"])
    assert "target-test: 12 images, 11 labelled\nrun directory: runs/a-to-b\n" in plan.output
