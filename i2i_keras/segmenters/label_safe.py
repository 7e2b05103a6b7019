"""Labels of translated images without the pixels that translation changed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
from numpy.typing import NDArray
from PIL import Image

from i2i_keras import quiet
from i2i_keras.config import Config
from i2i_keras.data.each_image import is_whole_png
from i2i_keras.data.labels import IGNORE
from i2i_keras.data.records import Record, read_label
from i2i_keras.errors import DataError
from i2i_keras.run_folder import writing
from i2i_keras.segmenters.eye import Eye, Seen

_MUCH = 0.5  # Share of a class beyond which the segmenter is to be doubted.


class LabelSafeConfig(Config):
    """Which pixels of a translated image lose their label.

    Those in which source_only sees another class than it saw before
    translation. It was never shown the target's style, though, and may only
    fail to read it: of the changes that it is hardly sure of, most are such.

    Attributes:
        confidence: what the segmenter's largest probability has to be at least,
            in the image and in its translation, for a change to count: 0.5 is
            more than all other classes together, 0 = every change counts. In
            the demo 0 marks 39 % of the pixels, most of all small things among
            them, 0.5 marks 9 to 15 %, 0.9 less than 0.1 %.
    """

    confidence: float = pydantic.Field(default=0.5, ge=0.0, le=1.0)


def safe_label(
    label: NDArray[np.uint8], before: Seen, after: Seen, confidence: float
) -> NDArray[np.uint8]:
    """A label in which pixels that have drifted are ignored.

    Args:
        label: `(height, width)`, of both.
        before: what a segmenter sees in the image.
        after: what it sees in the translation.
        confidence: how sure it has to be of both.

    Returns:
        The label, with 255 where it surely sees another class than before.
    """
    sure = np.minimum(before.confidence, after.confidence) >= confidence
    drifted = sure & (before.classes != after.classes)
    return np.where(drifted, np.uint8(IGNORE), label)


def write_safe_labels(
    eye: Eye,
    source: Sequence[Record],
    translated: Sequence[Record],
    folder: Path,
    confidence: float,
) -> list[Record]:
    """Writes a safe label for each translated image; those there are kept.

    Args:
        eye: the segmenter that looks.
        source: labelled records.
        translated: their translations, with the same names and labels.
        folder: gets `NAME.png` of every record.
        confidence: see `safe_label`.

    Returns:
        The translated records with their new labels.

    Raises:
        DataError: a record has no label.
    """
    written = []
    pairs = zip(source, translated, strict=True)
    bar = quiet.bar(pairs, desc=f"mark {folder.name}", total=len(source), unit="image")
    for old, new in bar:
        if new.label is None:
            raise DataError(f"{new.image} has no label that could be made safe.")
        path = folder / f"{new.name}.png"
        if not path.is_file() or not is_whole_png(path):
            label = safe_label(
                read_label(new.label), eye.look_at(old), eye.look_at(new), confidence
            )
            with writing.replacing(path) as draft:
                Image.fromarray(label).save(draft, "PNG")
        written.append(new._replace(label=path))
    return written


def marked(
    before: Sequence[Record], after: Sequence[Record], names: Sequence[str]
) -> dict[str, Any]:
    """How many pixels have lost their label.

    Args:
        before: records with their labels.
        after: the same with safe ones.
        names: of the classes.

    Returns:
        `marked`: share of the labelled pixels, None without any;
        `marked_by_class`: the same by class; `warnings`: classes that lost too
        much.
    """
    total, lost = np.zeros(256, np.int64), np.zeros(256, np.int64)
    for old, new in zip(before, after, strict=True):
        if old.label is not None and new.label is not None:
            label = read_label(old.label)
            total += np.bincount(label.ravel(), minlength=256)
            lost += np.bincount(label[read_label(new.label) == IGNORE], minlength=256)
    total[IGNORE] = lost[IGNORE] = 0
    by_class = {
        name: float(lost[i] / total[i]) if total[i] else None for i, name in enumerate(names)
    }
    much = [f"{name} ({share:.0%})" for name, share in by_class.items() if (share or 0) > _MUCH]
    warning = (
        f"Most labels were marked of {', '.join(much)}: source_only may not be able to read the"
        " translations. Raise label_safe.confidence."
    )
    return {
        "marked": float(lost.sum() / total.sum()) if total.any() else None,
        "marked_by_class": by_class,
        "warnings": [warning] if much else [],
    }
