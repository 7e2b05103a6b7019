import io
import re
import shutil
import subprocess
import sys

import pytest
from PIL import Image

from i2i_keras.data.records import read_records, write_records
from i2i_keras.errors import DataError
from i2i_keras.report import figures
from i2i_keras.report.findings import training_warnings
from i2i_keras.report.page import write_report
from i2i_keras.run_folder import files

WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
from pathlib import Path
from i2i_keras.report.page import write_report
facts = write_report(Path(sys.argv[1]))
assert facts["page"] == "report/index.html"
assert "matplotlib.pyplot" not in sys.modules
"""


@pytest.fixture(scope="module")
def report(full_run, tmp_path_factory):
    """The folder of a full report, made without TensorFlow or pyplot."""
    root = tmp_path_factory.mktemp("moved") / "run"
    shutil.copytree(full_run, root)
    subprocess.run([sys.executable, "-c", WITHOUT_TENSORFLOW, root], check=True)
    return root / "report"


def test_the_page_holds_every_part_in_its_order(report):
    html = (report / "index.html").read_text("utf-8")
    assert "Translating the source images (adapted:cyclegan) helped" in html
    assert re.findall("<h2>(.*?)</h2>", html) == [
        *("Result", "Each class", "Pictures", "Over the training", "Translators"),
        "The domains compared",
        *("Loss curves", "Last samples", "How it was made"),
    ]
    shown = re.findall(r'<img alt="(.*?)" src="(.*?)"', html, re.DOTALL)
    assert len(shown) == 19
    assert "cyclegan: road became car in 28% of its pixels." in html
    assert "12% of the target&#39;s" in html
    assert "Audit: solid image in source-train, 1 (left out; see records/audit.json)." in html
    assert "Absent from the labels of target-test: train." in html
    assert "<details><summary>Settings of records</summary>" in html
    assert "prepare.label_space" in html
    assert "2.15.1" in html


def test_warnings_of_a_training_are_on_the_page_and_in_the_results(full_run, tmp_path):
    shutil.copytree(full_run, tmp_path / "run")
    path = tmp_path / "run" / "translator" / "cyclegan" / "done.json"
    told = "step 600: Discriminator x has won: it tells 98% of real and fake apart."
    files.write_json(path, files.read_json(path) | {"results": {"warnings": [told]}})
    facts = write_report(tmp_path / "run")
    assert facts["warnings"] == [f"translator cyclegan, {told}"]
    html = (tmp_path / "run" / "report" / "index.html").read_text("utf-8")
    assert "<h2>Warnings</h2>" in html
    assert f"translator cyclegan, {told}" in html


def test_warnings_of_several_trainings_name_their_seed(full_run, tmp_path):
    told = {"settings": {}, "seconds": 1.5, "results": {"warnings": ["It is ill."]}}
    for seed in (3, 5):
        files.write_json(tmp_path / f"seed-{seed}" / "segmenter" / "oracle" / "done.json", told)
    assert training_warnings(tmp_path, [3, 5]) == [
        f"seed {seed}: segmenter oracle, It is ill." for seed in (3, 5)
    ]


def test_labels_that_were_not_safe_are_shown_and_warned_of(full_run, tmp_path):
    shutil.copytree(full_run, tmp_path, dirs_exist_ok=True)
    table = read_records(tmp_path, tmp_path / "translated/cyclegan/source-train.csv")
    write_records(tmp_path, tmp_path / "label_safe/cyclegan/source-train.csv", table)
    told = {"settings": {}, "seconds": 1.5, "results": {"warnings": ["Most labels were marked."]}}
    files.write_json(tmp_path / "label_safe" / "cyclegan" / "done.json", told)
    facts = write_report(tmp_path)
    assert facts["warnings"] == ["label_safe cyclegan, Most labels were marked."]
    text = (tmp_path / "report" / "report.md").read_text("utf-8")
    assert "figures/label-safe-cyclegan.png" in text
    assert re.search(r"\| label_safe/cyclegan +\| +1\.5 \|", text)


def test_the_page_is_one_file_that_needs_nothing_from_elsewhere(report):
    html = (report / "index.html").read_text("utf-8")
    assert re.search(r"https?:|<script|<link|@import|url\(", html) is None
    sources = re.findall(r'src="(.{22})', html)
    assert sources
    assert set(sources) == {"data:image/png;base64,"}


def test_the_markdown_shows_the_same_tables_and_its_figures_exist(report):
    text = (report / "report.md").read_text("utf-8")
    html = (report / "index.html").read_text("utf-8")
    assert text.count("|\n| -") == html.count("<table")
    assert text.count("\n## ") == html.count("<h2>")
    files = set(re.findall(r"\((figures/.*?)\)", text))
    assert {path.relative_to(report).as_posix() for path in report.rglob("*.png")} == {
        *files,
        "figures/overview.png",
    }


def test_the_overview_fits_a_readme(report):
    png = (report / "figures" / "overview.png").read_bytes()
    assert len(png) < 600_000
    assert Image.open(io.BytesIO(png)).width <= 1400


def test_the_last_samples_are_those_of_the_last_step(report, full_run):
    last = full_run / "translator" / "cyclegan" / "samples" / "step-001000.png"
    assert (report / "figures" / "samples-cyclegan.png").read_bytes() == last.read_bytes()


def test_a_bare_summary_makes_a_report_of_its_own(bare_run):
    facts = write_report(bare_run)
    html = (bare_run / facts["page"]).read_text("utf-8")
    assert re.findall("<h2>(.*?)</h2>", html) == ["Result"]
    assert facts["headline"] in html
    assert not list((bare_run / "report").rglob(".draft*"))


def test_figures_of_an_earlier_report_do_not_stay(bare_run):
    old = bare_run / "report" / "figures" / "old.png"
    old.parent.mkdir(parents=True)
    old.touch()
    write_report(bare_run)
    assert [path.name for path in old.parent.iterdir()] == ["result.png"]


def test_names_cannot_smuggle_markup_into_the_page(bare_run, summary):
    arm = "adapted:<b onload=1>&"
    summary["arms"] = {arm: summary["arms"]["adapted:cyclegan"]}
    files.write_json(bare_run / "scores" / "summary.json", summary)
    write_report(bare_run)
    for name in ("index.html", "report.md"):
        text = (bare_run / "report" / name).read_text("utf-8")
        assert "<b onload" not in text
        assert "&lt;b onload=1" in text


def test_the_notes_say_what_each_arm_was_trained_on(bare_run, summary):
    for arm in ("mixed:cut", "label_safe:cut"):
        summary["arms"][arm] = summary["arms"]["adapted:cyclegan"]
    files.write_json(bare_run / "scores" / "summary.json", summary)
    write_report(bare_run)
    text = (bare_run / "report" / "report.md").read_text("utf-8")
    assert "- adapted:cyclegan: trained on translations by cyclegan;" in text
    assert "- mixed:cut: trained on source images and their translations by cut;" in text
    changed = "without what cut changed in the eyes of source_only; no target label was used."
    assert f"- label_safe:cut: trained on translations by cut {changed}" in text
    assert "picked by these same scores" in text


def test_without_a_summary_the_report_says_what_is_missing(tmp_path):
    with pytest.raises(DataError, match=r"summary\.json is missing; make it with: i2i-keras eval"):
        write_report(tmp_path)


def test_a_label_space_that_is_none_is_refused(bare_run):
    files.write_json(bare_run / "records" / "label_space.json", {"name": "moon"})
    with pytest.raises(DataError, match=r"label_space\.json holds no label space \(Setting 'cl"):
        write_report(bare_run)


def test_predictions_that_one_arm_lacks_are_shown_of_none(full_run, tmp_path):
    shutil.copytree(full_run, tmp_path, dirs_exist_ok=True)
    (tmp_path / "scores" / "predictions" / "oracle" / "000.png").unlink()
    arms = ["source_only", "adapted:cyclegan", "oracle", "adapted:not-kept"]
    chosen, predicted = figures.read_predictions(tmp_path, "target", "predictions", arms)
    assert [record.name for record in chosen] == ["001"]
    assert list(predicted) == arms[:3]


def test_records_without_labels_are_shown_without_them(full_run, tmp_path):
    shutil.copytree(full_run, tmp_path, dirs_exist_ok=True)
    for table in (tmp_path / "records").glob("*.csv"):
        rows = [row | {"label": ""} for row in files.read_table(table)]
        files.write_table(table, rows, ["name", "image", "label"])
    space = figures.LabelSpace("", (), None, {}, ())
    assert [picture.name for picture in figures.domain_pictures(tmp_path, space)]
    assert not list(figures.label_pictures(tmp_path, space))
    assert not list(figures.prediction_pictures(tmp_path, ["source_only"], space))
