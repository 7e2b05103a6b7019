"""`verify`: whether all that a run's stages have made is as it was."""

from pathlib import Path
from typing import NamedTuple

from i2i_keras.errors import DataError
from i2i_keras.run_folder import checksums, places
from i2i_keras.run_folder.checksums import Change
from i2i_keras.run_folder.run import Run


class Verified(NamedTuple):
    """What `verify` has found.

    Attributes:
        changes: files that are not as they were made.
        stages: how many were looked at.
        unknown: folders of stages that earlier versions have made, without
            checksums.
    """

    changes: list[Change]
    stages: int
    unknown: list[Path]


def verify(run: Run) -> Verified:
    """Reads all that the stages of a run have made."""
    changes, unknown, stages = list[Change](), list[Path](), 0
    for folder in map(run.root.joinpath, run.all_done()):
        if _is_elsewhere(run, folder):
            continue
        try:
            digest = run.left_by(folder).get("checksums")
        except DataError:
            changes.append(Change(folder / places.DONE, "has changed", True))
            continue
        if digest is None:
            unknown.append(folder)
            continue
        changes += checksums.changes(run.root, folder, digest, thorough=True)
        stages += 1
    for folder in (run.folder(places.EVALUATE), run.report):
        if (folder / checksums.NAME).is_file():
            changes += checksums.changes(run.root, folder, thorough=True)
            stages += 1
    return Verified(changes, stages, unknown)


def _is_elsewhere(run: Run, folder: Path) -> bool:
    """Whether a stage is a link, to that of the run this is a training of."""
    return run.root.resolve() not in folder.resolve().parents
