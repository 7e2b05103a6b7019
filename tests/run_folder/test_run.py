import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from i2i_keras import quiet
from i2i_keras.errors import DataError
from i2i_keras.run_folder import files, places, writing
from i2i_keras.run_folder.places import folder_name, how_to_make
from i2i_keras.run_folder.run import Run

SETTINGS = {"steps": 3, "network": {"filters": 2, "size": (4, 8)}}
INPUTS = {"records": "abc"}


class Work:
    """A stage's work that counts its calls and can fail."""

    def __init__(self, fail=None):
        self.calls, self.fail = 0, fail

    def __call__(self, folder):
        self.calls += 1
        (folder / "partial.txt").write_text("so far", "utf-8")
        if self.fail:
            raise self.fail
        return {"number": 7}


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path / "run")


def do(run, work=None, settings=SETTINGS, inputs=INPUTS):
    return run.stage("stage", settings, inputs, work or Work())


def changed(**network):
    return SETTINGS | {"network": SETTINGS["network"] | network}


# --- Stages -----------------------------------------------------------------


def test_a_stage_is_done_once_and_then_skipped(run):
    work = Work()
    first, second = do(run, work), do(run, work)
    assert work.calls == 1
    assert (first.skipped, second.skipped) == (False, True)
    assert first._replace(skipped=True) == second == run.done("stage")
    assert second.results == {"number": 7}


def test_done_json_says_with_what_and_from_what(run):
    do(run)
    facts = files.read_json(run.root / "stage" / "done.json")
    assert facts["settings"] == json.loads(json.dumps(SETTINGS))
    assert facts["inputs"] == INPUTS
    assert facts["seconds"] >= 0
    assert {"i2i_keras", "tensorflow", "keras", "numpy"} <= set(facts["versions"])
    there = sorted(p.name for p in (run.root / "stage").iterdir())
    assert there == ["checksums.json", "done.json", "partial.txt"]


@pytest.mark.parametrize("error", [RuntimeError("no"), KeyboardInterrupt()])
def test_a_stage_that_fails_is_not_done(run, error):
    with pytest.raises(type(error)):
        do(run, Work(error))
    assert not (run.root / "stage" / "done.json").exists()
    with pytest.raises(DataError, match="is not finished; make it with its command"):
        run.done("stage")


def test_what_is_done_is_found_while_another_process_still_clears_its_beginning(run):
    run.stage("a", {"n": 1}, {}, lambda folder: {"x": 1})
    files.write_json(run.root / "a" / "begun.json", {"settings": {"n": 2}, "inputs": {}})
    assert run.begin("a", {"n": 1}, {}).results == {"x": 1}


def test_a_stage_that_was_begun_is_gone_on_with(run):
    with pytest.raises(KeyboardInterrupt):
        do(run, Work(KeyboardInterrupt()))
    assert (run.root / "stage" / "partial.txt").exists()
    assert do(run).skipped is False


def test_its_seconds_count_what_was_done_before_each_interruption(run):
    """A kill leaves no word, but the times of the files that were written."""
    for seconds in (100, 20):
        with pytest.raises(KeyboardInterrupt):
            do(run, Work(KeyboardInterrupt()))
        begun = (run.root / "stage" / "begun.json").stat().st_mtime
        os.utime(run.root / "stage" / "partial.txt", (begun + seconds,) * 2)
    assert do(run).seconds == pytest.approx(120, abs=1)


@pytest.mark.parametrize("error", [None, KeyboardInterrupt()], ids=["done", "begun"])
def test_other_settings_are_refused_by_their_dotted_name(run, monkeypatch, error):
    monkeypatch.chdir(run.root.parent)
    if error:
        with pytest.raises(KeyboardInterrupt):
            do(run, Work(error))
    else:
        do(run)
    again = Work()
    with pytest.raises(DataError) as refusal:
        do(run, again, settings=changed(filters=64))
    assert str(refusal.value) == (
        "run/stage was made with network.filters = 2 (now 64);"
        " use another --run, or delete that folder to make it anew."
    )
    assert again.calls == 0


def test_a_setting_that_is_new_or_gone_is_named(run):
    do(run)
    with pytest.raises(DataError, match=r"made with network\.depth = absent \(now 4\)"):
        do(run, settings=changed(depth=4))
    with pytest.raises(DataError, match=r"made with steps = 3 \(now absent\)"):
        do(run, settings={"network": SETTINGS["network"]})


def test_other_inputs_are_refused_by_their_name(run):
    do(run)
    with pytest.raises(
        DataError, match=r"stage was made before its records changed; use another --run"
    ):
        do(run, inputs={"records": "xyz"})


def test_after_deleting_the_folder_it_is_made_anew(run):
    do(run)
    for file in (run.root / "stage").iterdir():
        file.unlink()
    assert do(run, settings=changed(filters=64)).skipped is False


def test_the_fingerprint_is_that_of_settings_and_inputs(run, tmp_path):
    first = do(run).fingerprint
    assert do(Run(tmp_path / "elsewhere")).fingerprint == first
    assert do(Run(tmp_path / "a"), settings=changed(filters=3)).fingerprint != first
    assert do(Run(tmp_path / "b"), inputs={"records": "xyz"}).fingerprint != first


def test_a_run_can_be_moved(run, tmp_path):
    do(run)
    run.root.rename(tmp_path / "moved")
    assert do(Run(tmp_path / "moved"), Work(RuntimeError())).skipped


def test_a_broken_done_json_is_named(run):
    do(run)
    (run.root / "stage" / "done.json").write_text("{", "utf-8")
    with pytest.raises(DataError, match=r"done.json is not valid JSON; delete it and make it with"):
        do(run)


# --- The lock ---------------------------------------------------------------

HOLD = """
import sys
from pathlib import Path
from i2i_keras import quiet
from i2i_keras.errors import DataError
from i2i_keras.run_folder.run import Run
try:
    with Run(Path(sys.argv[1])).locked():
        print("held", flush=True)
        sys.stdin.read()
except DataError as error:
    print(error, flush=True)
"""


def holder(root):
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_second_process_is_refused_until_the_first_one_ends(run):
    with holder(run.root) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(DataError, match=r"Another process works in .*run; wait for it"):
            run.locked().__enter__()
        other.communicate()
    with run.locked():
        pass


def test_a_killed_process_leaves_no_lock(run):
    with holder(run.root) as other:
        other.stdout.readline()
        other.kill()
    with run.locked():
        pass


def test_an_error_frees_the_lock(run):
    with pytest.raises(RuntimeError), run.locked():
        raise RuntimeError
    with holder(run.root) as other:
        assert other.communicate()[0] == "held\n"


WORK = """
import sys
from pathlib import Path
from i2i_keras.run_folder.run import Run

def work(folder):
    print("works", flush=True)
    sys.stdin.read()
    return {"number": 8}

Run(Path(sys.argv[1])).stage("stage", {"steps": 3}, {}, work)
"""


def test_who_wants_a_stage_that_another_works_on_waits_and_finds_it_done(run, monkeypatch):
    told = []  # Not by capfd: what is written while it is read may be lost.
    monkeypatch.setattr(quiet, "note", told.append)
    with subprocess.Popen(
        [sys.executable, "-c", WORK, run.root],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout.readline() == b"works\n"
        work, found = Work(), []
        second = threading.Thread(target=lambda: found.append(do(run, work, {"steps": 3}, {})))
        second.start()
        while not told:
            time.sleep(0.01)
        assert "Waiting for another process, which works on" in told[0]
        assert not found
        other.communicate()
        second.join()
    assert work.calls == 0
    assert (found[0].skipped, found[0].results) == (True, {"number": 8})
    assert sorted(p.name for p in (run.root / "stage").glob("[!c]*")) == ["done.json"]


def test_a_stage_whose_process_was_killed_is_taken_over(run):
    with subprocess.Popen(
        [sys.executable, "-c", WORK, run.root], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        other.stdout.readline()
        other.kill()
    assert do(run, settings={"steps": 3}, inputs={}).results == {"number": 7}


# --- Files ------------------------------------------------------------------


def test_replacing_makes_the_folder_and_the_file(tmp_path):
    with writing.replacing(tmp_path / "new" / "file.txt") as draft:
        draft.write(b"whole")
        assert not (tmp_path / "new" / "file.txt").exists()
    assert (tmp_path / "new" / "file.txt").read_text("utf-8") == "whole"
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["file.txt"]


def test_replacing_leaves_nothing_half_written(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old", "utf-8")
    with pytest.raises(RuntimeError), writing.replacing(path) as draft:
        draft.write(b"ha")
        raise RuntimeError
    assert path.read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_survives_a_round_trip(tmp_path):
    facts = {"a": [1, 2.5, None], "b": {"c": "ü"}}
    files.write_json(tmp_path / "facts.json", facts)
    assert files.read_json(tmp_path / "facts.json") == facts


def test_missing_json_is_named(tmp_path):
    with pytest.raises(DataError, match=r"facts.json is missing; make it with its command"):
        files.read_json(tmp_path / "facts.json")


def test_tables_survive_a_round_trip(tmp_path):
    rows = [
        {"step": "1", "name": 'comma, "quote"\nand line'},
        {"step": "0.30000000000000004", "name": ""},
    ]
    files.write_table(tmp_path / "table.csv", rows, ["step", "name"])
    assert files.read_table(tmp_path / "table.csv") == rows


def test_numbers_survive_a_table_exactly(tmp_path):
    numbers = [0.1 + 0.2, 1e-300, float(2**53)]
    files.write_table(tmp_path / "t.csv", [{"x": n} for n in numbers], ["x"])
    assert [float(row["x"]) for row in files.read_table(tmp_path / "t.csv")] == numbers


def test_an_empty_table_has_a_header(tmp_path):
    files.write_table(tmp_path / "t.csv", [], ["a", "b"])
    assert (tmp_path / "t.csv").read_text("utf-8").split() == ["a,b"]
    assert files.read_table(tmp_path / "t.csv") == []


def test_a_fingerprint_does_not_depend_on_the_order_of_keys():
    assert files.fingerprint({"a": 1, "b": 2}) == files.fingerprint({"b": 2, "a": 1})
    assert files.fingerprint({"a": 1}) != files.fingerprint({"a": 2})


def test_arms_are_told_apart_in_file_names():
    assert folder_name("adapted:cyclegan") == "adapted-cyclegan"
    assert Path(folder_name("source_only")).name == "source_only"


def test_stages_of_one_kind_can_be_asked_for_alone(tmp_path):
    run = Run(tmp_path)
    for place in (run.records, run.translator("cut"), run.segmenter("oracle")):
        run.stage(place, {}, {}, lambda folder: {})
    run.translator("begun").mkdir()
    assert [*run.all_done()] == ["prepare", "train-translator/cut", "train-segmenter/oracle"]
    assert [*run.all_done([places.TRAIN_TRANSLATOR])] == ["train-translator/cut"]
    assert run.methods(places.TRAIN_TRANSLATOR) == ["begun", "cut"]
    assert run.trained_translators() == ["cut"]


# What an earlier version called the folders of a run.
OLD = {"prepare": "records", "train-translator": "translator", "translate": "translated"}
OLD |= {"train-segmenter": "segmenter", "evaluate": "scores"}


def places_of(run):
    """A place of each stage by command."""
    return {
        "prepare": run.table_folder("source-train"),
        "train-translator": run.translator("cut"),
        "translate": run.translated("cut", "yx"),
        "train-segmenter": run.segmenter("adapted:cut"),
        "evaluate": run.summary,
        "report": run.report,
    }


def test_folders_of_a_new_run_have_the_names_of_the_commands(run):
    for command, place in places_of(run).items():
        assert place.relative_to(run.root).parts[0] == command
        assert f"i2i-keras {command} " in how_to_make(place) + " "
    assert not run.is_old


@pytest.mark.parametrize("folder", OLD.values())
def test_a_run_with_any_old_folder_has_old_names_for_all(run, folder):
    (run.root / folder).mkdir(parents=True)
    run = Run(run.root)
    assert run.is_old
    for command, place in places_of(run).items():
        assert place.relative_to(run.root).parts[0] == OLD.get(command, command)
        assert f"i2i-keras {command} " in how_to_make(place) + " "


def test_a_folder_of_old_name_does_not_make_a_new_run_old(run):
    run.records.mkdir(parents=True)
    (run.root / "scores").mkdir()
    run = Run(run.root)
    assert not run.is_old
    assert run.summary == run.root / "evaluate" / "summary.json"


def test_members_have_the_names_of_their_run(tmp_path):
    (tmp_path / "records").mkdir()
    member = Run(tmp_path).member(3)
    assert member.segmenter("oracle") == tmp_path / "seed-3" / "segmenter" / "oracle"
    member.segmenter("oracle").mkdir(parents=True)
    (tmp_path / "records").rmdir()
    assert Run(tmp_path).records == tmp_path / "records"


def test_the_twin_of_an_old_run_takes_its_stages_under_the_same_names(tmp_path):
    (tmp_path / "old" / "records").mkdir(parents=True)
    old, work = Run(tmp_path / "old"), Work()
    old.stage(old.translator("cut"), SETTINGS, INPUTS, work)
    twin = Run(tmp_path / "twin", twin=old)
    assert twin.stage(twin.translator("cut"), SETTINGS, INPUTS, work).skipped
    assert work.calls == 1
    assert (twin.root / "translator" / "cut" / "partial.txt").is_file()


def test_a_new_run_takes_nothing_from_an_old_twin(tmp_path):
    (tmp_path / "old" / "records").mkdir(parents=True)
    old, work = Run(tmp_path / "old"), Work()
    old.stage(old.translator("cut"), SETTINGS, INPUTS, work)
    (tmp_path / "new" / "prepare").mkdir(parents=True)
    new = Run(tmp_path / "new", twin=old)
    new.stage(new.translator("cut"), SETTINGS, INPUTS, work)
    assert work.calls == 2


# --- Folders of others -------------------------------------------------------


def test_a_folder_of_others_becomes_no_run(tmp_path):
    (tmp_path / "thesis.tex").write_text("theirs")
    (tmp_path / "report").mkdir()
    with pytest.raises(DataError, match="holds files and is no run directory; give another --run"):
        Run(tmp_path).locked().__enter__()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report", "thesis.tex"]


@pytest.mark.parametrize(
    "place", ["settings.json", "prepare/begun.json", "train-segmenter/a/done.json"]
)
def test_a_run_may_hold_what_its_user_has_put_there(tmp_path, place):
    (tmp_path / "notes.txt").write_text("theirs")
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_text("{}")
    with Run(tmp_path).locked():
        pass
