"""The whole experiment in one small picture, for a README."""

import io
from collections.abc import Iterator

from PIL import Image

from i2i_keras.data.labels import colorize
from i2i_keras.datasets.spaces import LabelSpace
from i2i_keras.evaluation.summary import Summary
from i2i_keras.plots import panels
from i2i_keras.report.figures import Picture
from i2i_keras.report.findings import best_adapted
from i2i_keras.report.numbers import percent
from i2i_keras.report.reading import read_images, read_labels, read_predictions, read_table
from i2i_keras.run_folder.run import Run
from i2i_keras.segmenters.arms import CEILING, FLOOR, Arm

_SHARPNESS = (140, 120, 100)  # Dots per inch, that is 1400 to 1000 pixels.
_SIZE = 600_000  # Bytes, at most.
_ROWS = 2  # Test images shown.


def overview_picture(run: Run, summary: Summary, space: LabelSpace) -> Iterator[Picture]:
    """Translation above, predictions on the target beneath.

    Shows the best translator; yields nothing where a part is missing.
    """
    best = best_adapted(summary["arms"])
    if best is None:
        return
    method = Arm(best).method
    translation = _translation(run, method)
    shown = [arm for arm in (FLOOR, best, CEILING) if arm in summary["arms"]]
    predicted = read_predictions(run, "target", shown)
    if translation and predicted.by_arm:
        images, truth = read_images(predicted.records), read_labels(predicted.records)
        painted = [
            [colorize(label, space.colors) for label in column]
            for column in (truth, *predicted.by_arm.values())
        ]
        rows = list(zip(images, *painted, strict=True))[:_ROWS]
        titles = ["target image", "truth"]
        for arm in predicted.by_arm:
            titles.append(f"{arm}\n{percent(summary['arms'][arm].get('mean_iou'))} % mean IoU")
        figure = panels.overview(translation, rows, titles)
        caption = f"Above: source, translated by {method}, target. Beneath: what each arm sees."
        yield Picture("overview.png", caption, _small(figure))


def _translation(run: Run, method: str) -> list[panels.Image]:
    """A source image, its translation and a target image, or nothing."""
    source = {r.name: r for r in read_table(run, run.records, "source-train")}
    translated = read_table(run, run.translated(method), "source-train")
    translated = [record for record in translated if record.name in source]
    target = read_table(run, run.records, "target-train")
    if not translated or not target:
        return []
    middle = translated[len(translated) // 2]
    return read_images([source[middle.name], middle, target[len(target) // 2]])


def _small(figure: panels.Plot) -> bytes:
    """Saves pixels, then colors, until the file is small enough."""
    for dots_per_inch in _SHARPNESS:
        png = figure.png(dots_per_inch)
        if len(png) <= _SIZE:
            return png
    file = io.BytesIO()
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.quantize(256, Image.Quantize.MEDIANCUT).save(file, "PNG", optimize=True)
    return file.getvalue()
