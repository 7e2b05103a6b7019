import base64
import io

import numpy as np
from PIL import Image

from i2i_keras.report.widgets import figure_url


def png_of(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_a_small_figure_is_on_the_page_as_it_is():
    png = png_of(np.zeros((20, 30, 3), np.uint8))
    kind, _, data = figure_url(png).partition(",")
    assert kind == "data:image/png;base64" and base64.b64decode(data) == png


def test_a_large_figure_is_a_fraction_of_its_size_and_looks_the_same():
    rows, columns = np.mgrid[:400, :600]
    rng = np.random.default_rng(0)
    smooth = np.stack([rows / 2, columns / 3, 200 - rows / 4], axis=-1)
    photo = (smooth + rng.normal(0, 4, smooth.shape)).clip(0, 255).astype(np.uint8)
    png = png_of(photo)
    kind, _, data = figure_url(png).partition(",")
    assert kind == "data:image/webp;base64" and len(data) < len(png) / 4
    with Image.open(io.BytesIO(base64.b64decode(data))) as shown:
        assert np.abs(np.asarray(shown, float) - photo).mean() < 5
