import numpy as np
import pytest
import tensorflow as tf

from i2i_keras.translators.augment import AUGMENTATIONS, augmented, noisy

RNG = np.random.default_rng(0)
IMAGES = tf.constant(RNG.uniform(0.1, 1, (64, 16, 24, 3)), tf.float32)
SEED = (3, 4)


def changed(name, images=IMAGES, seed=SEED):
    return augmented(images, (name,), seed).numpy()


def shifts(images, most):
    """Of each of IMAGES, by comparison with all shifts."""
    found = []
    for old, new in zip(IMAGES.numpy(), images, strict=True):
        padded = np.pad(old, [(most[0], most[0]), (most[1], most[1]), (0, 0)])
        places = [
            (dy, dx)
            for dy in range(-most[0], most[0] + 1)
            for dx in range(-most[1], most[1] + 1)
            if np.array_equal(new, padded[most[0] - dy :, most[1] - dx :][:16, :24])
        ]
        assert len(places) == 1
        found += places
    return np.array(found)


def windows(images):
    """Rows and columns that were cut out of each of IMAGES."""
    for old, new in zip(IMAGES.numpy(), images, strict=True):
        cut = (new == 0).all(axis=-1)
        np.testing.assert_array_equal(new[~cut], old[~cut])
        rows, columns = np.flatnonzero(cut.any(axis=1)), np.flatnonzero(cut.any(axis=0))
        assert cut.sum() == len(rows) * len(columns)
        yield rows, columns


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_a_change_is_that_of_its_seed(name):
    one, same, other = (changed(name, seed=(3, s)) for s in (4, 4, 5))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    assert one.shape == IMAGES.shape


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_images_of_a_batch_are_changed_apart(name):
    same = tf.tile(IMAGES[:1], [8, 1, 1, 1])
    assert len({image.tobytes() for image in changed(name, same)}) > 4


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_generators_learn_through_a_change(name):
    with tf.GradientTape() as tape:
        tape.watch(IMAGES)
        loss = tf.reduce_sum(augmented(IMAGES, (name,), SEED) ** 2)
    gradient = tape.gradient(loss, IMAGES)
    assert np.isfinite(gradient).all()
    assert (np.abs(gradient).max(axis=(1, 2, 3)) > 0).all()


def test_without_a_name_nothing_is_changed():
    np.testing.assert_array_equal(augmented(IMAGES, (), SEED), IMAGES)


def test_changes_are_done_in_one_order_whatever_that_of_the_names():
    one, other = (augmented(IMAGES, names, SEED) for names in (AUGMENTATIONS, AUGMENTATIONS[::-1]))
    np.testing.assert_array_equal(one, other)


def test_translation_shifts_by_up_to_an_eighth_and_fills_with_zeros():
    found = shifts(changed("translation"), most=(2, 3))
    assert {*found[:, 0]} == {*range(-2, 3)}
    assert {*found[:, 1]} == {*range(-3, 4)}


def test_the_gradient_of_a_translation_is_shifted_back():
    with tf.GradientTape() as tape:
        tape.watch(IMAGES)
        loss = tf.reduce_sum(augmented(IMAGES, ("translation",), SEED))
    gradient = tape.gradient(loss, IMAGES).numpy()
    for (dy, dx), part in zip(shifts(changed("translation"), (2, 3)), gradient, strict=True):
        assert part.sum() == (16 - abs(dy)) * (24 - abs(dx)) * 3
        assert {*np.unique(part)} <= {0.0, 1.0}


def test_cutout_removes_one_window_of_at_most_half_the_sides():
    sizes = np.array([(len(rows), len(columns)) for rows, columns in windows(changed("cutout"))])
    np.testing.assert_array_equal(sizes.max(axis=0), [8, 12])
    assert sizes.min() >= 4  # The center is inside the image.


def test_color_is_an_even_change_of_brightness_saturation_and_contrast():
    old, new = IMAGES.numpy(), changed("color")
    # Gray goes to gray, and linearly.
    gray_old, gray_new = old.mean(axis=-1), new.mean(axis=-1)
    for before, after in zip(gray_old, gray_new, strict=True):
        slope, offset = np.polyfit(before.ravel(), after.ravel(), 1)
        np.testing.assert_allclose(after, slope * before + offset, atol=1e-4)
        assert 0.5 <= slope <= 1.5  # Contrast.
        brightness = after.mean() - before.mean()
        assert abs(brightness) <= 0.5
        assert np.isfinite(offset)


def test_noise_has_its_deviation_and_no_mean():
    noise = noisy(tf.zeros((4, 64, 64, 3)), tf.constant(0.3), SEED).numpy()
    np.testing.assert_allclose(noise.std(), 0.3, rtol=0.02)
    assert abs(noise.mean()) < 4 * 0.3 / np.sqrt(noise.size)
    np.testing.assert_array_equal(noisy(IMAGES, tf.constant(0.0), SEED), IMAGES)
    assert not np.array_equal(noise, noisy(tf.zeros((4, 64, 64, 3)), tf.constant(0.3), (5, 6)))
