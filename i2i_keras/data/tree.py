"""What lies below a folder: links are followed, hidden files are left out.

So is a run directory, whose images are made of others.
"""

import functools
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from i2i_keras import quiet
from i2i_keras.errors import is_special
from i2i_keras.run_folder.places import Places


def files_below(folder: Path) -> Iterator[Path]:
    """All files below a folder: first its own, then those of its folders.

    Raises:
        OSError: a folder may not be read.
    """
    for here in folders_below(folder):
        yield from entries(here)[0]


def folders_below(folder: Path, above: frozenset[str] = frozenset()) -> Iterator[Path]:
    """A folder and all folders below it.

    Args:
        folder: where to begin.
        above: real paths of folders that it lies in: a link that leads back to
            one of them is not followed.
    """
    real = os.path.realpath(folder)
    if real in above:
        return
    yield folder
    for inner in entries(folder)[1]:
        yield from folders_below(inner, above | {real})


def entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """Files and folders directly in a folder, by name; links are followed."""
    files, folders = list[Path](), list[Path]()
    with os.scandir(folder) as found:
        for entry in sorted(found, key=lambda entry: entry.name):
            if not entry.name.startswith("."):
                path = folder / entry.name
                # Of a link to itself `entry` would raise.
                inner = path.is_dir() if entry.is_symlink() else entry.is_dir()
                if not inner and is_special(path):
                    _tell(path)
                    continue
                (folders if inner else files).append(path)
    return files, [path for path in folders if not Places(path).is_run()]


@functools.cache  # Once.
def _tell(path: Path) -> None:
    quiet.note(f"Note: {path} is no regular file; left out.")


def by_suffix(files: Iterable[Path]) -> str:
    """How many files there are of each kind, such as "3 .mp4 and 1 .zip"."""
    counts = Counter(path.suffix.lower() or "files without suffix" for path in files)
    told = [f"{count} {suffix}" for suffix, count in counts.most_common()]
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)
