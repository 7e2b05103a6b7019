"""How a run was made: time, commands, hashes, settings and versions."""

from collections.abc import Iterable, Mapping
from typing import Any

from i2i_keras.report import tables
from i2i_keras.report.tables import Cell, Table
from i2i_keras.run_folder import places
from i2i_keras.run_folder.files import Facts
from i2i_keras.run_folder.run import Run


def making_tables(run: Run, seeds: Iterable[int]) -> list[Table]:
    """Seconds, commands, hashes, settings and versions of what is done.

    Args:
        run: that was made.
        seeds: of its repetitions, of which only the seconds are told, without
            those of what they share.
    """
    stages = run.all_done()
    if not stages:
        return []
    seconds = {stage: facts["seconds"] for stage, facts in stages.items()}
    shared = {run.name_of(run.raw), run.name_of(run.records)}
    for member in map(run.member, seeds):
        own = member.all_done()
        seconds[run.name_of(member.root)] = sum(own[name]["seconds"] for name in {*own} - shared)
    made = [tables.stage_rows(seconds), _commands(run, stages), _hashes(stages)]
    versions: dict[str, Any] = {}
    for name, facts in stages.items():
        settings = facts.get("settings") or {}
        made.append(tables.fact_rows(f"Settings of {name}", settings, ("Setting", "Value")))
        results = facts.get("results") or {}
        made.append(tables.fact_rows(f"Results of {name}", results, ("Result", "Value")))
        versions |= facts.get("versions") or {}
    made.append(tables.fact_rows("Versions", versions, ("Package", "Version")))
    return [table for table in made if table.rows]


def _commands(run: Run, stages: Iterable[str]) -> Table:
    """What to type to make all of it, and each stage, again."""
    rows = []
    if run.settings.is_file():
        # It holds the settings, those that were given besides the preset, too.
        rows.append([Cell("all of it, see settings.json"), Cell("i2i-keras run --run RUN")])
    for stage in stages:
        command = places.command_for(run.root / stage)
        if command:
            rows.append([Cell(stage), Cell(f"i2i-keras {command} --run RUN")])
    return Table(("Stage", "Command"), rows, numeric=False, title="Commands")


def _hashes(stages: Mapping[str, Facts]) -> Table:
    """What each stage was made from, and is known by; and its files' hash."""
    rows = []
    for name, facts in stages.items():
        inputs = ", ".join(f"{key} {value}" for key, value in (facts.get("inputs") or {}).items())
        found = (facts.get("fingerprint", ""), inputs, facts.get("checksums", ""))
        rows.append([Cell(name), *map(Cell, map(str, found))])
    columns = ("Stage", "Fingerprint of settings and inputs", "Inputs", "Hash of its files")
    return Table(columns, rows, numeric=False, title="Hashes")
