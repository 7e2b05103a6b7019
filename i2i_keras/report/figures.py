"""Which figures the report shows, made from the files of a run directory."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from i2i_keras.data import records
from i2i_keras.data.labels import colorize
from i2i_keras.data.records import Record, image_size, spread
from i2i_keras.datasets.spaces import LabelSpace
from i2i_keras.plots import charts, panels
from i2i_keras.run_folder import files
from i2i_keras.run_folder.places import folder_name
from i2i_keras.segmenters.arms import FLOOR

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
    """

    name: str
    caption: str
    png: bytes


def domain_pictures(root: Path, space: LabelSpace) -> Iterator[Picture]:
    """The report's figure 1: images of both domains and their labels."""
    source = spread(read_records(root, "records/source-train.csv"), _COLUMNS)
    target = read_records(root, "records/target-test.csv")
    target = spread(target or read_records(root, "records/target-train.csv"), _COLUMNS)
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


def translation_pictures(root: Path) -> Iterator[Picture]:
    """The report's figure 4: source, translated and target images."""
    source = {record.name: record for record in read_records(root, "records/source-train.csv")}
    target = spread(read_records(root, "records/target-train.csv"), _COLUMNS)
    for method in _methods(root, "translated"):
        translated = read_records(root, f"translated/{method}/source-train.csv")
        chosen = spread([record for record in translated if record.name in source], _COLUMNS)
        if chosen:
            before = read_images([source[record.name] for record in chosen])
            figure = panels.translations(before, read_images(chosen), read_images(target))
            caption = (
                f"Source images, what {method} makes of them, and target images for comparison"
                " (unpaired: they show other scenes)."
            )
            yield Picture(f"translations-{method}.png", caption, figure.png())
        yield from _translations_back(root, method)


def label_pictures(root: Path, space: LabelSpace) -> Iterator[Picture]:
    """The report's figure 9: both domains' labels through one class table."""
    domains = {}
    for domain, table in (("source", "source-train"), ("target", "target-test")):
        chosen = spread(read_records(root, f"records/{table}.csv"), _COLUMNS)
        if chosen and all(record.label for record in chosen):
            domains[domain] = read_labels(chosen)
    if domains:
        caption = "Labels of both domains. One class table numbers and colors both."
        yield Picture("label-maps.png", caption, panels.label_maps(domains, space).png())


def safe_label_pictures(root: Path, space: LabelSpace) -> Iterator[Picture]:
    """Translated images, and which of their labels were not safe."""
    source = {record.name: record for record in read_records(root, "records/source-train.csv")}
    for method in _methods(root, "label_safe"):
        safe = read_records(root, f"label_safe/{method}/source-train.csv")
        chosen = spread([record for record in safe if record.name in source], _COLUMNS)
        if chosen:
            before = [source[record.name] for record in chosen]
            labels = [
                [colorize(label, space.colors) for label in read_labels(records)]
                for records in (before, chosen)
            ]
            rows = [read_images(before), read_images(chosen), *labels]
            figure = panels.image_grid(rows, ["source", "translated", "label", "label-safe"])
            caption = (
                f"The labels of what {method} made, without the pixels (black) in which source_only"
                " surely sees another class than before."
            )
            yield Picture(f"label-safe-{method}.png", caption, figure.png())


def prediction_pictures(root: Path, arms: Sequence[str], space: LabelSpace) -> Iterator[Picture]:
    """The report's figures 8 and 10: predictions on source and on target."""
    for domain, folder, shown in (
        ("source", "predictions-source", [FLOOR]),
        ("target", "predictions", arms),
    ):
        chosen, predicted = read_predictions(root, domain, folder, shown)
        if predicted:
            images, truth = read_images(chosen), read_labels(chosen)
            figure = panels.predictions(images, truth, wrapped(predicted), space)
            caption = f"{', '.join(predicted)} on test images of the {domain} domain."
            yield Picture(f"predictions-{domain}.png", caption, figure.png())


def curve_pictures(root: Path, arms: Sequence[str]) -> Iterator[Picture]:
    """The report's figure 7, for every network."""
    networks = [("translator", method, method) for method in _methods(root, "translator")]
    networks += [("segmenter", arm, folder_name(arm)) for arm in arms]
    for kind, title, folder in networks:
        history = read_history(root / kind / folder / "history.csv")
        if len(history) > 1:
            figure = charts.loss_curves(history)
            caption = f"Training of the {kind} {title}."
            yield Picture(f"curves-{kind}-{folder}.png", caption, figure.png())


def sample_pictures(root: Path) -> Iterator[Picture]:
    """The last strip of samples of each translator, as its training left it."""
    for method in _methods(root, "translator"):
        strips = _strips(root, method)
        if strips:
            last = strips[-1]
            # A method that is not trained has no steps.
            moment = f" at {last.stem.replace('-', ' ')}" if last.stem.startswith("step-") else ""
            caption = (
                f"{method}{moment}: source images, their translations and, where there is a way"
                " back, these translated back; then target images and, if so, the same of them."
            )
            yield Picture(f"samples-{method}.png", caption, last.read_bytes())


def progress_pictures(root: Path) -> Iterator[Picture]:
    """One image of each domain and its translations over a training's steps."""
    for method in _methods(root, "translator"):
        strips = _strips(root, method)
        strips = [path for path in strips if path.stem.startswith("step-")]
        first = spread(read_records(root, "records/source-train.csv"), 1)
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
        yield Picture(f"progress-{method}.png", caption, figure.png())


def _cells(strip: Path, size: tuple[int, int]) -> list[panels.Image]:
    """The images of the first row of a sample strip."""
    height, width = size
    row = np.asarray(records.read_image(strip))[:height]
    return [row[:, left : left + width] for left in range(0, row.shape[1], width)]


def _strips(root: Path, method: str) -> list[Path]:
    """Sample strips of a translator, in the order of their steps."""
    strips = (root / "translator" / method / "samples").glob("[!.]*.png")
    # By length first: a step with more digits comes later.
    return sorted(strips, key=lambda path: (len(path.name), path.name))


def _translations_back(root: Path, method: str) -> Iterator[Picture]:
    """Target images, translated into the source's style."""
    before = {record.name: record for record in read_records(root, "records/target-train.csv")}
    made = read_records(root, f"translated/{method}-yx/target-train.csv")
    chosen = spread([record for record in made if record.name in before], _COLUMNS)
    if chosen:
        source = spread(read_records(root, "records/source-train.csv"), _COLUMNS)
        images = read_images([before[record.name] for record in chosen])
        rows = [images, read_images(chosen), read_images(source)]
        figure = panels.image_grid(rows, ["target", "translated", "source"])
        caption = f"The way back: target images, what {method} makes of them, and source images."
        yield Picture(f"translations-{method}-yx.png", caption, figure.png())


def read_records(root: Path, table: str) -> list[Record]:
    """The records whose image is there; none if the table is not."""
    path = root / table
    found = records.read_records(root, path) if path.is_file() else []
    return [record for record in found if record.image.is_file()]


def read_images(chosen: Sequence[Record]) -> list[panels.Image]:
    """The images as `(height, width, 3)` uint8 RGB."""
    return [np.asarray(records.read_image(record.image)) for record in chosen]


def read_labels(chosen: Sequence[Record]) -> list[panels.Label]:
    """The labels as `(height, width)` uint8, of records that have one."""
    return [records.read_label(record.label) for record in chosen if record.label]


def read_predictions(
    root: Path, domain: str, folder: str, arms: Sequence[str]
) -> tuple[list[Record], dict[str, list[panels.Label]]]:
    """Test records of which the predictions were kept, and these by arm."""
    folders = {arm: root / "scores" / folder / folder_name(arm) for arm in arms}
    folders = {arm: path for arm, path in folders.items() if path.is_dir()}
    chosen = [
        record
        for record in read_records(root, f"records/{domain}-test.csv")
        if record.label and all((f / f"{record.name}.png").is_file() for f in folders.values())
    ]
    if not chosen or not folders:
        return [], {}
    return chosen, {
        arm: [records.read_label(path / f"{record.name}.png") for record in chosen]
        for arm, path in folders.items()
    }


def read_history(path: Path) -> dict[str, NDArray[np.float64]]:
    """Reads a history; what is empty becomes NaN, no file an empty dict."""
    rows = files.read_table(path) if path.is_file() else []
    columns = list(rows[0]) if rows else []
    return {c: np.array([float(row[c] or "nan") for row in rows]) for c in columns}


def read_predicted(root: Path, arm: str, chosen: Sequence[Record]) -> list[panels.Label]:
    """What an arm predicts of records, as label maps."""
    folder = root / "scores" / "predictions" / folder_name(arm)
    return [records.read_label(folder / f"{record.name}.png") for record in chosen]


def _methods(root: Path, stage: str) -> list[str]:
    """Names of the translators that have a folder of that stage."""
    return sorted(path.name for path in (root / stage).glob("*") if path.is_dir())


def wrapped(by_arm: dict[str, list[panels.Label]]) -> dict[str, list[panels.Label]]:
    """Breaks the titles that would not fit when there are many arms."""
    if len(by_arm) <= _COLUMNS:
        return by_arm
    return {arm.replace(":", ":\n"): labels for arm, labels in by_arm.items()}
