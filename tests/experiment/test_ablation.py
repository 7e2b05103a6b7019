import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from i2i_keras import config
from i2i_keras.cli import main
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.experiment import ablation
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder import files

WEIGHT = "translator.cyclegan.lambda_cycle"
ROWS = {"as it is": (), "heavier": [f"{WEIGHT}=20.0"], "dice": ["segmenter.dice=1.0"]}


@pytest.fixture(scope="module")
def ablate(tiny_preset):
    """Ablates the tiny preset, with a lighter cycle loss."""

    def ablate(rows, root, tell, method="cyclegan", overrides=(f"{WEIGHT}=5.0",)):
        settings = ablation.settings_of(str(tiny_preset), overrides, rows, method)
        return ablation.ablate(settings, root, tell, method)

    return ablate


@pytest.fixture(scope="module")
def ablated(tmp_path_factory, ablate):
    root, told = tmp_path_factory.mktemp("ablation"), []
    return root, ablate(ROWS, root, told.append), told


def test_each_row_is_a_run_of_its_own_settings(ablated):
    root, table, _ = ablated
    assert [row["row"] for row in table] == [*ROWS]
    for name, weight in (("as it is", 5.0), ("heavier", 20.0)):
        done = files.read_json(root / name / "train-translator" / "cyclegan" / "done.json")
        assert done["settings"]["lambda_cycle"] == weight


def test_what_a_row_does_not_change_is_done_once(ablated):
    root, _, told = ablated
    second = told[told.index("--- heavier ---") : told.index("--- dice ---")]
    assert "prepare: was done before" in second
    assert "train-segmenter source_only: was done before" in second
    assert "train-segmenter oracle: was done before" in second
    assert any(line.startswith("train-translator cyclegan: done in") for line in second)
    one, other = (
        root / name / "train-segmenter/oracle/unet.weights.h5" for name in ("as it is", "heavier")
    )
    assert one.samefile(other)


def test_a_row_of_another_segmenter_takes_the_same_translator(ablated):
    _, table, told = ablated
    third = told[told.index("--- dice ---") :]
    assert "train-translator cyclegan: was done before" in third
    assert "translate cyclegan: was done before" in third
    assert any(line.startswith("train-segmenter oracle: done in") for line in third)
    assert table[2]["cycle_error"] == table[0]["cycle_error"]
    assert table[2]["oracle"] != table[0]["oracle"]


@pytest.mark.slow  # Two trainings of everything.
def test_several_seeds_are_trained_in_each_row_and_compared_in_pairs(tmp_path, ablate):
    rows, told = {"as it is": (), "same": (), "heavier": [f"{WEIGHT}=20.0"]}, []
    overrides = ["seeds=[1, 2]", "evaluate.num_quality_images=0"]
    table = ablate(rows, tmp_path, told.append, overrides=overrides)
    heavier = told[told.index("--- heavier ---") :]
    for seed in (1, 2):
        assert f"train-segmenter oracle (seed {seed}): was done before" in heavier
        done = f"train-translator cyclegan (seed {seed}): done in"
        assert any(line.startswith(done) for line in heavier)
    means = [of_seeds(tmp_path / row["row"]) for row in table]
    assert [row["mean_iou"] for row in table] == pytest.approx([np.mean(mean) for mean in means])
    assert table[2]["change"] == pytest.approx(np.mean(means[2]) - np.mean(means[0]))
    assert table[2]["change_low"] < table[2]["change"] < table[2]["change_high"]
    # What is the same differs by nothing, without a spread: it is paired.
    assert [table[1][key] for key in ablation._COLUMNS if "change" in key] == [0, 0, 0, 1]
    assert table[0]["frechet_distance"] is None and table[0]["drifted"] is None
    assert "| 0.0 (0.0 to 0.0) | 1 | - | - | - |" in (tmp_path / "table.md").read_text()


def of_seeds(root):
    """Mean IoU of each training, from what was counted."""
    found = []
    for seed in (1, 2):
        with np.load(*root.glob(f"seed-{seed}/evaluate/adapted-cyclegan/*.npz")) as file:
            total = file["confusions"].sum(axis=0).astype(float)
        hits = np.diag(total)
        union = total.sum(axis=0) + total.sum(axis=1) - hits
        found.append(np.mean((hits / np.maximum(union, 1))[union > 0]))
    return found


def test_each_row_says_how_far_it_is_from_the_first(ablated):
    _, (first, *others), _ = ablated
    assert [first[key] for key in first if "change" in key] == [None] * 4
    for row in others:
        assert row["change"] == pytest.approx(row["mean_iou"] - first["mean_iou"])
        assert row["change_low"] <= row["change"] <= row["change_high"]
        assert 0 <= row["change_p"] <= 1


def test_rows_of_other_seeds_are_not_compared(tmp_path, ablate):
    # There are no pairs of trainings.
    table = ablate({"as it is": (), "two": ["seeds=[1, 2]"]}, tmp_path, print)
    assert table[1]["change"] is None and table[1]["mean_iou"] is not None


def test_rows_are_compared_in_a_table(ablated):
    root, table, _ = ablated
    assert table[0]["mean_iou"] >= 0
    found = files.read_table(root / "table.csv")
    assert [float(row["cycle_error"]) for row in found] == [row["cycle_error"] for row in table]
    assert (root / "table.md").read_text().count("\n| ") == 3


def test_what_there_is_not_is_a_hyphen_in_the_table(ablated):
    row = {**ablated[1][1], "gap_closed": None, "cycle_error": None}
    titles, _, cells = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in ablation.to_markdown([row]).splitlines()
    )
    empty = {title for title, cell in zip(titles, cells, strict=True) if cell == "-"}
    assert empty == {"Gap closed %", "Cycle error"}


def test_a_second_time_nothing_is_trained(ablated, ablate):
    root, table, _ = ablated
    told = []
    assert ablate(ROWS, root, told.append) == table
    assert not [line for line in told if "done in" in line]


def test_the_command_prints_its_table_as_json(ablated, tiny_preset, tmp_path):
    root, table, _ = ablated
    rows = tmp_path / "rows.toml"
    rows.write_text(f'[rows]\nheavier = ["{WEIGHT}=20.0"]\n')
    words = ["ablate", "--rows", rows, "--preset", tiny_preset, "--out", root]
    words += ["--set", f"{WEIGHT}=5.0", "--json"]
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["table"] == str(root / "table.csv")
    assert [(row["row"], row["mean_iou"]) for row in found["rows"]] == [
        (row["row"], row["mean_iou"]) for row in table[:2]
    ]


def test_a_wrong_setting_of_the_last_row_is_refused_before_any_training(tmp_path, ablate):
    rows = {"as it is": (), "wrong": ["translator.cyclegan.lambda_cicle=20.0"]}
    with pytest.raises(SettingsError, match="lambda_cycle"):
        ablate(rows, tmp_path, print)
    assert not [*tmp_path.iterdir()]


def test_an_unknown_translator_is_refused_before_any_training(tmp_path, ablate):
    with pytest.raises(SettingsError, match=r"No translator 'cyclgan'. Did you mean 'cyclegan'"):
        ablate({"as it is": ()}, tmp_path, print, method="cyclgan")
    assert not [*tmp_path.iterdir()]


def test_another_translator_can_be_looked_at_with_the_same_floor_and_ceiling(
    ablated, ablate, tmp_path
):
    root = shutil.copytree(ablated[0] / "as it is", tmp_path / "as it is").parent
    told = []
    table = ablate({"as it is": ()}, root, told.append, method="color")
    arms = files.read_json(root / "as it is" / "evaluate" / "summary.json")["arms"]
    assert [*arms] == ["source_only", "adapted:color", "oracle"]
    assert table[0]["mean_iou"] == arms["adapted:color"]["mean_iou"]
    assert "train-segmenter oracle: was done before" in told


@pytest.mark.slow  # Two experiments.
def test_a_translator_that_sees_by_a_segmenter_is_not_taken_by_a_row_of_another(ablate, tmp_path):
    rows, told = {name: ROWS[name] for name in ("as it is", "dice")}, []
    ablate(rows, tmp_path, told.append, method="cycada")
    assert len([line for line in told if line.startswith("train-translator cycada: done")]) == 2
    assert len([line for line in told if line.startswith("prepare: done")]) == 1


@pytest.mark.parametrize("name", config.names_in("ablations"))
def test_every_row_that_comes_with_the_package_is_valid(name):
    rows = ablation.read_rows(name)
    assert next(iter(rows)) == "as it is"
    for own in rows.values():
        config.build(Settings, config.read("demo", own))


def test_an_unknown_ablation_is_refused():
    with pytest.raises(
        SettingsError, match=r"No ablation 'student_reprot'. Did you mean 'student_report'"
    ):
        ablation.read_rows("student_reprot")


def test_some_rows_are_chosen_by_name():
    assert [*ablation.read_rows("student_report", ["BCE"])] == ["as it is", "BCE"]
    with pytest.raises(SettingsError, match=r"student_report has no row 'bce'. Did you mean 'BCE'"):
        ablation.read_rows("student_report", ["bce"])


def test_of_a_single_test_image_a_row_has_no_interval():
    row = dict.fromkeys(("source_only", "mean_iou", "oracle", "gain", "frechet_distance"), 0.5)
    row |= {"row": "as it is", "gain_low": None, "gain_high": None, "gap_closed": None}
    row |= {"change": 0.01, "change_low": None, "change_high": None, "change_p": None}
    row |= {"source_only": 0.1416, "mean_iou": 0.3182, "gain": 0.1766}
    text = ablation.to_markdown([row | {"cycle_error": None, "drifted": 0.1}])
    assert "| 14.2 | 31.8 | 50.0 | +17.6 (-) | - | +1.0 (-) | - |" in text


def test_rows_without_labelled_test_images_are_refused_before_all(tmp_path, ablate):
    rng = np.random.default_rng(0)
    for folder in ("source/images", "source/labels", "target"):
        (tmp_path / folder).mkdir(parents=True)
        pixels = rng.integers(0, 256, (64, 128, 3)).astype(np.uint8)
        if folder.endswith("labels"):
            pixels = np.full((64, 128), 7, np.uint8)
        Image.fromarray(pixels).save(tmp_path / folder / "0.png")
    overrides = [
        *(f'{role}.root="{tmp_path / role}"' for role in ("source", "target")),
        *(f"{role}.format=folder" for role in ("source", "target")),
    ]
    told = []
    with pytest.raises(SettingsError, match="the target has no labelled test images; give it some"):
        ablate({"as it is": ()}, tmp_path / "out", told.append, overrides=overrides)
    assert told == [] and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ('"as it is" = []', "row 'as it is' has the folder of 'as it is'"),
        ('"../evil" = []', r"row '\.\./evil' cannot be a folder's name"),
        ('"a:b" = []\n"a-b" = []', "row 'a-b' has the folder of 'a:b'"),
    ],
)
def test_rows_without_a_folder_of_their_own_are_refused(tmp_path, rows, message):
    path = tmp_path / "rows.toml"
    path.write_text(f"[rows]\n{rows}\n", "utf-8")
    with pytest.raises(SettingsError, match=message):
        ablation.read_rows(str(path))


def test_a_table_of_an_earlier_version_is_replaced(ablated, ablate, tmp_path):
    root = shutil.copytree(ablated[0], tmp_path / "out")
    names = [name for name in ablation._COLUMNS if "change" not in name]
    earlier = [{name: row[name] for name in names} for row in ablated[1]]
    files.write_table(root / "table.csv", earlier, names)
    ablate(ROWS, root, print)
    assert [*files.read_table(root / "table.csv")[0]] == [*ablation._COLUMNS]


@pytest.mark.parametrize("name", ["table.csv", "table.md"])
def test_a_table_of_others_is_not_written_over(ablate, tmp_path, name):
    (tmp_path / name).write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=f"{name} is there and was not made by i2i-keras"):
        ablate(ROWS, tmp_path, print)
    assert [path.name for path in tmp_path.iterdir()] == [name]
