"""A tiny experiment of all translators but CycleGAN, from start to report."""

import pytest
from PIL import Image

from i2i_keras.run_folder import files

# Two without a training, and one without a way back.
UNTRAINED = ("color", "fourier")
METHODS = (*UNTRAINED, "cut")
ARMS = ["source_only", *(f"adapted:{method}" for method in METHODS)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory, tiny_experiment):
    root = tmp_path_factory.mktemp("translators") / "run"
    tiny = tiny_experiment(root, f"arms={ARMS}", "translator.fourier.beta=0.02")
    tiny.result = tiny.command("run")
    assert tiny.result.exit_code == 0, tiny.result.output
    return tiny


def quality(finished, method):
    return files.read_json(finished.root / "evaluate" / f"{method}.json")


# --- All of them ------------------------------------------------------------


def test_all_arms_are_scored(finished):
    summary = files.read_json(finished.root / "evaluate" / "summary.json")
    assert list(summary["arms"]) == ARMS
    for arm in ARMS[1:]:
        assert summary["arms"][arm]["gain_ci95"]


@pytest.mark.parametrize(("method", "steps"), [("color", [0]), ("fourier", [0]), ("cut", [1, 2])])
def test_drift_is_told_of_each_state_and_of_a_method_without_steps_once(finished, method, steps):
    assert [row["step"] for row in quality(finished, method)["drift"]["by_step"]] == steps


def test_there_is_a_cycle_error_where_there_is_a_way_back(finished):
    assert quality(finished, "cut")["cycle_error"] is None
    assert all(quality(finished, method)["cycle_error"] > 0 for method in UNTRAINED)


@pytest.mark.parametrize("method", METHODS)
def test_records_are_translated_with_their_names_labels_and_size(finished, method):
    sources = finished.records("prepare/source-train")
    made = finished.records(f"translate/{method}/source-train")
    for source, fake in zip(sources, made, strict=True):
        assert (fake.name, fake.label) == (source.name, source.label)
        with Image.open(fake.image) as new, Image.open(source.image) as old:
            assert new.size == old.size
            assert new.tobytes() != old.tobytes()


def test_a_second_run_skips_all_stages(finished):
    output = finished.command("run").output
    for method in METHODS:
        assert f"train-translator {method}: was done before" in output
        assert f"translate {method}: was done before" in output


# --- Without a training -----------------------------------------------------


@pytest.mark.parametrize("method", UNTRAINED)
def test_a_fit_leaves_statistics_and_a_picture_and_nothing_of_a_training(finished, method):
    folder = finished.root / "train-translator" / method
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    made = ["config.json", "done.json", "references.npz", "samples/translated.png"]
    assert files == ["checksums.json", *made]


def test_the_report_shows_pictures_and_no_curves(finished):
    text = (finished.root / "report" / "report.md").read_text("utf-8")
    for method in UNTRAINED:
        assert f"*{method}: source images, their translations" in text
        assert f"figures/drift-{method}.png" in text
        assert f"figures/drift-steps-{method}.png" not in text
        assert f"figures/curves-train-translator-{method}.png" not in text


def test_a_window_of_less_than_one_frequency_is_warned_of(finished):
    told = "translator fourier, the window holds the mean color only"
    assert told in (finished.root / "report" / "report.md").read_text("utf-8")
    assert told in finished.result.output


def test_other_settings_are_refused(finished):
    change = ("--set", "translator.color.method=histogram")
    result = finished.command_without_settings("train-translator", *change)
    assert result.exit_code == 1
    assert "train-translator/color was made with method = reinhard (now histogram)" in result.output


@pytest.mark.parametrize("method", UNTRAINED)
def test_the_way_back_is_open_and_in_shards_as_well(finished, method):
    arguments = ["--method", method, "--direction", "yx"]
    for number in (2, 1):
        result = finished.command("translate", *arguments, "--shard", f"{number}/2")
        assert result.exit_code == 0, result.output
    assert len(finished.records(f"translate/{method}-yx/target-train")) == 4


@pytest.mark.parametrize("method", UNTRAINED)
def test_there_is_nothing_to_export(finished, method):
    result = finished.command("export", "--method", method)
    assert result.exit_code == 2
    assert (
        f"{method} has no network that could be exported; take cyclegan or cycada or cut."
        in result.output
    )


# --- Without a way back -----------------------------------------------------


def test_the_report_shows_a_hyphen_the_samples_and_the_curves(finished):
    text = (finished.root / "report" / "report.md").read_text("utf-8")
    [titles, row] = (
        [cell.strip() for cell in line.split("|")]
        for line in text.splitlines()
        if line.startswith(("| Translator", "| cut "))
    )
    assert dict(zip(titles, row, strict=True))["Cycle error"] == "-"
    assert "*cut at step 000002: source images, their translations" in text
    assert "figures/curves-train-translator-cut.png" in text


@pytest.mark.parametrize("name", ["translate", "export"])
def test_the_way_back_is_refused(finished, name):
    result = finished.command(name, "--method", "cut", "--direction", "yx")
    assert result.exit_code == 2
    assert "cut does not translate yx; for that, train it with source and target" in result.output
    assert not (finished.root / "translate" / "cut-yx").exists()


def test_the_generator_is_exported(finished):
    result = finished.command("export", "--method", "cut", "--out", finished.root / "export")
    assert result.exit_code == 0, result.output
    assert (finished.root / "export" / "saved_model.pb").is_file()


def test_a_run_that_begins_with_another_ones_translator_does_not_hold_its_place(
    tiny_experiment, tmp_path
):
    first = tiny_experiment(tmp_path / "first")
    second = tiny_experiment(tmp_path / "second", f"translator.cyclegan.initial={first.root}")
    for experiment in (first, second):
        assert experiment.command("prepare").exit_code == 0
        result = experiment.command("train-translator", "--method", "cyclegan")
        assert result.exit_code == 0, result.output
    done = files.read_json(second.root / "train-translator/cyclegan/done.json")
    assert done["settings"]["initial"].startswith("sha256 ")
    assert (
        "initial"
        not in files.read_json(first.root / "train-translator/cyclegan/done.json")["settings"]
    )
    for path in (second.root / "train-translator").rglob("*.json"):
        assert str(first.root) not in path.read_text("utf-8")

    assert "was done before" in second.command("train-translator", "--method", "cyclegan").output
    plain = tiny_experiment(second.root)
    result = plain.command_without_settings("train-translator", "--method", "cyclegan")
    assert result.exit_code == 1
    assert f"made with initial = {done['settings']['initial']} (now absent)" in result.output
