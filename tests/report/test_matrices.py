import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from i2i_keras.datasets.spaces import LABEL_SPACES
from i2i_keras.plots.matrices import matrix_picture

COUNTS = [[30, 10, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 159]]
NAMES = ("road", "sky", "train", "car")


def drawn(counts=COUNTS, names=NAMES):
    return matrix_picture(counts, names, "seen in x", "seen in y")


def texts(axes):
    """What stands in the cells and beside the rows, by place."""
    return {
        (round(text.get_position()[1]), round(text.get_position()[0])): text.get_text()
        for text in axes.texts
        if text.get_text()
    }


def test_rows_are_in_percent_and_classes_never_seen_left_out():
    (axes,) = drawn().axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [label.get_text() for label in axes.get_xticklabels()]
    assert names == ["road", "sky", "car"]
    found = texts(axes)
    cells = {place: text for place, text in found.items() if place[0] >= 0 and place[1] < 3}
    # 1 of 160 is 0.6; sky was never seen before: its row is empty.
    assert cells == {(0, 0): "75", (0, 1): "25", (2, 1): "1", (2, 2): "99"}
    assert [found[row, 4] for row in range(3)] == ["20", "-", "80"]
    assert axes.get_ylabel() == "seen in x"
    assert axes.get_xlabel() == "seen in y, % of the row"


def test_what_stayed_is_blue_and_what_changed_orange():
    (axes,) = drawn().axes
    colors = np.asarray(axes.images[0].get_array())
    np.testing.assert_array_equal(colors[1, 0, :3], [1, 1, 1])
    full = np.asarray(drawn([[0, 5], [0, 5]], ("a", "b")).axes[0].images[0].get_array())
    np.testing.assert_allclose(full[0, 1, :3], to_rgb("#d55e00"), atol=0.01)
    np.testing.assert_allclose(full[1, 1, :3], to_rgb("#0072b2"), atol=0.01)


def test_rows_without_names_of_their_own_are_rounded_in_words():
    (axes,) = drawn([[1, 0], [0, 999]], ("a", "b")).axes
    assert [texts(axes)[row, 3] for row in range(2)] == ["<1", "100"]


@pytest.mark.parametrize("space", ["idd7", "cityscapes19", "cityscapes34"])
def test_all_text_is_within_the_picture_and_none_lies_upon_another(space):
    names = LABEL_SPACES[space].names
    # 100 on the diagonal is the widest that a cell can hold.
    figure = drawn(np.eye(len(names)), names)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    (axes,) = figure.axes
    labels = [*axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label, axes.yaxis.label]
    texts = [text for text in (*axes.texts, *labels) if text.get_text()]
    boxes = [text.get_window_extent(canvas.get_renderer()) for text in texts]
    assert min(box.x0 for box in boxes) >= 0
    assert min(box.y0 for box in boxes) >= 0
    assert max(box.x1 for box in boxes) <= figure.bbox.width
    assert max(box.y1 for box in boxes) <= figure.bbox.height
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    cells = axes.get_window_extent(canvas.get_renderer()).width / len(names)
    assert max(box.width for box in boxes[: len(names)]) < cells


def test_nothing_at_all_can_be_drawn():
    assert drawn(np.zeros((4, 4))).png().startswith(b"\x89PNG")
