"""What is true of every network that can segment, and of every generator."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras import config
from i2i_keras.models.networks import (
    GENERATORS,
    SEGMENTERS,
    Generator,
    build_generator,
    facts,
    without_weights,
)
from i2i_keras.segmenters.losses import cross_entropy
from i2i_keras.training.compilation import policy

# The smallest that still have all their parts.
TINY = {
    "unet": {"filters": 8, "depth": 2, "l2": 0.0},
    "mobile_unet": {"alpha": 0.35, "filters": 8, "depth": 3},
}
CLASSES = 5


def images(*size):
    return np.random.default_rng(0).uniform(-1, 1, (2, *size, 3)).astype(np.float32)


def settings(name):
    return SEGMENTERS[name].config(**TINY[name])


def build(name, seed=0):
    keras.utils.set_random_seed(seed)
    return SEGMENTERS[name].build(settings(name), CLASSES)


@pytest.fixture(scope="module", params=list(SEGMENTERS))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model(name):
    return build(name)


def test_every_network_of_the_table_is_tested():
    assert TINY.keys() == SEGMENTERS.keys()


@pytest.mark.parametrize("multiples", [(1, 1), (1, 3), (4, 2), (5, 7)])
def test_any_multiple_of_the_stride_keeps_its_size(name, model, multiples):
    size = [settings(name).stride * number for number in multiples]
    logits = model(images(*size))
    assert logits.shape == (2, *size, CLASSES)
    assert logits.dtype == tf.float32


def test_the_defaults_can_be_built(name):
    network = SEGMENTERS[name]
    model = network.build(network.config(), 34)
    assert model.output_shape == (None, None, None, 34)
    assert model.get_layer(network.bottom)


def test_every_variable_that_is_trained_has_a_gradient(name, model):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(images(32, 64), training=True)))
    gradients = tape.gradient(loss, model.trainable_variables)
    assert gradients
    pairs = zip(model.trainable_variables, gradients, strict=True)
    assert [variable.name for variable, gradient in pairs if gradient is None] == []


def test_nothing_is_lower_than_the_bottom(name, model):
    inner = keras.Model(model.input, {layer.name: layer.output for layer in model.layers})
    heights = {name: y.shape[1] for name, y in inner(images(64, 64)).items()}
    assert heights[SEGMENTERS[name].bottom] == min(heights.values())
    assert min(heights.values()) == 64 // settings(name).stride


def test_a_saved_network_is_the_same_when_loaded(name, tmp_path):
    saved, loaded = build(name, seed=1), build(name, seed=2)
    saved(images(32, 64), training=True)  # Moves the statistics of its norms.
    saved.save_weights(tmp_path / "network.weights.h5")
    assert not np.allclose(saved(images(32, 64)), loaded(images(32, 64)))
    loaded.load_weights(tmp_path / "network.weights.h5")
    np.testing.assert_array_equal(saved(images(32, 64)), loaded(images(32, 64)))


@pytest.mark.slow  # 200 steps of each.
def test_two_images_can_be_learned_by_heart(name):
    """As it predicts, not as it trains: the statistics have to follow."""
    label = np.random.default_rng(1).integers(0, CLASSES, (2, 4, 8)).repeat(8, 1).repeat(8, 2)
    pictures = label[..., None] / CLASSES - 0.5 + 0.3 * images(32, 64)
    model = build(name)
    model.compile(keras.optimizers.Adam(0.01), cross_entropy)
    batches = tf.data.Dataset.from_tensors((pictures, label)).repeat(200)
    model.fit(batches, shuffle=False, verbose=0)
    predicted = np.argmax(model(pictures), axis=-1)
    assert np.mean(predicted == label) > 0.9


def test_the_seed_decides_on_the_weights(name):
    one, same, other = (
        np.concatenate([w.ravel() for w in build(name, seed).get_weights()]) for seed in (7, 7, 8)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_no_two_layers_begin_with_the_same_weights(model):
    kernels = [w.numpy() for w in model.trainable_variables if w.shape.rank == 4]
    for number, kernel in enumerate(kernels):
        for other in kernels[:number]:
            assert kernel.shape != other.shape or not np.array_equal(kernel, other)


def test_names_do_not_depend_on_what_was_built_before(name, model):
    assert [layer.name for layer in build(name).layers] == [layer.name for layer in model.layers]


@pytest.mark.parametrize(
    "precision", ["mixed_bfloat16", pytest.param("mixed_float16", marks=pytest.mark.slow)]
)
def test_half_precision_gives_almost_the_same_logits_in_float32(name, model, precision):
    with policy(precision):
        half = build(name)
    half.set_weights(model.get_weights())
    logits, expected = (m(images(32, 64)).numpy() for m in (half, model))
    assert half.get_layer(SEGMENTERS[name].bottom).output.dtype == precision.removeprefix("mixed_")
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected, atol=0.05 * np.abs(expected).max())


def test_a_network_to_be_loaded_needs_no_file():
    config = SEGMENTERS["mobile_unet"].config(weights="gone.h5", alpha=0.5)
    assert without_weights(config) == SEGMENTERS["mobile_unet"].config(alpha=0.5)
    unet = SEGMENTERS["unet"].config(filters=3)
    assert without_weights(unet) is unet


def test_facts_name_weights_by_their_bytes(tmp_path):
    found = []
    for folder, content in (("a", b"one"), ("b", b"one"), ("c", b"two")):
        path = tmp_path / folder / "w.h5"
        path.parent.mkdir()
        path.write_bytes(content)
        found.append(facts(SEGMENTERS["mobile_unet"].config(weights=str(path))))
    assert found[0] == found[1] != found[2]
    assert "w.h5" in found[0]["weights"]
    assert str(tmp_path) not in found[0]["weights"]
    assert facts(SEGMENTERS["unet"].config()) == {"filters": 64, "depth": 4, "l2": 0.01}


# --- Generators -------------------------------------------------------------

TINY_GENERATORS = {
    "resnet": {"filters": 2, "num_downsamplings": 2, "num_residual_blocks": 1},
}


@pytest.fixture(params=list(GENERATORS))
def generator(request):
    """Settings of each generator."""
    kind = GENERATORS[request.param]
    return config.build(kind.config, TINY_GENERATORS[request.param])


def test_every_generator_of_the_table_is_tested():
    assert TINY_GENERATORS.keys() == GENERATORS.keys()


@pytest.mark.parametrize("multiples", [(2, 3), (5, 4)])
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_generator_gives_an_image_of_the_same_size_and_range(generator, multiples, precision):
    with policy(precision):
        model = build_generator(generator, "generator_xy")
    size = [generator.stride * number for number in multiples]
    result = model(images(*size)).numpy()
    assert model.name == "generator_xy"
    assert result.shape == (2, *size, 3)
    assert result.dtype == np.float32
    assert np.abs(result).max() <= 1.0


def test_a_new_generator_is_its_settings_its_builder_and_one_entry(monkeypatch):
    class DarkerConfig(config.Config):
        factor: float = 0.5
        stride: int = 1

    def build_darker(settings, name):
        inputs = keras.Input((None, None, 3))
        return keras.Model(inputs, (inputs + 1.0) * settings.factor - 1.0, name=name)

    monkeypatch.setitem(GENERATORS, "darker", Generator(DarkerConfig, build_darker))
    model = build_generator(config.build(DarkerConfig, {"factor": 0.25}), "generator_yx")
    assert model.name == "generator_yx"
    np.testing.assert_allclose(model(np.ones((1, 4, 4, 3))), -0.5)
    # Those that there were are built as before.
    settings = config.build(GENERATORS["resnet"].config, TINY_GENERATORS["resnet"])
    assert build_generator(settings, "x").get_layer("block0_add")
