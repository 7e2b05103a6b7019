"""The form of a report: HTML that opens anywhere, and Markdown."""

from collections.abc import Sequence
from importlib import metadata, resources
from typing import NamedTuple

import jinja2
from markupsafe import Markup

from i2i_keras.report import tables
from i2i_keras.report.bars import Bars
from i2i_keras.report.figures import Picture
from i2i_keras.report.findings import Headline
from i2i_keras.report.tables import Table
from i2i_keras.report.widgets import Widget, figure_url

_STYLES = ("web/page.css", "web/widgets.css")


class Section(NamedTuple):
    """A part of the report; one without content is left out."""

    title: str
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    bars: Sequence[Bars] = ()
    widgets: Sequence[Widget] = ()


class Live(NamedTuple):
    """Of a page that is written anew while it is looked at.

    Attributes:
        text: as of when it is.
        every: seconds after which it reloads itself.
    """

    text: str
    every: int


class Document(NamedTuple):
    """All that a report says.

    Attributes:
        title: the question.
        headline: the answer.
        sections: what it rests on.
        live: None = the run is done.
    """

    title: str
    headline: Headline
    sections: Sequence[Section]
    live: Live | None = None


def to_html(document: Document) -> str:
    """The report as one page that needs no other file."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["figure_url"] = figure_url
    environment.filters["breakable"] = _breakable
    template = environment.from_string(_read("web/page.html"))
    kinds = {widget.kind for section in document.sections for widget in section.widgets}
    uplot = "curves" in kinds
    names = ["web/tables.js", *(f"web/{kind}.js" for kind in sorted(kinds))]
    names += ["web/live.js"] if document.live else []
    return template.render(
        **document._asdict(),
        version=metadata.version("i2i_keras"),
        styles=[*(["vendor/uplot/uPlot.min.css"] if uplot else []), *_STYLES],
        scripts=[*(["vendor/uplot/uPlot.iife.min.js"] if uplot else []), *names],
        licenses=["vendor/uplot/LICENSE"] if uplot else [],
        read=lambda name: Markup(_read(name)),
    )


def _breakable(arm: str) -> Markup:
    """The name of an arm, which a narrow column breaks between its parts."""
    return Markup(":<wbr>").join(arm.split(":"))


def _read(name: str) -> str:
    """A file of ours, or a vendored one, as it is."""
    return (resources.files("i2i_keras.report") / name).read_text("utf-8")


def to_markdown(document: Document) -> str:
    """The report with its figures beside it, in `figures`."""
    blocks = [f"# {document.title}", f"**{tables.escape(document.headline.text)}**"]
    for section in document.sections:
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
