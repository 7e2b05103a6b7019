"""Logits of images larger than a segmenter was trained on, and at full size."""

from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf

from i2i_keras.errors import SettingsError

_STRIP = 32  # Rows that are enlarged at a time: as many as stay in the cache.

Segment = Callable[[tf.Tensor], tf.Tensor]
Size = tuple[int, int]


def check_window(window: Size | None, stride: int) -> None:
    """Refuses a window that a segmenter of that stride cannot take.

    Raises:
        SettingsError: its sides are no multiples of the stride.
    """
    if window and any(side % stride for side in window):
        raise SettingsError(
            f"evaluate.window is {window[0]} x {window[1]}, but this segmenter needs multiples"
            f" of {stride}; change it, or leave it out to score whole images."
        )


def windowed(segment: Segment, window: Size) -> Segment:
    """Makes a segmenter see windows with half overlap instead of whole images.

    Args:
        segment: from images in [-1, 1] to logits; both `(batch, height, width,
            channels)`.
        window: (height, width) that it sees; an image that is lower or less
            wide is seen in its whole height or width.

    Returns:
        The same from images to logits, which are means where windows overlap.
    """

    def segment_windows(images: tf.Tensor) -> tf.Tensor:
        return tf.concat([strip for _, strip in strips(segment, images, window)], axis=1)

    return segment_windows


def strips(segment: Segment, images: tf.Tensor, window: Size) -> Iterator[tuple[slice, tf.Tensor]]:
    """What `windowed` makes, a strip at a time, so that it need not be held.

    Args:
        segment: see `windowed`.
        images: `(batch, height, width, channels)`.
        window: see `windowed`.

    Yields:
        Rows, and their logits `(batch, rows, width, classes)`; all in order.
    """
    height, width = images.shape[1:3]
    rows, columns = windows_along(height, window[0]), windows_along(width, window[1])
    total, seen = np.zeros(1, np.float32), np.zeros((0, width, 1), np.float32)
    for row, later in zip(rows, [*rows[1:], slice(height, height)], strict=True):
        # Of earlier windows only the rows are left that this one sees, too.
        new = row.stop - row.start - len(seen)
        seen = np.pad(seen, ((0, new), (0, 0), (0, 0)))
        for column in columns:
            logits = segment(images[:, row, column]).numpy()
            if total.ndim == 1:
                total = np.zeros((len(logits), 0, width, logits.shape[-1]), np.float32)
            total = np.pad(total, ((0, 0), (0, len(seen) - total.shape[1]), (0, 0), (0, 0)))
            total[:, :, column] += logits
            seen[:, column] += 1
        done = later.start - row.start
        yield slice(row.start, later.start), tf.constant(total[:, :done] / seen[:done])
        total, seen = total[:, done:], seen[done:]


def windows_along(side: int, window: int) -> list[slice]:
    """Where windows lie along a side: half over each other, one at its end."""
    window = min(side, window)
    starts = [*range(0, side - window, max(1, window // 2)), side - window]
    return [slice(start, start + window) for start in starts]


def enlarged(logits: tf.Tensor, size: Size) -> Iterator[tuple[slice, tf.Tensor]]:
    """Resizes logits bilinearly, a strip at a time: the whole may be 300 MB.

    Args:
        logits: `(height, width, classes)`.
        size: (height, width) to come to; centers of pixels lie half a pixel
            from the border, as in `tf.image.resize`.

    Yields:
        Rows, and their logits `(rows, width, classes)`; all rows in order.
    """
    old, new = logits.shape[0], size[0]
    places = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    above = places.astype(np.int32)
    below = np.minimum(above + 1, old - 1)
    shares = (places - above).astype(np.float32)[:, np.newaxis, np.newaxis]
    for start in range(0, new, _STRIP):
        rows = slice(start, min(start + _STRIP, new))
        upper, lower = (tf.gather(logits, around[rows]) for around in (above, below))
        strip = upper + (lower - upper) * shares[rows]
        yield rows, tf.image.resize(strip, (rows.stop - rows.start, size[1]))
