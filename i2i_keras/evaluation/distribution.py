"""How far the images of two sets lie apart, by the features of a network."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from i2i_keras.data.parallel import at_once
from i2i_keras.data.pipeline import read_example
from i2i_keras.data.records import Record

Features = NDArray[np.float64]


class Extractor(NamedTuple):
    """What looks at images.

    Attributes:
        extract: from images `(batch, height, width, 3)` in [-1, 1] to features
            `(batch, channels)`.
        label: names it; distances by different ones do not compare.
    """

    extract: Callable[[tf.Tensor], tf.Tensor]
    label: str


class KernelDistance(NamedTuple):
    """A kernel distance over random subsets.

    Attributes:
        mean: over the subsets; unbiased, so that it can be below zero.
        std: standard deviation over the subsets.
    """

    mean: float
    std: float


def extract_features(
    extract: Callable[[tf.Tensor], tf.Tensor], records: Sequence[Record], multiple: int
) -> Features:
    """Features of images.

    Args:
        extract: from images `(1, height, width, 3)` in [-1, 1] to features
            `(1, channels)`.
        records: the images.
        multiple: what the sides of an image have to be a multiple of.

    Returns:
        `(images, channels)`.
    """
    rows = at_once(lambda record: extract(read_example(record, multiple)[0]).numpy(), records)
    return np.concatenate([*rows]).astype(np.float64)


def measure_difference(
    function: Callable[[tf.Tensor], tf.Tensor], images: Sequence[Record], wanted: Sequence[Record]
) -> float:
    """Mean absolute difference of what a function makes of images and others.

    Args:
        function: from images `(1, height, width, 3)` in [-1, 1] to such images.
        images: what it is given.
        wanted: what should come out, in the same order.

    Returns:
        In gray values, 0 to 255.
    """

    def differ(pair: tuple[Record, Record]) -> float:
        image, other = (read_example(record)[0] for record in pair)
        return float(tf.reduce_mean(tf.abs(function(image) - other)))

    return 127.5 * float(np.mean([*at_once(differ, zip(images, wanted, strict=True))]))


@threadpool_limits.wrap(limits=1, user_api="blas")
def frechet_distance(a: Features, b: Features) -> float:
    """Squared Frechet distance of two Gaussians fitted to the features.

    With InceptionV3's pooled features it is the FID; with other features its
    values compare only among themselves. One thread computes it: eigenvalues
    are rounded otherwise by two.

    Args:
        a: `(images, channels)`, at least two images.
        b: `(images, channels)`.

    Reference:
        Heusel et al., 2017, https://arxiv.org/abs/1706.08500, section 2.
    """
    cov_a, cov_b = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b))
    # The trace of (A B)^(1/2) is that of (A^(1/2) B A^(1/2))^(1/2), whose root
    # is of a symmetric matrix.
    root = _root(cov_a)
    values = np.linalg.eigvalsh(root @ cov_b @ root)
    cross = np.sqrt(np.clip(values, 0.0, None)).sum()
    means = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    return float(means + np.trace(cov_a) + np.trace(cov_b) - 2.0 * cross)


def kernel_distance(
    a: Features, b: Features, subsets: int = 100, size: int = 1000, seed: int = 0
) -> KernelDistance:
    """Unbiased squared maximum mean discrepancy with a cubic kernel.

    With InceptionV3's pooled features it is the KID.

    Args:
        a: `(images, channels)`.
        b: `(images, channels)`.
        subsets: how often as many images of each are drawn.
        size: images of a subset; no more than there are.
        seed: of the draws.

    Reference:
        Binkowski et al., 2018, https://arxiv.org/abs/1801.01401, section 3.
    """
    size = min(size, len(a), len(b))
    rng = np.random.default_rng(seed)
    drawn = [
        _squared_discrepancy(
            a[rng.choice(len(a), size, replace=False)],
            b[rng.choice(len(b), size, replace=False)],
        )
        for _ in range(subsets)
    ]
    return KernelDistance(float(np.mean(drawn)), float(np.std(drawn)))


def _root(matrix: Features) -> Features:
    values, vectors = np.linalg.eigh(matrix)
    root: Features = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    return root


def _squared_discrepancy(a: Features, b: Features) -> float:
    count, channels = a.shape

    def kernel(left: Features, right: Features) -> Features:
        cube: Features = (left @ right.T / channels + 1.0) ** 3
        return cube

    within = sum(k.sum() - np.trace(k) for k in (kernel(a, a), kernel(b, b)))
    between = kernel(a, b).mean()
    return float(within / (count * (count - 1)) - 2.0 * between)
