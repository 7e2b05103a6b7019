import numpy as np
import pytest
from PIL import Image

from i2i_keras.segmenters import adabn
from i2i_keras.segmenters.trained import load


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Five images much brighter than those that it was trained on."""
    folder, rng = tmp_path_factory.mktemp("target"), np.random.default_rng(1)
    for number in range(5):
        pixels = rng.integers(150, 256, (16, 24, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def adapted(trained, images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapted")
    return folder, adabn.adapt(trained[0], images, 2, folder)


def test_only_the_statistics_change(trained, adapted):
    before, after = load(trained[0]).model, load(adapted[0]).model
    for old, new in zip(before.variables, after.variables, strict=True):
        changed = not np.array_equal(old.numpy(), new.numpy())
        assert changed == ("moving" in old.name), old.name


def test_the_first_norms_statistics_are_those_of_the_images(trained, images, adapted):
    network = load(trained[0]).model
    first = network.get_layer("down0_conv0")
    arrays = [np.asarray(Image.open(path)) / 127.5 - 1.0 for path in images]
    batches = [first(np.stack(arrays[at : at + 2])).numpy() for at in (0, 2, 4)]
    norm = load(adapted[0]).model.get_layer("down0_conv0_norm")
    means = [batch.mean(axis=(0, 1, 2)) for batch in batches]
    np.testing.assert_allclose(norm.moving_mean, np.mean(means, axis=0), rtol=1e-4)
    # Keras corrects the variance of a batch for its size.
    variances = [batch.var(axis=(0, 1, 2), ddof=1, dtype=np.float64) for batch in batches]
    np.testing.assert_allclose(norm.moving_variance, np.mean(variances, axis=0), rtol=1e-3)


def test_it_says_how_many_images_and_norms(adapted):
    # A U-Net of depth 1 has two convolutions in each of three levels, one up.
    assert adapted[1] == {"num_images": 5, "num_norms": 7}


def test_predictions_differ(trained, adapted, images):
    image = np.asarray(Image.open(images[0]))[np.newaxis] / 127.5 - 1.0
    one, two = (
        load(folder).segment(image.astype(np.float32)) for folder in (trained[0], adapted[0])
    )
    assert not np.allclose(one, two)
