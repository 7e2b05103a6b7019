"""`config`: all settings of a preset or a run, and what differs between two."""

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from i2i_keras import config
from i2i_keras.config.describe import Row, describe, shown
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.experiment import run_settings
from i2i_keras.experiment.run_settings import Difference
from i2i_keras.experiment.settings import Settings
from i2i_keras.report.tables import Cell, Table
from i2i_keras.report.terminal import PIPE, Terminal, draw
from i2i_keras.run_folder.run import Run

Facts = dict[str, Any]


class Named(NamedTuple):
    """Settings, and whose they are."""

    name: str
    settings: Settings


class Listed(NamedTuple):
    """One setting as it is; `value` as JSON has it, None = unset."""

    row: Row
    value: Any

    @property
    def changed(self) -> bool:
        """Whether it is not the default."""
        return bool(self.value != self.row.default)

    def as_json(self) -> Facts:
        """All that is known of it."""
        return {
            "name": self.row.name,
            "value": self.value,
            "default": self.row.default,
            "type": self.row.type,
            "meaning": self.row.meaning,
        }


def find(name: str, overrides: Sequence[str] = ()) -> Named:
    """Settings of a preset, a TOML file or a run directory.

    A preset of the package comes before a directory of the same name; the
    directory is `./NAME`.

    Raises:
        SettingsError: there is none, or its settings are wrong.
        DataError: the directory is no run, or keeps no settings.
    """
    known = config.current_name(name) in config.names_in("presets")
    if not known and Path(name).is_dir():
        return of_run(Path(name), overrides)
    table = config.read(name, overrides)
    return Named(name, config.build(Settings, table))


def of_run(root: Path, overrides: Sequence[str] = ()) -> Named:
    """Settings that a run keeps.

    Raises:
        DataError: it is no run, or keeps none.
    """
    kept = run_settings.read(Run(root))
    if kept is None:
        raise DataError(
            f"{root} keeps no settings; give the directory of a run, a preset or a TOML file."
        )
    table = config.override(kept.table, overrides)
    return Named(str(root), config.build(Settings, table))


def settings_of(settings: Settings, *, changed: bool = False) -> list[Listed]:
    """All settings that there are, or those that are not the default.

    Those of a table that is unset are left out.
    """
    values = config.flat(settings.model_dump(mode="json"))
    found = [Listed(row, values[row.name]) for row in describe(Settings) if row.name in values]
    return [one for one in found if one.changed or not changed]


def to_toml(listed: Sequence[Listed], terminal: Terminal = PIPE) -> str:
    """Settings as a preset, each below what it means and its default.

    What is unset is in a comment, as TOML has no word for it.
    """
    return "\n".join(_lines(listed, terminal))


def differences(there: Named, here: Named) -> list[tuple[Difference, str]]:
    """What differs between two, and what it means."""
    meanings = {row.name: row for row in describe(Settings)}
    found = run_settings.differences(there.settings, here.settings)
    return [(one, meanings[one.name].brief) for one in found]


def to_table(
    found: Sequence[tuple[Difference, str]], names: tuple[str, str], terminal: Terminal = PIPE
) -> str:
    """Differences as a table.

    Args:
        found: see `differences`.
        names: of both.
        terminal: that it is for.
    """
    rows = [
        [Cell(text) for text in (one.name, shown(one.there), shown(one.here), meaning)]
        for one, meaning in found
    ]
    return draw(Table(["setting", *names, "meaning"], rows, numeric=False), terminal)


def refuse_both(preset: str | None, run_dir: Path | None) -> None:
    """Refuses a preset beside a run.

    Raises:
        SettingsError: both are given.
    """
    if preset is not None and run_dir is not None:
        raise SettingsError(
            "--preset and --run are two sets of settings; give one, and the other as --diff."
        )


def _lines(listed: Sequence[Listed], terminal: Terminal) -> Iterator[str]:
    for row, value in listed:
        default = "" if value == row.default else f"  (default: {shown(row.default)})"
        comment = f"# {row.brief}{default}"
        if terminal.width:
            yield from textwrap.wrap(
                comment, max(terminal.width, 20), subsequent_indent="#   ", break_on_hyphens=False
            )
        else:
            yield comment
        yield f"# {row.name} is unset" if value is None else f"{row.name} = {shown(value)}"
