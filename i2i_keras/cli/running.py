"""`run`: the whole experiment, or a part of it."""

import sys
from typing import Any

import click

from i2i_keras.cli.options import open_run, run_options


@click.command()
@click.option(
    "--only",
    multiple=True,
    metavar="ARM",
    help="Train this arm and what it needs, beside other such processes.",
)
@click.option(
    "--seed", type=int, help="Do this repetition of the settings' seeds, beside the others."
)
@click.option("--dry-run", is_flag=True, help="Show the plan and its time; write nothing.")
@run_options
def run(only: tuple[str, ...], seed: int | None, dry_run: bool, **options: Any) -> None:
    """Run the whole experiment; stages that are done are skipped.

    With --only or --seed several processes, also of several machines, can
    share a run directory: none does what another does, and the one that trains
    the last arm makes the report.

    Example: i2i-keras run --preset demo --only adapted:cyclegan --only oracle
    """
    from i2i_keras import running
    from i2i_keras.plan import table
    from i2i_keras.plan.tasks import plan
    from i2i_keras.report.terminal import result_text, terminal_of
    from i2i_keras.runs import read_json

    settings, run = open_run(**options)
    tasks = plan(settings, run, only, seed)  # Refuses before a run is made.
    terminal = terminal_of(sys.stdout)
    if dry_run:
        click.echo(table.to_text(table.forecast(tasks, settings, run), terminal))
        return
    with run.locked(shared=bool(only) or seed is not None):
        rows = table.forecast(tasks, settings, run)
        click.echo(table.to_text(rows, terminal) + "\n")
        facts = running.run_all(settings, run, click.echo, only, seed, rows)
    if facts is None:
        return
    summary = read_json(run.root / "scores" / "summary.json")
    click.echo(f"\n{result_text(summary, terminal)}\n\n{facts['headline']}")
    for warning in facts["warnings"]:
        click.echo(f"Warning: {warning}")
    click.echo(f"\nReport: {run.root / facts['page']}")
