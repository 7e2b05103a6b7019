import itertools

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from i2i_keras.data.pipeline import PipelineConfig, evaluation_batches, training_batches
from i2i_keras.data.records import Record
from i2i_keras.data.transforms import denormalize
from i2i_keras.errors import DataError

HEIGHT, WIDTH = 12, 16
COUNT = 6
CONFIG = PipelineConfig(batch_size=2, crop=(8, 8))
DECODE_ALWAYS = CONFIG.model_copy(update={"cache_gib": 0.0})


@pytest.fixture(scope="module")
def records(tmp_path_factory, save):
    """Each pixel holds its record, row and column; its label the last two."""
    folder = tmp_path_factory.mktemp("records")
    rows, columns = np.indices((HEIGHT, WIDTH))
    return [
        Record(
            str(number),
            save(
                folder / f"{number}.png", np.stack([0 * rows + 40 * number, rows, columns], axis=-1)
            ),
            save(folder / f"{number}-label.png", rows * WIDTH + columns),
        )
        for number in range(COUNT)
    ]


def take(records, count, config=CONFIG, seed=0, first_step=0):
    batches = training_batches(config, records, seed, first_step).take(count)
    return list(batches.as_numpy_iterator())


def numbers(batches):
    """The records that batches are made of."""
    return [int(n) // 40 for image, _ in batches for n in denormalize(image)[:, 0, 0, 0]]


def is_flipped(image):
    return image[0, 0, 2] > image[0, 1, 2]


def assert_equal(ones, others):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize("config", [CONFIG, DECODE_ALWAYS], ids=["cached", "decoded"])
def test_no_thread_tunes_a_pipeline(records, config):
    # It may keep an iterator from its end for as long again as it was used.
    for batches in (training_batches(config, records, 0), evaluation_batches(records, 2)):
        assert batches.options().autotune.enabled is False
        pairs = tf.data.Dataset.zip((batches, batches)).map(lambda x, y: (x[0], y[0]))
        assert pairs.options().autotune.enabled is False


@pytest.mark.parametrize("config", [CONFIG, DECODE_ALWAYS], ids=["cached", "decoded"])
def test_shapes_are_known_before_the_first_batch(records, config):
    assert training_batches(config, records, 0).element_spec == (
        tf.TensorSpec((2, 8, 8, 3), tf.float32),
        tf.TensorSpec((2, 8, 8), tf.int32),
    )


def test_images_are_in_the_networks_range(records):
    images = np.concatenate([image for image, _ in take(records, 12)])
    assert -1.0 <= images.min() < images.max() <= 1.0
    np.testing.assert_allclose(images.min(), -1.0)
    np.testing.assert_allclose(images[..., 0].max(), 200 / 127.5 - 1.0, rtol=1e-6)


@pytest.mark.parametrize("first_step", [1, 3, 4, 11])
@pytest.mark.parametrize("count", [6, 5])  # Epochs end with and within a batch.
def test_starting_at_a_step_equals_skipping_to_it(records, count, first_step):
    whole = take(records[:count], first_step + 4)
    assert_equal(take(records[:count], 4, first_step=first_step), whole[first_step:])


def test_the_same_seed_gives_the_same_batches(records):
    assert_equal(take(records, 6), take(records, 6))


def test_another_seed_gives_another_order_and_other_crops(records):
    assert numbers(take(records, 6, seed=1)) != numbers(take(records, 6, seed=2))
    one, two = (take(records[:1], 6, seed=seed) for seed in (1, 2))
    assert any(not np.array_equal(a[1], b[1]) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("count", [6, 5])
def test_each_epoch_is_a_permutation(records, count):
    drawn = numbers(take(records[:count], 10))
    for epoch in range(len(drawn) // count):
        assert sorted(drawn[epoch * count : (epoch + 1) * count]) == list(range(count))


def test_epochs_differ_in_order_crop_and_flip(records):
    drawn = numbers(take(records, 12))
    epochs = {tuple(drawn[start : start + COUNT]) for start in range(0, len(drawn), COUNT)}
    assert len(epochs) > 1
    labels = [label for _, batch in take(records[:1], 8) for label in batch]
    assert len({label.tobytes() for label in labels}) > len(labels) / 2


def test_the_two_examples_of_a_batch_are_cropped_apart(records):
    assert any(not np.array_equal(*label) for _, label in take(records[:1], 4))


def test_fewer_records_than_a_batch_fill_it_nevertheless(records):
    config = CONFIG.model_copy(update={"batch_size": 8})
    [(image, label)] = take(records[:3], 1, config)
    assert image.shape == (8, 8, 8, 3)
    assert label.shape == (8, 8, 8)
    assert sorted(numbers([(image, label)])[:6]) == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("config", [CONFIG, DECODE_ALWAYS], ids=["cached", "decoded"])
def test_every_pixel_keeps_its_label(records, config):
    for image, label in take(records, 6, config):
        rows, columns = np.moveaxis(denormalize(image).numpy().astype(int)[..., 1:], -1, 0)
        np.testing.assert_array_equal(rows * WIDTH + columns, label)


def test_the_cache_does_not_change_the_batches(records):
    assert_equal(take(records, 8), take(records, 8, DECODE_ALWAYS))


@pytest.mark.parametrize("config", [CONFIG, DECODE_ALWAYS], ids=["cached", "decoded"])
def test_records_without_a_label_are_ignored_everywhere(records, config):
    unlabelled = [record._replace(label=None) for record in records]
    labelled, without = take(records, 3, config), take(unlabelled, 3, config)
    for (image, _), (same, label) in zip(labelled, without, strict=True):
        np.testing.assert_array_equal(image, same)
        np.testing.assert_array_equal(label, np.full((2, 8, 8), 255))


def test_flips_happen_only_where_they_are_wanted(records):
    never = CONFIG.model_copy(update={"flip": False})
    for config, expected in ((CONFIG, {False, True}), (never, {False})):
        images = itertools.chain(*(image for image, _ in take(records, 12, config)))
        assert {bool(is_flipped(image)) for image in images} == expected


def test_a_crop_may_be_the_whole_image(records):
    config = PipelineConfig(batch_size=1, crop=(HEIGHT, WIDTH), flip=False)
    [(_, label)] = take(records, 1, config)
    np.testing.assert_array_equal(label[0], np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH))


@pytest.mark.parametrize("crop", [(13, 8), (8, 17)])
def test_a_crop_larger_than_the_images_is_refused(records, crop):
    with pytest.raises(DataError) as error:
        training_batches(PipelineConfig(crop=crop), records, 0)
    assert str(error.value) == (
        f"{records[0].image} is 12 x 16, smaller than the crop of {crop[0]} x {crop[1]};"
        " lower pipeline.crop or raise prepare.size."
    )


def test_no_records_are_refused():
    with pytest.raises(DataError, match="There are no records to train on; check split and root"):
        training_batches(CONFIG, [], 0)


@pytest.mark.parametrize(
    "wrong", [{"batch_size": 0}, {"crop": (0, 8)}, {"cache_gib": -1.0}, {"shuffle": True}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        PipelineConfig(**wrong)


def test_evaluation_goes_once_through_all_records_in_order(records):
    batches = list(evaluation_batches(records[:5], 2).as_numpy_iterator())
    assert [len(image) for image, _ in batches] == [2, 2, 1]
    assert numbers(batches) == [0, 1, 2, 3, 4]
    for image, label in batches:
        assert image.dtype == np.float32
        assert label.dtype == np.int32
        assert image.shape[1:] == (HEIGHT, WIDTH, 3)
        np.testing.assert_array_equal(
            label, np.tile(np.arange(HEIGHT * WIDTH).reshape(1, HEIGHT, WIDTH), (len(label), 1, 1))
        )


def test_evaluation_pads_and_ignores_what_it_padded(records):
    [(whole, _)] = evaluation_batches(records[:1], 1).as_numpy_iterator()
    [(image, label)] = evaluation_batches(records[:1], 1, multiple=10).as_numpy_iterator()
    assert image.shape == (1, 20, 20, 3)
    assert label.shape == (1, 20, 20)
    np.testing.assert_array_equal(image[:, :HEIGHT, :WIDTH], whole)
    assert (label[:, :HEIGHT, :WIDTH] != 255).all()
    assert (label[:, HEIGHT:] == 255).all()
    assert (label[:, :, WIDTH:] == 255).all()


def test_evaluation_ignores_images_without_a_label(records):
    unlabelled = [records[0]._replace(label=None)]
    [(_, label)] = evaluation_batches(unlabelled, 1).as_numpy_iterator()
    np.testing.assert_array_equal(label, np.full((1, HEIGHT, WIDTH), 255))


def test_evaluation_takes_images_of_any_size_one_by_one(records, tmp_path, save):
    other = Record("x", save(tmp_path / "x.png", np.zeros((5, 9, 3))), None)
    shapes = [image.shape for image, _ in evaluation_batches([records[0], other], 1, multiple=4)]
    assert shapes == [(1, 12, 16, 3), (1, 8, 12, 3)]


def test_scale_and_jitter_change_what_is_seen_and_not_the_order(records):
    plain = take(records, 6)
    for change in ({"scale": (1.2, 1.5)}, {"jitter": 0.3}):
        other = take(records, 6, CONFIG.model_copy(update=change))
        assert all(not np.allclose(a, b) for (a, _), (b, _) in zip(plain, other, strict=True))
        assert all(a.shape == b.shape for (_, a), (_, b) in zip(plain, other, strict=True))
    scaled = take(records, 6, CONFIG.model_copy(update={"scale": (1.2, 1.5)}))
    assert numbers(scaled) == numbers(plain)


def test_jitter_leaves_labels_alone(records):
    jittered = take(records, 6, CONFIG.model_copy(update={"jitter": 0.3}))
    for (_, one), (_, other) in zip(take(records, 6), jittered, strict=True):
        np.testing.assert_array_equal(one, other)


def test_scale_and_jitter_are_a_function_of_seed_and_step(records):
    config = CONFIG.model_copy(update={"scale": (0.8, 1.5), "jitter": 0.3})
    whole = take(records, 9, config)
    assert_equal(take(records, 4, config, first_step=5), whole[5:])


def test_bounds_of_the_scale_have_an_order():
    with pytest.raises(ValidationError, match="the least factor stands first; got "):
        PipelineConfig(scale=(2.0, 1.0))
