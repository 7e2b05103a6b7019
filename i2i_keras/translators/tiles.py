"""Translates pictures that do not fit into memory, in tiles without seams.

A network is cut after each convolution and before each instance norm. Each
segment runs over the whole picture, tile by tile, before the next one begins.
So a norm knows the statistics of the whole picture, and a tile needs no more of
its neighbors than one convolution sees: the result is that of the network on
the whole picture, to rounding.
"""

import functools
import itertools
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from i2i_keras.data import transforms
from i2i_keras.errors import DataError
from i2i_keras.models.norms import InstanceNormalization
from i2i_keras.translators import inference
from i2i_keras.translators.inference import Tensors

_SIDE, _WHOLE = 256, 2**22
# What a tile sees of its neighbors; no kernel reaches as far.
_MARGIN = 8
# Larger activations are held in a file.
_IN_MEMORY = 2**30
_CONVOLUTIONS = (layers.Conv2D, layers.Conv2DTranspose)

Moments = tuple[tf.Tensor, tf.Tensor]  # Mean and variance of each channel.


class _Segment(NamedTuple):
    """Layers between two cuts.

    Attributes:
        run: from tiles of `reads`, and the moments of what `norms` read, to
            tiles of `writes`.
        norms: the instance norms among the layers.
        reads: tensors of earlier segments.
        writes: tensors that later segments read, or the network's output.
        measured: those of them that an instance norm reads.
        needed: tensors that are read after this segment.
    """

    run: Callable[..., list[tf.Tensor]]
    norms: list[InstanceNormalization]
    reads: list[int]
    writes: list[int]
    measured: set[int]
    needed: set[int]


class _Box(NamedTuple):
    top: int
    left: int
    bottom: int
    right: int

    def at(self, ratio: int) -> tuple[slice, slice]:
        """Rows and columns at a level that is coarser by `ratio`."""
        rows = slice(self.top // ratio, self.bottom // ratio)
        return rows, slice(self.left // ratio, self.right // ratio)

    def within(self, outer: "_Box") -> "_Box":
        top, left = outer.top, outer.left
        return _Box(self.top - top, self.left - left, self.bottom - top, self.right - left)


def when_large(generator: keras.Model, side: int | None) -> Callable[[tf.Tensor], tf.Tensor]:
    """Makes a function that runs a network on pictures whole, or in tiles.

    Args:
        generator: from images to images of the same size.
        side: of tiles, for pictures that are larger; None = tiles of 256 pixels
            for pictures above 4 megapixels, which with 64 filters would take
            more than 4 GB whole.

    Returns:
        From images `(1, height, width, 3)` in [-1, 1], of any size, to what
        the generator makes of them.
    """
    most = side**2 if side else _WHOLE
    whole = functools.cache(lambda: inference.any_size(generator))
    tiled = functools.cache(lambda: in_tiles(generator, side or _SIDE))

    def translate(images: tf.Tensor) -> tf.Tensor:
        fits = images.shape[1] * images.shape[2] <= most
        return whole()(images) if fits else tiled()(images)

    return translate


def in_tiles(generator: keras.Model, side: int = _SIDE) -> Callable[[tf.Tensor], tf.Tensor]:
    """Makes a function that runs a network on pictures tile by tile.

    Args:
        generator: from images to images of the same size. Its layers are local
            but for instance norms.
        side: of a tile, in pixels of the level that is being computed.

    Returns:
        From images `(1, height, width, 3)` in [-1, 1], of any size, to what
        the generator makes of them.
    """
    strides = inference.strides(generator)
    segments = _segments(generator)
    source, result = id(generator.input), id(generator.output)

    def translate(images: tf.Tensor) -> tf.Tensor:
        padded = transforms.mirror_to(images, max(strides.values()))
        whole: Tensors = {source: np.asarray(padded[0])}
        moments: dict[int, Moments] = {}
        for segment in segments:
            moments |= _run(segment, strides, side, whole, moments)
            for key in whole.keys() - segment.needed:
                del whole[key]
        fake = whole[result][: images.shape[1], : images.shape[2]]
        return tf.constant(fake)[tf.newaxis]

    return translate


def _run(
    segment: _Segment,
    strides: dict[int, int],
    side: int,
    whole: Tensors,
    moments: dict[int, Moments],
) -> dict[int, Moments]:
    """Adds what a segment writes to `whole`; returns its moments."""
    here = {key: strides[key] for key in segment.reads + segment.writes}
    finest, coarsest = min(here.values()), max(here.values())
    ratios = {key: stride // finest for key, stride in here.items()}
    size = [n * ratios[segment.reads[0]] for n in whole[segment.reads[0]].shape[:2]]
    known = [moments[id(norm.input)] for norm in segment.norms]
    parts: dict[int, list[Any]] = {key: [] for key in segment.measured}

    for tile, seen in _tiles(size, side, coarsest // finest):
        tiles = [tf.constant(whole[key][seen.at(ratios[key])])[tf.newaxis] for key in segment.reads]
        for key, output in zip(segment.writes, segment.run(tiles, known), strict=True):
            inner = output[0][tile.within(seen).at(ratios[key])]
            if key not in whole:
                rows, columns = (length // ratios[key] for length in size)
                whole[key] = _empty((rows, columns, inner.shape[-1]), inner.dtype)
            whole[key][tile.at(ratios[key])] = inner
            if key in parts:
                parts[key].append((tf.size(inner), *_moments(inner)))
    return {key: _join(tiles) for key, tiles in parts.items()}


def _tiles(size: Sequence[int], side: int, unit: int) -> Iterator[tuple[_Box, _Box]]:
    """Tiles, each also with its margin, on multiples of `unit`."""
    side, margin = max(1, side // unit) * unit, -(-_MARGIN // unit) * unit
    height, width = size
    for top, left in itertools.product(range(0, height, side), range(0, width, side)):
        bottom, right = min(top + side, height), min(left + side, width)
        low, far = min(bottom + margin, height), min(right + margin, width)
        seen = _Box(max(top - margin, 0), max(left - margin, 0), low, far)
        yield _Box(top, left, bottom, right), seen


def _moments(tile: tf.Tensor) -> Moments:
    mean, variance = tf.nn.moments(tf.cast(tile, tf.float32), [0, 1])
    return mean, variance


def _join(tiles: Sequence[tuple[Any, Any, Any]]) -> Moments:
    """The whole picture's moments from counts, means and variances of tiles."""
    counts, means, variances = (np.array(column, np.float64) for column in zip(*tiles, strict=True))
    mean = np.average(means, axis=0, weights=counts)
    variance = np.average(variances + (means - mean) ** 2, axis=0, weights=counts)
    return tf.constant(mean, tf.float32), tf.constant(variance, tf.float32)


def _empty(shape: tuple[int, ...], dtype: tf.DType) -> NDArray[Any]:
    numbers = np.dtype(dtype.as_numpy_dtype)
    size = math.prod(shape) * numbers.itemsize
    if size <= _IN_MEMORY:
        return np.empty(shape, numbers)
    with tempfile.TemporaryFile() as file:
        try:
            # A disk that is full later on would end the process by a signal.
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            raise DataError(
                f"{tempfile.gettempdir()} has no room for {size >> 20} MB of a picture's features"
                f" ({error.strerror}); make room, or name another folder by TMPDIR."
            ) from None
        return np.memmap(file, numbers, "w+", shape=shape)


def _segments(generator: keras.Model) -> list[_Segment]:
    """Cuts a network where a layer needs all of what another one writes."""
    parts: list[list[layers.Layer]] = [[]]
    for layer in inference.in_order(generator):
        after_convolution = parts[-1] and isinstance(parts[-1][-1], _CONVOLUTIONS)
        if after_convolution or isinstance(layer, InstanceNormalization):
            parts.append([])
        parts[-1].append(layer)

    tensors = {id(layer.output): layer.output for layer in generator.layers}
    measured = {
        id(layer.input) for layer in generator.layers if isinstance(layer, InstanceNormalization)
    }
    segments: list[_Segment] = []
    needed = {id(generator.output)}
    for part in reversed(parts):
        made = {id(layer.output) for layer in part}
        read = {id(t) for layer in part for t in tf.nest.flatten(layer.input)} - made
        norms = [layer for layer in part if isinstance(layer, InstanceNormalization)]
        writes = [*(made & needed)]
        run = _compile(part, norms, [tensors[key] for key in read], writes)
        segments.insert(0, _Segment(run, norms, [*read], writes, made & measured, needed))
        needed = needed - made | read
    return segments


def _compile(
    part: Sequence[layers.Layer],
    norms: Sequence[InstanceNormalization],
    reads: Sequence[tf.Tensor],
    writes: Sequence[int],
) -> Callable[..., list[tf.Tensor]]:
    def run(tiles: Sequence[tf.Tensor], moments: Sequence[Moments]) -> list[tf.Tensor]:
        given = {norm.name: pair for norm, pair in zip(norms, moments, strict=True)}

        def standardize(norm: InstanceNormalization, x: tf.Tensor) -> tf.Tensor:
            mean, variance = given[norm.name]
            y = tf.nn.batch_normalization(
                tf.cast(x, tf.float32), mean, variance, norm.beta, norm.gamma, norm.epsilon
            )
            return tf.cast(y, x.dtype)

        values = {id(t): tile for t, tile in zip(reads, tiles, strict=True)}
        values = inference.call(part, values, {InstanceNormalization: standardize})
        return [values[key] for key in writes]

    tiles = [tf.TensorSpec((1, None, None, t.shape[-1]), t.dtype) for t in reads]
    moments = [(tf.TensorSpec((norm.input.shape[-1],)),) * 2 for norm in norms]
    return tf.function(run, autograph=False).get_concrete_function(tiles, moments)
