"""The scores of a run, from its files."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from i2i_keras.run_folder import files
from i2i_keras.run_folder.places import folder_name
from i2i_keras.segmenters.arms import Arm

Scores = dict[str, dict[str, Any]]


def read_scores(root: Path, arms: Iterable[str]) -> Scores:
    """What scores/ARM.json hold, by arm; those without one are left out."""
    paths = {arm: root / "scores" / f"{folder_name(arm)}.json" for arm in arms}
    return {arm: files.read_json(path) for arm, path in paths.items() if path.is_file()}


def read_quality(root: Path, arms: Iterable[str]) -> Scores:
    """What scores/METHOD.json hold, by method of the arms; also left out."""
    methods = dict.fromkeys(Arm(arm).method for arm in arms if Arm(arm).method)
    return read_scores(root, methods)
