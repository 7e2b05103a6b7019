"""Commands that are no stages: `audit`, `verify`, `watch` and `ablate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from i2i_keras.cli.clusters import cluster_options
from i2i_keras.cli.completing import (
    complete_ablation,
    complete_method,
    complete_preset,
    complete_run,
)
from i2i_keras.cli.options import UserPath, tell_old
from i2i_keras.cli.talk import json_option, note, quiet_option, stand_aside, write_json
from i2i_keras.errors import DataError

if TYPE_CHECKING:
    from i2i_keras.experiment.cluster.connection import Where

_STDOUT = Path("-")


def _aside_of_stdout(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Leaves stdout to the findings, if that is where they go."""
    stand_aside(ctx, param, value == _STDOUT)
    return value


@click.command()
@click.argument("root", type=UserPath(exists=True, file_okay=False))
@click.option(
    "--format",
    "format_",
    required=True,
    help="Its layout, or a TOML file that describes it; a name that is none lists them all.",
)
@click.option(
    "--variant",
    default="",
    help="Which variant of it, or several, as fog+rain.  [default: the usual one]",
)
@click.option("--split", default="", help="Way to split.  [default: the format's first]")
@click.option("--encoding", default="", help="ids, train_ids or colors.  [default: ids]")
@click.option("--mapping", default="", help="TOML file: what a folder's labels hold.")
@click.option("--label-space", default="", help="Name or TOML file.  [default: what fits]")
@click.option(
    "--workers", type=click.IntRange(0, 1024), default=0, help="Processes; 0 = one a core."
)
@click.option(
    "--json",
    "json_",
    is_flag=False,
    flag_value="-",
    type=UserPath(allow_dash=True),
    callback=_aside_of_stdout,
    metavar="[FILE]",
    help="Write all findings there; without FILE, print them as one JSON document.",
)
@quiet_option
def audit(
    root: Path, format_: str, label_space: str, workers: int, json_: Path | None, **domain: str
) -> None:
    """Look for all that is wrong with a data set; exit code 1 if anything is.

    Example: i2i-keras audit /data/gta5 --format gta5 --json findings.json
    """
    from i2i_keras import config
    from i2i_keras.preparation import audit, domains

    chosen = config.build(domains.DomainConfig, {"format": format_, **domain})
    audited = domains.audit_domain(chosen, root, label_space, workers)
    if json_ == _STDOUT:
        write_json(audit.as_json(audited))
    else:
        click.echo("\n".join(audit.overview(audited)))
    if json_ not in (None, _STDOUT):
        audit.write_json(json_, audited)
        note(f"All findings: {json_}")
    if any(finding.bad for finding in audited.findings):
        raise DataError("Some files are bad; they are listed above.")


@click.command()
@click.argument(
    "run_dir",
    metavar="RUN",
    type=UserPath(exists=True, file_okay=False),
    shell_complete=complete_run,
)
@json_option
@quiet_option
def verify(run_dir: Path, as_json: bool) -> None:
    """List what of a run has changed since it was made; exit code 1 if any.

    Every file is read. The stages themselves look at sizes and times first, and
    refuse what has changed.

    Example: i2i-keras verify runs/demo
    """
    from i2i_keras.errors import how_many
    from i2i_keras.run_folder.run import Run
    from i2i_keras.run_folder.verifying import verify as verify_run

    run = Run(run_dir)
    found = [verify_run(one) for one in (run, *map(run.member, run.seeds()))]
    changes = [change for one in found for change in one.changes]
    stages = sum(one.stages for one in found)
    for one in found:
        for folder in one.unknown:
            note(f"Note: {folder} was made by an earlier version, without checksums.")
    if not stages and not changes:
        raise DataError(f"{run_dir} holds nothing that could be verified; give a run directory.")
    if as_json:
        unknown = [str(folder) for one in found for folder in one.unknown]
        rows = [change.as_json() for change in changes]
        write_json({"run": str(run_dir), "stages": stages, "changes": rows, "unknown": unknown})
    for change in [] if as_json else changes:
        click.echo(change)
    if changes:
        raise DataError(f"{how_many(len(changes), 'file')} changed, see above.")
    if not as_json:
        click.echo(f"All files of {how_many(stages, 'stage')} are as they were made.")


@click.command()
@click.argument("run_dir", metavar="RUN", type=UserPath(exists=True, file_okay=False))
@click.option(
    "--every",
    type=click.IntRange(1, 3600),
    default=10,
    show_default=True,
    help="Seconds between two looks.",
)
def watch(run_dir: Path, every: int) -> None:
    """Keep the page of a run fresh while the run is under way.

    The page, RUN/report/index.html, shows what there is so far, and reloads
    itself in the browser. The run, in another terminal or on another machine,
    does not notice. It ends when the run has written its own page.

    Example: i2i-keras watch runs/demo
    """
    from i2i_keras.report import watching
    from i2i_keras.run_folder.run import Run

    run = Run(run_dir)
    if run.is_foreign():
        raise DataError(f"{run_dir} holds files and is no run directory; give that of a run.")
    page = watching.watch(run, every, click.echo)
    click.echo(f"Nothing of the run is newer than its page: {page}")


@click.command()
@click.option(
    "--rows",
    "rows",
    default="student_report",
    show_default=True,
    help="Name of an ablation, or a TOML file.",
    shell_complete=complete_ablation,
)
@click.option(
    "--preset",
    default="demo",
    show_default=True,
    help="What is changed in it.",
    shell_complete=complete_preset,
)
@click.option(
    "--method",
    default="cyclegan",
    show_default=True,
    help="Translator.",
    shell_complete=complete_method,
)
@click.option(
    "--out",
    type=UserPath(file_okay=False),
    help="Gets a run directory for each row and the table.  [default: runs/ablation-ROWS]",
)
@click.option("--source", help="Root of the source data; overrides source.root.")
@click.option("--target", help="Root of the target data; overrides target.root.")
@click.option("--only", multiple=True, metavar="ROW", help="These rows, besides the first.")
@click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a setting in all rows."
)
@cluster_options
@json_option
@quiet_option
def ablate(
    rows: str,
    preset: str,
    method: str,
    out: Path | None,
    overrides: tuple[str, ...],
    where: "Where | None",
    **options: Any,
) -> None:
    """Change one setting at a time and compare what comes of it.

    Each row is compared with the first one, image by image and, where the
    preset or --set names several seeds, training by training. Rows that are
    done are skipped. With --jobs or --cluster the trainings of a row are done
    side by side.

    Example: i2i-keras ablate --rows student_report --only BCE --jobs 2
    """
    from i2i_keras.experiment import ablation
    from i2i_keras.run_folder.places import folder_name
    from i2i_keras.run_folder.run import Run

    chosen, as_json = ablation.read_rows(rows, options.pop("only")), options.pop("as_json")
    folder = out or Path("runs") / f"ablation-{Path(rows).stem}"
    tell_old(Run(folder / folder_name(next(iter(chosen)))))
    of_all = [*overrides, *(f"{role}.root={root}" for role, root in options.items() if root)]
    settings = ablation.settings_of(preset, of_all, chosen, method)
    table = ablation.ablate(settings, folder, note, method, where)
    if as_json:
        write_json({"rows": table, "table": str(folder / "table.csv")})
        return
    note()
    click.echo(f"{ablation.to_markdown(table)}\n\nTable: {folder / 'table.csv'}")
