"""`watch`: keeps the page fresh while a run is under way."""

import time
from collections.abc import Callable
from pathlib import Path

from i2i_keras.errors import DataError
from i2i_keras.report import document, live
from i2i_keras.run_folder import checksums, files
from i2i_keras.run_folder.run import Run

_REST = 4  # Times as long as a look has taken.


def watch(run: Run, every: int, tell: Callable[[str], None]) -> Path:
    """Writes the page anew whenever the run has come further.

    It neither waits for the run nor keeps it waiting, and changes nothing but
    the page. What a run leaves at its end is not written over.

    Args:
        run: that is under way.
        every: seconds between two looks.
        tell: is told what there is to say.

    Returns:
        The page, once nothing of the run is newer.
    """
    page, seen, told = run.report / "index.html", (0.0, -1), ""
    while not is_finished(run):
        start, now = time.monotonic(), _state(run)
        if now != seen:
            text = _refresh(run, every, page)
            if text and text != told:
                tell(text)
            seen, told = now, text or told
        # At most a fifth of the time of one core, which the run may want.
        time.sleep(max(every, _REST * (time.monotonic() - start)))
    return page


def is_finished(run: Run) -> bool:
    """Whether the page is that of the end: nothing of the run is newer."""
    seal = run.report / checksums.NAME
    return seal.is_file() and seal.stat().st_mtime >= _state(run)[0]


def _refresh(run: Run, every: int, page: Path) -> str:
    """Writes the page; returns what there is to say."""
    try:
        text = document.to_html(live.compose(run, every))
    except (DataError, FileNotFoundError) as error:  # It may be about to be written.
        return f"Not yet: {error}"
    if is_finished(run):
        return ""
    # The page is not any more that whose checksums these are.
    (run.report / checksums.NAME).unlink(missing_ok=True)
    files.write_text(page, text)
    return f"Open {page} in a browser; it shows what there is, and reloads itself."


def _state(run: Run) -> tuple[float, int]:
    """When the last file that tells was written, and how many there are."""
    members = live.members_of(run)
    times = [path.stat().st_mtime for member in members for path in live.traces(member)]
    return max(times, default=0.0), len(times)
