import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from i2i_keras.cli import main
from i2i_keras.evaluation.summary import write_summary
from i2i_keras.report import document, live, watching
from i2i_keras.report.page import write_report
from i2i_keras.run_folder import files, places
from i2i_keras.run_folder.run import Run

WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
from pathlib import Path
from i2i_keras.report import document, live
from i2i_keras.run_folder.run import Run
page = document.to_html(live.compose(Run(Path(sys.argv[1])), 3))
assert "So far, with 2 arms scored" in page
assert "every 3 seconds" in page
"""


@pytest.fixture
def under_way(full_run, tmp_path, finish):
    """A run of which two arms are scored, and the oracle is in training."""
    run = Run(tmp_path / "run")
    shutil.copytree(full_run.root, run.root)
    run.summary.unlink()
    shutil.rmtree(run.report, ignore_errors=True)
    rng = np.random.default_rng(0)
    for arm, hits in (("source_only", 5), ("adapted:cyclegan", 90)):
        finish(run.scores(arm), {})
        counts = rng.integers(0, 9, (8, 19, 19)) + hits * np.eye(19, dtype=int)
        np.savez(run.confusions(arm), confusions=counts)
    begun = {"settings": {"steps": 20}, "inputs": {}, "seconds": 0.0}
    files.write_json(run.segmenter("oracle") / places.BEGUN, begun)
    return run


@pytest.fixture
def told():
    return []


def page_of(run):
    return (run.report / "index.html").read_text("utf-8")


def stop_after(monkeypatch, *steps):
    """Lets each rest of `watch` do one of these steps, then ends it."""
    left = [*steps]

    def sleep(seconds):
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()

    monkeypatch.setattr(watching.time, "sleep", sleep)


def test_the_page_says_what_is_at_work_and_what_is_known_so_far(under_way):
    found = live.compose(under_way, 5)
    start = "At work: train-segmenter/oracle. So far, with 2 arms scored: Translating"
    assert found.headline.text.startswith(start)
    assert found.headline.verdict == "gain"
    stages = {row[0].text: row[1].text for row in found.sections[0].tables[0].rows}
    assert stages["train-segmenter/oracle"] == "at step 5 of 20"
    assert stages["train-translator/cyclegan"] == "done"
    result = next(part for part in found.sections if part.title == "Result so far")
    assert [row[0].text for row in result.tables[0].rows] == ["source_only", "adapted:cyclegan"]
    html = document.to_html(found)
    assert "This page reloads itself every 5 seconds." in html


def test_before_anything_is_scored_there_is_a_page_as_well(tmp_path):
    found = live.compose(Run(tmp_path), 5)
    assert found.headline.text == "No stage is at work. No arm has been scored so far."
    assert document.to_html(found)


def test_of_several_trainings_the_one_that_wrote_last_is_shown(under_way, tmp_path):
    run = Run(tmp_path / "several")
    run.root.mkdir()
    shutil.move(under_way.root, run.member(3).root)
    found = live.compose(run, 5)
    assert "At work: seed-3/train-segmenter/oracle." in found.headline.text
    assert "scored (seed-3):" in found.headline.text


def test_arms_that_were_counted_on_other_images_are_left_out(under_way):
    counts = np.ones((3, 19, 19), int)
    np.savez(under_way.confusions("adapted:cyclegan"), confusions=counts)
    assert len(live.summary_so_far(under_way)["arms"]) == 1


def test_it_does_without_tensorflow(under_way):
    subprocess.run([sys.executable, "-c", WITHOUT_TENSORFLOW, under_way.root], check=True)


def test_the_page_is_written_anew_when_the_run_has_come_further(under_way, monkeypatch, told):
    pages = []

    def train_on():
        pages.append(page_of(under_way))
        rows = [{"step": s, "loss": 1 / s} for s in range(1, 12)]
        files.write_table(under_way.history(under_way.segmenter("oracle")), rows, list(rows[0]))
        os.utime(under_way.history(under_way.segmenter("oracle")), (4e9, 4e9))

    stop_after(monkeypatch, train_on)
    with pytest.raises(KeyboardInterrupt):
        watching.watch(under_way, 5, told.append)
    assert "at step 5 of 20" in pages[0]
    assert "at step 11 of 20" in page_of(under_way)
    assert len(told) == 1  # Where the page is, once.
    assert "index.html" in told[0]


def test_it_ends_with_the_page_that_the_run_writes(under_way, monkeypatch, told, summary):
    def finish_run():
        write_summary(under_way, summary)
        write_report(under_way)

    stop_after(monkeypatch, finish_run)
    page = watching.watch(under_way, 5, told.append)
    assert page == under_way.report / "index.html"
    assert "reloads itself" not in page_of(under_way)
    assert "Does translating the images help?" in page_of(under_way)


def test_the_page_of_the_end_is_not_written_over(full_run, tmp_path, told):
    run = Run(tmp_path / "run")
    shutil.copytree(full_run.root, run.root)
    write_report(run)
    before = page_of(run)
    watching.watch(run, 5, told.append)
    assert page_of(run) == before
    assert told == []


def test_a_page_that_was_finished_while_it_was_drawn_stays(under_way, monkeypatch, summary, told):
    compose = live.compose

    def slowly(run, every):
        found = compose(run, every)
        write_summary(under_way, summary)
        write_report(under_way)
        return found

    monkeypatch.setattr(live, "compose", slowly)
    watching.watch(under_way, 5, told.append)
    assert "reloads itself" not in page_of(under_way)


def test_a_file_that_is_not_whole_is_told_and_waited_for(under_way, monkeypatch, told):
    path = under_way.segmenter("oracle") / places.BEGUN
    whole = path.read_bytes()
    path.write_bytes(b"{")
    stop_after(monkeypatch, lambda: (path.write_bytes(whole), os.utime(path, (4e9, 4e9))))
    with pytest.raises(KeyboardInterrupt):
        watching.watch(under_way, 5, told.append)
    assert told[0].startswith("Not yet: ")
    assert "begun.json" in told[0]
    assert "at step 5 of 20" in page_of(under_way)


def test_the_command_ends_at_once_where_all_is_done(full_run, tmp_path):
    run = Run(tmp_path / "run")
    shutil.copytree(full_run.root, run.root)
    write_report(run)
    result = CliRunner().invoke(main, ["watch", str(run.root)])
    assert result.exit_code == 0
    assert "Nothing of the run is newer than its page: " in result.output


def test_the_seconds_between_two_looks_can_be_set(under_way, monkeypatch):
    waited = []

    def sleep(seconds):
        waited.append(seconds)
        raise KeyboardInterrupt

    monkeypatch.setattr(watching.time, "sleep", sleep)
    result = CliRunner().invoke(main, ["watch", str(under_way.root), "--every", "3000"])
    assert result.exit_code == 130
    assert waited == [3000]
    assert "every 3000 seconds" in page_of(under_way)


def test_a_folder_of_others_is_left_alone(tmp_path):
    (tmp_path / "letters.txt").write_text("mine", "utf-8")
    result = CliRunner().invoke(main, ["watch", str(tmp_path)])
    assert result.exit_code == 1
    assert "is no run directory" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]
