"""The report where nothing was scored: what can be said, and what cannot."""

from collections.abc import Iterator, Mapping
from typing import Any

from i2i_keras.data.records import spread
from i2i_keras.datasets.spaces import LabelSpace
from i2i_keras.errors import how_many
from i2i_keras.evaluation.summary import UnscoredSummary
from i2i_keras.plots import panels
from i2i_keras.report import figures, tables
from i2i_keras.report.figures import Picture
from i2i_keras.report.findings import Headline
from i2i_keras.report.notes import arm_notes
from i2i_keras.report.numbers import NOTHING, is_number, percent
from i2i_keras.report.reading import (
    Quality,
    read_images,
    read_records,
    read_unscored_predictions,
)
from i2i_keras.report.tables import Cell, Table
from i2i_keras.report.viewers import unscored_viewer
from i2i_keras.report.widgets import Widget
from i2i_keras.run_folder.run import Run
from i2i_keras.training import ROWS_TO_JUDGE

_ROWS = 8  # Images whose predictions are shown.
_SIGNALS = {
    "style_distance": "Style distance",
    "luminance_correlation": "Brightness correlation",
    "diversity": "Diversity",
    "checkerboard": "Checkerboard",
    "cycle_error": "Cycle error",
}
_DIRECTIONS = {"xy": "source to target", "yx": "target to source"}


def headline(summary: UnscoredSummary) -> Headline:
    """Says what was done, and that it does not answer the question of the run.

    Args:
        summary: what evaluate/summary.json holds.
    """
    methods = ", ".join(summary["translators"])
    if not summary["arms"]:
        return Headline(
            "none",
            f"Images were translated ({methods}).{_nearer(summary)}",
        )
    count = len(summary["arms"])
    trained = "One arm was" if count == 1 else f"{count} arms were"
    return Headline(
        "none",
        f"{trained} trained, but nothing was scored: the target has no labelled test images."
        " Which arm is better there is not known; that arms agree does not make them right.",
    )


def _nearer(summary: UnscoredSummary) -> str:
    """How far the first method's translations went towards the other domain."""
    distances = summary.get("style_distance", {})
    of_first = next(iter(distances.values()), {})
    shares = {way: left for way, left in of_first.items() if is_number(left)}
    told = [f"{100 * left:.0f} % from {_DIRECTIONS[way]}" for way, left in shares.items()]
    if not told:
        return ""
    by = f"by {next(iter(distances))} " if len(distances) > 1 else ""
    above = any(left > 1 for left in shares.values())
    farther = " (above 100 %: farther from it than the images were)" if above else ""
    return (
        f" Of the distance in style to the other domain, {by}{' and '.join(told)} are left"
        f"{farther}; look at the pictures, whether they still show what they showed."
    )


def health_notes(rows: Mapping[str, int], warned: bool) -> list[str]:
    """What is said of trainings that nothing is wrong with.

    Args:
        rows: of the history of each method that has a training; fewer than
            `ROWS_TO_JUDGE` do not suffice to judge it.
        warned: whether there was a warning; these have a section of their own.
    """
    if not rows:
        return []
    if warned:
        return ["Health: trainings gave warnings, see below."]
    judged = [method for method, count in rows.items() if count >= ROWS_TO_JUDGE]
    told = [
        f"Health: the history of {method} has {how_many(count, 'row')}, too few to judge it by"
        f" ({ROWS_TO_JUDGE}): train for more steps, or lower checkpoint_every."
        for method, count in rows.items()
        if method not in judged
    ]
    if judged:
        told.append(
            f"Health: the training of {' and of '.join(judged)} gave no warning: no discriminator"
            " won or gave up, and no output was a copy, inverted, always the same, or a"
            " checkerboard."
        )
    return told


def arm_tables(summary: UnscoredSummary) -> list[Table]:
    """What arms predict, and how far they agree, in percent.

    Args:
        summary: what evaluate/summary.json holds.
    """
    arms = summary["arms"]
    if not arms:
        return []
    names = list(next(iter(arms.values()))["shares"])
    seen = [name for name in names if any(facts["shares"][name] > 0 for facts in arms.values())]
    rows = [[Cell("mean confidence"), *(Cell(percent(f["confidence"])) for f in arms.values())]]
    rows += [
        [Cell(name), *(Cell(percent(facts["shares"][name])) for facts in arms.values())]
        for name in seen
    ]
    found = [Table(["Predicted, % of pixels", *arms], rows)]
    if len(arms) > 1:
        found.append(_agreement(summary))
    return found


def unscored_notes(summary: UnscoredSummary) -> list[str]:
    """What a reader must know to read these tables rightly."""
    if not summary["arms"]:
        return []
    return [
        f"Of {how_many(round(summary['num_images']), 'target image')}, without looking at any"
        " label. To have scores, label some test images: a few dozen tell arms apart that differ by"
        " much.",
        *arm_notes(summary["arms"]),
    ]


def translator_tables(quality: Quality) -> list[Table]:
    """How translations look, one row a method and direction.

    Args:
        quality: what evaluate/METHOD.json hold, by method.
    """
    rows, distances = [], []
    for method, facts in quality.items():
        for way, found in facts["directions"].items():
            name = Cell(f"{method}, {_DIRECTIONS[way]}")
            rows.append([name, *(Cell(_number(found.get(signal))) for signal in _SIGNALS)])
            if found.get("frechet_distance"):
                frechet, kernel = found["frechet_distance"], found["kernel_distance"]
                texts = [f"{frechet['before']:.3g} to {frechet['after']:.3g}"]
                texts.append(f"{1000 * kernel['before'][0]:.2g} to {1000 * kernel['after'][0]:.2g}")
                distances.append([name, *map(Cell, texts)])
    found = [Table(["Translator", *_SIGNALS.values()], rows)]
    if distances:
        titles = ["Translator", "Frechet distance", "Kernel distance x 1,000"]
        found.append(Table(titles, distances))
    return found


def translator_notes(quality: Quality) -> list[str]:
    """How these numbers are read."""
    notes = [
        "Style distance: of small patches to those of the other domain, sliced Wasserstein; 1 ="
        " as far as the untranslated images, 0 = alike. The curves are of the few sample pictures,"
        " and vary more.",
        "Brightness correlation of an image and its translation: 1 = kept, below 0 = inverted."
        " Diversity: difference between translations over that between images; near 0 = all look"
        " alike. Checkerboard: 1 = none, 2 and more can be seen.",
        "Cycle error: mean difference of an image and its translation translated back, of 255.",
    ]
    features = next(iter(quality.values()))["features"]
    if features:
        notes.append(f"Distances to the other domain: by {features}.")
    else:
        notes.append(
            "Frechet and kernel distances (FID, KID) need a network that sees: give weights of"
            " InceptionV3 by evaluate.inception."
        )
    return notes


def prediction_viewers(run: Run, summary: UnscoredSummary, space: LabelSpace) -> Iterator[Widget]:
    """The same, with a slider between any two of them."""
    chosen = spread(read_records(run, run.predicted), _ROWS)
    predicted = read_unscored_predictions(run, summary["arms"], chosen)
    if predicted.records and predicted.by_arm:
        yield unscored_viewer(predicted, space)


def prediction_pictures(run: Run, summary: UnscoredSummary, space: LabelSpace) -> Iterator[Picture]:
    """What each arm predicts for some images of the target."""
    chosen = spread(read_records(run, run.predicted), _ROWS)
    predicted = read_unscored_predictions(run, summary["arms"], chosen)
    if predicted.records and predicted.by_arm:
        images, titled = read_images(chosen), figures.wrap_titles(predicted.by_arm)
        figure = panels.predictions(images, None, titled, space)
        names = ", ".join(predicted.by_arm)
        caption = f"{names} on images of the target domain, whose labels are not known."
        yield Picture("predictions-target.png", caption, figure.png(), "still")


def _agreement(summary: UnscoredSummary) -> Table:
    arms = list(summary["arms"])
    known = {tuple(pair.split(", ")): share for pair, share in summary["agreement"].items()}
    shares = known | {pair[::-1]: share for pair, share in known.items()}
    shares |= {(arm, arm): 1.0 for arm in arms}
    rows = [
        [Cell(one), *(Cell(percent(shares.get((one, other)))) for other in arms)] for one in arms
    ]
    return tables.Table(["Agreement, % of pixels", *arms], rows)


def _number(value: Any) -> str:
    return f"{value:.2f}" if is_number(value) else NOTHING
