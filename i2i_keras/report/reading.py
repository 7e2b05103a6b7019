"""Reads what a report shows from the files of a run."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from i2i_keras.data import records
from i2i_keras.data.records import Record
from i2i_keras.datasets.spaces import LabelSpace, read_space
from i2i_keras.evaluation.summary import ArmFile, read_arm_file
from i2i_keras.plots.panels import Image, Label
from i2i_keras.run_folder import files, places
from i2i_keras.run_folder.files import Facts
from i2i_keras.run_folder.run import Run
from i2i_keras.segmenters.arms import Arm

# What evaluate/METHOD.json hold, by method.
Quality = Mapping[str, Facts]


class Predicted(NamedTuple):
    """Predictions of some images.

    Attributes:
        records: of the images.
        by_arm: a label map of each, by arm.
    """

    records: list[Record]
    by_arm: dict[str, list[Label]]


class Kept(NamedTuple):
    """Which predictions of which images are there.

    Attributes:
        records: of the images.
        predictions: of each image its predictions' files, by arm.
    """

    records: list[Record]
    predictions: list[dict[str, Path]]


def read_scores(run: Run, arms: Iterable[str]) -> dict[str, ArmFile]:
    """What evaluate/ARM.json hold, by arm; those without one are left out."""
    return {arm: read_arm_file(run, arm) for arm in arms if run.score_file(arm).is_file()}


def read_quality(run: Run, methods: Iterable[str]) -> Quality:
    """What evaluate/METHOD.json hold, by method; also left out."""
    paths = {method: run.score_file(method) for method in methods}
    return {method: files.read_json(path) for method, path in paths.items() if path.is_file()}


def methods_of(arms: Iterable[str]) -> list[str]:
    """The translators that arms are trained with, each once."""
    return list(dict.fromkeys(Arm(arm).method for arm in arms if Arm(arm).method))


def trained_networks(run: Run, arms: Iterable[str]) -> dict[str, Path]:
    """The stages of all networks, by titles such as "translator cut"."""
    methods = run.methods(places.TRAIN_TRANSLATOR)
    translators = {f"translator {method}": run.translator(method) for method in methods}
    return translators | {f"segmenter of {arm}": run.segmenter(arm) for arm in arms}


def read_label_space(run: Run) -> LabelSpace | None:
    """What labels mean; None where nothing was prepared."""
    return read_space(run.label_space) if run.label_space.is_file() else None


def read_table(run: Run, stage: Path, table: str) -> list[Record]:
    """Records of a stage whose image is there; none if the table is not.

    Args:
        run: that the stage is of.
        stage: its folder.
        table: such as `source-train`.
    """
    return read_records(run, run.table(stage, table))


def read_records(run: Run, path: Path) -> list[Record]:
    """Records whose image is there; none if the table is not."""
    found = records.read_records(run.root, path) if path.is_file() else []
    return [record for record in found if record.image.is_file()]


def read_images(chosen: Sequence[Record]) -> list[Image]:
    """The images as `(height, width, 3)` uint8 RGB."""
    return [np.asarray(records.read_image(record.image)) for record in chosen]


def read_labels(chosen: Sequence[Record]) -> list[Label]:
    """The labels as `(height, width)` uint8, of records that have one."""
    return [records.read_label(record.label) for record in chosen if record.label]


def read_predictions(run: Run, domain: str, arms: Iterable[str]) -> Predicted:
    """Test records of which the predictions were kept, and these by arm."""
    folders = {arm: run.predictions(arm, domain) for arm in arms}
    folders = {arm: path for arm, path in folders.items() if path.is_dir()}
    chosen = [
        record
        for record in read_table(run, run.records, f"{domain}-test")
        if record.label and all((f / f"{record.name}.png").is_file() for f in folders.values())
    ]
    if not chosen or not folders:
        return Predicted([], {})
    return Predicted(chosen, {arm: _read_folder(path, chosen) for arm, path in folders.items()})


def read_kept(run: Run, arms: Iterable[str]) -> Kept:
    """Target-test records that any arm has kept a prediction of."""
    folders = {arm: run.predictions(arm) for arm in arms}
    chosen, places = [], []
    for record in read_table(run, run.records, "target-test"):
        own = {arm: path / f"{record.name}.png" for arm, path in folders.items()}
        own = {arm: path for arm, path in own.items() if path.is_file()}
        if record.label and own:
            chosen.append(record)
            places.append(own)
    return Kept(chosen, places)


def read_unscored_predictions(run: Run, arms: Iterable[str], chosen: list[Record]) -> Predicted:
    """What arms predict of these records, by each arm that has predicted."""
    folders = {arm: run.predictions(arm) for arm in arms}
    return Predicted(
        chosen, {arm: _read_folder(path, chosen) for arm, path in folders.items() if path.is_dir()}
    )


def read_history(path: Path) -> dict[str, NDArray[np.float64]]:
    """Reads a history; what is empty becomes NaN, no file an empty dict."""
    rows = files.read_numbers(path) if path.is_file() else []
    columns = list(rows[0]) if rows else []
    return {c: np.array([row[c] for row in rows]) for c in columns}


def read_warnings(run: Run, stage: Path) -> list[str]:
    """What a training has told, so far if it is under way, oldest first."""
    if run.is_done(stage):
        told = files.read_json(stage / places.DONE).get("results") or {}
    elif run.warnings(stage).is_file():
        told = files.read_json(run.warnings(stage))
    else:
        told = {}
    return list(told.get("warnings", []))


def _read_folder(folder: Path, chosen: Sequence[Record]) -> list[Label]:
    return [records.read_label(folder / f"{record.name}.png") for record in chosen]
