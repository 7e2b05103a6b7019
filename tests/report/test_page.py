import io
import os
import re
import shutil
import subprocess
import sys

import pytest
from PIL import Image

from i2i_keras.data.records import read_records, write_records
from i2i_keras.datasets.spaces import LabelSpace
from i2i_keras.errors import DataError
from i2i_keras.evaluation.summary import write_summary
from i2i_keras.report import figures, page, sections, sources
from i2i_keras.report.findings import training_warnings
from i2i_keras.report.page import bring_up_to_date, write_report
from i2i_keras.report.reading import read_predictions
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run

WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None
from pathlib import Path
from i2i_keras.report.page import write_report
from i2i_keras.run_folder.run import Run
facts = write_report(Run(Path(sys.argv[1])))
assert facts["page"] == "report/index.html"
assert "matplotlib.pyplot" not in sys.modules
"""


@pytest.fixture(scope="module")
def report(full_run, tmp_path_factory):
    """The folder of a full report, made without TensorFlow or pyplot."""
    root = tmp_path_factory.mktemp("moved") / "run"
    shutil.copytree(full_run.root, root)
    subprocess.run([sys.executable, "-c", WITHOUT_TENSORFLOW, root], check=True)
    return root / "report"


def test_the_page_holds_every_part_in_its_order(report):
    html = (report / "index.html").read_text("utf-8")
    assert "Translating the source images (adapted:cyclegan) helped" in html
    assert re.findall("<h2>(.*?)</h2>", html) == [
        *("Result", "Pictures", "Each class", "Over the training", "Translators"),
        "The domains compared",
        *("Loss curves", "Last samples", "How it was made"),
    ]
    shown = re.findall(r'<img alt="(.*?)" src="(.*?)"', html, re.DOTALL)
    assert len(shown) == 17
    assert "cyclegan: road became car in 28% of its pixels." in html
    assert "12% of the target&#39;s" in html
    assert "Audit: solid image in source-train, 1 (left out; see prepare/audit.json)." in html
    assert "Absent from the labels of target-test: train." in html
    assert "<details><summary>Settings of prepare</summary>" in html
    assert "prepare.label_space" in html
    assert "2.15.1" in html


@pytest.fixture()
def copied(full_run, tmp_path):
    """A full run that a test may change."""
    run = Run(tmp_path / "run")
    shutil.copytree(full_run.root, run.root)
    return run


def _change_a_number(run):
    history = run.history(run.translator("cyclegan"))
    text = history.read_text("utf-8")
    assert "0.5" in text
    history.write_text(text.replace("0.5", "0.6", 1), "utf-8")


def _change_an_image(run):
    image = next(run.records.rglob("*.png"))
    os.utime(image, ns=(0, 0))


def _another_stage(run):
    (run.segmenter("oracle") / "history.csv").write_text("step,loss\n1,2.0\n", "utf-8")


@pytest.mark.parametrize(
    "change",
    [
        _change_a_number,
        _change_an_image,
        _another_stage,
        lambda run: next(run.report.glob("figures/*.png")).unlink(),
        lambda run: (run.report / "index.html").write_text("mine", "utf-8"),
        lambda run: (run.report / "sources.json").write_text("{", "utf-8"),
        lambda run: shutil.rmtree(run.report),
    ],
)
def test_a_report_is_drawn_again_where_something_of_it_changed(copied, change, monkeypatch):
    drawn = []
    monkeypatch.setattr(page, "find_sections", lambda run, summary: drawn.append(run) or [])
    facts = write_report(copied)
    for path in copied.root.rglob("*.json"):  # What `evaluate` writes anew, each time.
        os.utime(path)
    assert bring_up_to_date(copied) == facts
    assert len(drawn) == 1
    change(copied)
    assert bring_up_to_date(copied) == facts
    assert len(drawn) == 2
    assert bring_up_to_date(copied) == facts
    assert len(drawn) == 2


def test_what_is_added_while_a_report_is_drawn_is_drawn_the_next_time(copied, monkeypatch):
    drawn = []

    def draw(run, summary):
        drawn.append(run)
        if len(drawn) == 1:
            _another_stage(run)
        return []

    monkeypatch.setattr(page, "find_sections", draw)
    write_report(copied)
    bring_up_to_date(copied)
    bring_up_to_date(copied)
    assert len(drawn) == 2


def test_what_is_no_file_of_the_run_is_no_source(copied, monkeypatch):
    monkeypatch.setattr(page, "find_sections", lambda run, summary: [])
    write_report(copied)
    (copied.root / "loop").symlink_to("..")
    (copied.root / "nothing").symlink_to("nowhere")
    os.mkfifo(copied.root / "pipe")
    assert sources.is_current(copied)


def test_a_report_of_another_version_is_drawn_again(copied, monkeypatch):
    monkeypatch.setattr(page, "find_sections", lambda run, summary: [])
    write_report(copied)
    assert sources.is_current(copied)
    monkeypatch.setattr(sources.metadata, "version", lambda name: "another")
    assert not sources.is_current(copied)


def test_warnings_of_a_training_are_on_the_page_and_in_the_results(copied, finish):
    told = "step 600: Discriminator x has won: it tells 98% of real and fake apart."
    finish(copied.translator("cyclegan"), {}, {"warnings": [told]})
    facts = write_report(copied)
    assert facts["warnings"] == [f"train-translator cyclegan, {told}"]
    html = (copied.root / facts["page"]).read_text("utf-8")
    assert "<h2>Warnings</h2>" in html
    assert f"train-translator cyclegan, {told}" in html


def test_warnings_of_several_trainings_name_their_seed(tmp_path, finish):
    run = Run(tmp_path)
    for seed in (3, 5):
        finish(run.member(seed).segmenter("oracle"), {}, {"warnings": ["It is ill."]})
    assert training_warnings(run, [3, 5]) == [
        f"seed {seed}: train-segmenter oracle, It is ill." for seed in (3, 5)
    ]


def test_labels_that_were_not_safe_are_shown_and_warned_of(copied, finish):
    table = read_records(copied.root, copied.table(copied.translated("cyclegan"), "source-train"))
    safe = copied.label_safe("cyclegan")
    write_records(copied.root, copied.table(safe, "source-train"), table)
    finish(safe, {}, {"warnings": ["Most labels were marked."]}, seconds=1.5)
    facts = write_report(copied)
    assert facts["warnings"] == ["label_safe cyclegan, Most labels were marked."]
    text = (copied.report / "report.md").read_text("utf-8")
    assert "figures/label-safe-cyclegan.png" in text
    assert re.search(r"\| label_safe/cyclegan +\| +1\.5 \|", text)


def test_the_page_is_one_file_that_needs_nothing_from_elsewhere(report):
    html = (report / "index.html").read_text("utf-8")
    assert re.search(r"<script[^>]* src|<link|@import|url\(", html) is None
    # Of the libraries within, whose comments say where they are from.
    without = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    assert "https:" not in without
    assert "http:" not in without
    sources = re.findall(r'src="([^,]*,)', without)
    assert sources
    assert set(sources) <= {"data:image/png;base64,", "data:image/webp;base64,"}


def test_libraries_are_on_the_page_with_their_version_and_license(report):
    html = (report / "index.html").read_text("utf-8")
    assert "uPlot (v1.6.32)" in html
    assert "Copyright (c) 2022 Leon Sorokin" in html


def test_the_page_forbids_itself_to_ask_for_anything(report):
    html = (report / "index.html").read_text("utf-8")
    assert "default-src 'none'; img-src data:;" in html


def test_a_page_without_curves_has_no_library_for_them(bare_run):
    write_report(bare_run)
    assert "uPlot" not in (bare_run.report / "index.html").read_text("utf-8")


def test_what_scripts_show_has_a_picture_that_stands_for_it(report):
    html = (report / "index.html").read_text("utf-8")
    kinds = re.findall('class="widget .*?" data-kind="(.*?)"', html)
    assert {*kinds} == {"viewer", "curves", "scrubber"}
    stills = len(re.findall('<figure class="still[ "]', html))
    assert stills == len(kinds)


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
    last = full_run.samples(full_run.translator("cyclegan")) / "step-001000.png"
    assert (report / "figures" / "samples-cyclegan.png").read_bytes() == last.read_bytes()


def test_only_lines_and_numbers_are_turned_around_in_the_dark(full_run, summary):
    """Colors of images and classes stay what they are."""
    parts = sections.find_sections(full_run, summary)
    pictures = [picture for part in parts for picture in part.pictures]
    light = {picture.name for picture in pictures if not picture.drawn}
    assert {"comparison.png", "samples-cyclegan.png"} <= light
    assert "drift-cyclegan.png" not in light


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_that_drift_says_nothing_is_said_of_a_translator_with_a_semantic_loss(
    copied, finish, summary, weight
):
    summary["arms"]["adapted:cycada"] = summary["arms"]["adapted:cyclegan"]
    shutil.copy(copied.score_file("cyclegan"), copied.score_file("cycada"))
    finish(copied.translator("cycada"), {"lambda_semantic": weight})
    notes = {part.title: part.notes for part in sections.find_sections(copied, summary)}
    found = [note for note in notes["Translators"] if "says nothing" in note]
    assert [note.partition(" was trained")[0] for note in found] == ["cycada"] * bool(weight)


def test_a_bare_summary_makes_a_report_of_its_own(bare_run):
    facts = write_report(bare_run)
    html = (bare_run.root / facts["page"]).read_text("utf-8")
    assert re.findall("<h2>(.*?)</h2>", html) == ["Result"]
    assert facts["headline"] in html
    assert not list(bare_run.report.rglob(".draft*"))


def test_figures_of_an_earlier_report_do_not_stay(bare_run):
    old = bare_run.report / "figures" / "old.png"
    old.parent.mkdir(parents=True)
    old.touch()
    write_report(bare_run)
    assert [path.name for path in old.parent.iterdir()] == ["result.png"]


def test_names_cannot_smuggle_markup_into_the_page(bare_run, summary):
    arm = "adapted:<b onload=1>&"
    summary["arms"] = {arm: summary["arms"]["adapted:cyclegan"]}
    write_summary(bare_run, summary)
    write_report(bare_run)
    for name in ("index.html", "report.md"):
        text = (bare_run.report / name).read_text("utf-8")
        assert "<b onload" not in text
        assert "&lt;b onload=1" in text


def test_the_notes_say_what_each_arm_was_trained_on(bare_run, summary):
    for arm in ("mixed:cut", "label_safe:cut"):
        summary["arms"][arm] = summary["arms"]["adapted:cyclegan"]
    write_summary(bare_run, summary)
    write_report(bare_run)
    text = (bare_run.report / "report.md").read_text("utf-8")
    assert "- adapted:cyclegan: trained on translations by cyclegan;" in text
    assert "- mixed:cut: trained on source images and their translations by cut;" in text
    changed = "without what cut changed in the eyes of source_only; no target label was used."
    assert f"- label_safe:cut: trained on translations by cut {changed}" in text
    assert "picked by these same scores" in text


def test_without_a_summary_the_report_says_what_is_missing(tmp_path):
    with pytest.raises(DataError, match=r"summary\.json is missing; make it with: i2i-keras eval"):
        write_report(Run(tmp_path))


def test_a_label_space_that_is_none_is_refused(bare_run):
    files.write_json(bare_run.label_space, {"name": "moon"})
    with pytest.raises(DataError, match=r"label_space\.json holds no label space \(Setting 'cl"):
        write_report(bare_run)


def test_predictions_that_one_arm_lacks_are_shown_of_none(copied):
    (copied.predictions("oracle") / "000.png").unlink()
    arms = ["source_only", "adapted:cyclegan", "oracle", "adapted:not-kept"]
    predicted = read_predictions(copied, "target", arms)
    assert [record.name for record in predicted.records] == ["001"]
    assert list(predicted.by_arm) == arms[:3]


def test_records_without_labels_are_shown_without_them(copied):
    for table in copied.records.glob("*.csv"):
        rows = [row | {"label": ""} for row in files.read_table(table)]
        files.write_table(table, rows, ["name", "image", "label"])
    space = LabelSpace("", (), None, {}, ())
    assert [picture.name for picture in figures.domain_pictures(copied, space)]
    assert not list(figures.label_pictures(copied, space))
    assert not list(figures.prediction_pictures(copied, ["source_only"], space))


def test_of_several_trainings_the_pictures_are_those_of_the_first(full_run, tmp_path, summary):
    run = Run(tmp_path)
    shutil.copytree(full_run.root, run.member(4).root)
    shutil.copytree(full_run.root, run.member(7).root)
    shutil.copytree(full_run.records, run.records)
    for seed, color in ((4, 10), (7, 200)):
        member = run.member(seed)
        last = member.samples(member.translator("cyclegan")) / "step-001000.png"
        Image.new("RGB", (48, 24), (color,) * 3).save(last)
    for facts in summary["arms"].values():
        facts["seeds"] = [facts["mean_iou"]] * 2
    write_summary(run, {**summary, "seeds": [4, 7]})
    facts = write_report(run)
    html = (run.root / facts["page"]).read_text("utf-8")
    assert "are those of one training, seed 4; each has a page of its own: seed-4/" in html
    shown = Image.open(run.report / "figures" / "samples-cyclegan.png")
    assert shown.getpixel((0, 0)) == (10, 10, 10)
    assert (run.member(7).report / "index.html").is_file()
