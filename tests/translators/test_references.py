"""What both methods without a training do alike; on color transfer and FDA."""

import functools
import shutil

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from i2i_keras import config
from i2i_keras.errors import DataError
from i2i_keras.translators import TRANSLATORS, references

SETTINGS = {
    "reinhard": ("color", {"method": "reinhard"}),
    "histogram": ("color", {"method": "histogram"}),
    "domain": ("color", {"reference": "domain"}),
    "fourier": ("fourier", {"radius": 2}),
    "fourier domain": ("fourier", {"radius": 2, "reference": "domain"}),
}
OF_DOMAIN = [name for name in SETTINGS if "domain" in name]
BATCH = np.random.default_rng(5).integers(0, 256, (6, 20, 24, 3)) / 127.5 - 1.0
BATCH = BATCH.astype(np.float32)


@pytest.fixture(scope="module")
def fit(images, tmp_path_factory):
    """From settings, and changes to them, to the folder of a fit."""

    @functools.cache
    def run(name, seed=0, **changes):
        method, table = SETTINGS[name]
        folder = tmp_path_factory.mktemp(name)
        settings = config.build(TRANSLATORS[method].config, table | changes)
        TRANSLATORS[method].fit(settings, *images, folder, seed)
        return folder

    return run


def load(name, folder, direction="xy"):
    return TRANSLATORS[SETTINGS[name][0]].load(folder, direction)


@pytest.mark.parametrize("name", SETTINGS)
def test_images_are_the_same_alone_and_in_a_batch_in_any_order(name, fit):
    translate = load(name, fit(name))
    together = translate(tf.constant(BATCH)).numpy()
    assert together.dtype == np.float32
    backwards = load(name, fit(name))(tf.constant(BATCH[::-1]))[::-1]
    np.testing.assert_array_equal(backwards, together)
    for image, wanted in zip(BATCH, together, strict=True):
        np.testing.assert_array_equal(translate(tf.constant(image[np.newaxis]))[0], wanted)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_seed_chooses_the_references_and_of_one_there_is_no_choice(name, fit):
    made = [load(name, fit(name, seed))(tf.constant(BATCH)).numpy() for seed in (0, 1)]
    same = [np.array_equal(one, other) for one, other in zip(*made, strict=True)]
    assert all(same) if name in OF_DOMAIN else not all(same)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("size", [(20, 24), (40, 48), (31, 17), (5, 4), (1, 9), (1, 1)])
def test_images_of_any_size_keep_it_and_their_range(name, size, fit):
    translate = load(name, fit(name))
    image = np.random.default_rng(0).choice([-1.0, 1.0], (2, *size, 3)).astype(np.float32)
    made = translate(tf.constant(image)).numpy()
    assert made.shape == image.shape
    assert np.isfinite(made).all()
    assert -1.0 <= made.min() <= made.max() <= 1.0


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_image_of_one_gray_stays_without_a_pattern_of_its_own(name, level, fit):
    image = np.full((1, 20, 24, 3), level / 127.5 - 1.0, np.float32)
    made = load(name, fit(name))(tf.constant(image)).numpy()
    if "fourier" not in name:  # Whose amplitudes come from elsewhere.
        assert np.ptp(made, axis=(1, 2)).max() < 1e-5
    assert np.isfinite(made).all()


@pytest.mark.parametrize("name", SETTINGS)
def test_each_direction_looks_at_the_other_domain(name, fit, images, tmp_path):
    folder, swapped = fit(name), tmp_path / "swapped"
    method, table = SETTINGS[name]
    settings = config.build(TRANSLATORS[method].config, table)
    TRANSLATORS[method].fit(settings, *images[::-1], swapped, 0)
    there, back = (load(name, folder, way)(tf.constant(BATCH)).numpy() for way in ("xy", "yx"))
    assert not np.array_equal(there, back)
    np.testing.assert_array_equal(load(name, swapped, "yx")(tf.constant(BATCH)), there)
    np.testing.assert_array_equal(load(name, swapped, "xy")(tf.constant(BATCH)), back)


@pytest.mark.parametrize("name", SETTINGS)
def test_no_more_references_are_kept_than_asked_for_and_small_ones(name, fit):
    with np.load(fit(name, num_references=2) / "references.npz", allow_pickle=False) as file:
        counts = [len(file[domain]) for domain in "xy"]
        assert sum(file[key].nbytes for key in file) < 20 * 24 * 3 * 8 * 4
    assert counts == ([1, 1] if name in OF_DOMAIN else [2, 2])
    with np.load(fit(name) / "references.npz") as file:
        counts = [len(file[domain]) for domain in "xy"]
    assert counts == ([1, 1] if name in OF_DOMAIN else [3, 5])


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize(("num_samples", "rows"), [(1, 1), (2, 2), (9, 3)])
def test_the_sample_picture_shows_both_ways_and_back(name, num_samples, rows, fit, images):
    folder = fit(name, num_samples=num_samples)
    [path] = (folder / "samples").iterdir()
    strip = np.asarray(Image.open(path))
    assert strip.shape == (rows * 20, 6 * 24, 3)
    for column, paths in ((0, images[0]), (3, images[1])):
        first = np.asarray(Image.open(paths[0]))
        np.testing.assert_array_equal(strip[:20, column * 24 :][:, :24], first)
    normal = strip[np.newaxis, :20, :24].astype(np.float32) / 127.5 - 1.0
    fake = load(name, folder)(tf.constant(normal))[0]
    np.testing.assert_allclose(strip[:20, 24:48], 127.5 * (fake + 1.0), atol=0.51)


def test_a_domain_without_images_is_refused(images, tmp_path):
    for translator in (TRANSLATORS["color"], TRANSLATORS["fourier"]):
        with pytest.raises(DataError, match="There are no images to measure; check the split"):
            translator.fit(translator.config(), [], images[1], tmp_path, 0)


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04", b"nonsense"])
def test_references_that_cannot_be_read_are_refused(content, fit, tmp_path):
    folder = tmp_path / "broken"
    shutil.copytree(fit("fourier"), folder)
    if content is None:
        (folder / "references.npz").unlink()
    else:
        (folder / "references.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"references.npz (is missing|cannot be read .*; delete)"):
        load("fourier", folder)


# --- The choice -------------------------------------------------------------


def test_all_references_are_chosen_about_equally_often():
    rng = np.random.default_rng(0)
    drawn = [references.choose(rng.random((2, 2, 3), np.float32), 5, 0) for _ in range(2000)]
    counts = np.bincount(drawn, minlength=5)
    assert ((counts - 400) ** 2 / 400).sum() < 18.5  # Chi squared, once in a thousand.


@given(st.integers(0, 2**32 - 1), st.integers(1, 1000))
def test_a_choice_is_one_of_the_references_whatever_the_rounding(seed, count):
    pixels = (np.arange(48).reshape(4, 4, 3) / 255).astype(np.float32)
    index = references.choose(pixels, count, seed)
    assert 0 <= index < count
    assert references.choose(pixels + np.float32(1e-4), count, seed) == index
    assert references.choose((2 * pixels - 1 + 1) / 2, count, seed) == index


def test_one_level_of_one_pixel_is_another_draw():
    pixels = np.zeros((4, 4, 3), np.float32)
    drawn = set()
    for level in range(20):
        pixels[1, 2, 1] = level / 255
        drawn.add(references.choose(pixels, 1000, 0))
    assert len(drawn) > 15


# --- One reference for the frames of a film ----------------------------------


def still(count=12, noise=2.0):
    """Frames of a camera that does not move: one image, and its noise."""
    rng = np.random.default_rng(1)
    levels = 127.5 * (BATCH[0] + 1.0) * 0.6 + 50.0
    frames = np.rint(levels + rng.normal(0.0, noise, (count, *levels.shape)))
    return (frames.clip(0, 255) / 127.5 - 1.0).astype(np.float32)


def flicker(frames):
    """How much the mean color goes up and down from frame to frame, of 255."""
    return float(127.5 * np.asarray(frames).mean(axis=(1, 2)).std(axis=0).max())


@pytest.mark.parametrize("name", ["reinhard", "histogram", "fourier"])
@pytest.mark.parametrize("kind", ["domain", "image"])
def test_frames_that_are_alike_stay_alike_by_one_reference(name, kind, fit, images):
    folder, frames = fit(name), still()
    method = TRANSLATORS[SETTINGS[name][0]]
    reference = "domain" if kind == "domain" else images[1][0]
    each = method.load(folder, "xy")(tf.constant(frames)).numpy()
    one = method.load(folder, "xy", reference)(tf.constant(frames)).numpy()
    assert flicker(frames) < 0.15
    assert flicker(each) > 3.0
    assert flicker(one) < 0.15  # No more than that of the camera.
    assert np.abs(one - frames).mean() > 0.02  # It does translate.


@pytest.mark.parametrize("name", ["reinhard", "histogram", "fourier"])
def test_the_reference_is_the_image_that_is_given(name, fit, images):
    folder, method = fit(name), TRANSLATORS[SETTINGS[name][0]]
    made = [method.load(folder, "xy", path)(tf.constant(BATCH)).numpy() for path in images[1][:2]]
    assert np.abs(made[0] - made[1]).mean() > 0.01


@pytest.mark.parametrize(("alone", "all_images"), [("fourier", "fourier domain")])
def test_the_mean_of_all_that_are_kept_is_that_of_the_domain(alone, all_images, fit):
    method = TRANSLATORS[SETTINGS[alone][0]]
    kept = method.load(fit(alone), "xy", "domain")(tf.constant(BATCH)).numpy()
    domain = method.load(fit(all_images), "xy")(tf.constant(BATCH)).numpy()
    np.testing.assert_allclose(kept, domain, atol=1e-5)


@pytest.mark.parametrize("reference", [None, "domain"])
def test_references_of_another_method_are_refused_in_a_sentence(reference, fit, tmp_path):
    folder = tmp_path / "fit"
    shutil.copytree(fit("reinhard"), folder)
    with np.load(folder / "references.npz") as file:
        kept = {**file, "y": np.zeros((0, 2))}
    np.savez(folder / "references.npz", **kept)
    with pytest.raises(DataError, match=r"delete .* and|holds"):
        TRANSLATORS["color"].load(folder, "xy", reference)(tf.constant(BATCH))
