"""Which figures the report shows, made from the files of a run directory."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from i2i_keras.data import records
from i2i_keras.data.labels import colorize
from i2i_keras.data.records import Record, image_size, spread
from i2i_keras.datasets.spaces import LabelSpace
from i2i_keras.plots import charts, panels
from i2i_keras.report.reading import (
    read_history,
    read_images,
    read_labels,
    read_predictions,
    read_table,
    trained_networks,
)
from i2i_keras.run_folder import places
from i2i_keras.run_folder.run import Run
from i2i_keras.segmenters.arms import FLOOR, Arm

_COLUMNS = 4  # Samples side by side.
# What a row of a sample strip shows, where there is a way back.
_WAYS = ("source", "translated", "and back", "target", "translated", "and back")
_MOMENTS = 6  # Steps of a training that are shown.


class Picture(NamedTuple):
    """A file of the report.

    Attributes:
        name: of the file in report/figures.
        caption: what is to be seen on it.
        png: its bytes.
        place: "page" = everywhere; "still" = on the page only without scripts
            and on paper, where it stands for what a script shows; "markdown" =
            not on the page, which has it in another form.
        drawn: lines and numbers on white, without a photograph: inverted where
            the page is dark.
    """

    name: str
    caption: str
    png: bytes
    place: str = "page"
    drawn: bool = False


def domain_pictures(run: Run, space: LabelSpace) -> Iterator[Picture]:
    """The student report's figure 1: images of both domains and labels."""
    source = spread(read_table(run, run.records, "source-train"), _COLUMNS)
    target = read_table(run, run.records, "target-test")
    target = spread(target or read_table(run, run.records, "target-train"), _COLUMNS)
    rows, titles = [], []
    for domain, chosen in (("source", source), ("target", target)):
        if chosen:
            rows.append(read_images(chosen))
            titles.append(domain)
        if chosen and all(record.label for record in chosen):
            rows.append([colorize(label, space.colors) for label in read_labels(chosen)])
            titles.append("label")
    if rows:
        caption = "Images of both domains."
        if "label" in titles:
            caption = "Images of both domains, with their labels where there are any."
        if titles[-1] == "label" and titles.count("label") == len(titles) - titles.count("label"):
            caption = (
                "Images of both domains with their labels. The target's are those of its test"
                " images: no arm but the oracle is trained with target labels."
            )
        yield Picture("domains.png", caption, panels.image_grid(rows, titles).png())


def translation_pictures(run: Run) -> Iterator[Picture]:
    """The student report's figure 4: source, translated and target images."""
    target = read_images(spread(read_table(run, run.records, "target-train"), _COLUMNS))
    for method in run.methods(places.TRANSLATE):
        before, after = _pairs(run, run.translated(method), "source-train")
        if after:
            figure = panels.translations(read_images(before), read_images(after), target)
            caption = (
                f"Source images, what {method} makes of them, and target images for comparison"
                " (unpaired: they show other scenes)."
            )
            yield Picture(f"translations-{method}.png", caption, figure.png(), "still")
        yield from _translations_back(run, method)


def label_pictures(run: Run, space: LabelSpace) -> Iterator[Picture]:
    """The student report's figure 9: labels through one class table."""
    domains = {}
    for domain, table in (("source", "source-train"), ("target", "target-test")):
        chosen = spread(read_table(run, run.records, table), _COLUMNS)
        if chosen and all(record.label for record in chosen):
            domains[domain] = read_labels(chosen)
    if domains:
        caption = "Labels of both domains. One class table numbers and colors both."
        yield Picture("label-maps.png", caption, panels.label_maps(domains, space).png())


def safe_label_pictures(run: Run, space: LabelSpace) -> Iterator[Picture]:
    """Translated images, and which of their labels were not safe."""
    for method in run.methods(places.LABEL_SAFE):
        before, after = _pairs(run, run.label_safe(method), "source-train")
        if after:
            labels = [
                [colorize(label, space.colors) for label in read_labels(records)]
                for records in (before, after)
            ]
            rows = [read_images(before), read_images(after), *labels]
            figure = panels.image_grid(rows, ["source", "translated", "label", "label-safe"])
            caption = (
                f"The labels of what {method} made, without the pixels (black) in which source_only"
                " surely sees another class than before."
            )
            yield Picture(f"label-safe-{method}.png", caption, figure.png())


def prediction_pictures(run: Run, arms: Sequence[str], space: LabelSpace) -> Iterator[Picture]:
    """The student report's figures 8 and 10: predictions on both domains."""
    shown: dict[str, Sequence[str]] = {"source": [FLOOR], "target": arms}
    for domain, of in shown.items():
        predicted = read_predictions(run, domain, of)
        if predicted.by_arm:
            images, truth = read_images(predicted.records), read_labels(predicted.records)
            figure = panels.predictions(images, truth, wrap_titles(predicted.by_arm), space)
            caption = f"{', '.join(predicted.by_arm)} on test images of the {domain} domain."
            yield Picture(f"predictions-{domain}.png", caption, figure.png(), "still")


def curve_pictures(run: Run, arms: Iterable[str]) -> Iterator[Picture]:
    """The student report's figure 7, for every network."""
    for title, stage in trained_networks(run, arms).items():
        history = read_history(run.history(stage))
        if len(history) > 1:
            figure = charts.loss_curves(history)
            caption = f"Training of the {title}."
            name = run.name_of(stage).replace("/", "-")
            yield Picture(f"curves-{name}.png", caption, figure.png(), "still", drawn=True)


def sample_pictures(run: Run) -> Iterator[Picture]:
    """The last strip of samples of each translator, as its training left it."""
    for method in run.methods(places.TRAIN_TRANSLATOR):
        strips = _strips(run, method)
        if strips:
            last = strips[-1]
            # A method that is not trained has no steps.
            moment = f" at {last.stem.replace('-', ' ')}" if last.stem.startswith("step-") else ""
            caption = (
                f"{method}{moment}: source images, their translations and, where there is a way"
                " back, these translated back; then target images and, if so, the same of them."
            )
            yield Picture(f"samples-{method}.png", caption, last.read_bytes())


def progress_pictures(run: Run) -> Iterator[Picture]:
    """One image of each domain and its translations over a training's steps."""
    for method in run.methods(places.TRAIN_TRANSLATOR):
        strips = _strips(run, method)
        strips = [path for path in strips if path.stem.startswith("step-")]
        first = spread(read_table(run, run.records, "source-train"), 1)
        if len(strips) < 2 or not first:
            continue
        size = image_size(first[0].image)
        chosen = spread(strips, _MOMENTS)
        rows = [_cells(path, size) for path in chosen]
        titles = [path.stem.removeprefix("step-").lstrip("0") for path in chosen]
        caption = (
            f"{method} in training, by step: a source image, its translation and, where there is a"
            " way back, that translated back; then the same of a target image."
        )
        columns = _WAYS if len(rows[0]) == len(_WAYS) else ()
        figure = panels.image_grid(rows, titles, columns)
        yield Picture(f"progress-{method}.png", caption, figure.png(), "still")


def _cells(strip: Path, size: tuple[int, int]) -> list[panels.Image]:
    """The images of the first row of a sample strip."""
    height, width = size
    row = np.asarray(records.read_image(strip))[:height]
    return [row[:, left : left + width] for left in range(0, row.shape[1], width)]


def _strips(run: Run, method: str) -> list[Path]:
    """Sample strips of a translator, in the order of their steps."""
    strips = run.samples(run.translator(method)).glob("[!.]*.png")
    # By length first: a step with more digits comes later.
    return sorted(strips, key=lambda path: (len(path.name), path.name))


def _pairs(run: Run, stage: Path, table: str) -> tuple[list[Record], list[Record]]:
    """Some records as they were prepared, and the same as a stage has them."""
    before = {record.name: record for record in read_table(run, run.records, table)}
    made = [record for record in read_table(run, stage, table) if record.name in before]
    after = spread(made, _COLUMNS)
    return [before[record.name] for record in after], after


def _translations_back(run: Run, method: str) -> Iterator[Picture]:
    """Target images, translated into the source's style."""
    before, after = _pairs(run, run.translated(method, "yx"), "target-train")
    if after:
        source = spread(read_table(run, run.records, "source-train"), _COLUMNS)
        rows = [read_images(records) for records in (before, after, source)]
        figure = panels.image_grid(rows, ["target", "translated", "source"])
        caption = f"The way back: target images, what {method} makes of them, and source images."
        yield Picture(f"translations-{method}-yx.png", caption, figure.png(), "still")


def wrap_titles(by_arm: Mapping[str, list[panels.Label]]) -> dict[str, list[panels.Label]]:
    """Breaks the titles that would not fit when there are many arms."""
    if len(by_arm) <= _COLUMNS:
        return {**by_arm}
    arms = {arm: Arm(arm) for arm in by_arm}
    return {
        f"{arm.kind}:\n{arm.method}" if arm.method else name: by_arm[name]
        for name, arm in arms.items()
    }
