"""What the theme leaves undone for keyboards and screen readers."""

from pathlib import Path
from typing import Any

# Headings without a level, boxes that scroll and cannot be reached by the
# keyboard, landmarks without a name.
REPLACED = {
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper ': '<div tabindex="0" class="table-wrapper ',
    '<aside class="sidebar-drawer">': '<aside aria-label="All pages" class="sidebar-drawer">',
    '<aside class="toc-drawer">': '<aside aria-label="This page" class="toc-drawer">',
}


def mend(folder: Path) -> None:
    """Changes all pages of a site that was built.

    Args:
        folder: of the site.
    """
    for path in folder.rglob("*.html"):
        text = path.read_text("utf-8")
        for theirs, ours in REPLACED.items():
            text = text.replace(theirs, ours)
        path.write_text(text, "utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Has Sphinx do so at its end."""
    app.connect("build-finished", lambda _app, failed: failed or mend(Path(app.outdir)))
    return {"parallel_read_safe": True}
