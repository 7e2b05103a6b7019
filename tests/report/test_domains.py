import copy

import numpy as np
import pytest

from i2i_keras.plots.domains import domain_comparison
from i2i_keras.run_folder import files


@pytest.fixture
def facts(full_run):
    return copy.deepcopy(files.read_json(full_run.comparison))


def test_shares_and_colors_of_both_domains_are_drawn(facts):
    bars, source, target, colors = domain_comparison(facts).axes
    names = [label.get_text() for label in bars.get_yticklabels()]
    assert names == facts["names"]  # No pixel is ignored here.
    pixels = np.array(facts["source"]["pixels"])
    heights = [bar.get_width() for bar in bars.patches[:19]]
    shares = (pixels / pixels.sum(axis=1, keepdims=True)).mean(axis=0)[:19]
    np.testing.assert_allclose(heights, 100 * shares)
    assert source.get_title() == "source: share by height"
    assert target.get_title() == "target: share by height"
    drawn = colors.get_images()[0].get_array()
    np.testing.assert_allclose(drawn[:, 1], np.array(facts["target"]["color"]) / 255)


def test_a_target_whose_labels_were_not_looked_at_has_its_colors_alone(facts):
    del facts["target"]["pixels"]
    figure = domain_comparison(facts)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["", "source: share by height", "mean color by height"]


def test_without_any_labels_colors_are_left(facts):
    del facts["target"]["pixels"], facts["source"]["pixels"]
    assert len(domain_comparison(facts).axes) == 1
