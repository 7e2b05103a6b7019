"""What was touched is noticed."""

import json
import os
import shutil

import pytest
from click.testing import CliRunner

from i2i_keras.cli import main
from i2i_keras.errors import DataError
from i2i_keras.run_folder import checksums, files, verifying, writing
from i2i_keras.run_folder import run as runs
from i2i_keras.run_folder.run import Run


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Stages are looked at each time, not once in two seconds."""
    monkeypatch.setattr(runs, "_MOMENT", -1.0)


def work(folder):
    for name in ("a.csv", "deep/b.png", "samples/c.png", "checkpoints/d", "tensorboard/e", ".lock"):
        writing.write(folder / name, name.encode())
    return {"number": 7}


@pytest.fixture
def run(tmp_path):
    made = Run(tmp_path / "run")
    made.stage("prepare", {"size": 3}, {}, work)
    return made


def refusal(run):
    with pytest.raises(DataError) as error:
        run.stage("prepare", {"size": 3}, {}, work)
    return str(error.value)


def touch(path):
    os.utime(path, ns=(1, path.stat().st_mtime_ns + 10**9))


def test_what_nobody_touched_is_done(run):
    assert run.stage("prepare", {"size": 3}, {}, work).skipped


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: (folder / "a.csv").write_text("other"), "a.csv has changed since it was"),
        (lambda folder: (folder / "a.csv").write_text("b.csv"), "a.csv has changed"),
        (lambda folder: (folder / "deep" / "b.png").unlink(), "b.png is missing since it was made"),
        (lambda folder: (folder / "deep" / "b.png").write_bytes(b""), "b.png has changed"),
        (lambda folder: (folder / checksums.NAME).unlink(), "checksums.json is missing or broken"),
        (lambda folder: (folder / checksums.NAME).write_text("{}"), "is missing or broken"),
    ],
    ids=["other", "other of the same size", "gone", "cut", "no checksums", "broken checksums"],
)
def test_a_stage_whose_files_changed_is_not_done_and_names_them(run, change, told):
    change(run.records)
    message = refusal(run)
    assert told in message and "delete" in message and "i2i-keras prepare" in message


def test_checksums_that_were_made_to_fit_are_noticed_too(run):
    path = run.records / checksums.NAME
    (run.records / "a.csv").write_text("other")
    checksums.write(run.root, run.records, checksums.made_in(run.records))
    assert f"{path} has changed" in refusal(run)


@pytest.mark.parametrize("name", ["results", "seconds", "fingerprint", "settings"])
def test_a_done_file_that_was_edited_is_noticed(run, name):
    path = run.records / "done.json"
    facts = json.loads(path.read_text())
    facts[name] = {"results": {"number": 8}, "seconds": 1e3, "fingerprint": "a", "settings": {}}[
        name
    ]
    path.write_text(json.dumps(facts))
    with pytest.raises(DataError, match=r"done\.json has changed since it was made; delete"):
        run.done("prepare")


@pytest.mark.parametrize("text", ["{}", '{"results": 3}', "[]", "", "[" * 9999])
def test_a_done_file_of_another_form_is_one_sentence(run, text):
    (run.records / "done.json").write_text(text)
    with pytest.raises(DataError, match=r"done\.json (does not hold|is not valid|holds no JSON)"):
        run.done("prepare")


def test_a_file_whose_time_alone_is_new_is_read_once(run, monkeypatch):
    touch(run.records / "a.csv")
    read = []
    monkeypatch.setattr(
        checksums, "_sha256", lambda path, old=checksums._sha256: read.append(path) or old(path)
    )
    for _ in range(3):
        assert run.stage("prepare", {"size": 3}, {}, work).skipped
    assert read == [run.records / "a.csv"]


def test_nothing_is_read_where_sizes_and_times_are_as_they_were(run, monkeypatch):
    monkeypatch.setattr(checksums, "_sha256", pytest.fail)
    assert run.stage("prepare", {"size": 3}, {}, work).skipped


def test_a_run_can_be_copied(run, tmp_path):
    shutil.copytree(run.root, tmp_path / "copy", copy_function=shutil.copyfile)
    copy = Run(tmp_path / "copy")
    assert copy.stage("prepare", {"size": 3}, {}, work).skipped
    assert not verifying.verify(copy).changes


@pytest.mark.parametrize("name", ["checkpoints/d", "tensorboard/e", "samples/c.png"])
def test_what_no_later_stage_needs_may_be_deleted(run, name):
    (run.records / name).unlink()
    assert run.stage("prepare", {"size": 3}, {}, work).skipped


def test_a_run_of_an_earlier_version_has_no_checksums(run):
    path = run.records / "done.json"
    facts = json.loads(path.read_text())
    del facts["checksums"], facts["own_checksum"]
    path.write_text(json.dumps(facts))
    (run.records / checksums.NAME).unlink()
    (run.records / "a.csv").write_text("other")
    assert run.stage("prepare", {"size": 3}, {}, work).skipped
    assert verifying.verify(run).unknown == [run.records]


def test_stages_within_a_stage_have_their_own(run):
    run.stage("evaluate/oracle/states", {}, {}, work)
    run.stage("evaluate/oracle", {}, {}, work)
    names = files.read_json(run.root / "evaluate" / "oracle" / checksums.NAME)["files"]
    assert [*names] == [
        f"evaluate/oracle/{name}" for name in ("a.csv", "deep/b.png", "samples/c.png")
    ]


# --- verify ------------------------------------------------------------------


def verify(run):
    result = CliRunner().invoke(main, ["verify", str(run.root)])
    return result.exit_code, result.output


def test_verify_says_that_all_is_well(run):
    assert verify(run) == (0, "All files of 1 stage are as they were made.\n")


def test_verify_lists_what_changed_whatever_its_time_says(run):
    path = run.records / "a.csv"
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_text("b.csv")
    os.utime(path, ns=times)
    (run.records / "samples" / "c.png").unlink()
    code, output = verify(run)
    assert code == 1
    assert f"{path} has changed\n" in output and "c.png is missing\n" in output
    assert "Error: 2 files changed, see above." in output


def test_verify_of_no_run_is_a_word(tmp_path):
    result = CliRunner().invoke(main, ["verify", str(tmp_path)])
    assert result.exit_code == 1 and "holds nothing that could be verified" in result.output
