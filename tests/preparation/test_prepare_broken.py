"""Broken streets, prepared: refused, mended, or done without what is bad."""

import json
import shutil
from typing import NamedTuple

import pytest

from i2i_keras.data.records import read_records
from i2i_keras.errors import DataError
from i2i_keras.preparation.domains import Domain, DomainConfig
from i2i_keras.preparation.prepare import PrepareConfig, prepare

SPLITS = ("train", "val", "test")
CAMERA = "cityscapes/leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png"
IDS = "cityscapes/gtFine/train/aachen/aachen_000000_000019_gtFine_labelIds.png"
GAME, PALETTE = "gta5/images/00001.png", "gta5/labels/00001.png"


class Broken(NamedTuple):
    """One way to break one file, and what is said of it."""

    way: str
    file: str
    kind: str
    todo: str

    @property
    def path(self):
        """What the file is called, from the root of its data set."""
        return self.file.partition("/")[2]

    @property
    def place(self):
        """The table and the name of the record that is broken."""
        if self.file.startswith("gta5"):
            return "target-train", "00001"
        return "source-train", "aachen_000000_000019"


BROKEN = [
    Broken("cut", CAMERA, "unreadable image", "replace it"),
    Broken("bomb", GAME, "unreadable image", "replace it"),
    Broken("loop", GAME, "unreadable image", "replace it"),
    Broken("gone", CAMERA, "label without image", "put it there, or take away what belongs to it"),
    Broken("one color", GAME, "solid image", "replace it"),
    Broken("gone", IDS, "image without label", "put it there, or take away what belongs to it"),
    Broken("folder", IDS, "unreadable label", "replace it"),
    Broken("jpeg", IDS, "unreadable label", "give a PNG"),
    Broken("luma", PALETTE, "palette read as gray", "take the original file"),
    Broken("train ids", IDS, "train ids", "set encoding = 'train_ids'"),
    Broken("id 34", IDS, "unknown class", "check its format and encoding, or name its classes"),
    Broken("void", IDS, "void label", "leave it out, or choose another label space"),
    Broken("half as wide", PALETTE, "other shape", "give the label that belongs to the image"),
]
EACH = pytest.mark.parametrize("case", BROKEN, ids=[f"{c.way}-{c.file[-12:-4]}" for c in BROKEN])


def prepared(raw, run, **changes):
    """Prepares both sets; gives back the names of the records by table."""
    domains = {}
    for role, layout in (("source", "cityscapes"), ("target", "gta5")):
        config = DomainConfig(format=layout)
        domains[role] = Domain(config, raw / layout, config.find(raw / layout))
    settings = {"size": (24, 48), "workers": 1} | changes
    prepare(PrepareConfig(**settings), domains, run)
    return {path.stem: [r.name for r in read_records(run, path)] for path in tables(run)}


def tables(run):
    return sorted((run / "prepare").glob("*.csv"))


def audit_of(run):
    return json.loads((run / "prepare" / "audit.json").read_text("utf-8"))


def pictures(run):
    paths = (run / "prepare").rglob("*.png")
    return {path.relative_to(run).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def good(drawn, tmp_path_factory):
    """The run of unbroken streets and the names of its records."""
    run = tmp_path_factory.mktemp("good")
    return run, prepared(drawn, run)


def test_of_good_streets_nothing_is_found_or_skipped(good):
    run, names = good
    assert audit_of(run) == {"on_bad": "fail", "findings": [], "skipped": []}
    assert [len(names[f"source-{split}"]) for split in SPLITS] == [3, 2, 2]
    assert [len(names[f"target-{split}"]) for split in SPLITS] == [3, 2, 2]


@EACH
def test_a_broken_file_is_refused_by_name(streets, tmp_path, damage, case):
    damage(case.way, streets / case.file)
    with pytest.raises(DataError) as error:
        prepared(streets, tmp_path)
    table, name = case.place
    message = str(error.value)
    assert message.startswith(f"{case.path} ({table}) ")
    assert case.todo in message
    assert message.endswith("leave out all that is bad with --set prepare.on_bad=skip.")
    assert "\n" not in message
    [finding] = audit_of(tmp_path)["findings"]
    assert (finding["kind"], finding["file"], finding["name"]) == (case.kind, case.path, name)
    assert tables(tmp_path) == []


@EACH
def test_a_file_that_is_mended_is_as_if_it_had_never_been_broken(
    streets, damage, drawn, good, case
):
    damage(case.way, streets / case.file)
    run = streets / "run"
    with pytest.raises(DataError):
        prepared(streets, run)
    mend(streets / case.file, drawn / case.file)
    assert prepared(streets, run) == good[1]
    assert pictures(run) == pictures(good[0])
    assert audit_of(run)["findings"] == []


def mend(path, original):
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    shutil.copy(original, path)


@EACH
def test_what_is_bad_is_skipped_and_nothing_else(streets, tmp_path, damage, good, case):
    damage(case.way, streets / case.file)
    names = prepared(streets, tmp_path, on_bad="skip")
    table, name = case.place
    assert names == good[1] | {table: [n for n in good[1][table] if n != name]}
    audit = audit_of(tmp_path)
    assert audit["skipped"] == [f"{table}/{name}"]
    assert [finding["kind"] for finding in audit["findings"]] == [case.kind]
    ours = {path: done for path, done in pictures(tmp_path).items() if name not in path}
    assert ours == {path: done for path, done in pictures(good[0]).items() if name not in path}


def test_what_is_skipped_is_counted_in_words(streets, tmp_path, damage):
    damage("one color", streets / GAME)
    domains = {
        role: Domain(config, streets / layout, config.find(streets / layout))
        for role, layout in (("source", "cityscapes"), ("target", "gta5"))
        for config in [DomainConfig(format=layout)]
    }
    for_all = PrepareConfig(size=(24, 48), workers=1, on_bad="skip")
    told = prepare(for_all, domains, tmp_path)["noted"]
    assert "What is bad was left out: 1 of target-train; see prepare/audit.json." in told


def test_what_is_skipped_is_not_compared(streets, tmp_path, damage):
    damage("one color", streets / GAME)
    prepared(streets, tmp_path, on_bad="skip")
    facts = json.loads((tmp_path / "prepare" / "comparison.json").read_text("utf-8"))
    assert facts["target"]["images"] == 2


def test_of_several_bad_files_the_number_and_the_list_are_told(streets, tmp_path, damage):
    for file in (CAMERA, PALETTE):
        damage("empty", streets / file)
    with pytest.raises(DataError) as error:
        prepared(streets, tmp_path)
    path = tmp_path / "prepare" / "audit.json"
    assert str(error.value).endswith(f" 1 more file is bad, see {path}.")


def test_an_image_of_both_domains_is_left_out_of_one(streets, tmp_path, good):
    shutil.copy(streets / CAMERA, streets / GAME)
    names = prepared(streets, tmp_path, on_bad="skip")
    [finding] = audit_of(tmp_path)["findings"]
    assert (finding["kind"], finding["table"], finding["bad"]) == (
        "copy across splits",
        "target-train",
        True,
    )
    assert CAMERA.partition("/")[2] in finding["what"]
    assert names == good[1] | {"target-train": good[1]["target-train"][1:]}


def test_a_copy_of_the_targets_test_is_left_out_of_the_source(streets, tmp_path, good):
    shutil.copy(streets / "gta5/images/00011.png", streets / CAMERA)
    names = prepared(streets, tmp_path, on_bad="skip")
    assert names == good[1] | {"source-train": good[1]["source-train"][1:]}


def test_what_is_only_noted_is_kept(streets, tmp_path, damage, good):
    damage("two columns less", streets / PALETTE)
    shutil.copy(streets / GAME, streets / "gta5/images/00003.png")
    for split in ("val", "test"):
        for path in streets.glob(f"cityscapes/gtFine/{split}/*/*_labelIds.png"):
            damage("void", path)
    assert prepared(streets, tmp_path) == good[1]
    audit = audit_of(tmp_path)
    assert audit["skipped"] == []
    assert sorted((f["table"], f["kind"]) for f in audit["findings"]) == [
        ("source-test", "withheld labels"),
        ("source-val", "withheld labels"),
        ("target-train", "copy within split"),
        ("target-train", "other size"),
    ]


def test_without_one_good_training_image_nothing_is_prepared(streets, tmp_path, damage):
    for path in streets.glob("gta5/images/0000*.png"):
        damage("cut", path)
    with pytest.raises(
        DataError,
        match=r"No image of target-train is good: .*\.png .* All of it is in .*audit\.json\.",
    ):
        prepared(streets, tmp_path, on_bad="skip")
