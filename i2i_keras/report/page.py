"""Writes the report: one HTML page that opens anywhere, and Markdown."""

import base64
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata, resources
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from i2i_keras.datasets.spaces import LabelSpace, read_space
from i2i_keras.plots import charts
from i2i_keras.plots.domains import domain_comparison
from i2i_keras.report import figures, tables, unscored
from i2i_keras.report.classes import class_notes, class_pictures, class_tables
from i2i_keras.report.drift import drift_notes, drift_pictures
from i2i_keras.report.figures import Picture
from i2i_keras.report.findings import Headline, headline, training_warnings
from i2i_keras.report.notes import result_notes
from i2i_keras.report.overview import overview_picture
from i2i_keras.report.scores import read_quality, read_scores
from i2i_keras.report.tables import Table
from i2i_keras.run_folder import files
from i2i_keras.run_folder.files import Facts

_STAGES = ("raw", "records", "translator", "translated", "label_safe", "segmenter", "scores")


_QUESTION = "Does translating the images help?"
_TRANSLATIONS = "Images in another style"


class Section(NamedTuple):
    """A part of the report; one without content is left out."""

    title: str
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    pictures: Sequence[Picture] = ()


def write_report(root: Path) -> dict[str, Any]:
    """Writes report/index.html, report/report.md and report/figures.

    What other stages have not left is left out; only scores/summary.json
    must be there. Each of several repetitions gets a report of its own, too.

    Args:
        root: the run directory.

    Returns:
        `page`, its path below `root`, `headline`, the answer in a sentence,
        and `warnings` of the trainings.

    Raises:
        DataError: there is no summary, or a file of the run is broken.
    """
    summary = files.read_json(root / "scores" / "summary.json")
    for seed in summary.get("seeds", ()):
        write_report(root / f"seed-{seed}")
    answer = _answer(summary)
    parts = _sections if summary.get("scored", True) else _unscored_sections
    sections = [s for s in parts(root, summary) if s.tables or s.notes or s.pictures]
    pictures = [picture for section in sections for picture in section.pictures]
    if (space := _space(root)) and summary.get("scored", True):
        pictures += overview_picture(root, summary, space)

    folder = root / "report"
    for picture in pictures:
        with files.replacing(folder / "figures" / picture.name) as draft:
            draft.write_bytes(picture.png)
    _remove_others(folder / "figures", {picture.name for picture in pictures})
    title = _QUESTION if summary["arms"] else _TRANSLATIONS
    for name, text in {
        "report.md": _markdown(title, answer, sections),
        "index.html": _html(title, answer, sections),
    }.items():
        with files.replacing(folder / name) as draft:
            draft.write_text(text, "utf-8")
    return {
        "page": "report/index.html",
        "headline": answer.text,
        "warnings": training_warnings(root, summary.get("seeds", ())),
    }


def answer(summary: Mapping[str, Any]) -> str:
    """The answer to the question of a run, in a sentence or two.

    Args:
        summary: what scores/summary.json holds.
    """
    return _answer(summary).text


def _answer(summary: Mapping[str, Any]) -> Headline:
    return headline(summary) if summary.get("scored", True) else unscored.headline(summary)


def _sections(root: Path, summary: Mapping[str, Any]) -> Iterator[Section]:
    arms, space = list(summary["arms"]), _space(root)
    scores = read_scores(root, arms)
    bars = Picture("result.png", "Mean IoU of each arm.", charts.result_bars(summary).png())
    result = [tables.result_rows(summary, scores)]
    if "seeds" in summary:
        result.append(tables.seed_rows(summary))
    yield Section("Result", result, result_notes(summary), [bars])
    if scores:
        pictures = list(class_pictures(root, scores))
        yield Section(
            "Each class",
            class_tables(scores, summary.get("best", {})),
            class_notes(scores),
            pictures,
        )
    if space:
        pictures = [
            *figures.domain_pictures(root, space),
            *figures.translation_pictures(root),
            *figures.label_pictures(root, space),
            *figures.safe_label_pictures(root, space),
            *figures.prediction_pictures(root, arms, space),
        ]
        yield Section("Pictures", pictures=pictures)
    yield Section("Over the training", pictures=list(figures.progress_pictures(root)))
    if quality := read_quality(root, arms):
        yield _translators(root, quality)
    yield from _trainings(root, summary)


def _unscored_sections(root: Path, summary: Mapping[str, Any]) -> Iterator[Section]:
    """The report where nothing was scored."""
    arms, space = list(summary["arms"]), _space(root)
    yield Section("Arms", unscored.arm_tables(summary), unscored.arm_notes_unscored(summary))
    if space:
        domains = figures.domain_pictures(root, space) if arms else ()
        pictures = [
            *figures.translation_pictures(root),
            *domains,
            *unscored.prediction_pictures(root, summary, space),
        ]
        yield Section("Pictures", pictures=pictures)
    yield Section("Over the training", pictures=list(figures.progress_pictures(root)))
    quality = read_scores(root, summary["translators"])
    if quality and not arms:
        found = unscored.translator_tables(quality)
        yield Section("Translators", found, unscored.translator_notes(quality))
    elif quality:
        yield _translators(root, quality)
    yield from _trainings(root, summary)


def _trainings(root: Path, summary: Mapping[str, Any]) -> Iterator[Section]:
    """What every report ends with, whether anything was scored or not."""
    arms = list(summary["arms"])
    if (root / "records" / "comparison.json").is_file():
        yield _domains(root)
    yield Section("Warnings", notes=training_warnings(root, summary.get("seeds", ())))
    yield Section("Loss curves", pictures=list(figures.curve_pictures(root, arms)))
    yield Section("Last samples", pictures=list(figures.sample_pictures(root)))
    members = [f"seed-{seed}" for seed in summary.get("seeds", ())]
    yield Section("How it was made", _made(root, members))


def _translators(root: Path, quality: Mapping[str, Mapping[str, Any]]) -> Section:
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
        done = root / "translator" / method / "done.json"
        if done.is_file() and files.read_json(done).get("settings", {}).get("lambda_semantic"):
            notes.append(
                f"{method} was trained to keep what source_only sees: that it drifts little in"
                f" those eyes says nothing, and so label_safe:{method} leaves out too little."
            )
    pictures = list(drift_pictures(quality))
    return Section("Translators", [tables.translator_rows(quality)], notes, pictures)


def _domains(root: Path) -> Section:
    """How the domains differed before training, and what the audit found."""
    comparison = files.read_json(root / "records" / "comparison.json")
    found = Counter(
        (finding["kind"], finding["table"], finding["bad"])
        for finding in files.read_json(root / "records" / "audit.json")["findings"]
    )
    path = root / "records" / "done.json"
    prepared = files.read_json(path)["results"] if path.is_file() else {}
    notes = [*prepared.get("stretched", []), *comparison["foretold"]]
    for (kind, table, bad), count in found.items():
        if kind == "empty split":
            continue
        done = "left out" if bad else "kept"
        notes.append(f"Audit: {kind} in {table}, {count} ({done}; see records/audit.json).")
    caption = "Training images of both domains: mean color from the top to the bottom."
    if any("pixels" in comparison[domain] for domain in ("source", "target")):
        caption = (
            "Training images: share of each class in all pixels, where labels were looked at, and"
            " classes and mean color from the top of the picture to its bottom."
        )
    picture = Picture("comparison.png", caption, domain_comparison(comparison).png())
    return Section("The domains compared", notes=notes, pictures=[picture])


def _done(root: Path) -> dict[str, Facts]:
    """What the done.json files of a run hold, by stage."""
    paths = [path for stage in _STAGES for path in sorted((root / stage).rglob("done.json"))]
    return {path.parent.relative_to(root).as_posix(): files.read_json(path) for path in paths}


def _made(root: Path, members: Sequence[str]) -> list[Table]:
    """Seconds, records, settings and versions of the stages that are done.

    Args:
        root: the run directory.
        members: folders of its repetitions, of which only the seconds are told,
            without those of what they share.
    """
    stages = _done(root)
    if not stages:
        return []
    seconds = {stage: facts["seconds"] for stage, facts in stages.items()}
    for member in members:
        own = _done(root / member)
        seconds[member] = sum(own[name]["seconds"] for name in {*own} - {"raw", "records"})
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


def _space(root: Path) -> LabelSpace | None:
    path = root / "records" / "label_space.json"
    return read_space(path) if path.is_file() else None


def _html(title: str, answer: Headline, sections: Sequence[Section]) -> str:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode("ascii")
    source = (resources.files("i2i_keras.report") / "page.html").read_text("utf-8")
    template = environment.from_string(source)
    return template.render(
        title=title, headline=answer, sections=sections, version=metadata.version("i2i_keras")
    )


def _markdown(title: str, answer: Headline, sections: Sequence[Section]) -> str:
    blocks = [f"# {title}", f"**{tables.escape(answer.text)}**"]
    for section in sections:
        blocks.append(f"## {section.title}")
        for table in section.tables:
            text = tables.to_markdown(table)
            if table.title:
                summary = f"<summary>{tables.escape(table.title)}</summary>"
                text = f"<details>{summary}\n\n{text}\n\n</details>"
            blocks.append(text)
        blocks.append("\n".join(f"- {tables.escape(note)}" for note in section.notes))
        for picture in section.pictures:
            caption = tables.escape(picture.caption)
            blocks.append(f"![{caption}](figures/{picture.name})\n\n*{caption}*")
    return "\n\n".join(block for block in blocks if block) + "\n"


def _remove_others(folder: Path, names: set[str]) -> None:
    """Removes figures of an earlier report that this one has not."""
    for path in folder.glob("*.png"):
        if path.name not in names:
            path.unlink()
