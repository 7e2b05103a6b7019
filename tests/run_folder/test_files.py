import errno
import math
import os
import subprocess
import sys

import pytest

from i2i_keras.errors import DataError, FileError
from i2i_keras.run_folder import files, locks, writing
from i2i_keras.run_folder.files import read_json, write_json


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_a_number_is_not_written(tmp_path, value):
    path = tmp_path / "a.json"
    with pytest.raises(DataError, match=r"a\.json would hold what is not a number \(b\.1\.c\)"):
        write_json(path, {"a": 1.0, "b": [2.0, {"c": value}]})
    assert not [*tmp_path.iterdir()]


def test_what_is_there_stays_when_another_is_refused(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": None, "b": [1.5]})
    with pytest.raises(DataError):
        write_json(path, {"a": math.nan})
    assert read_json(path) == {"a": None, "b": [1.5]}


# --- Files of others are safe ------------------------------------------------


def test_nothing_is_written_through_a_link(tmp_path):
    others, link = tmp_path / "others", tmp_path / "run" / "a.json"
    others.write_text("theirs")
    link.parent.mkdir()
    link.symlink_to(others)
    with pytest.raises(FileError, match=r"a\.json is a link, which is not written through"):
        write_json(link, {})
    assert others.read_text() == "theirs" and link.is_symlink()


def test_a_draft_of_a_foreseeable_name_is_left_alone(tmp_path):
    others = tmp_path / "others"
    others.write_text("theirs")
    (tmp_path / ".draft-a.json").symlink_to(others)
    write_json(tmp_path / "a.json", {"a": 1})
    assert others.read_text() == "theirs" and (tmp_path / ".draft-a.json").is_symlink()


def test_lines_are_not_added_through_a_link(tmp_path):
    (tmp_path / "others").write_text("theirs")
    (tmp_path / "lines").symlink_to(tmp_path / "others")
    broken = pytest.raises(FileError, match="lines cannot be written")
    with broken, writing.appending(tmp_path / "lines") as add:
        add("ours")
    assert (tmp_path / "others").read_text() == "theirs"


def test_a_lock_that_is_a_link_changes_nothing(tmp_path):
    (tmp_path / "others").write_text("theirs")
    (tmp_path / ".shards").symlink_to(tmp_path / "others")
    with pytest.raises(OSError), locks.sharing(tmp_path, locks.Shard(1, 2)):
        pass
    assert (tmp_path / "others").read_text() == "theirs"


def test_a_folder_of_drafts_goes_whatever_happens(tmp_path):
    with pytest.raises(RuntimeError), writing.draft_folder(tmp_path / "out") as folder:
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "half").write_text("")
        raise RuntimeError
    assert not [*(tmp_path / "out").iterdir()]


# --- Full, read-only, gone ---------------------------------------------------


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            errno.ENOSPC,
            r"\(No space left on device\); make room for it, then the same command goes",
        ),
        (errno.EDQUOT, r"\(Disk quota exceeded\); make room for it"),
        (errno.EROFS, r"\(Read-only file system\); make its folder writable"),
        (errno.EIO, r"\(Input/output error\); see whether its folder has room"),
    ],
)
@pytest.mark.parametrize("call", ["open", "fsync"])
def test_what_cannot_be_written_is_named_and_what_was_there_stays(
    tmp_path, monkeypatch, code, told, call
):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})

    def fail(*_, **__):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(FileError, match=rf"a\.json cannot be written {told}"):
        write_json(path, {"a": 2})
    monkeypatch.undo()
    assert read_json(path) == {"a": 1} and [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize(
    ("name", "told"),
    [("file/a.json", "take away what is in its place"), (300 * "a", "give it a shorter name")],
)
def test_places_that_cannot_be_are_named(tmp_path, name, told):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=rf"cannot be written .*{told}"):
        writing.write(tmp_path / name, b"")


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    done = []
    sync, replace = os.fsync, type(tmp_path).replace
    monkeypatch.setattr(os, "fsync", lambda handle: done.append("sync") or sync(handle))
    monkeypatch.setattr(
        type(tmp_path), "replace", lambda *paths: done.append("name") or replace(*paths)
    )
    writing.write(tmp_path / "a", b"data")
    assert done == ["sync", "name"]


KILLED = """
import os, signal, sys
from pathlib import Path
from i2i_keras.run_folder import writing
os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
writing.write(Path(sys.argv[1]), b"data")
"""


def test_drafts_of_a_process_that_was_killed_are_swept_away(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, tmp_path / "deep" / "a"], check=False)
    (draft,) = tmp_path.glob("deep/*")
    assert draft.name.startswith(".draft-")
    others = tmp_path / ".draft-of-others"
    others.write_text("")
    with writing.draft_folder(tmp_path) as living:  # Another process may be at work.
        writing.sweep(tmp_path)
        assert living.is_dir()
    assert not draft.exists() and others.exists()


KILLED_IN_A_FOLDER = """
import os, signal, sys
from pathlib import Path
from i2i_keras.run_folder import writing
with writing.draft_folder(Path(sys.argv[1]).parent):
    os.kill(os.getpid(), signal.SIGKILL)
"""
AGAIN = """
import sys
from pathlib import Path
from i2i_keras.run_folder import writing
writing.write(Path(sys.argv[1]), b"data")
"""


@pytest.mark.parametrize("killed", [KILLED, KILLED_IN_A_FOLDER])
def test_whoever_writes_next_to_a_killed_process_sweeps_up_for_it(tmp_path, killed):
    for code, count in ((killed, 1), (AGAIN, 1)):
        subprocess.run([sys.executable, "-c", code, tmp_path / "a"], check=False)
        assert len([*tmp_path.iterdir()]) == count
    assert (tmp_path / "a").read_bytes() == b"data"


# --- Files that were touched -------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[" * 100_000, "is not valid JSON"),
        ('{"a":' * 100_000, "is not valid JSON"),
        ('{"a": NaN}', "is not valid JSON"),
        ("\0", "is not valid JSON"),
        ('{"a": 1' + "0" * 5000 + "}", "is not valid JSON"),
        ("[]", "holds no JSON object"),
        ("3", "holds no JSON object"),
    ],
)
def test_what_is_no_json_of_ours_ends_in_one_sentence(tmp_path, text, told):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=rf"a\.json {told}; delete it and"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize("read", [files.read_json, files.read_table])
def test_a_pipe_is_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "a")
    with pytest.raises(DataError, match="a is no regular file"):
        read(tmp_path / "a")
