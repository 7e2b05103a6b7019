from i2i_keras.report import tables
from i2i_keras.report.page import result_table
from i2i_keras.report.tables import Cell, Table


def test_the_result_table_has_a_row_an_arm_and_lines_up(summary):
    lines = result_table(summary).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [line.split()[1] for line in lines[2:]] == [
        "source_only",
        "**adapted:cyclegan**",
        "oracle",
    ]
    wanted = ["**46.0**", "**44.0 to 48.0**", "**+8.0**", "**6.5 to 9.4**", "**50.0**"]
    assert [cell.strip() for cell in lines[3].split("|")[2:-1]] == wanted


def test_the_result_table_does_without_oracle_and_numbers(summary):
    del summary["arms"]["oracle"]
    empty = dict.fromkeys(("mean_iou", "ci95", "gain", "gain_ci95", "gap_closed"))
    summary["arms"] = {"source_only": {"mean_iou": None, "ci95": None}, "adapted:cut": empty}
    last = result_table(summary).splitlines()[-1]
    assert [cell.strip() for cell in last.split("|")[1:-1]] == ["adapted:cut", *"-----"]


def test_the_best_arm_without_target_labels_is_emphasized():
    iou = {
        "source_only": {"road": 0.9, "car": 0.2, "train": None},
        "adapted:cut": {"road": 0.8, "car": 0.3, "train": None},
        "oracle": {"road": 0.9, "car": 0.4, "train": None},
    }
    table = tables.class_rows({arm: {"iou": values} for arm, values in iou.items()})
    strong = {row[0].text: [cell.strong for cell in row[1:]] for row in table.rows}
    assert strong == {
        "road": [True, False, False],
        "car": [False, True, False],
        "train": [False, False, False],
    }
    assert [cell.text for cell in table.rows[2]] == ["train", "-", "-", "-"]


def test_markdown_cells_cannot_break_the_table():
    text = tables.to_markdown(Table(["Arm"], [[Cell("a|b <i>\nc*")]]))
    assert text.splitlines()[-1] == "| a\\|b &lt;i> c\\* |"


def test_nested_settings_get_dotted_names():
    table = tables.fact_rows("Settings", {"a": {"b": 1, "c": {"d": [2]}}}, ("Setting", "Value"))
    assert [[cell.text for cell in row] for row in table.rows] == [["a.b", "1"], ["a.c.d", "[2]"]]


def test_the_seconds_of_the_stages_are_added_up():
    table = tables.stage_rows({"records": 1200.5, "scores": 2})
    assert [row[1].text for row in table.rows] == ["1,200.5", "2.0", "1,202.5"]


def test_translators_are_compared_before_and_after():
    facts = {
        "frechet_distance": {"source": 2.2165, "translated": 0.0623},
        "kernel_distance": {"source": [0.0325, 0.002], "translated": [0.00053, 0.0001]},
        "cycle_error": 4.51,
        "drift": {"drifted": 0.446},
    }
    [row] = tables.translator_rows({"cyclegan": facts}).rows
    assert [cell.text for cell in row] == [
        *("cyclegan", "2.22 to 0.0623", "32 ± 2 to 0.53 ± 0.1", "4.5", "44.6")
    ]


def test_a_translator_without_a_way_back_has_no_cycle_error():
    facts = {
        "frechet_distance": {"source": 2.0, "translated": 1.0},
        "kernel_distance": {"source": [0.0325, 0.002], "translated": [0.00053, 0.0001]},
        "cycle_error": None,
        "drift": {"drifted": 0.446},
    }
    table = tables.translator_rows({"cut": facts})
    cells = dict(zip(table.columns, table.rows[0], strict=True))
    assert cells["Cycle error"].text == "-"


def test_scores_at_native_size_have_a_column_where_there_are_any(summary):
    assert "Mean IoU % at native size" not in tables.result_rows(summary).columns
    summary["arms"]["oracle"]["native_mean_iou"] = 0.512
    table = tables.result_rows(summary)
    place = table.columns.index("Mean IoU % at native size")
    assert [row[place].text for row in table.rows] == ["-", "-", "51.2"]


def test_the_calibration_error_stands_beside_the_accuracies(summary):
    scores = {"source_only": {"calibration_error": 0.0712, "loss": 0.25}, "oracle": {"loss": 0.1}}
    table = tables.result_rows(summary, scores)
    place = table.columns.index("Calibration error %")
    assert [row[place].text for row in table.rows] == ["7.1", "-", "-"]
    assert {len(row) for row in table.rows} == {len(table.columns)}


def test_where_all_arms_are_alike_none_is_the_best():
    iou = {"source_only": {"wall": 0.0, "sky": 0.5}, "adapted:x": {"wall": 0.0, "sky": 0.4}}
    rows = tables.iou_rows("Class", iou).rows
    assert [[cell.strong for cell in row[1:]] for row in rows] == [[False, False], [True, False]]
