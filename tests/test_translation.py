"""Two folders, no labels: the preset `translation`, and what commands say."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from i2i_keras import config
from i2i_keras.cli import main
from i2i_keras.datasets import streets
from i2i_keras.experiment.settings import Settings
from i2i_keras.report import unscored
from i2i_keras.training.signals import Stopped

# Fitted in a second; the trained one is tested in `test_own_folders`.
QUICK = ('translators=["color"]', "evaluate.num_quality_images=4", "prepare.workers=1")
FOREIGN = re.compile(r"\b(arms?|segmenters?|source_only|oracle|mean iou)\b", re.IGNORECASE)


def draw(root, labels=False):
    """Drawn streets in two styles, in folders with odd names."""
    for name, style, extra in (("my phötos", "camera", "cityscapes"), ("B & co", "game", "gta5")):
        images = root / name / "images" if labels else root / name
        images.mkdir(parents=True)
        for number in range(6):
            picture = streets.draw_street(style, (64, 128), number, streets.files.EXTRAS[extra])
            Image.fromarray(picture[0]).save(images / f"bild {number}.png")
            if labels:
                (root / name / "labels").mkdir(exist_ok=True)
                Image.fromarray(np.full((64, 128), 200 + number, np.uint8)).save(
                    root / name / "labels" / f"bild {number}.png"
                )


def words(root, command, *more):
    changes = [f"--set={change}" for change in QUICK]
    folders = ["--source", root / "my phötos", "--target", root / "B & co"]
    run = ["--preset", "translation", "--run", root / "a run"]
    return [str(word) for word in (command, *run, *folders, *changes, *more)]


def call(*given, code=0):
    result = CliRunner().invoke(main, [str(word) for word in given])
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def translated(tmp_path_factory):
    """A run, and what it and its plan have said."""
    root = tmp_path_factory.mktemp("translation")
    draw(root)
    plan = call(*words(root, "run", "--dry-run"))
    assert not (root / "a run").exists()
    return root, plan.output, call(*words(root, "run"))


def visible(page):
    """The text of a page, without what is code or an image."""
    page = re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", page)


def test_no_word_is_lost_on_what_is_not_done(translated):
    root, plan, result = translated
    page = visible((root / "a run" / "report" / "index.html").read_text("utf-8"))
    markdown = (root / "a run" / "report" / "report.md").read_text("utf-8")
    for text in (plan, result.output, page, markdown):
        assert FOREIGN.findall(text) == []


def test_it_tells_pictures_distances_and_where_translations_are(translated):
    root, _, result = translated
    page = (root / "a run" / "report" / "index.html").read_text("utf-8")
    assert "data:image/png;base64," in page and "Style distance" in page
    assert "give weights of InceptionV3 by evaluate.inception" in page
    run = root / "a run"
    assert f"Translated: {run}/translate/color\n" in result.stdout
    assert f"Translated: {run}/translate/color-yx\n" in result.stdout
    assert re.search(
        r"style to the other domain, \d+ % from source to target and \d+ % from", result.stdout
    )
    assert len([*(run / "translate" / "color").rglob("*.png")]) == 6
    again = re.search(r"i2i-keras (translate .*) --images FOLDER --out FOLDER", result.stdout)
    assert "'" in again[1]  # The folder's name has a space.


def test_health_is_told_of_what_was_trained():
    assert unscored.health_notes({}, warned=False) == []
    few, well = unscored.health_notes({"cut": 5, "cyclegan": 6}, warned=False)
    assert "training of cyclegan gave no warning" in well
    assert few.startswith("Health: the history of cut has 5 rows, too few to judge it by (6)")
    assert "warnings, see below" in unscored.health_notes({"cyclegan": 6}, warned=True)[0]


def test_it_is_said_where_translations_are_farther_from_the_target_than_the_images_were():
    summary = {"arms": {}, "translators": ["color"], "style_distance": {"color": {"xy": 0.9}}}
    assert "above 100 %" not in unscored.headline(summary).text
    summary["style_distance"]["color"]["yx"] = 1.09
    assert (
        "109 % from target to source are left (above 100 %: farther"
        in unscored.headline(summary).text
    )


def test_labels_are_left_aside_with_a_word(tmp_path):
    draw(tmp_path, labels=True)
    result = call(*words(tmp_path, "run"))
    assert "my phötos (source-train) has 6 labels; they are not used" in result.output
    assert FOREIGN.findall(result.output) == []
    records = (tmp_path / "a run" / "prepare" / "source-train.csv").read_text("utf-8")
    assert "labels" not in records


def test_labels_among_the_images_are_refused(tmp_path):
    draw(tmp_path)
    for number in range(6):
        label = np.full((64, 128), number, np.uint8)
        Image.fromarray(label).save(tmp_path / "my phötos" / f"bild {number}_mask.png")
    told = call(*words(tmp_path, "run", "--dry-run"), code=1).output
    assert "6 images that look like labels" in told and "move them out" in told


def test_records_prepared_with_labels_have_their_old_settings():
    given = config.build(Settings, config.read("demo"))
    assert "use_labels" not in given.source.facts()
    unused = config.build(Settings, config.read("demo", ["source.use_labels=false"]))
    assert unused.source.facts()["use_labels"] is False


def test_the_name_it_had_before_still_works(tmp_path):
    draw(tmp_path)
    given = words(tmp_path, "run", "--dry-run")
    given[given.index("translation")] = "two_folders"
    assert "the preset two_folders is called translation now" in call(*given).stderr


# --- Quiet, and for programs ------------------------------------------------


def test_quiet_leaves_results_alone(translated):
    root, _, loud = translated
    for stage in ("report", "evaluate", "translate"):
        shutil.rmtree(root / "a run" / stage)
    result = call(*words(root, "run", "--quiet"))
    assert result.stderr == ""
    kept = [line for line in loud.stdout.splitlines() if "Translate other" not in line]
    assert [*filter(None, result.stdout.splitlines())] == [*filter(None, kept)][-4:]
    assert result.stdout.startswith("Images were translated")


def test_quiet_hides_notes_and_bars_of_translations(translated, tmp_path):
    root, _, _ = translated
    (tmp_path / "in").mkdir()
    shutil.copy(root / "my phötos" / "bild 0.png", tmp_path / "in")
    (tmp_path / "in" / "notes.md").write_text("no image")
    given = ["translate", "--run", root / "a run", "--method", "color", "--images", tmp_path / "in"]
    loud = call(*given, "--out", tmp_path / "one")
    assert "Note: 1 .md beside them" in loud.output and "1/1" in loud.stderr
    quiet = call(*given, "--out", tmp_path / "two", "-q")
    assert quiet.output == f"translate color: 1 image in {tmp_path / 'two'}\n"


def test_errors_are_told_however_quiet(tmp_path):
    draw(tmp_path)
    told = call(*words(tmp_path, "run", "-q", "--set", "sed=1"), code=2)
    assert "Did you mean 'seed'?" in told.stderr and told.stdout == ""


def document(result):
    """The one JSON document of stdout, which knows no NaN."""

    def refuse(name):
        raise AssertionError(name)

    return json.loads(result.stdout, parse_constant=refuse)


def test_the_plan_is_json(translated):
    root, _, _ = translated
    found = document(call(*words(root, "run", "--dry-run", "--json")))
    assert found["images"]["source-train"] == 6 and len(found["size"]) == 2
    assert [task["task"] for task in found["tasks"]][:2] == ["prepare", "train-translator color"]


def test_a_run_and_its_scores_are_json(translated):
    root, _, _ = translated
    found = document(call(*words(root, "run", "--json")))
    assert found["summary"]["arms"] == {} and found["page"].endswith("index.html")
    summary = document(call("evaluate", "--run", root / "a run", "--json"))
    assert summary == found["summary"]
    assert summary["style_distance"]["color"]["xy"] >= 0


def test_what_has_changed_is_json(translated, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(translated[0] / "a run", run)
    assert document(call("verify", run, "--json"))["changes"] == []
    path = next((run / "translate" / "color").rglob("*.png"))
    path.write_bytes(b"another")
    [change] = document(call("verify", run, "--json", code=1))["changes"]
    assert change["path"] == str(path) and change["stops"] is True


def test_findings_are_json_on_stdout_or_in_a_file(translated, tmp_path):
    given = ["audit", translated[0] / "my phötos", "--format", "folder", "--workers", 1]
    found = document(call(*given, "--json"))
    assert found["splits"]["train"] == {"images": 6, "labelled": 0}
    call(*given, "--json", tmp_path / "found.json")
    there = json.loads((tmp_path / "found.json").read_text("utf-8"))
    assert there == {"findings": found["findings"]}


def test_stdout_of_a_real_process_is_a_document_too(translated):
    run = [sys.executable, "-m", "i2i_keras", *words(translated[0], "run", "--json")]
    result = subprocess.run(run, capture_output=True, text=True, timeout=300)
    assert document(result)["summary"]["translators"] == ["color"]


@pytest.mark.parametrize(("option", "place"), [("--json", "stderr"), ("--quiet", "stdout")])
def test_a_stop_is_no_part_of_a_document(monkeypatch, option, place):
    def stop(**options):
        raise Stopped

    monkeypatch.setattr(main.commands["evaluate"], "callback", stop)
    result = call("evaluate", option)
    assert "Stopped and saved; go on with: " in getattr(result, place)
    assert (result.stdout == "") == (place == "stderr")
