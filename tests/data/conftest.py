import numpy as np
import pytest
from PIL import Image

from i2i_keras.data.labels import CLASSES


@pytest.fixture(scope="session")
def save():
    """Writes an array as an image file, in new folders where needed."""

    def write(path, pixels):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(pixels, np.uint8)).save(path)
        return path

    return write


@pytest.fixture(scope="session")
def save_palette():
    """Writes class ids as GTA5 does: a palette PNG, whose index is the id."""

    def write(path, ids):
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(np.asarray(ids, np.uint8)).convert("P")
        image.putdata(np.asarray(ids).ravel().tolist())
        image.putpalette([value for row in CLASSES for value in row.gta5_color])
        image.save(path)
        return path

    return write
