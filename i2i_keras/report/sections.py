"""The parts of a report, in their order."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from i2i_keras.evaluation.summary import Summary, UnscoredSummary, is_scored
from i2i_keras.plots import charts
from i2i_keras.plots.domains import domain_comparison
from i2i_keras.report import figures, tables, unscored
from i2i_keras.report.classes import class_notes, class_pictures, class_tables
from i2i_keras.report.document import Section
from i2i_keras.report.drift import drift_notes, drift_pictures
from i2i_keras.report.figures import Picture
from i2i_keras.report.findings import training_warnings
from i2i_keras.report.notes import result_notes
from i2i_keras.report.reading import (
    Quality,
    methods_of,
    read_label_space,
    read_quality,
    read_scores,
)
from i2i_keras.report.tables import Table
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run


def find_sections(run: Run, summary: Summary | UnscoredSummary) -> list[Section]:
    """What there is to say of a run; parts without content are left out."""
    own = _scored(run, summary) if is_scored(summary) else _unscored(run, summary)
    sections = [*own, *_trainings(run, summary)]
    return [part for part in sections if part.tables or part.notes or part.pictures]


def _scored(run: Run, summary: Summary) -> Iterator[Section]:
    """The report where arms were scored."""
    arms, space = list(summary["arms"]), read_label_space(run)
    scores = read_scores(run, arms)
    bars = Picture("result.png", "Mean IoU of each arm.", charts.result_bars(summary["arms"]).png())
    result = [tables.result_rows(summary, scores)]
    if "seeds" in summary:
        result.append(tables.seed_rows(summary))
    yield Section("Result", result, result_notes(summary), [bars])
    if scores:
        by_class = class_tables(scores, summary.get("best", tables.NO_BEST))
        pictures = list(class_pictures(run, scores))
        yield Section("Each class", by_class, class_notes(scores), pictures)
    if space:
        pictures = [
            *figures.domain_pictures(run, space),
            *figures.translation_pictures(run),
            *figures.label_pictures(run, space),
            *figures.safe_label_pictures(run, space),
            *figures.prediction_pictures(run, arms, space),
        ]
        yield Section("Pictures", pictures=pictures)
    yield Section("Over the training", pictures=list(figures.progress_pictures(run)))
    if quality := read_quality(run, methods_of(arms)):
        yield _translators(run, quality)


def _unscored(run: Run, summary: UnscoredSummary) -> Iterator[Section]:
    """The report where nothing was scored."""
    space = read_label_space(run)
    yield Section("Arms", unscored.arm_tables(summary), unscored.unscored_notes(summary))
    if space:
        domains = figures.domain_pictures(run, space) if summary["arms"] else ()
        pictures = [
            *figures.translation_pictures(run),
            *domains,
            *unscored.prediction_pictures(run, summary, space),
        ]
        yield Section("Pictures", pictures=pictures)
    yield Section("Over the training", pictures=list(figures.progress_pictures(run)))
    quality = read_quality(run, summary["translators"])
    if quality and not summary["arms"]:
        found = unscored.translator_tables(quality)
        trained = [m for m in quality if run.history(run.translator(m)).is_file()]
        warned = bool(training_warnings(run, summary.get("seeds", ())))
        notes = [*unscored.translator_notes(quality), *unscored.health_notes(trained, warned)]
        yield Section("Translators", found, notes)
    elif quality:
        yield _translators(run, quality)


def _trainings(run: Run, summary: Summary | UnscoredSummary) -> Iterator[Section]:
    """What every report ends with, whether anything was scored or not."""
    seeds = summary.get("seeds", ())
    if run.comparison.is_file():
        yield _domains(run)
    yield Section("Warnings", notes=training_warnings(run, seeds))
    yield Section("Loss curves", pictures=list(figures.curve_pictures(run, summary["arms"])))
    yield Section("Last samples", pictures=list(figures.sample_pictures(run)))
    yield Section("How it was made", _made(run, seeds))


def _translators(run: Run, quality: Quality) -> Section:
    """What translation did to images and to what they show."""
    first = next(iter(quality.values()))
    notes = [
        "Distances from the source's training images, and from their translations, to the"
        f" target's: by {first['features']}. They compare only within this run.",
        "Cycle error: mean difference of an image and its translation translated back, of 255,"
        " where there is a way back. Drifted: pixels in which source_only sees another class"
        " after translation; much of that is what source_only cannot read in the target's style.",
        *drift_notes(quality),
    ]
    for method in quality:
        place = run.translator(method)
        if run.is_done(place) and run.settings_of(place).get("lambda_semantic"):
            notes.append(
                f"{method} was trained to keep what source_only sees: that it drifts little in"
                f" those eyes says nothing, and so label_safe:{method} leaves out too little."
            )
    pictures = list(drift_pictures(quality))
    return Section("Translators", [tables.translator_rows(quality)], notes, pictures)


def _domains(run: Run) -> Section:
    """How the domains differed before training, and what the audit found."""
    comparison = files.read_json(run.comparison)
    found = Counter(
        (finding["kind"], finding["table"], finding["bad"])
        for finding in files.read_json(run.audit)["findings"]
    )
    prepared = run.done(run.records).results if run.is_done(run.records) else {}
    notes = [*prepared.get("stretched", []), *comparison["foretold"]]
    for (kind, table, bad), count in found.items():
        if kind != "empty split":
            done = "left out" if bad else "kept"
            listed = run.name_of(run.audit)
            notes.append(f"Audit: {kind} in {table}, {count} ({done}; see {listed}).")
    caption = "Training images of both domains: mean color from the top to the bottom."
    if any("pixels" in comparison[domain] for domain in ("source", "target")):
        caption = (
            "Training images: share of each class in all pixels, where labels were looked at, and"
            " classes and mean color from the top of the picture to its bottom."
        )
    picture = Picture("comparison.png", caption, domain_comparison(comparison).png())
    return Section("The domains compared", notes=notes, pictures=[picture])


def _made(run: Run, seeds: Iterable[int]) -> list[Table]:
    """Seconds, records, settings and versions of the stages that are done.

    Args:
        run: that was made.
        seeds: of its repetitions, of which only the seconds are told, without
            those of what they share.
    """
    stages = run.all_done()
    if not stages:
        return []
    seconds = {stage: facts["seconds"] for stage, facts in stages.items()}
    shared = {run.name_of(run.raw), run.name_of(run.records)}
    for member in map(run.member, seeds):
        own = member.all_done()
        seconds[run.name_of(member.root)] = sum(own[name]["seconds"] for name in {*own} - shared)
    made = [tables.stage_rows(seconds)]
    versions: dict[str, Any] = {}
    for name, facts in stages.items():
        settings = facts.get("settings") or {}
        made.append(tables.fact_rows(f"Settings of {name}", settings, ("Setting", "Value")))
        results = facts.get("results") or {}
        made.append(tables.fact_rows(f"Results of {name}", results, ("Result", "Value")))
        versions |= facts.get("versions") or {}
    made.append(tables.fact_rows("Versions", versions, ("Package", "Version")))
    return [table for table in made if table.rows]
