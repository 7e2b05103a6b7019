from i2i_keras.report import tables
from i2i_keras.report.tables import Cell, Table


def markdown(summary):
    return tables.to_markdown(tables.result_rows(summary))


def test_the_result_table_has_a_row_an_arm_and_lines_up(summary):
    lines = markdown(summary).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [line.split()[1] for line in lines[2:]] == [
        "source_only",
        "**adapted:cyclegan**",
        "oracle",
    ]
    wanted = ["**46.0**", "**44.0 to 48.0**", "**+8.0**", "**6.5 to 9.4**", "**50.0**"]
    assert [cell.strip() for cell in lines[3].split("|")[2:-1]] == wanted


def test_gains_in_the_result_table_are_differences_of_its_means(summary):
    arms = summary["arms"]
    arms["source_only"]["mean_iou"] = 0.1416
    arms["adapted:cyclegan"] |= {"mean_iou": 0.3182, "gain": 0.1766, "gain_ci95": [0.16, 0.19]}
    arms["oracle"] |= {"mean_iou": 0.3884, "gain": 0.2468, "gain_ci95": [0.24, 0.26]}
    rows = [[cell.text for cell in row] for row in tables.result_rows(summary).rows]
    assert [(row[1], row[3]) for row in rows] == [
        ("14.2", "-"),
        ("31.8", "+17.6"),
        ("38.8", "+24.6"),
    ]
    arms["adapted:cyclegan"] |= {"mean_iou": 0.1418, "gain": 0.0002, "gain_ci95": [0.0001, 0.0004]}
    rows = [[cell.text for cell in row] for row in tables.result_rows(summary).rows]
    assert [(row[1], row[3]) for row in rows] == [
        ("14.16", "-"),
        ("14.18", "+0.02"),
        ("38.84", "+24.68"),
    ]
    assert rows[1][4] == "0.01 to 0.04"


def test_the_result_table_does_without_oracle_and_numbers(summary):
    del summary["arms"]["oracle"]
    empty = dict.fromkeys(("mean_iou", "ci95", "gain", "gain_ci95", "gap_closed"))
    summary["arms"] = {"source_only": {"mean_iou": None, "ci95": None}, "adapted:cut": empty}
    last = markdown(summary).splitlines()[-1]
    assert [cell.strip() for cell in last.split("|")[1:-1]] == ["adapted:cut", *"-----"]


def lead(arm, sure, following="source_only"):
    return {"arm": arm, "next": following, "difference": 0.1, "ci95": [0, 1], "sure": sure}


def strong(table):
    return {row[0].text: [cell.text for cell in row if cell.strong] for row in table.rows}


def test_a_class_is_marked_where_its_lead_is_sure_and_nowhere_else():
    iou = {
        "source_only": {"road": 0.9, "car": 0.2, "train": None, "terrain": 0.0001},
        "adapted:cut": {"road": 0.8, "car": 0.3, "train": None, "terrain": 0.0004},
        "oracle": {"road": 0.9, "car": 0.4, "train": None, "terrain": 0.2},
    }
    scores = {arm: {"iou": values, "subsets": {"few": 0.25}} for arm, values in iou.items()}
    best = {
        "iou": {
            "road": lead("source_only", sure=False),
            "car": lead("adapted:cut", sure=True),
            "terrain": lead("adapted:cut", sure=True),  # It reads as zero.
        },
        "subsets": {"few": lead("source_only", sure=True)},
    }
    table = tables.class_rows(scores, best)
    assert strong(table) == {
        **{"road": [], "car": ["30.0"], "train": [], "terrain": []},
        "mean of few": ["25.0"],
    }
    assert [cell.text for cell in table.rows[2]] == ["train", "-", "-", "-"]


def test_scores_of_an_earlier_version_mark_nothing(summary):
    scores = {"source_only": {"iou": {"sky": 0.1}}, "adapted:x": {"iou": {"sky": 0.9}}}
    assert strong(tables.class_rows(scores)) == {"sky": []}
    del summary["best"]
    assert not any(strong(tables.result_rows(summary)).values())


def test_the_result_is_marked_where_lead_and_gain_are_sure(summary):
    arms, best = summary["arms"], summary["best"]["mean_iou"]
    assert [arm for arm, cells in strong(tables.result_rows(summary)).items() if cells] == [
        "adapted:cyclegan"
    ]
    best["sure"] = False
    assert not any(strong(tables.result_rows(summary)).values())
    best["sure"] = True
    arms["adapted:cyclegan"]["gain_ci95"] = [-0.01, 0.1]
    assert not any(strong(tables.result_rows(summary)).values())
    best["arm"] = "source_only"
    assert not any(strong(tables.result_rows(summary)).values())


def test_an_arm_that_is_no_longer_there_is_not_marked(summary):
    del summary["arms"]["adapted:cyclegan"]
    assert not any(strong(tables.result_rows(summary)).values())


def test_markdown_cells_cannot_break_the_table():
    text = tables.to_markdown(Table(["Arm"], [[Cell("a|b <i>\nc*")]]))
    assert text.splitlines()[-1] == "| a\\|b &lt;i> c\\* |"


def test_names_are_no_markdown_html_or_formulas():
    names = ("$x$", "a\\", "`b`", "_c_", "snake_case", "[d](e)", "~~f~~", "<b>", "&amp;", "[1, 2]")
    assert [tables.escape(name) for name in names] == [
        *(r"\$x\$", r"a\\", r"\`b\`", r"\_c\_", "snake_case", r"[d\](e)", r"\~~f\~~"),
        *("&lt;b>", "&amp;amp;", "[1, 2]"),
    ]


def test_nested_settings_get_dotted_names():
    table = tables.fact_rows("Settings", {"a": {"b": 1, "c": {"d": [2]}}}, ("Setting", "Value"))
    assert [[cell.text for cell in row] for row in table.rows] == [["a.b", "1"], ["a.c.d", "[2]"]]


def test_the_seconds_of_the_stages_are_added_up_as_they_are_shown():
    table = tables.stage_rows({"prepare": 1200.54, "evaluate": 2.04, "raw": 0.04})
    assert [row[1].text for row in table.rows] == ["1,200.5", "2.0", "0.0", "1,202.5"]


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


def test_distances_of_too_few_images_are_absent():
    facts = {"frechet_distance": None, "kernel_distance": None, "cycle_error": 4.5}
    [row] = tables.translator_rows({"cyclegan": facts | {"drift": {"drifted": 0.4}}}).rows
    assert [cell.text for cell in row] == ["cyclegan", "-", "-", "4.5", "40.0"]


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
