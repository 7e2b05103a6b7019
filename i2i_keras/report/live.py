"""The page of a run that is under way, from what there is so far."""

import time
from collections.abc import Iterator
from pathlib import Path

from i2i_keras.errors import how_many
from i2i_keras.evaluation import intervals, scores
from i2i_keras.evaluation.confusion import find_absent
from i2i_keras.evaluation.pairs import compare_pairs
from i2i_keras.evaluation.summary import Summary
from i2i_keras.report import findings, tables
from i2i_keras.report.arm_pairs import pair_notes, pair_table
from i2i_keras.report.bars import result_bars
from i2i_keras.report.curves import curve_widgets, scrubbers
from i2i_keras.report.document import Document, Live, Section
from i2i_keras.report.findings import Headline
from i2i_keras.report.making import making_tables
from i2i_keras.report.reading import read_history, read_label_space
from i2i_keras.report.tables import Cell, Table
from i2i_keras.report.viewers import prediction_viewers, translation_viewers
from i2i_keras.run_folder import arrays, files, places
from i2i_keras.run_folder.run import Run
from i2i_keras.segmenters.arms import CEILING, FLOOR

_COUNTED = "confusions.npz"
_SAMPLES = 500  # Test sets that are drawn: fewer than for the result.
_TITLE, _DONE = "A run under way", "done"
_STAGES = (
    *(places.TRAIN_TRANSLATOR, places.TRANSLATE, places.LABEL_SAFE),
    *(places.TRAIN_SEGMENTER, places.EVALUATE),
)
_TRACES = (places.DONE, places.BEGUN, "history.csv", "summary.json")


def members_of(run: Run) -> list[Run]:
    """A run, and those of its trainings, where it has several."""
    return [run, *map(run.member, run.seeds())]


def traces(run: Run) -> list[Path]:
    """The files by which it is seen how far a run has come.

    They are looked for where they may be: there are thousands of images.
    """
    places_of = [run.raw, run.records, run.folder(places.EVALUATE)]
    for stage in _STAGES:
        places_of += [*run.folder(stage).glob("*/"), *run.folder(stage).glob("*/states/")]
    found = (place / name for place in places_of for name in _TRACES)
    return [path for path in found if path.is_file()]


def compose(run: Run, every: int) -> Document:
    """The page of what there is.

    Of several trainings its pictures, curves and scores are those of the one
    that has written last.

    Args:
        run: that is under way.
        every: seconds after which the page looks for a newer one.

    Raises:
        DataError: a file of the run is broken.
    """
    shown = max(members_of(run), key=_last_written)
    summary = summary_so_far(shown)
    stages = Section("How far it has come", [_stages(run)])
    sections = [stages, *(part for part in _sections(shown, summary) if any(part[1:]))]
    live = Live(f"As of {time.strftime('%H:%M:%S')}.", every)
    return Document(_TITLE, _headline(run, shown, summary), sections, live)


def _sections(run: Run, summary: Summary) -> Iterator[Section]:
    """What scripts show and tables: figures would take the run's time."""
    arms, space = [*summary["arms"]], read_label_space(run)
    if arms:
        bars = [result_bars(summary["arms"])]
        yield Section("Result so far", [tables.result_rows(summary)], bars=bars)
    if matrix := pair_table(summary):
        yield Section("The arms against each other", [matrix], pair_notes(summary))
    best = findings.best_adapted(summary["arms"])
    viewers = list(translation_viewers(run, best))
    if space:
        viewers = [*prediction_viewers(run, arms, space, best), *viewers]
    yield Section("Pictures", widgets=viewers)
    yield Section("Over the training", widgets=list(scrubbers(run)))
    yield Section("Warnings", notes=findings.training_warnings(run))
    trained = map(places.arm_name, run.methods(places.TRAIN_SEGMENTER))
    yield Section("Loss curves", widgets=list(curve_widgets(run, trained)))
    yield Section("How it was made", making_tables(run, ()))


def summary_so_far(run: Run) -> Summary:
    """What can be compared of the arms that have been counted."""
    space, counted = read_label_space(run), _counted(run)
    summary: Summary = {
        "label_space": space.name if space else "",
        "num_images": 0,
        "bootstrap_samples": _SAMPLES,
        "absent": [],
        "arms": {},
    }
    if not counted or space is None:
        return summary
    (first,) = next(iter(counted.values()))
    drawn = intervals.bootstrap(counted, _SAMPLES, 0)
    return {
        **summary,
        "num_images": len(first),
        "absent": find_absent(space.names, first.sum(axis=0)),
        "arms": scores.compare(drawn),
        "pairs": compare_pairs(drawn),
    }


def _counted(run: Run) -> dict[str, list[arrays.Array]]:
    """Confusion matrices of each image by arm, of one training each.

    Those of other images than the first arm's are left out: they are of
    earlier data.
    """
    folders = (path.parent.name for path in run.folder(places.EVALUATE).glob(f"*/{_COUNTED}"))
    arms = sorted(map(places.arm_name, folders), key=_rank)
    done = [arm for arm in arms if run.is_done(run.scores(arm))]
    found = {arm: arrays.read(run.confusions(arm), ["confusions"], dimensions=3) for arm in done}
    shapes = [matrices.shape for (matrices,) in found.values()]
    return {arm: one for arm, one in found.items() if one[0].shape == shapes[0]}


def _rank(arm: str) -> tuple[bool, bool, str]:
    """The floor comes first, the ceiling last."""
    return arm != FLOOR, arm == CEILING, arm


def _headline(run: Run, shown: Run, summary: Summary) -> Headline:
    at_work = [name for name, state in _states(run) if state != _DONE]
    text = f"At work: {', '.join(at_work)}." if at_work else "No stage is at work."
    if not summary["arms"]:
        return Headline("none", f"{text} No arm has been scored so far.")
    found = findings.headline(summary)
    where = "" if shown.root == run.root else f" ({shown.root.name})"
    count = how_many(len(summary["arms"]), "arm")
    return Headline(found.verdict, f"{text} So far, with {count} scored{where}: {found.text}")


def _states(run: Run) -> list[tuple[str, str]]:
    """What each stage is at: first those at work, then what was done last."""
    found = []
    for member in members_of(run):
        for path in traces(member):
            place, done = path.parent, path.name == places.DONE
            if done or (path.name == places.BEGUN and not (place / places.DONE).is_file()):
                state = _DONE if done else _progress(member, place)
                found.append((done, -path.stat().st_mtime, run.name_of(place), state))
    return [(name, state) for _, _, name, state in sorted(found)]


def _progress(run: Run, place: Path) -> str:
    begun = files.read_json(place / places.BEGUN)
    history = read_history(run.history(place))
    steps = (begun.get("settings") or {}).get("steps")
    if not len(history.get("step", [])):
        return "at work"
    step = f"at step {history['step'][-1]:,.0f}"
    return f"{step} of {steps:,}" if isinstance(steps, int) else step


def _stages(run: Run) -> Table:
    rows = [[Cell(name, state != _DONE), Cell(state)] for name, state in _states(run)]
    return Table(("Stage", "State"), rows, numeric=False)


def _last_written(run: Run) -> float:
    return max((path.stat().st_mtime for path in traces(run)), default=0.0)
