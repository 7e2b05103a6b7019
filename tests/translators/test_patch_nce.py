import keras
import numpy as np
import pytest
import tensorflow as tf

from i2i_keras import config
from i2i_keras.models.resnet import ResNetConfig, build_resnet
from i2i_keras.translators.patch_nce import (
    build_encoder,
    build_heads,
    layer_names,
    patch_nce,
    take_patches,
)

RNG = np.random.default_rng(0)
SMALL = {"filters": 2, "num_downsamplings": 1, "num_residual_blocks": 2, "outer_kernel": 3}


def unit(*shape):
    vectors = RNG.normal(size=shape).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.fixture(scope="module")
def generator():
    return build_resnet(config.build(ResNetConfig, SMALL), "generator")


@pytest.fixture(scope="module")
def encoder(generator):
    return build_encoder(generator, layer_names(config.build(ResNetConfig, SMALL)))


# --- The loss -----------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_it_is_the_cross_entropy_of_the_paper(temperature):
    queries, keys = unit(2, 5, 8), unit(2, 5, 8)
    wanted = np.zeros(2)
    for image in range(2):
        for place in range(5):
            odds = np.exp(keys[image].astype(np.float64) @ queries[image, place] / temperature)
            wanted[image] -= np.log(odds[place] / odds.sum()) / 5
    np.testing.assert_allclose(patch_nce(queries, keys, temperature), wanted, rtol=1e-5)


def test_patches_that_all_look_alike_are_told_apart_by_chance():
    same = np.repeat(unit(1, 1, 8), 7, axis=1)
    np.testing.assert_allclose(patch_nce(same, same, 0.07), [np.log(7)], rtol=1e-5)


def test_patches_that_are_orthogonal_and_unchanged_cost_almost_nothing():
    vectors = np.eye(6, dtype=np.float32)[np.newaxis]
    odds = np.exp(1 / 0.07)
    np.testing.assert_allclose(
        patch_nce(vectors, vectors, 0.07), [-np.log(odds / (odds + 5))], atol=1e-6
    )


def test_negatives_come_from_the_same_image_only():
    queries, keys = unit(2, 5, 8), unit(2, 5, 8)
    alone = [patch_nce(queries[i : i + 1], keys[i : i + 1], 0.07)[0] for i in range(2)]
    np.testing.assert_allclose(patch_nce(queries, keys, 0.07), alone, rtol=1e-6)


def test_queries_learn_and_keys_do_not():
    queries, keys = tf.constant(unit(1, 5, 8)), tf.constant(unit(1, 5, 8))
    with tf.GradientTape() as tape:
        tape.watch([queries, keys])
        loss = patch_nce(queries, keys, 0.07)
    of_queries, of_keys = tape.gradient(loss, [queries, keys])
    assert np.abs(of_queries).max() > 0
    assert of_keys is None


# --- Features -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("downsamplings", "blocks", "names"),
    [
        (2, 9, ("image", "down0_conv", "down1_conv", "block0_add", "block4_add")),  # The paper's.
        (1, 4, ("image", "down0_conv", "block0_add", "block2_add")),
        (1, 1, ("image", "down0_conv", "block0_add")),
        (0, 0, ("image",)),
    ],
)
def test_layers_are_chosen_by_the_depth_of_the_generator(downsamplings, blocks, names):
    settings = ResNetConfig(filters=2, num_downsamplings=downsamplings, num_residual_blocks=blocks)
    assert layer_names(settings) == names
    encoder = build_encoder(build_resnet(settings, "generator"), names)
    assert set(encoder(tf.zeros((1, 16, 16, 3)))) == set(names)


def test_features_are_those_of_the_generator_itself(generator, encoder):
    images = tf.constant(RNG.uniform(-1, 1, (1, 16, 16, 3)), tf.float32)
    before = encoder(images)
    np.testing.assert_array_equal(before["image"], images)
    assert before["down0_conv"].shape == (1, 8, 8, 4)
    # The last block's features, put through the rest of the generator.
    rest = keras.Model(generator.get_layer("block1_add").output, generator.output)
    np.testing.assert_allclose(rest(before["block1_add"]), generator(images), atol=1e-6)

    kernel = generator.get_layer("down0_conv").kernel
    kernel.assign(2.0 * kernel)
    np.testing.assert_allclose(encoder(images)["down0_conv"], 2.0 * before["down0_conv"], rtol=1e-5)


# --- Patches ------------------------------------------------------------------


def numbered(height, width, images=2):
    """Features that tell where they are."""
    places = np.arange(height * width, dtype=np.float32).reshape(1, height, width, 1)
    return tf.constant(np.repeat(places, images, axis=0))


def test_a_seed_takes_the_same_places_of_input_and_output():
    one, two = numbered(8, 8), -numbered(8, 8)
    first, second = (take_patches({"a": f}, 20, tf.constant([3, 4]))["a"] for f in (one, two))
    np.testing.assert_array_equal(first, -second)


def test_no_place_is_taken_twice_and_all_images_have_the_same():
    taken = take_patches({"a": numbered(6, 9)}, 20, tf.constant([0, 0]))["a"].numpy()[..., 0]
    assert taken.shape == (2, 20)
    assert len(set(taken[0])) == 20
    np.testing.assert_array_equal(taken[0], taken[1])


def test_a_small_layer_is_taken_whole():
    taken = take_patches({"a": numbered(3, 4)}, 20, tf.constant([0, 0]))["a"]
    assert sorted(taken[0, :, 0].numpy()) == list(range(12))


def test_layers_steps_and_seeds_have_places_of_their_own():
    features = {"a": numbered(16, 16), "b": numbered(16, 16)}
    seeds = ([0, 0], [0, 1], [1, 0])
    taken = [take_patches(features, 20, tf.constant(seed)) for seed in seeds]
    found = {tuple(t[name][0, :, 0].numpy()) for t in taken for name in features}
    assert len(found) == 6


def test_places_are_from_everywhere_alike():
    counts = np.zeros(16)
    for step in range(400):
        taken = take_patches({"a": numbered(4, 4, 1)}, 4, tf.constant([0, step]))["a"]
        counts[taken.numpy().astype(int).ravel()] += 1
    # 100 each; the deviation of a count is sqrt(400 * 0.25 * 0.75) = 8.7.
    assert np.abs(counts - 100).max() < 4 * 8.7


# --- Heads --------------------------------------------------------------------


def test_a_head_is_a_perceptron_of_two_layers_with_unit_length(encoder):
    heads = build_heads(encoder, 8)
    heads.set_weights([RNG.normal(size=w.shape) for w in heads.get_weights()])
    patches = {
        name: tf.constant(RNG.normal(size=(2, 5, output.shape[-1])), tf.float32)
        for name, output in encoder.output.items()
    }
    found = heads(patches)
    assert set(found) == set(patches)
    for name, patch in patches.items():
        first, second = (heads.get_layer(f"{name}_{number}") for number in (1, 2))
        hidden = np.maximum(patch.numpy() @ first.kernel.numpy() + first.bias.numpy(), 0)
        wanted = hidden @ second.kernel.numpy() + second.bias.numpy()
        wanted /= np.linalg.norm(wanted, axis=-1, keepdims=True)
        np.testing.assert_allclose(found[name], wanted, atol=1e-5)


def test_heads_have_their_variables_before_they_are_called(encoder):
    # Two kernels and two offsets for each of four layers.
    assert len(build_heads(encoder, 8).trainable_variables) == 16
