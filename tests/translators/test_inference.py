import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.models.resnet import ResNetConfig, build_resnet
from i2i_keras.training import compilation
from i2i_keras.translators import inference


def network(precision="float32", **changes):
    """A small generator none of whose weights is at its beginning."""
    config = {"filters": 4, "num_residual_blocks": 1, **changes}
    with compilation.policy(precision):
        generator = build_resnet(ResNetConfig(**config), "generator")
    for number, weight in enumerate(generator.weights):
        noise = tf.random.stateless_uniform(weight.shape, (number, 0))
        positive = weight.shape.rank == 1  # A variance has to be.
        weight.assign(0.5 + noise if positive else 0.4 * (noise - 0.5))
    return generator


def images(*shape):
    return tf.random.stateless_uniform((*shape, 3), (0, 1), -1.0, 1.0)


@pytest.mark.parametrize(
    "changes",
    [{}, {"norm": "batch"}, {"skip": True, "upsampling": "resize"}, {"num_downsamplings": 1}],
    ids=str,
)
def test_frozen_weights_give_what_the_network_gives(changes):
    generator, batch = network(**changes), images(2, 24, 36)
    wanted = generator(batch, training=False).numpy()
    assert wanted.std() > 0.01
    translate = inference.freeze(inference.any_size(generator, batch=None))
    np.testing.assert_allclose(translate(batch), wanted, atol=1e-5)
    np.testing.assert_allclose(translate(batch[:1]), wanted[:1], atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (3, 70), (33, 35), (64, 20)])
def test_frozen_weights_leave_the_size_free(size):
    plain = inference.any_size(network())
    fakes = inference.freeze(plain)(images(1, *size))
    assert fakes.shape == (1, *size, 3)
    np.testing.assert_allclose(fakes, plain(images(1, *size)), atol=1e-5)


@pytest.mark.parametrize(
    ("precision", "rounding"), [("mixed_bfloat16", 2e-3), ("mixed_float16", 2e-4)]
)
def test_frozen_weights_are_rounded_as_the_networks_are(precision, rounding):
    generator, batch = network(precision), images(1, 24, 36)
    precise = network()(batch, training=False)
    wanted = generator(batch, training=False).numpy()
    fakes = inference.freeze(inference.any_size(generator))(batch)
    assert fakes.dtype == tf.float32
    error = np.abs(fakes - wanted).mean()
    assert error < rounding < np.abs(precise - wanted).mean() * 10
    assert error < np.abs(precise - wanted).mean() / 3


def test_only_the_function_that_is_not_frozen_sees_new_weights():
    generator, image = network(), images(1, 16, 16)
    plain = inference.any_size(generator)
    frozen = inference.freeze(plain)
    before = plain(image).numpy()
    generator.set_weights([0.5 * weight for weight in generator.get_weights()])
    assert np.abs(plain(image) - before).max() > 0.01
    np.testing.assert_allclose(frozen(image), before, atol=1e-5)


def test_frozen_weights_outlive_their_network():
    generator, image = network(), images(1, 16, 16)
    wanted = generator(image, training=False).numpy()
    frozen = inference.freeze(inference.any_size(generator))
    del generator
    np.testing.assert_allclose(frozen(image), wanted, atol=1e-5)


@pytest.mark.parametrize("freeze", [inference.freeze, lambda function: function])
def test_a_function_of_one_image_takes_no_two(freeze):
    translate = freeze(inference.any_size(network()))
    with pytest.raises((tf.errors.InvalidArgumentError, TypeError)):
        translate(images(2, 16, 16))


def test_arrays_are_taken_as_well_as_tensors():
    translate = inference.freeze(inference.any_size(network()))
    image = images(1, 16, 16)
    np.testing.assert_array_equal(translate(image.numpy()), translate(image))
