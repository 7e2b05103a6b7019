import numpy as np
import pytest
from matplotlib.figure import Figure

from i2i_keras.datasets.spaces import LABEL_SPACES, SpaceClass, build_space
from i2i_keras.plots import charts, matrices, panels

SPACE = LABEL_SPACES["cityscapes19"]


def image(value, size=(10, 20)):
    return np.full((*size, 3), value, np.uint8)


def label(value, size=(10, 20)):
    return np.full(size, value, np.uint8)


def legend_of(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def shown(figure):
    return [drawn.get_array() for drawn in figure.axes[0].images]


def test_every_image_is_shown_as_it_is():
    figure = panels.translations([image(10), image(20)], [image(30), image(40)], [image(50)])
    assert [drawn[0, 0, 0] for drawn in shown(figure)] == [10, 20, 30, 40, 50]


def test_images_keep_their_shape_side_by_side():
    figure = panels.image_grid([[image(0, (10, 20)), None, image(0, (30, 20))]])
    shapes = []
    for drawn in figure.axes[0].images:
        left, right, bottom, top = drawn.get_extent()
        shapes.append((bottom - top) / (right - left))
    assert shapes == pytest.approx([0.5, 1.5])


def test_predictions_are_painted_in_the_colors_of_the_space():
    figure = panels.predictions(
        [image(9)], [label(255)], {"source_only": [label(0)], "oracle": [label(13)]}, SPACE
    )
    painted = [tuple(drawn[0, 0]) for drawn in shown(figure)]
    assert painted == [(9, 9, 9), (0, 0, 0), (128, 64, 128), (0, 0, 142)]
    assert legend_of(figure) == ["road", "car", "ignored"]


def test_the_label_maps_show_the_whole_class_table():
    figure = panels.label_maps({"source": [label(1)], "target": [label(2)]}, SPACE)
    assert legend_of(figure) == [f"{i} {n}" for i, n in enumerate(SPACE.names)] + ["255 ignored"]


def test_the_overview_has_all_images_and_titles():
    rows = [[image(i) for i in range(4)], [image(i) for i in range(4, 8)]]
    titles = ["target image", "truth", "source_only\n38.0% mean IoU", "oracle\n54.0% mean IoU"]
    figure = panels.overview([image(100), image(101), image(102)], rows, titles)
    texts = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert sum(len(axes.images) for axes in figure.axes) == 11
    assert texts >= {"source", "translated", "target", "truth", "38.0% mean IoU"}


def test_a_plot_is_a_figure_that_notebooks_show_and_the_same_each_time():
    figure = panels.image_grid([[image(10)]], ["row"], ["column"])
    assert isinstance(figure, Figure)
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert figure.png() == panels.image_grid([[image(10)]], ["row"], ["column"]).png()
    assert figure.png() != panels.image_grid([[image(90)]], ["row"], ["column"]).png()


def test_rows_of_predictions_can_have_titles():
    images, labels = [image(1), image(2)], [label(0), label(0)]
    figure = panels.predictions(images, labels, {}, SPACE, row_titles=["+6.4", "-3.0"])
    assert {"+6.4", "-3.0"} <= {text.get_text() for text in figure.axes[0].texts}


def test_heat_becomes_lighter_with_the_value_whatever_its_type():
    painted = panels.heat(np.array([[0.0, 0.3, 0.7, 1.0]])).astype(int).sum(axis=-1)
    assert painted.shape == (1, 4)
    assert (np.diff(painted[0]) > 100).all()
    truth = np.array([[False, True]])
    np.testing.assert_array_equal(panels.heat(truth), panels.heat(truth.astype(float)))


# Names that a drawing program would take for a formula, or leave out.
ODD = ("$x$", "$\\frac{", "50$ to 60$", "a\\", "_background_", "<b>|", "a_b^c")


def odd_space():
    classes = [SpaceClass(name=name, color=(10 * place, 0, 0)) for place, name in enumerate(ODD)]
    return build_space("odd", classes)


def test_names_of_classes_are_no_formulas_and_all_are_in_the_legend():
    labels = [label(place) for place in range(len(ODD))]
    figure = panels.predictions([image(9)] * len(ODD), labels, {"a$b$": labels}, odd_space())
    assert [text.strip() for text in legend_of(figure)] == [*ODD]
    assert figure.png().startswith(b"\x89PNG")


@pytest.mark.filterwarnings("error")
def test_charts_of_classes_with_odd_names_are_drawn():
    scores = {name: 0.5 for name in ODD}
    figures = [
        charts.iou_bars({"source_only": scores, "oracle": scores}),
        matrices.matrix_picture(np.eye(len(ODD)), ODD, "$true$", "as"),
    ]
    for figure in figures:
        assert figure.png().startswith(b"\x89PNG")
