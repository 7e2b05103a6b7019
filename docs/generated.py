"""Fills pages of the site with what stands elsewhere: settings, help, files.

A page says `<!-- settings -->`, `<!-- commands -->`, `<!-- file NAME -->` or,
in a list of pages, `<!-- page NAME -->` for one that may not be there yet. On
GitHub such a line is not seen.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).parents[1]
# Pages that show a file of the root; links to the file become links to these.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
}
_PLACE = re.compile(r"^<!-- (settings|commands|file|page) ?(\S*) -->$", re.MULTILINE)

# A progress bar of a notebook, such as "train: 5%|# | 1/20 [00:04<01:12, ...]".
_BAR = re.compile(r"^.*\[(?:\d+:)+\d\d[<,].*\] *$\n?", re.MULTILINE)


def fill(text: str) -> str:
    """A page with what its comments name.

    Args:
        text: Markdown.
    """
    filled = _PLACE.sub(lambda found: _MAKERS[found[1]](found[2]), _BAR.sub("", text))
    # A picture that nbconvert writes has no other words.
    return _linked(filled.replace("![png](", "![What the cell above shows]("))


def command_help(_: str = "") -> str:
    """What all commands say with `--help`, as Markdown."""
    from i2i_keras.cli import main

    parts, program = [], click.Context(main, info_name="i2i-keras", **main.context_settings)
    for name in sorted(main.commands):
        command = main.commands[name]
        context = click.Context(command, program, info_name=name, terminal_width=80)
        parts.append(f"## {name}\n\n```text\n{command.get_help(context)}\n```")
    return "\n\n".join(parts)


def whole_file(name: str) -> str:
    """A file of the root, with links that are right in `docs/`.

    Args:
        name: of the file.
    """
    text = (ROOT / name).read_text("utf-8")
    return re.sub(r'(\]\(|src=")docs/', r"\1", text)


def _page(name: str) -> str:
    """A page's name if it is there: `make bench` writes `speed`."""
    return name if (ROOT / "docs" / f"{name}.md").is_file() else ""


def _linked(text: str) -> str:
    for name, page in PAGES.items():
        text = re.sub(rf"\]\((?:\.\./)?{name}(?=[)#])", f"]({page}", text)
    return text


def _settings(_: str) -> str:
    from settings_page import settings_tables

    return settings_tables()


_MAKERS: dict[str, Callable[[str], str]] = {
    "settings": _settings,
    "commands": command_help,
    "file": whole_file,
    "page": _page,
}


def setup(app: Any) -> dict[str, bool]:
    """Has Sphinx fill each page as it reads it."""

    def on_read(_app: Any, _page: str, source: list[str]) -> None:
        source[0] = fill(source[0])

    app.connect("source-read", on_read)
    return {"parallel_read_safe": True}
