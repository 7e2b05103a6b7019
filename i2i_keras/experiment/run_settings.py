"""The settings of a run, kept in its folder, so that `--run` alone is enough.

They lie in RUN/settings.json with the name of their preset. TOML files that
they name are copied beside them, into RUN/settings; the places of all other
files are written relative to the run, which so holds no absolute path.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from typing_extensions import TypedDict

from i2i_keras import config
from i2i_keras.config import Table
from i2i_keras.datasets import reading
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder import files, locks, writing
from i2i_keras.run_folder.run import Run
from i2i_keras.training.checkpoints import NO_FACTS

_PLACES = ("root", "initial")  # Settings that are paths, whatever their ending.
_ENDINGS = (".toml", ".h5")
# What may differ between two commands on one run, as it changes nothing that
# was made: what is compared, how it is scored, and how fast.
_FREE = (
    "arms",
    "translators",
    "seeds",
    "evaluate",
    "threads_per_operation",
    "resources",
    "tracking",
)
_FREE_PARTS = ("prepare.workers", "prepare.on_bad", "source.root", "target.root")
_FREE_ENDINGS = tuple(f".{name}" for name in NO_FACTS)


class Kept(NamedTuple):
    """What a run knows of its settings.

    Attributes:
        preset: name of the preset, or of the file, that it was begun with.
        table: the settings as nested dicts, without those that are defaults.
    """

    preset: str
    table: Table


class _File(TypedDict):
    """What settings.json holds."""

    preset: str
    settings: dict[str, Any]


class Difference(NamedTuple):
    """A setting that is not as in the run.

    Attributes:
        name: dotted.
        there: its value in the run.
        here: that which was asked for.
    """

    name: str
    there: Any
    here: Any

    def __str__(self) -> str:
        return f"{self.name} = {_shown(self.there)} in the run, {_shown(self.here)} here"

    @property
    def is_free(self) -> bool:
        """Whether it changes nothing that was made."""
        return (
            self.name.partition(".")[0] in _FREE
            or self.name in _FREE_PARTS
            or self.name.endswith(_FREE_ENDINGS)
        )


def read(run: Run) -> Kept | None:
    """Reads the settings of a run; None if it keeps none.

    Raises:
        DataError: the file is broken.
    """
    path = run.settings
    if not path.is_file():
        return None
    facts = files.read_as(_File, path)
    return Kept(facts["preset"], _with_paths(facts["settings"], lambda p: _found(run.root, p)))


def keep(run: Run, preset: str, settings: Settings) -> None:
    """Writes the settings of a run; others may do so at the same time."""
    table = settings.model_dump(mode="json", exclude_defaults=True)
    for role in ("source", "target"):  # Whole, for a root may be given alone.
        table[role] = getattr(settings, role).model_dump(mode="json", exclude_defaults=True)
    with locks.in_turn(run.locks, "settings"):
        facts = {"preset": preset, "settings": _with_places(run, table)}
        path = run.settings
        if not path.is_file() or files.read_json(path) != facts:
            files.write_json(path, facts)


def differences(there: Settings, here: Settings) -> list[Difference]:
    """Settings whose values differ, in the order of their names in the file."""
    old, new = (config.flat(s.model_dump(mode="json")) for s in (there, here))
    return [
        Difference(name, old.get(name), new.get(name))
        for name in dict.fromkeys([*new, *old])
        if _meaning(name, old.get(name)) != _meaning(name, new.get(name))
    ]


def made_with(run: Run, name: str) -> bool:
    """Whether something in a run was trained with a setting of this name."""
    part, _, rest = name.partition(".")
    trained = [run, *(run.member(seed) for seed in run.seeds())]
    arms = any(one.trained_arms() for one in trained)
    methods = {method for one in trained for method in one.trained_translators()}
    if part == "translator":
        return rest.partition(".")[0] in methods
    if part in ("segmenter", "self_training", "label_safe"):
        return arms
    return arms or bool(methods)


def _shown(value: Any) -> str:
    return "absent" if value is None else json.dumps(value)


def _meaning(name: str, value: Any) -> Any:
    """Of a TOML file what it holds, of another file or folder its place."""
    if not _is_path(name.rpartition(".")[2], value):
        return value
    path = Path(value)
    if path.suffix == ".toml" and path.is_file():
        is_format = name.rpartition(".")[2] == "format"
        return reading.read(path).content if is_format else config.read_toml(path)
    return str(path.resolve())


def _with_paths(table: Table, change: Callable[[str], str]) -> Table:
    """A copy with each path changed."""
    changed: Table = {}
    for key, value in table.items():
        if isinstance(value, dict):
            changed[key] = _with_paths(value, change)
        else:
            changed[key] = change(value) if _is_path(key, value) else value
    return changed


def _is_path(key: str, value: Any) -> bool:
    return isinstance(value, str) and bool(value) and (key in _PLACES or value.endswith(_ENDINGS))


def _found(root: Path, place: str) -> str:
    """A kept place, as seen from where the program is run."""
    return os.path.relpath(os.path.normpath(root / place))


def _with_places(run: Run, table: Table, prefix: str = "") -> Table:
    """A copy with each path relative to the run, TOML files copied into it."""
    changed: Table = {}
    for key, value in table.items():
        if isinstance(value, dict):
            changed[key] = _with_places(run, value, f"{prefix}{key}-")
        elif _is_path(key, value):
            path = Path(value)
            if path.suffix == ".toml" and key not in _PLACES:
                # A description may have files beside it: it gets a folder.
                name = f"{key}/description" if key == "format" else key
                path = _copied(path, run.settings_files / f"{prefix}{name}.toml")
            changed[key] = os.path.relpath(path.resolve(), run.root.resolve())
        else:
            changed[key] = value
    return changed


def _copied(path: Path, copy: Path) -> Path:
    """Copies a TOML file and, of a description, the lists beside it."""
    beside = {path.parent / name: copy.parent / name for name in reading.list_files(path)}
    for old, new in (beside | {path: copy}).items():
        data = old.read_bytes()
        if not new.is_file() or new.read_bytes() != data:
            writing.write(new, data)
    return copy
