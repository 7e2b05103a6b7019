"""The parts of a report, in their order."""

from collections import Counter
from collections.abc import Iterator

from i2i_keras.evaluation.summary import Summary, UnscoredSummary, is_scored
from i2i_keras.plots import charts
from i2i_keras.plots.domains import domain_comparison
from i2i_keras.report import figures, tables, unscored
from i2i_keras.report.arm_pairs import pair_notes, pair_table
from i2i_keras.report.bars import class_bars, result_bars
from i2i_keras.report.classes import class_notes, class_pictures, class_tables
from i2i_keras.report.curves import curve_widgets, scrubbers
from i2i_keras.report.document import Section
from i2i_keras.report.drift import drift_notes, drift_pictures, drift_widgets
from i2i_keras.report.figures import Picture
from i2i_keras.report.findings import best_adapted, training_warnings
from i2i_keras.report.making import making_tables
from i2i_keras.report.notes import result_notes
from i2i_keras.report.reading import (
    Quality,
    methods_of,
    read_history,
    read_label_space,
    read_quality,
    read_scores,
)
from i2i_keras.report.viewers import prediction_viewers, translation_viewers
from i2i_keras.run_folder import files
from i2i_keras.run_folder.run import Run


def find_sections(run: Run, summary: Summary | UnscoredSummary) -> list[Section]:
    """What there is to say of a run; parts without content are left out."""
    own = _scored(run, summary) if is_scored(summary) else _unscored(run, summary)
    sections = [*own, *_trainings(run, summary)]
    return [part for part in sections if any(part[1:])]


def _scored(run: Run, summary: Summary) -> Iterator[Section]:
    """The report where arms were scored."""
    arms, space = list(summary["arms"]), read_label_space(run)
    scores = read_scores(run, arms)
    picture = charts.result_bars(summary["arms"]).png()
    still = Picture("result.png", "Mean IoU of each arm.", picture, "markdown")
    result = [tables.result_rows(summary, scores)]
    if "seeds" in summary:
        result.append(tables.seed_rows(summary))
    bars = [result_bars(summary["arms"])]
    yield Section("Result", result, result_notes(summary), [still], bars)
    if matrix := pair_table(summary):
        yield Section("The arms against each other", [matrix], pair_notes(summary))
    shown = _shown(run, summary)
    if space:
        pictures = [
            *figures.domain_pictures(shown, space),
            *figures.translation_pictures(shown),
            *figures.label_pictures(shown, space),
            *figures.safe_label_pictures(shown, space),
            *figures.prediction_pictures(shown, arms, space),
        ]
        best = best_adapted(summary["arms"])
        viewers = [
            *prediction_viewers(shown, arms, space, best),
            *translation_viewers(shown, best),
        ]
        yield Section("Pictures", (), _whose(summary), pictures, widgets=viewers)
    if scores:
        by_class = class_tables(scores, summary.get("best", tables.NO_BEST))
        pictures = list(class_pictures(run, scores))
        drawn = class_bars(scores)
        notes = class_notes(scores)
        yield Section("Each class", by_class, notes, pictures, [drawn] if drawn else [])
    yield _progress(shown)
    if quality := read_quality(shown, methods_of(arms)):
        yield _translators(shown, quality)


def _unscored(run: Run, summary: UnscoredSummary) -> Iterator[Section]:
    """The report where nothing was scored."""
    space = read_label_space(run)
    yield Section("Arms", unscored.arm_tables(summary), unscored.unscored_notes(summary))
    shown = _shown(run, summary)
    if space:
        domains = figures.domain_pictures(shown, space) if summary["arms"] else ()
        pictures = [
            *figures.translation_pictures(shown),
            *domains,
            *unscored.prediction_pictures(shown, summary, space),
        ]
        viewers = [
            *translation_viewers(shown),
            *unscored.prediction_viewers(shown, summary, space),
        ]
        yield Section("Pictures", (), _whose(summary), pictures, widgets=viewers)
    yield _progress(shown)
    quality = read_quality(shown, summary["translators"])
    if quality and not summary["arms"]:
        found = unscored.translator_tables(quality)
        histories = {method: run.history(run.translator(method)) for method in quality}
        trained = {
            method: len(read_history(h).get("step", ()))
            for method, h in histories.items()
            if h.is_file()
        }
        warned = bool(training_warnings(run, summary.get("seeds", ())))
        notes = [*unscored.translator_notes(quality), *unscored.health_notes(trained, warned)]
        yield Section("Translators", found, notes)
    elif quality:
        yield _translators(shown, quality)


def _trainings(run: Run, summary: Summary | UnscoredSummary) -> Iterator[Section]:
    """What every report ends with, whether anything was scored or not."""
    arms, seeds = summary["arms"], summary.get("seeds", ())
    if run.comparison.is_file():
        yield _domains(run)
    yield Section("Warnings", notes=training_warnings(run, seeds))
    shown = _shown(run, summary)
    stills, curves = list(figures.curve_pictures(shown, arms)), list(curve_widgets(shown, arms))
    yield Section("Loss curves", pictures=stills, widgets=curves)
    yield Section("Last samples", pictures=list(figures.sample_pictures(shown)))
    yield Section("How it was made", making_tables(run, seeds))


def _shown(run: Run, summary: Summary | UnscoredSummary) -> Run:
    """The run whose pictures are shown: of several trainings the first one."""
    seeds = summary.get("seeds", ())
    return run.member(seeds[0]) if seeds else run


def _whose(summary: Summary | UnscoredSummary) -> list[str]:
    """Says whose pictures these are, where there are several trainings."""
    seeds = summary.get("seeds", ())
    if not seeds:
        return []
    pages = ", ".join(f"seed-{seed}/report/index.html" for seed in seeds)
    return [
        f"Pictures, translators and curves are those of one training, seed {seeds[0]}; each has a"
        f" page of its own: {pages}."
    ]


def _progress(run: Run) -> Section:
    """How translations came to be what they are."""
    stills, widgets = list(figures.progress_pictures(run)), list(scrubbers(run))
    return Section("Over the training", pictures=stills, widgets=widgets)


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
    pictures, widgets = list(drift_pictures(quality)), list(drift_widgets(quality))
    table = tables.translator_rows(quality)
    return Section("Translators", [table], notes, pictures, widgets=widgets)


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
