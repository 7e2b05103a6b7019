"""`ablate`: one experiment, changed in one thing at a time."""

import contextlib
import math
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from i2i_keras import config
from i2i_keras.config import Config
from i2i_keras.data.tables import prepared
from i2i_keras.errors import DataError, SettingsError, unknown
from i2i_keras.evaluation import intervals
from i2i_keras.evaluation.pairs import holm, p_value
from i2i_keras.evaluation.scores import average
from i2i_keras.evaluation.summary import is_scored, read_summary
from i2i_keras.experiment import fitting, running
from i2i_keras.experiment.cluster.connection import Where
from i2i_keras.experiment.cluster.walking import walker
from i2i_keras.experiment.counting import Counted
from i2i_keras.experiment.repetitions import trainings
from i2i_keras.experiment.running import Tell
from i2i_keras.experiment.settings import Settings
from i2i_keras.report import numbers
from i2i_keras.report.findings import measured_gap
from i2i_keras.run_folder import files
from i2i_keras.run_folder.files import Facts
from i2i_keras.run_folder.places import folder_name
from i2i_keras.run_folder.run import Run
from i2i_keras.training import runtime
from i2i_keras.translators import check_method

_CHANGE = ("change", "change_low", "change_high", "change_p")
_COLUMNS = (
    *("row", "source_only", "mean_iou", "oracle", "gain", "gain_low", "gain_high", "gap_closed"),
    *_CHANGE,
    *("frechet_distance", "kernel_distance", "cycle_error", "drifted", "seconds"),
)


class Rows(Config):
    """What an ablation changes, from a TOML file.

    Attributes:
        rows: by name the overrides `dotted.key=value` that make it; the row
            "as it is", without any, comes first by itself.
    """

    rows: dict[str, tuple[str, ...]]


def read_rows(name: str, only: Collection[str] = ()) -> dict[str, tuple[str, ...]]:
    """Reads the rows of an ablation.

    Args:
        name: of one that comes with the package, or of a TOML file.
        only: which rows, besides the first; empty = all.

    Raises:
        SettingsError: there is none, or it is not as it should be.
    """
    table = config.read_named("ablations", name)
    try:
        rows = config.build(Rows, table).rows
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from None
    _check_names(name, rows)
    if strange := sorted({*only} - {*rows}):
        raise SettingsError(f"{unknown(f'{name} has no row', strange[0], rows)}.")
    return {"as it is": ()} | {row: own for row, own in rows.items() if row in (only or rows)}


def settings_of(
    preset: str, overrides: Sequence[str], rows: Mapping[str, Sequence[str]], method: str
) -> dict[str, Settings]:
    """The settings of each row, the arms among them.

    All at once: a wrong one in the last row costs no training.

    Args:
        preset: see `config.read`.
        overrides: of all rows.
        rows: by name their own overrides.
        method: the translator, a key of `TRANSLATORS`.

    Raises:
        SettingsError: they are wrong, or there is no such translator.
    """
    check_method(method)
    arms = f'arms=["source_only", "adapted:{method}", "oracle"]'
    return {
        name: config.build(Settings, config.read(preset, [*overrides, *own, arms]))
        for name, own in rows.items()
    }


def ablate(
    settings: Mapping[str, Settings],
    root: Path,
    tell: Tell,
    method: str = "cyclegan",
    where: Where | None = None,
) -> list[Facts]:
    """Runs an experiment once for each row; rows that are done are skipped.

    Its arms are source_only, that of one translator, and oracle. A row takes
    from the first one all stages that it would do in the same way. With
    `seeds`, each row is trained once for each.

    Args:
        settings: of each row, see `settings_of`.
        root: gets a run directory for each row, `table.csv` and `table.md`.
        tell: is told how each stage ended.
        method: the translator of the settings.
        where: the cluster that does the tasks of a row; None = this process,
            one after the other.

    Returns:
        One dict a row, with the keys of `table.csv`.

    Raises:
        SettingsError: the target has no labelled test images.
        DataError: what is in the root is not an ablation's.
    """
    _refuse_others(root)
    table: list[Facts] = []
    first = next(iter(settings))
    if not fitting.fit(settings[first], Run(root / folder_name(first))).scored:
        raise SettingsError(
            "The rows of an ablation are compared by their scores, and the target has no labelled"
            " test images; give it some."
        )
    runtime.share_threads(settings[first].threads_per_operation)
    for name, own in settings.items():
        tell(f"--- {name} ---")
        run = Run(root / folder_name(name), twin=Run(root / folder_name(first)))
        with (
            run.locked(),
            walker(where, own, tell) if where else contextlib.nullcontext() as walk,
        ):
            running.run_all(own, run, tell, walk=walk)
        table.append(_row(name, method, run))
        _compare(table, method, settings, root)
        files.write_table(root / "table.csv", table, _COLUMNS)
        files.write_text(root / "table.md", to_markdown(table) + "\n")
    return table


def _refuse_others(root: Path) -> None:
    """Refuses tables of others in the place of ours."""
    table = root / "table.csv"
    there = [path for path in (table, root / "table.md") if os.path.lexists(path)]
    try:
        found = {*files.read_table(table)[0]}  # Earlier ones have fewer.
        ours = {"row", "gain", "drifted"} <= found <= {*_COLUMNS}
    except (DataError, OSError, IndexError):
        ours = False
    if there and not ours:
        raise DataError(
            f"{there[0]} is there and was not made by i2i-keras; move it away, or give another"
            " --out."
        )


def _check_names(name: str, rows: Mapping[str, Sequence[str]]) -> None:
    """Refuses names of rows that cannot each have a folder."""
    folders = {folder_name("as it is"): "as it is"}
    for row in rows:
        folder = folder_name(row)
        if folder in folders:
            raise SettingsError(f"{name}: row {row!r} has the folder of {folders[folder]!r}.")
        if not folder.strip(". ") or "/" in folder or "\\" in folder:
            raise SettingsError(f"{name}: row {row!r} cannot be a folder's name; give another.")
        folders[folder] = row


def to_markdown(table: Sequence[Facts]) -> str:
    """The table of an ablation as Markdown."""
    titles = ["Row", "Source only %", "Adapted %", "Oracle %", "Gain", "Gap closed %"]
    titles += ["Against the first", "p", "Frechet", "Cycle error", "Drifted %"]
    lines = [f"| {' | '.join(titles)} |", f"|---{'|---:' * (len(titles) - 1)}|"]
    digits = numbers.shared_digits(
        numbers.Pair(row["mean_iou"], row["source_only"], _gain_ends(row)) for row in table
    )
    for row in table:
        gain = numbers.difference(row["mean_iou"], row["source_only"], digits)
        cells = [
            row["row"],
            *(numbers.percent(row[arm], digits) for arm in ("source_only", "mean_iou", "oracle")),
            f"{_signed(gain)} ({numbers.interval(_gain_ends(row), digits)})",
            _told("{:.0f}", row["gap_closed"], 100),
            _change(row),
            _told("{:.2g}", row["change_p"]),
            _told("{:.3g}", row["frechet_distance"]),
            _told("{:.1f}", row["cycle_error"]),
            _told("{:.0f}", row["drifted"], 100),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _gain_ends(row: Facts) -> tuple[float, float] | None:
    return None if row["gain_low"] is None else (row["gain_low"], row["gain_high"])


def _change(row: Facts) -> str:
    """How far a row is from the first one, with its interval."""
    if row["change"] is None:
        return "-"
    ends = None if row["change_low"] is None else (row["change_low"], row["change_high"])
    return f"{_signed(numbers.points(row['change']))} ({numbers.interval(ends)})"


def _signed(points: str) -> str:
    """What is above zero as it is shown has a plus."""
    return f"+{points}" if float(points) > 0 else points


def _told(how: str, value: float | None, times: float = 1) -> str:
    return "-" if value is None else how.format(times * value)


def _row(name: str, method: str, run: Run) -> Facts:
    """What one run says."""
    summary = read_summary(run)
    if not is_scored(summary):
        raise DataError(f"{run.root} has no scores; evaluate it with labelled test images.")
    arms = summary["arms"]
    arm = arms[f"adapted:{method}"]
    low, high = arm["gain_ci95"] or (None, None)  # None of a single test image.
    members = trainings(run)
    return {
        "row": name,
        "source_only": arms["source_only"]["mean_iou"],
        "mean_iou": arm["mean_iou"],
        "oracle": arms["oracle"]["mean_iou"] if "oracle" in arms else None,
        "gain": arm["gain"],
        "gain_low": low,
        "gain_high": high,
        "gap_closed": measured_gap(arms, f"adapted:{method}"),
        **_quality([member.score_file(method) for member in members]),
        "seconds": fmean(member.done(member.translator(method)).seconds for member in members),
    }


def _quality(paths: Sequence[Path]) -> Facts:
    """Scores of a translator, means over its trainings; None = not scored."""
    of_each = [files.read_json(path) for path in paths if path.is_file()]
    found = [
        {
            "frechet_distance": (facts["frechet_distance"] or {}).get("translated"),
            "kernel_distance": (facts["kernel_distance"] or {}).get("translated", [None])[0],
            "cycle_error": facts["cycle_error"],
            "drifted": facts["drift"]["drifted"],
        }
        for facts in of_each
    ]
    known = ("frechet_distance", "kernel_distance", "cycle_error", "drifted")
    return {**dict.fromkeys(known), **(average(found) if found else {})}


def _compare(
    table: Sequence[Facts], method: str, settings: Mapping[str, Settings], root: Path
) -> None:
    """Gives each row its change: how far it is from the first one.

    It is paired by image and training; probabilities are corrected for the
    number of rows. A row of other test images or seeds has None.
    """
    runs = {row["row"]: trainings(Run(root / folder_name(row["row"]))) for row in table}
    first = next(iter(runs))
    images = {
        name: [r.name for r in prepared(some[0], "target-test")] for name, some in runs.items()
    }
    counted = {
        name: Counted(some, f"adapted:{method}")
        for name, some in runs.items()
        if images[name] == images[first] and settings[name].seeds == settings[first].seeds
    }
    samples, seed = settings[first].evaluate.bootstrap_samples, settings[first].seed
    drawn = intervals.bootstrap(counted, samples, seed)
    changes = {name: drawn[name].minus(drawn[first]) for name in drawn if name != first}
    chances = dict(zip(changes, holm([*map(p_value, changes.values())]), strict=True))
    for row in table:
        name, change = row["row"], changes.get(row["row"])
        low, high = change.interval() if change else (math.nan, math.nan)
        found = (change.mean if change else math.nan), low, high, float(chances.get(name, math.nan))
        row |= dict(zip(_CHANGE, (None if math.isnan(n) else n for n in found), strict=True))
