import keras
import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from i2i_keras.errors import FileError
from i2i_keras.evaluation.inception import load_inception
from i2i_keras.experiment.settings import EvaluateConfig


@pytest.fixture(scope="module")
def network():
    """As Keras makes it, but for weights that no download is needed for."""
    keras.utils.set_random_seed(0)
    return keras.applications.InceptionV3(include_top=False, weights=None, pooling="avg")


@pytest.fixture(scope="module")
def weights(network, save_as_keras_does, tmp_path_factory):
    path = tmp_path_factory.mktemp("inception") / "random.h5"
    save_as_keras_does(network, path)
    return path


@pytest.fixture(scope="module")
def inception(weights):
    return load_inception(str(weights))


def noise(*size):
    return np.random.default_rng(1).uniform(-1, 1, (1, *size, 3)).astype(np.float32)


def resized(image):
    """An oracle: Pillow's bilinear filter, which is antialiased."""
    channels = [Image.fromarray(image[0, ..., c]) for c in range(3)]
    return np.stack([c.resize((299, 299), Image.Resampling.BILINEAR) for c in channels], -1)[None]


@pytest.mark.parametrize("size", [(96, 176), (400, 310), (299, 299)])
def test_features_are_those_of_keras_own_network_of_images_resized(inception, network, size):
    found, expected = inception.extract(noise(*size)), network(resized(noise(*size)))
    assert found.shape == (1, 2048)
    assert np.std(expected) > 0  # Or all images were equal.
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.std(expected))


def test_other_images_have_other_features(inception):
    one, other = (inception.extract(image).numpy() for image in (noise(96, 96), noise(96, 97)))
    assert np.abs(one - other).max() > 0.01 * np.std(one)


def test_the_label_names_network_file_and_bytes(inception, weights, tmp_path):
    copy = tmp_path / "random.h5"
    copy.write_bytes(weights.read_bytes())
    assert inception.label.startswith("InceptionV3 of Keras, random.h5 (sha256 ")
    assert load_inception(str(copy)).label == inception.label


def test_a_file_that_is_not_there_is_named():
    with pytest.raises(FileError, match=r"nowhere.h5 is not there; give an .h5 file of weights"):
        load_inception("nowhere.h5")


@pytest.mark.parametrize("kind", ["text", "other network"])
def test_a_file_of_something_else_is_refused(tmp_path, save_as_keras_does, kind):
    path = tmp_path / "wrong.h5"
    path.write_text("these are no weights")
    if kind == "other network":
        other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        save_as_keras_does(other, path)
    with pytest.raises(FileError, match=r"wrong.h5 does not hold the weights of InceptionV3"):
        load_inception(str(path))


@pytest.mark.parametrize("wrong", ["none", "weights", "weights.ckpt"])
def test_the_setting_takes_a_file_of_weights_or_imagenet(wrong):
    for right in ("", "imagenet", "folder/weights.h5"):
        assert EvaluateConfig(inception=right).inception == right
    with pytest.raises(ValidationError, match=r"imagenet|leave it empty"):
        EvaluateConfig(inception=wrong)
