"""`report`: from what other stages have left to the page."""

from pathlib import Path
from typing import Any

from i2i_keras.evaluation.summary import Summary, UnscoredSummary, is_scored, read_summary
from i2i_keras.report import document, findings, sources, unscored
from i2i_keras.report.document import Document
from i2i_keras.report.findings import Headline, training_warnings
from i2i_keras.report.overview import overview_picture
from i2i_keras.report.reading import read_label_space
from i2i_keras.report.sections import find_sections
from i2i_keras.run_folder import checksums, files, writing
from i2i_keras.run_folder.run import Run

_QUESTION = "Does translating the images help?"
_TRANSLATIONS = "Images in another style"


def write_report(run: Run) -> dict[str, Any]:
    """Writes report/index.html, report/report.md and report/figures.

    What other stages have not left is left out; only evaluate/summary.json
    must be there. Each of several repetitions gets a report of its own, too.

    Returns:
        `page`, its path below the run directory, `headline`, the answer in a
        sentence, and `warnings` of the trainings.

    Raises:
        DataError: there is no summary, or a file of the run is broken.
    """
    run.refuse_changed()
    checksums.refuse(checksums.changes(run.root, run.summary.parent), "run evaluate again")
    # Before it is read: another process may add to the run meanwhile.
    made_from, summary = sources.find(run), read_summary(run)
    for seed in summary.get("seeds", ()):
        write_report(run.member(seed))
    title = _QUESTION if summary["arms"] else _TRANSLATIONS
    report = Document(title, _headline(summary), find_sections(run, summary))
    pictures = [picture for section in report.sections for picture in section.pictures]
    if (space := read_label_space(run)) and is_scored(summary):
        pictures += overview_picture(run, summary, space)

    figures = run.report / "figures"
    for picture in pictures:
        writing.write(figures / picture.name, picture.png)
    for path in figures.glob("*.png"):  # Of an earlier report.
        if path.name not in {picture.name for picture in pictures}:
            path.unlink()
    texts = {
        run.report / "report.md": document.to_markdown(report),
        _page(run): document.to_html(report),
    }
    for path, text in texts.items():
        files.write_text(path, text)
    made = [*texts, *(figures / picture.name for picture in pictures), sources.keep(run, made_from)]
    checksums.write(run.root, run.report, made)
    return results(run)


def bring_up_to_date(run: Run) -> dict[str, Any]:
    """As `write_report`, which takes its time, but only where it is needed."""
    return results(run) if sources.is_current(run) else write_report(run)


def results(run: Run) -> dict[str, Any]:
    """What `write_report` returns, of a report that is there."""
    summary = read_summary(run)
    return {
        "page": run.name_of(_page(run)),
        "headline": answer(summary),
        "warnings": training_warnings(run, summary.get("seeds", ())),
    }


def _page(run: Run) -> Path:
    return run.report / "index.html"


def answer(summary: Summary | UnscoredSummary) -> str:
    """The answer to the question of a run, in a sentence or two."""
    return _headline(summary).text


def _headline(summary: Summary | UnscoredSummary) -> Headline:
    return findings.headline(summary) if is_scored(summary) else unscored.headline(summary)
