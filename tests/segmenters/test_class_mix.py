import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from i2i_keras.data.labels import IGNORE
from i2i_keras.segmenters.class_mix import (
    Mixed,
    class_mix,
    confident_share,
    half_of_classes,
)

NUM_CLASSES = 5
RNG = np.random.default_rng(0)
LABELS = arrays.arrays(np.int32, (2, 4, 5), elements=st.sampled_from([*range(NUM_CLASSES), IGNORE]))


def classes_of(label):
    return {*np.unique(label).tolist()} - {IGNORE}


@settings(max_examples=100, deadline=None)
@given(LABELS, st.integers(0, 2**31 - 1))
def test_half_of_the_classes_are_chosen_rounded_up_and_each_as_a_whole(labels, seed):
    pasted = half_of_classes(tf.constant(labels), NUM_CLASSES, tf.constant([seed, 1])).numpy()
    for label, mask in zip(labels, pasted, strict=True):
        chosen = classes_of(label[mask])
        assert len(chosen) == (len(classes_of(label)) + 1) // 2
        np.testing.assert_array_equal(mask, np.isin(label, [*chosen]))


@settings(max_examples=100, deadline=None)
@given(LABELS, LABELS, st.integers(0, 2**31 - 1))
def test_each_pixel_of_a_mixed_image_comes_with_its_own_label(source, target, seed):
    # Images that say of each pixel where it is from: domain, image and place.
    size = source.size
    places = [np.arange(size, dtype=np.float32).reshape(source.shape) + k * size for k in (0, 1)]
    batches = [
        Mixed(np.stack([place] * 3, -1), labels, np.full_like(place, weight))
        for place, labels, weight in zip(places, (source, target), (1.0, 0.25), strict=True)
    ]
    pasted = half_of_classes(tf.constant(source), NUM_CLASSES, tf.constant([seed, 2])).numpy()
    found = Mixed(*(part.numpy() for part in class_mix(*batches, pasted)))

    for index in np.ndindex(source.shape):
        origin = int(found.images[index][0])
        domain, place = divmod(origin, size)
        assert place == np.ravel_multi_index(index, source.shape)
        assert domain == (0 if pasted[index] else 1)
        assert found.labels[index] == (source, target)[domain][index]
        assert found.weights[index] == (1.0, 0.25)[domain]
        if domain == 0:
            assert source[index] != IGNORE


def test_which_classes_they_are_is_chance_and_the_same_again_for_a_seed():
    label = tf.constant(np.arange(4, dtype=np.int32).repeat(5).reshape(1, 4, 5))
    drawn = [half_of_classes(label, NUM_CLASSES, tf.constant([k, 0])) for k in (*range(600), 0)]
    counts = np.mean([mask[0, :, 0] for mask in drawn], axis=0)
    np.testing.assert_allclose(counts, 0.5, atol=0.08)  # Four deviations.
    pairs = {tuple(np.flatnonzero(mask[0, :, 0])) for mask in drawn}
    assert len(pairs) == 6
    np.testing.assert_array_equal(drawn[0], drawn[-1])


def test_images_of_a_batch_have_draws_of_their_own():
    label = tf.constant(np.tile(np.arange(4, dtype=np.int32), (8, 1, 5)))
    masks = half_of_classes(label, NUM_CLASSES, tf.constant([0, 0])).numpy()
    assert len({mask.tobytes() for mask in masks}) > 1


@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.968, 1.0])
def test_an_images_share_is_of_the_pixels_whose_best_class_reaches_the_threshold(threshold):
    probabilities = RNG.dirichlet([0.1] * NUM_CLASSES, (3, 6, 7)).astype(np.float32)
    probabilities[0, 0, 0] = [1, 0, 0, 0, 0]
    expected = [np.mean([p.max() >= np.float32(threshold) for p in image.reshape(-1, NUM_CLASSES)])
                for image in probabilities]  # fmt: skip
    found = confident_share(tf.constant(probabilities), threshold)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_xla_pastes_the_same():
    label = tf.constant(RNG.choice([*range(NUM_CLASSES), IGNORE], (3, 6, 7)).astype(np.int32))
    compiled = tf.function(half_of_classes, jit_compile=True)
    for seed in range(5):
        plain = half_of_classes(label, NUM_CLASSES, tf.constant([seed, 3]))
        np.testing.assert_array_equal(compiled(label, NUM_CLASSES, tf.constant([seed, 3])), plain)
