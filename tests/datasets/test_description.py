"""A data set that a TOML file describes: what its lines do, and its faults."""

import json

import numpy as np
import pytest
from PIL import Image

from i2i_keras import config, datasets
from i2i_keras.datasets.readers import build_reader
from i2i_keras.datasets.spaces import LABEL_SPACES, find_space, labels_of, space_of
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.preparation.domains import DomainConfig, audit_domain

TOY = """title = "Toy"
images = "{split}/{name}.png"
labels = "{split}/{name}_classes.png"
classes = [
    { name = "lane", number = 3, cityscapes = "road" },
    { name = "block", number = 77, cityscapes = "building" },
    { name = "kite", number = 0 },
]
"""
FILES = ("train/a", "train/b", "val/c", "test/d")


@pytest.fixture
def toy(tmp_path):
    """From a text to the file that describes a data set."""

    def write(text=TOY, name="toy.toml"):
        (tmp_path / name).write_text(text, "utf-8")
        return str(tmp_path / name)

    return write


@pytest.fixture
def root(tmp_path):
    """Files of the toy, each label with three numbers."""
    for number, file in enumerate(FILES):
        draw(tmp_path / "raw", file, number)
    return tmp_path / "raw"


def draw(root, file, number=0, codes=(3, 77, 0)):
    image = root / f"{file}.png"
    image.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (4, 6, 3), np.uint8)
    Image.fromarray(pixels).save(image)
    label = np.repeat(np.array(codes, np.uint8), 24 // len(codes)).reshape(4, 6)
    Image.fromarray(label).save(root / f"{file}_classes.png")


def changed(old, new, text=TOY):
    assert old in text
    return text.replace(old, new)


def names(splits):
    return {split: [record.name for record in records] for split, records in splits.items()}


# --- What it does ------------------------------------------------------------


def test_images_are_those_that_are_no_labels(toy, root):
    splits = DomainConfig(format=toy()).find(root)
    assert names(splits) == {"train": ["a", "b"], "val": ["c"], "test": ["d"]}
    [first, _] = splits["train"]
    assert (first.image, first.label) == (root / "train/a.png", root / "train/a_classes.png")


def test_classes_go_by_what_they_are_in_cityscapes(toy, root):
    found = audit_domain(DomainConfig(format=toy()), root, "", workers=1)
    assert [finding for finding in found.findings if finding.bad] == []
    assert found.rows["train"][0]["pixels"] == {0: 8, 2: 8, 255: 8}


@pytest.mark.parametrize(("space", "labels"), [("cityscapes34", [7, 11]), ("idd7", [0, 5])])
def test_they_are_in_every_label_space_that_has_these(toy, space, labels):
    table = labels_of(datasets.find(toy()), LABEL_SPACES[space])
    assert table[[3, 77]].tolist() == labels
    assert (np.delete(table, [3, 77]) == 255).all()


def test_an_image_without_label_is_found_where_it_should_be(toy, root):
    (root / "train/b_classes.png").unlink()
    found = audit_domain(DomainConfig(format=toy()), root, "", workers=1)
    assert [f.file for f in found.findings if f.bad] == ["train/b_classes.png"]


def test_lone_files_are_left_out_with_a_note(toy, root):
    (root / "train/b_classes.png").unlink()
    (root / "train/a.png").unlink()
    draw(root, "train/e", 9)
    domain = DomainConfig(format=toy('lone = "note"\n' + TOY))
    assert names(domain.find(root))["train"] == ["e"]
    assert [(n.table, n.file, n.what, n.bad) for n in domain.left_out(root)] == [
        ("train", "train/b.png", "has no label", False),
        ("train", "train/a_classes.png", "has no image", False),
    ]
    assert DomainConfig(format=toy()).left_out(root) == []


def test_files_that_are_something_else_are_skipped(toy, root):
    draw(root, "train/a_inst", 9)
    skipping = toy('skip = ["*_inst.png", "*_inst_classes.png"]\n' + TOY, "skips.toml")
    counts = [len(DomainConfig(format=path).find(root)["train"]) for path in (toy(), skipping)]
    assert counts == [3, 2]


def test_splits_have_the_folders_that_are_said(toy, root):
    ways = '[splits]\nmine = { train = "val", test = "train" }\nother = { train = "test" }\n'
    path = toy(TOY + ways)
    assert names(DomainConfig(format=path).find(root)) == {
        "train": ["c"],
        "val": [],
        "test": ["a", "b"],
    }
    assert names(DomainConfig(format=path, split="other").find(root))["train"] == ["d"]


FLAT = changed("{split}/", "train/")


def test_without_splits_blocks_are_held_out_as_the_settings_say(toy, root):
    for number in range(20):
        draw(root, f"train/n{number:02}", number)
    found = {}
    for test in (0.2, 0.5):
        shares = {"test": test, "val": 0.0, "block": 2}
        found[test] = DomainConfig(format=toy(FLAT), hold_out=shares).find(root)
    # 22 images are 11 blocks.
    assert {test: len(splits["test"]) for test, splits in found.items()} == {0.2: 4, 0.5: 12}
    order = names(DomainConfig(format=toy(FLAT), split="all").find(root))
    places = sorted(order["train"].index(record.name) for record in found[0.2]["test"])
    assert places[1] - places[0] == places[3] - places[2] == 1
    assert [len(some) for some in order.values()] == [22, 0, 0]


def test_lists_name_the_records_of_a_split_here_or_in_a_file(toy, root, tmp_path):
    (tmp_path / "test.txt").write_text("b\n\n")
    path = toy(FLAT + '[lists.mine]\ntrain = ["a"]\ntest = ["test.txt"]\n')
    assert names(DomainConfig(format=path).find(root)) == {"train": ["a"], "val": [], "test": ["b"]}
    [note] = DomainConfig(format=toy(FLAT + '[lists.mine]\ntrain = ["a"]\n')).left_out(root)
    assert (note.file, note.what, note.bad) == ("train/b.png", "has no place in a list", False)
    path = toy(FLAT + '[lists.mine]\ntrain = ["a"]\ntest = ["test.txt"]\n')
    assert DomainConfig(format=path).left_out(root) == []
    (tmp_path / "test.txt").write_text("b\nnone\n")
    with pytest.raises(DataError, match="has no image 'none', which the test list of Toy names"):
        DomainConfig(format=path).find(root)


def test_labels_of_an_unlabelled_folder_are_not_read(toy, root):
    path = toy('unlabelled = ["test"]\n' + TOY)
    labels = [record.label for record in DomainConfig(format=path).find(root)["test"]]
    assert labels == [None]


def test_numbers_are_filled_up_with_zeros(toy, root):
    for name in ("2", "10"):
        draw(root, f"train/{name}", int(name))
    for digits, order in ((0, ["10", "2"]), (3, ["002", "010"])):
        found = DomainConfig(format=toy(f"digits = {digits}\n{TOY}")).find(root)["train"]
        assert [record.name for record in found][:2] == order


def test_known_frames_are_notes(toy, root):
    path = toy(TOY + '[known]\nb = "black (me)"\n')
    found = audit_domain(DomainConfig(format=path), root, "", workers=1).findings
    assert [(f.name, f.what) for f in found if not f.bad] == [("b", "is said to be black (me)")]


def test_ignored_numbers_may_occur(toy, root):
    draw(root, "train/a", codes=(3, 77, 200))
    for text, kinds in ((TOY, ["unknown class"]), ("ignored = [200]\n" + TOY, [])):
        found = audit_domain(DomainConfig(format=toy(text)), root, "", workers=1)
        assert [f.kind for f in found.findings if f.bad] == kinds
    assert found.rows["train"][0]["pixels"] == {0: 8, 2: 8, 255: 8}


def test_a_folder_is_recognized_by_all_globs(toy, root):
    found = datasets.find(toy('recognized_by = ["train/*_classes.png", "val"]\n' + TOY))
    assert found.recognize(root) == ""
    assert found.recognize(root / "train") is None
    assert datasets.find(toy()).recognize(root) is None


@pytest.mark.parametrize(("channel", "place"), [("red", 0), ("green", 1), ("blue", 2)])
def test_a_channel_holds_the_numbers(toy, root, channel, place):
    pixels = np.full((4, 6, 3), 9, np.uint8)
    pixels[..., place] = np.repeat([3, 77], 12).reshape(4, 6)
    for file in FILES:
        Image.fromarray(pixels).save(root / f"{file}_classes.png")
    path = toy(f'channel = "{channel}"\n{TOY}')
    found = audit_domain(DomainConfig(format=path), root, "", workers=1)
    assert found.rows["train"][0]["pixels"] == {0: 12, 2: 12}


def test_gray_may_have_16_bits(toy, root):
    for file in FILES:
        label = np.repeat(np.array([3, 77, 0], np.uint16), 8).reshape(4, 6)
        Image.fromarray(label).save(root / f"{file}_classes.png")
    found = audit_domain(DomainConfig(format=toy("bits = 16\n" + TOY)), root, "", workers=1)
    assert found.rows["train"][0]["pixels"] == {0: 8, 2: 8, 255: 8}
    found = audit_domain(DomainConfig(format=toy()), root, "", workers=1)
    # Small numbers of 16 bits can be read without a word.
    assert found.rows["train"][0]["pixels"] == {0: 8, 2: 8, 255: 8}
    draw(root, "train/a")
    found = audit_domain(DomainConfig(format=toy("bits = 16\n" + TOY)), root, "", workers=1)
    [bad] = [finding for finding in found.findings if finding.bad]
    assert (bad.file, bad.kind) == ("train/a_classes.png", "unreadable label")
    assert bad.what == "does not hold 16 bits a channel, as labels of this data set do"


def test_a_number_above_255_is_told(toy, root):
    label = np.full((4, 6), 355, np.uint16)
    Image.fromarray(label).save(root / "train/a_classes.png")
    path = toy("bits = 16\n" + TOY)
    reader = build_reader(datasets.find(path), "ids", LABEL_SPACES["cityscapes19"])
    with pytest.raises(
        DataError, match="holds 355 in its gray channel, where classes are 0 to 255"
    ):
        reader.numbers(root / "train/a_classes.png")


COLORS = changed("number = 3", "color = [1, 2, 3]", changed("number = 77", "color = [9, 9, 9]"))
COLORS = changed("number = 0", "color = [0, 0, 0]", COLORS)


def test_classes_may_have_colors_alone(toy, root):
    for file in FILES:
        pixels = np.repeat([[1, 2, 3], [9, 9, 9], [0, 0, 0]], 8, axis=0).astype(np.uint8)
        Image.fromarray(pixels.reshape(4, 6, 3)).save(root / f"{file}_classes.png")
    dataset = datasets.find(toy(COLORS))
    assert dataset.encodings == ("colors",)
    found = audit_domain(DomainConfig(format=toy(COLORS)), root, "", workers=1)
    assert found.rows["train"][0]["pixels"] == {0: 8, 2: 8, 255: 8}


def test_numbering_takes_those_of_cityscapes(toy, root):
    plain = TOY.partition("classes =")[0]
    for numbering, codes, labels in (
        ("ids", (7, 11, 0), {0: 8, 2: 8, 255: 8}),
        ("train_ids", (0, 2, 255), {0: 8, 2: 8, 255: 8}),
    ):
        for file in FILES:
            draw(root, file, FILES.index(file), codes)
        path = toy(f'{plain}numbering = "{numbering}"\n')
        found = audit_domain(DomainConfig(format=path), root, "cityscapes19", workers=1)
        assert found.rows["train"][0]["pixels"] == labels


def test_where_labels_are_to_be_made_it_says_how(toy, root):
    for file in root.rglob("*_classes.png"):
        file.rename(file.with_name(file.name.replace("_classes.png", ".json")))
    path = toy(TOY + '[instead]\nfiles = "*/*.json"\ntodo = "call draw.py on it"\n')
    with pytest.raises(DataError) as error:
        DomainConfig(format=path).find(root)
    assert str(error.value) == f"{root}/test/d.json is no label image; call draw.py on it."


def test_a_root_without_images_is_refused(toy, tmp_path):
    with pytest.raises(DataError) as error:
        DomainConfig(format=toy()).find(tmp_path / "none")
    assert str(error.value) == (
        f"{tmp_path}/none has no image at {{split}}/{{name}}.png; give the root of Toy, and check"
        " the split."
    )


# --- Label spaces ------------------------------------------------------------

SPACE = """[label_space]
name = "toys"
classes = [
    { name = "ground", color = [0, 9, 0], own = ["lane"], cityscapes = ["road", "sidewalk"] },
    { name = "rest", color = [9, 9, 9], own = ["block", "kite"] },
]
"""


def test_a_label_space_may_come_along(toy, root):
    path = toy(TOY + SPACE)
    space = find_space(path)
    assert (space.name, space.names) == ("toys", ("ground", "rest"))
    assert labels_of(datasets.find(path), space)[[3, 77, 0]].tolist() == [0, 1, 1]
    # That of the other domain.
    assert labels_of(datasets.find("gta5"), space)[[7, 8, 11]].tolist() == [0, 0, 255]
    found = audit_domain(DomainConfig(format=path), root, path, workers=1)
    assert found.rows["train"][0]["pixels"] == {0: 8, 1: 16}


def test_it_is_taken_where_no_other_knows_a_class(toy):
    text = TOY.replace(', cityscapes = "road"', "").replace(', cityscapes = "building"', "")
    assert space_of(datasets.find(toy(text + SPACE))).name == "toys"
    assert space_of(datasets.find(toy(TOY + SPACE))).name == "cityscapes19"


@pytest.mark.parametrize("space", ["idd7", "toys"])
def test_classes_may_join_those_of_another_label_space(toy, space):
    other = toy(TOY + SPACE)
    name = {"idd7": "sky", "toys": "rest"}[space]
    path = toy(f'{TOY}[joined.{space}]\n{name} = ["kite", "lane"]\n', "mine.toml")
    found = find_space(other) if space == "toys" else find_space(space)
    labels = labels_of(datasets.find(path), found)
    assert labels[[0, 3, 77]].tolist() == [found.names.index(name)] * 2 + [255]


def test_a_class_that_the_space_does_not_have_is_told(toy):
    path = toy(TOY + '[joined.idd7]\nskye = ["kite"]\n')
    with pytest.raises(SettingsError, match="to one that idd7 does not have: 'skye'"):
        labels_of(datasets.find(path), find_space("idd7"))


def test_a_file_without_a_label_space_is_none(toy):
    with pytest.raises(SettingsError, match="describes a data set without a label space"):
        find_space(toy())


# --- Variants and settings ---------------------------------------------------

VARIANTS = TOY + '[variants.old]\n[variants.new]\nimages = "new/{split}/{name}.png"\n'


def test_a_variant_changes_what_it_says(toy, root):
    draw(root, "new/train/z")
    path = toy(VARIANTS)
    assert names(DomainConfig(format=path, variant="old").find(root))["train"] == ["a", "b"]
    assert datasets.find(path, "new").title == "Toy"
    new = toy(VARIANTS.replace("[variants.new]\n", '[variants.new]\nlabels = ""\n'))
    assert names(DomainConfig(format=new, variant="new").find(root))["train"] == ["z", "z_classes"]


def test_one_has_to_be_named_unless_there_is_a_default(toy):
    with pytest.raises(ValueError, match="set variant to one of old, new"):
        DomainConfig(format=toy(VARIANTS))
    path = toy('default = "new"\n' + VARIANTS)
    assert datasets.find(path).splits.keys() == datasets.find(path, "new").splits.keys()
    with pytest.raises(ValueError, match=r"has no variant 'nwe'\. Did you mean 'new'"):
        DomainConfig(format=path, variant="nwe")


def test_records_depend_on_what_the_file_says_and_not_on_its_place(toy, tmp_path):
    first = DomainConfig(format=toy()).facts()
    assert str(tmp_path) not in json.dumps(first)
    assert DomainConfig(format=toy(name="other.toml")).facts() == first
    assert DomainConfig(format=toy(changed("77", "78"))).facts() != first
    (tmp_path / "a.txt").write_text("a")
    lists = toy(FLAT + '[lists.mine]\ntrain = ["a.txt"]\n')
    before = DomainConfig(format=lists).facts()
    (tmp_path / "a.txt").write_text("b")
    assert DomainConfig(format=lists).facts() != before


def test_one_of_ours_is_known_by_its_name(tmp_path):
    facts = DomainConfig(format="kitti").facts()
    assert facts["format"] == "kitti" and "variant" not in facts
    assert DomainConfig(format="carla", variant="0.9.9").facts()["variant"] == "0.9.9"


# --- What is wrong with it ---------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (changed('"Toy"', "Toy"), 1, "is not valid TOML"),
        ("skp = []\n" + TOY, 1, "'skp'. Did you mean 'skip'?"),
        (changed('title = "Toy"\n', ""), 1, "Setting 'title' is needed."),
        (changed("number = 77", 'number = "77"'), 6, "'classes.1.number': it has to be a whole"),
        (changed("number = 77", "number = 256"), 6, "'classes.1.number'"),
        (changed("number = 77, ", ""), 6, "'block' needs a number."),
        (changed("number = 77", "numbre = 77"), 6, "'classes.1.numbre'. Did you mean"),
        (changed("number = 77", "number = 3"), 6, "number 3 is that of 'lane' and of 'block'"),
        (changed('"kite"', '"lane"'), 7, "name 'lane' is that of 'lane' and of 'lane'"),
        (changed('"building"', '"bulding"'), 6, "has no class 'bulding'. Did you mean 'building'?"),
        (changed("{name}.png", "{nome}.png"), 2, "{name} has to stand in it once"),
        (changed("{split}/{name}_", "labels/{name}_"), 3, "{split} has to stand in both"),
        (changed("{split}/{name}_", "{split}/**/{name}_"), 3, "as many ** as images"),
        (TOY.partition("classes =")[0], 3, "labels need classes, or numbering"),
        (TOY + 'numbering = "ids"\n', 9, "numbering says that classes are Cityscapes'"),
        (TOY + 'numbering = "id"\n', 9, "there is no 'id'. Did you mean 'ids'?"),
        (TOY + 'channel = "alpha"\n', 9, "there is no 'alpha'"),
        (TOY + "bits = 12\n", 9, "'bits'"),
        (TOY + "ignored = [\n  9,\n  300,\n]\n", 11, "'ignored.1'"),
        (TOY + "ignored = [3]\n", 9, "3 is ignored and the class 'lane'"),
        (TOY + 'unlabelled = ["tset"]\n', 9, "no split has the folder 'tset'. Did you mean 'test'"),
        (TOY + '[splits.mine]\nval = "val"\n', 9, "'mine' needs a folder for train"),
        (TOY + '[splits.mine]\ntrian = "val"\n', 10, "'splits.mine.trian'"),
        (TOY + '[splits.hold_out]\ntrain = "a"\ntest = "b"\n', 9, "divides train alone"),
        (TOY + '[splits.mine]\ntrain = ""\n', 9, "needs folders, for {split} to stand for"),
        (FLAT + '[splits.mine]\ntrain = "a"\n', 9, "no {split} is in the patterns"),
        (TOY + '[lists.mine]\ntrain = ["a"]\n', 9, "lists are for patterns without {split}"),
        (FLAT + '[lists.mine]\ntrain = ["a.txt"]\n', 10, "there is no file a.txt beside"),
        (FLAT + '[lists.mine]\ntrain = ["../a.txt"]\n', 10, "there is no file ../a.txt beside"),
        (TOY + '[joined.idd7]\nsky = ["kit"]\n', 10, "no class 'kit'. Did you mean 'kite'?"),
        (TOY + SPACE.replace('"lane"', '"lana"'), 12, "no class 'lana'. Did you mean 'lane'?"),
        (TOY + SPACE.replace('"road"', '"raod"'), 12, "has no class 'raod'. Did you mean 'road'?"),
        (VARIANTS.replace("new/{split}", "a**"), 11, "** has to stand for whole folders"),
        (VARIANTS.replace('images = "n', 'image = "n'), 11, "'image'. Did you mean 'images'?"),
        ('default = "nwe"\n' + VARIANTS, 1, "no variant 'nwe'. Did you mean 'new'?"),
        ("variants = 3\n" + TOY, 1, "has to be a table of tables"),
        (changed("number = 3", "color = [1, 2]"), 5, "'classes.0.color': it has to be a list of 3"),
        (TOY + 'recognized_by = ["/a"]\n', 9, "'/a' has to be a glob below the root"),
        (TOY + '[instead]\nfiles = "**a"\ntodo = "x"\n', 10, "'**a' has to be a glob below the"),
        (changed("number = 77", "number = 254, color = [1, 1, 1]"), 6, "254 is no number for a"),
    ],
)
def test_a_fault_is_one_sentence_with_its_file_and_line(toy, text, line, words):
    path = toy(text)
    with pytest.raises(SettingsError) as error:
        datasets.find(path)
    told = str(error.value)
    assert words in told
    assert told.startswith(path) and "\n" not in told
    assert f"line {line}" in told


def test_a_list_that_is_no_text_is_told(toy, tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xff\n")
    with pytest.raises(SettingsError, match=r"line 10: a\.txt is not UTF-8; save it so"):
        datasets.find(toy(FLAT + '[lists.mine]\ntrain = ["a.txt"]\n'))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"none.toml cannot be read: No such file"):
        config.build(DomainConfig, {"format": str(tmp_path / "none.toml")})


def test_a_wrong_split_or_encoding_is_refused_with_the_right_ones(toy):
    with pytest.raises(ValueError, match="no split 'mine'; there are official"):
        DomainConfig(format=toy(), split="mine")
    with pytest.raises(ValueError, match="no encoding 'colors'; there are ids"):
        DomainConfig(format=toy(), encoding="colors")


def test_a_preset_takes_what_the_new_format_has(toy):
    from i2i_keras.preparation.domains import misfits

    before = {"format": "carla", "variant": "0.9.14", "split": "all", "encoding": "colors"}
    assert misfits(before, before | {"format": toy()}, set()) == {
        "variant": f"{toy()} takes none",
        "split": f"{toy()} takes its default, 'official'",
        "encoding": f"{toy()} takes its default, 'ids'",
    }
    assert misfits(before, before | {"format": toy(TOY[:9])}, set()) == {}
    before = {"format": "gta5", "split": "val_as_test", "encoding": "colors"}
    assert misfits(before, before | {"format": "carla"}, set()) == {
        "split": "carla takes its default, 'hold_out'"
    }
