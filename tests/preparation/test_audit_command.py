"""`i2i-keras audit` and `i2i-keras prepare` on good and broken streets."""

import json
import shutil

import pytest
from click.testing import CliRunner

from i2i_keras.cli import main

IDS = "cityscapes/gtFine/train/aachen/aachen_000000_000019_gtFine_labelIds.png"
GAME, PALETTE = "gta5/images/00001.png", "gta5/labels/00001.png"


def invoke(*arguments):
    """Runs a command; one that fails ends in a message, never a traceback."""
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def audit(root, layout, *options):
    return invoke("audit", root / layout, "--format", layout, *options)


@pytest.mark.parametrize("layout", ["cityscapes", "gta5"])
def test_good_streets_end_with_0_and_what_there_is(drawn, layout):
    result = audit(drawn, layout)
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert "train: 3 images, 3 labelled, 128 x 64" in lines
    assert "test: 2 images, 2 labelled, 128 x 64" in lines
    assert lines[-1] == "Nothing is wrong."


def test_the_shares_of_the_classes_add_up(drawn):
    [shares, *_] = [x for x in audit(drawn, "gta5").stdout.splitlines() if x.startswith("  ")]
    told = [float(share.split()[-1].rstrip("%")) for share in shares.split(",")]
    assert told == sorted(told, reverse=True)
    assert sum(told) == pytest.approx(100, abs=0.05 * len(told))


@pytest.mark.parametrize(
    ("way", "file", "words"),
    [
        ("cut", GAME, "bad: unreadable image (1)\n  images/00001.png cannot be read as an image ("),
        (
            "bomb",
            GAME,
            "bad: unreadable image (1)\n  images/00001.png cannot be read as an image (",
        ),
        ("gone", PALETTE, "bad: image without label (1)\n  labels/00001.png is missing; "),
        (
            "luma",
            PALETTE,
            "bad: palette read as gray (1)\n  labels/00001.png holds the gray values",
        ),
        ("id 34", IDS, "bad: unknown class (1)\n  gtFine/train/aachen/aachen_000000_000019_gtFine"),
        ("void", IDS, "bad: void label (1)\n  gtFine/train/aachen/aachen_000000_000019_gtFine_la"),
    ],
)
def test_a_bad_file_ends_with_1_and_a_sentence_about_it(streets, damage, way, file, words):
    damage(way, streets / file)
    result = audit(streets, file.partition("/")[0])
    assert result.exit_code == 1
    assert words in result.stdout
    assert result.stderr.endswith("Error: Some files are bad; they are listed above.\n")


def test_a_note_ends_with_0(streets, damage):
    damage("two columns less", streets / PALETTE)
    result = audit(streets, "gta5")
    assert result.exit_code == 0
    assert result.stdout.endswith(
        "note: other size (1)\n"
        "  labels/00001.png is 126 x 64, but its image 128 x 64;"
        " nothing: both are resized to one size.\n"
    )


def test_the_bad_ones_are_told_first_and_five_of_a_kind(streets, damage):
    damage("two columns less", streets / PALETTE)
    for path in streets.glob("gta5/images/*.png"):
        damage("empty", path)
    told = audit(streets, "gta5").stdout.partition("bad: ")[2]
    assert told.startswith("unreadable image (7)\n")
    assert told.count("cannot be read as an image") == 5
    assert "  ... and 2 more\n" in told


def test_all_findings_are_written_where_one_says(streets, damage, tmp_path):
    damage("empty", streets / GAME)
    result = audit(streets, "gta5", "--json", tmp_path / "new" / "findings.json")
    assert f"All findings: {tmp_path / 'new' / 'findings.json'}" in result.stdout
    [finding] = json.loads((tmp_path / "new" / "findings.json").read_text())["findings"]
    assert finding.pop("what").startswith("cannot be read as an image (")
    assert finding == {
        **{"table": "train", "name": "00001", "file": "images/00001.png"},
        **{"kind": "unreadable image", "todo": "replace it", "bad": True},
    }


def test_the_audit_writes_nothing_unless_told(streets, damage):
    damage("empty", streets / GAME)
    before = sorted(streets.rglob("*"))
    audit(streets, "gta5")
    assert sorted(streets.rglob("*")) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--format", "waymo"], "no data set 'waymo'; there are cityscapes, gta5"),
        (["--format", "gta5", "--split", "mine"], "gta5 has no split 'mine'"),
        (
            ["--format", "gta5", "--encoding", "luma"],
            "gta5 has no encoding 'luma'; there are ids, colors",
        ),
        (["--format", "gta5", "--label-space", "ten"], "no label space 'ten'; there are"),
        (["--format", "gta5", "--mapping", "m.toml"], "a mapping is for the format 'folder'"),
        (["--format", "folder", "--mapping", "m.toml"], "m.toml cannot be read: No such file"),
        (["--format", "gta5", "--label-space", "s.toml"], "s.toml cannot be read: No such file"),
        ([], "Missing option '--format'"),
    ],
)
def test_a_wrong_option_ends_with_2_and_what_would_do(streets, options, words):
    (streets / "gta5").rename(streets / "train")  # A plain folder as well.
    root = streets if "folder" in options else streets / "train"
    result = invoke("audit", root, *options)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())


def test_another_root_ends_with_1_and_what_would_do(drawn):
    result = invoke("audit", drawn / "gta5", "--format", "cityscapes")
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {drawn / 'gta5'} has no folder leftImg8bit; give the root of Cityscapes.\n"
    )


def test_a_root_that_is_not_there_ends_with_2(tmp_path):
    result = invoke("audit", tmp_path / "nowhere", "--format", "gta5")
    assert result.exit_code == 2
    assert "does not exist" in result.stderr


def test_prepare_names_a_bad_file_and_goes_on_when_it_is_mended(streets, damage, drawn, tmp_path):
    command = ["prepare", "--preset", "demo", "--run", tmp_path / "run"]
    command += ["--source", streets / "cityscapes", "--target", streets / "gta5"]
    damage("luma", streets / PALETTE)

    result = invoke(*command)
    assert result.exit_code == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: labels/00001.png (target-train) holds the gray values of GTA5's")

    shutil.copy(drawn / PALETTE, streets / PALETTE)
    result = invoke(*command)
    assert result.exit_code == 0, result.stderr
    assert "prepare: done in" in result.stdout


def test_prepare_says_how_many_it_left_out(streets, damage, tmp_path):
    damage("luma", streets / PALETTE)
    result = invoke(
        *("prepare", "--preset", "demo", "--run", tmp_path / "run", "--set", "prepare.on_bad=skip"),
        *("--source", streets / "cityscapes", "--target", streets / "gta5"),
    )
    assert result.exit_code == 0
    path = tmp_path / "run" / "prepare" / "audit.json"
    assert result.stdout.endswith(f"  1 bad record left out; see {path}\n")


@pytest.mark.parametrize(
    ("format_", "holds"), [("gta5", "palette indices"), ("cityscapes", "numbers")]
)
def test_the_audit_tells_what_the_labels_hold(streets, format_, holds):
    assert f"labels hold {holds} (" in audit(streets, format_).stdout


def test_findings_are_not_written_over_a_file_of_others(drawn, tmp_path):
    path = tmp_path / "thesis.json"
    path.write_text('{"chapter": 1}')
    result = audit(drawn, "gta5", "--json", path)
    assert result.exit_code == 1
    assert f"{path} is there and was not made by i2i-keras; move it away" in result.output
    assert path.read_text() == '{"chapter": 1}'
    path.unlink()
    for _ in range(2):
        assert audit(drawn, "gta5", "--json", path).exit_code == 0
