import pytest

from i2i_keras.report.arm_pairs import is_sure, pair_notes, pair_table


def pair(arm, other, difference, ends, p):
    probabilities = {"p": p, "p_holm": p}
    return {"arm": arm, "other": other, "difference": difference, "ci95": ends, **probabilities}


@pytest.fixture
def compared(summary):
    summary["pairs"] = [
        pair("source_only", "adapted:cyclegan", -0.08, [-0.094, -0.065], 0.0004),
        pair("source_only", "oracle", -0.16, [-0.2, -0.1], 0.031),
        pair("adapted:cyclegan", "oracle", -0.08, [-0.15, 0.01], 0.06),
    ]
    return summary


def cells(table):
    return {
        (row[0].text, arm): cell
        for row in table.rows
        for arm, cell in zip(table.columns[1:], row[1:], strict=True)
    }


def test_each_cell_is_its_row_less_its_column_with_interval_and_p(compared):
    found = cells(pair_table(compared))
    assert found["adapted:cyclegan", "source_only"].text == "+8.0\n(6.5 to 9.4)\np < 0.001"
    assert found["source_only", "adapted:cyclegan"].text == "-8.0\n(-9.4 to -6.5)\np < 0.001"
    assert found["oracle", "oracle"].text == "·"


def test_only_what_is_sure_among_all_pairs_is_strong(compared):
    tones = {pair: (cell.strong, cell.tone) for pair, cell in cells(pair_table(compared)).items()}
    assert tones["oracle", "source_only"] == (True, "gain")
    assert tones["source_only", "oracle"] == (True, "harm")
    assert tones["oracle", "adapted:cyclegan"] == (False, "")


def test_neither_p_nor_the_interval_alone_makes_it_sure():
    assert is_sure(pair("a", "b", 0.1, [0.01, 0.2], 0.049))
    assert not is_sure(pair("a", "b", 0.1, [0.01, 0.2], 0.05))
    assert not is_sure(pair("a", "b", 0.1, [-0.01, 0.2], 0.01))
    assert not is_sure(pair("a", "b", 0.1, None, None))


def test_notes_say_how_many_pairs_were_corrected_for_and_by_what(compared):
    (note,) = pair_notes(compared)
    assert "paired by image," in note
    assert "all 3 pairs (Holm, 1979)" in note
    assert "Student's t" in note
    (note,) = pair_notes({**compared, "seeds": [0, 1]})
    assert "paired by image and training," in note


def test_summaries_of_earlier_versions_have_no_matrix(summary):
    assert pair_table(summary) is None
    assert pair_notes(summary) == []
