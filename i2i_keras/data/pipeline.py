"""From records to batches; batch k is a function of (seed, k) alone.

So a run that is resumed at step k goes on with the batches that it would have
had, and there is no iterator whose state would have to be saved.
"""

import functools
import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pydantic
import tensorflow as tf

from i2i_keras.config import Config
from i2i_keras.data import transforms
from i2i_keras.data.labels import IGNORE
from i2i_keras.data.order import Order, shuffled
from i2i_keras.data.records import Record, open_image
from i2i_keras.errors import DataError

_CORES = os.cpu_count() or 1  # Examples that are made at once.
_BATCHES = 2  # That are made ahead.


class PipelineConfig(Config):
    """Batches for training.

    Attributes:
        batch_size: examples a step.
        crop: (height, width) of the random window, in pixels.
        flip: whether half of the examples are mirrored.
        scale: least and greatest factor by which an example is enlarged, at
            random; see `transforms.random_scale_crop`.
        jitter: strength of random changes of brightness, contrast and
            saturation, in [0, 1]; see `transforms.scale_colors`.
        cache_gib: prepared sets up to this size are decoded once and held in
            memory; larger ones are decoded again in each epoch.
    """

    batch_size: pydantic.PositiveInt = 32
    crop: tuple[pydantic.PositiveInt, pydantic.PositiveInt] = (256, 256)
    flip: bool = True
    scale: tuple[pydantic.PositiveFloat, pydantic.PositiveFloat] = (1.0, 1.0)
    jitter: float = pydantic.Field(default=0.0, ge=0.0, le=1.0)
    cache_gib: pydantic.NonNegativeFloat = 2.0

    @pydantic.field_validator("scale")
    @classmethod
    def _ordered(cls, scale: tuple[float, float]) -> tuple[float, float]:
        if scale[0] > scale[1]:
            raise ValueError(f"the least factor stands first; got {list(scale)}")
        return scale


class Share(NamedTuple):
    """What one process makes of each batch, where several devices share it.

    Attributes:
        devices: of all processes together.
        own: numbers of this process's devices.
        parts: of a batch that are computed one after the other; each device
            takes its share of each of them.
    """

    devices: int = 1
    own: tuple[int, ...] = (0,)
    parts: int = 1

    def places(self, batch_size: int) -> list[int]:
        """Places in a batch of what the own devices get, device by device."""
        size = batch_size // (self.devices * self.parts)
        places = np.arange(batch_size).reshape(self.parts, self.devices, size)
        return [int(place) for device in self.own for place in places[:, device].ravel()]


def training_batches(
    config: PipelineConfig,
    records: Sequence[Record],
    seed: int,
    first_step: int = 0,
    share: Share | None = None,
    order: Order | None = None,
) -> tf.data.Dataset:
    """Endless random batches of images and labels.

    Every example is cropped and flipped anew.

    Args:
        config: batch size and augmentation.
        records: all of one size; those without a label get one of all 255.
        seed: of the permutations and augmentations.
        first_step: number of the first batch.
        share: of each batch, of which the batch size is a multiple of `devices
            * parts`; None = all of it.
        order: of the records; None = a new permutation of all in each epoch.

    Returns:
        Batches of an image, float32 `(batch, *crop, 3)` in [-1, 1], and a
        label, int32 `(batch, *crop)`, 255 = ignored. Where the batch is shared,
        one after the other what each of the own devices gets of it.

    Raises:
        DataError: there are no records, or they are smaller than the crop.
    """
    share = share or Share()
    size = _check(config, records)
    example = _reader(config, records, size)

    def augmented(position: tf.Tensor, index: tf.Tensor) -> tuple[tf.Tensor, ...]:
        image, label = example(index)
        seeds = tf.random.split([tf.cast(seed, tf.int64), position], 2)
        if config.scale == (1.0, 1.0):
            image, label = transforms.random_crop(image, label, config.crop, seeds[0])
        else:
            image, label = transforms.random_scale_crop(
                image, label, config.crop, config.scale, seeds[0]
            )
        if config.flip:
            image, label = transforms.random_flip(image, label, seeds[1])
        return image, label[..., 0], position

    def finished(
        images: tf.Tensor, labels: tf.Tensor, positions: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        # After `batch`, which thus copies bytes and not floats.
        images = transforms.normalize(images)
        if config.jitter:
            # Another stream than that of the positions, which are not negative.
            places = positions % config.batch_size
            seeds = tf.stack([tf.cast(seed, tf.int64), places[0] - positions[0] - 1])
            factors = transforms.color_factors(config.batch_size, config.jitter, seeds)
            images = transforms.scale_colors(images, tf.gather(factors, places, axis=1))
        return images, tf.cast(labels, tf.int32)

    order = order or shuffled(len(records), seed)
    return (
        order(first_step * config.batch_size)
        .apply(functools.partial(_shared, share=share, batch_size=config.batch_size))
        .map(augmented, num_parallel_calls=_CORES)
        .batch(config.batch_size // share.devices, drop_remainder=True)
        .map(finished, num_parallel_calls=_BATCHES)
        .prefetch(_BATCHES)
        .with_options(_untuned())
    )


def _shared(examples: tf.data.Dataset, share: Share, batch_size: int) -> tf.data.Dataset:
    """Of every batch those that are at the share's places."""
    if share.devices == 1:
        return examples
    places = share.places(batch_size)

    def own(positions: tf.Tensor, indices: tf.Tensor) -> tf.data.Dataset:
        pairs = tf.gather(positions, places), tf.gather(indices, places)
        return tf.data.Dataset.from_tensor_slices(pairs)

    return examples.batch(batch_size, drop_remainder=True).flat_map(own)


def _untuned() -> tf.data.Options:
    """Of a pipeline whose numbers are fixed.

    TensorFlow's tuning is a thread that looks ever more seldom, at last once a
    minute, and may miss that its iterator is to end (2.15, 2.21): a training of
    25 seconds then waited 20 more.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return options


def evaluation_batches(
    records: Sequence[Record], batch_size: int, multiple: int = 1
) -> tf.data.Dataset:
    """All records once, whole and in order; the last batch may be smaller.

    Args:
        records: all of one size, unless `batch_size` is 1.
        batch_size: examples a batch.
        multiple: what height and width are padded to a multiple of, below and
            at the right; padded pixels are labelled 255.

    Returns:
        Batches of an image, float32 `(batch, height, width, 3)` in [-1, 1],
        and a label, int32 `(batch, height, width)`, 255 = ignored.
    """
    return (
        tf.data.Dataset.from_tensor_slices(_paths(records))
        .map(_decode, num_parallel_calls=_CORES)
        .batch(batch_size)
        .map(functools.partial(_padded, multiple=multiple), num_parallel_calls=_BATCHES)
        .prefetch(_BATCHES)
        .with_options(_untuned())
    )


def read_example(record: Record, multiple: int = 1) -> tuple[tf.Tensor, tf.Tensor]:
    """The batch of one that `evaluation_batches` would give of a record.

    Without a pipeline: to make one takes far longer than to read an image.
    """
    image, label = _decode(str(record.image), str(record.label or ""))
    return _padded(image[tf.newaxis], label[tf.newaxis], multiple)


def _padded(images: tf.Tensor, labels: tf.Tensor, multiple: int) -> tuple[tf.Tensor, tf.Tensor]:
    images = transforms.pad_to_multiple(transforms.normalize(images), multiple)
    missing = tf.shape(images)[1:3] - tf.shape(labels)[1:3]
    sides = [[0, 0], [0, missing[0]], [0, missing[1]]]
    return images, tf.pad(tf.cast(labels[..., 0], tf.int32), sides, constant_values=IGNORE)


def _check(config: PipelineConfig, records: Sequence[Record]) -> tuple[int, int]:
    """Size of all records, read from the first one."""
    if not records:
        raise DataError("There are no records to train on; check split and root of both domains.")
    width, height = open_image(records[0].image).size
    if config.crop[0] > height or config.crop[1] > width:
        raise DataError(
            f"{records[0].image} is {height} x {width}, smaller than the crop of"
            f" {config.crop[0]} x {config.crop[1]}; lower pipeline.crop or raise prepare.size."
        )
    return height, width


def _reader(
    config: PipelineConfig, records: Sequence[Record], size: tuple[int, int]
) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """From the index of a record to its image and label, uint8."""
    paths = _paths(records)
    gib = len(records) * size[0] * size[1] * 4 / 2**30
    if gib > config.cache_gib:
        images, labels = (tf.constant(column) for column in paths)
        return lambda index: _decode(images[index], labels[index])
    # Augmentation comes after the cache, or epoch 1's crops would be for ever.
    everything = (
        tf.data.Dataset.from_tensor_slices(paths)
        .map(_decode, num_parallel_calls=_CORES)
        .batch(len(records))
        .with_options(_untuned())
    )
    pixels, classes = next(iter(everything))
    return lambda index: (pixels[index], classes[index])


def _paths(records: Sequence[Record]) -> tuple[list[str], list[str]]:
    return [str(r.image) for r in records], [str(r.label or "") for r in records]


def _decode(image: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Reads prepared PNGs; no label means that every pixel is ignored."""
    pixels = tf.io.decode_png(tf.io.read_file(image), channels=3)
    shape = tf.shape(pixels)
    classes = tf.cond(
        tf.equal(label, ""),
        lambda: tf.fill([shape[0], shape[1], 1], tf.constant(IGNORE, tf.uint8)),
        lambda: tf.io.decode_png(tf.io.read_file(label), channels=1),
    )
    return pixels, tf.ensure_shape(classes, (None, None, 1))
