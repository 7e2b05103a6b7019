"""The report's part on classes and categories."""

from collections.abc import Iterator, Mapping

from i2i_keras.evaluation.confusion import read_confusion
from i2i_keras.evaluation.summary import ArmFile, Best
from i2i_keras.plots import charts
from i2i_keras.plots.matrices import matrix_picture
from i2i_keras.report import tables
from i2i_keras.report.figures import Picture
from i2i_keras.report.tables import Table
from i2i_keras.run_folder.places import folder_name
from i2i_keras.run_folder.run import Run

Scores = Mapping[str, ArmFile]


def class_tables(scores: Scores, best: Best = tables.NO_BEST) -> list[Table]:
    """IoU of each class, of Cityscapes' categories, and by its rules.

    Args:
        scores: what evaluate/ARM.json hold, by arm.
        best: what evaluate/summary.json says of the best arms.
    """
    found = [tables.class_rows(scores, best)]
    categories = {
        arm: {**facts["categories"], "mean of categories": facts["mean_category_iou"]}
        for arm, facts in scores.items()
        if facts.get("categories")
    }
    if categories:
        leads = {**best.get("categories", {})}
        if "mean_category_iou" in best:
            leads["mean of categories"] = best["mean_category_iou"]
        found.append(tables.iou_rows("Category", categories, leads))
    rules = {
        arm: facts["evaluated"]["iou"] for arm, facts in scores.items() if "evaluated" in facts
    }
    if rules:
        found.append(tables.iou_rows("Evaluated class", rules, best.get("evaluated", {})))
    return found


def class_notes(scores: Scores) -> list[str]:
    """What a reader must know to read these tables rightly."""
    notes = [
        "IoU in percent. Hyphen: absent. Bold: the best arm without target labels, where the 95%"
        " interval of its lead over the next best, paired by image, excludes zero; never of a"
        " class that fewer than six images show."
    ]
    if any(facts.get("categories") for facts in scores.values()):
        notes.append(
            "Categories are Cityscapes' own; within one, to take a class for another is no fault."
        )
    if any("evaluated" in facts for facts in scores.values()):
        notes.append(
            "Evaluated classes, categories and means of subsets: by cityscapesScripts' rules."
            " Pixels of other classes do not count; to predict one of these is a miss."
        )
    return notes


def class_pictures(run: Run, scores: Scores) -> Iterator[Picture]:
    """IoU as bars, and the confusion matrix of each arm."""
    bars = charts.iou_bars({arm: facts["iou"] for arm, facts in scores.items()})
    yield Picture("iou.png", "IoU of each class and arm.", bars.png(), "markdown")
    for arm in scores:
        path = run.confusion_file(arm)
        if path.is_file():
            confusion = read_confusion(path)
            caption = (
                f"What {arm} took the pixels of each class for. Blue: right; orange: wrong. Of each"
                " row in percent, nothing where that is less than one half. Classes that are"
                " neither there nor predicted are left out."
            )
            figure = matrix_picture(confusion.counts, confusion.names, "true class", "predicted")
            name = f"confusion-{folder_name(arm)}.png"
            yield Picture(name, caption, figure.png(), drawn=True)
