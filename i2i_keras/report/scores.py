"""The scores of a run, from its files."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from i2i_keras.run_folder import files
from i2i_keras.run_folder.files import folder_name

Scores = dict[str, dict[str, Any]]


def read_scores(root: Path, arms: Iterable[str]) -> Scores:
    """What scores/ARM.json hold, by arm; those without one are left out."""
    paths = {arm: root / "scores" / f"{folder_name(arm)}.json" for arm in arms}
    return {arm: files.read_json(path) for arm, path in paths.items() if path.is_file()}


def read_quality(root: Path, arms: Iterable[str]) -> Scores:
    """What scores/METHOD.json hold, by method of the arms; also left out."""
    methods = dict.fromkeys(arm.partition(":")[2] for arm in arms if ":" in arm)
    return read_scores(root, methods)
