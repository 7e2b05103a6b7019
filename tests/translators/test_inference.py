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
def test_pictures_of_a_fitting_size_become_what_the_network_makes_of_them(changes):
    generator, batch = network(**changes), images(2, 24, 36)
    wanted = generator(batch, training=False).numpy()
    assert wanted.std() > 0.01
    translate = inference.any_size(generator, batch=None)
    np.testing.assert_allclose(translate(batch), wanted, atol=1e-5)
    np.testing.assert_allclose(translate(batch[:1]), wanted[:1], atol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (3, 70), (33, 35), (64, 20)])
@pytest.mark.parametrize("make", [inference.any_size, inference.portable])
def test_pictures_of_any_size_keep_it(make, size):
    assert make(network())(images(1, *size)).shape == (1, *size, 3)


@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_operations_that_all_formats_have_give_the_same(norm):
    generator, image = network(norm=norm, skip=True), images(1, 23, 35)
    wanted = inference.any_size(generator)(image)
    np.testing.assert_allclose(inference.portable(generator)(image), wanted, atol=1e-4)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_what_comes_out_in_half_precision_is_float32(precision):
    image = images(1, 24, 36)
    fakes, precise = (inference.any_size(network(p))(image) for p in (precision, "float32"))
    assert fakes.dtype == tf.float32
    assert 0 < np.abs(fakes - precise).mean() < 0.05


def test_new_weights_are_seen():
    generator, image = network(), images(1, 16, 16)
    translate = inference.any_size(generator)
    before = translate(image).numpy()
    generator.set_weights([0.5 * weight for weight in generator.get_weights()])
    assert np.abs(translate(image) - before).max() > 0.01


def test_a_function_of_one_image_takes_no_two():
    translate = inference.any_size(network())
    with pytest.raises((tf.errors.InvalidArgumentError, TypeError)):
        translate(images(2, 16, 16))


def test_arrays_are_taken_as_well_as_tensors():
    translate = inference.any_size(network())
    image = images(1, 16, 16)
    np.testing.assert_array_equal(translate(image.numpy()), translate(image))
