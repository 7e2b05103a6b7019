"""The form of a report: HTML that opens anywhere, and Markdown."""

import base64
from collections.abc import Sequence
from importlib import metadata, resources
from typing import NamedTuple

import jinja2

from i2i_keras.report import tables
from i2i_keras.report.figures import Picture
from i2i_keras.report.findings import Headline
from i2i_keras.report.tables import Table


class Section(NamedTuple):
    """A part of the report; one without content is left out."""

    title: str
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    pictures: Sequence[Picture] = ()


class Document(NamedTuple):
    """All that a report says.

    Attributes:
        title: the question.
        headline: the answer.
        sections: what it rests on.
    """

    title: str
    headline: Headline
    sections: Sequence[Section]


def to_html(document: Document) -> str:
    """The report as one page that needs no other file."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["base64"] = lambda data: base64.b64encode(data).decode("ascii")
    source = (resources.files("i2i_keras.report") / "page.html").read_text("utf-8")
    template = environment.from_string(source)
    return template.render(**document._asdict(), version=metadata.version("i2i_keras"))


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
