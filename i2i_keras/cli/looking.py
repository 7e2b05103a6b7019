"""Commands that look at what there is and write nothing: `status`, `config`."""

import sys
from pathlib import Path

import click

from i2i_keras.cli.completing import complete_preset, complete_run
from i2i_keras.cli.options import UserPath
from i2i_keras.cli.talk import json_option, note, quiet_option, write_json

RUNS = Path("runs")


@click.command()
@click.argument(
    "run_dir",
    metavar="[RUN]",
    required=False,
    type=UserPath(exists=True, file_okay=False),
    shell_complete=complete_run,
)
@json_option
@quiet_option
def status(run_dir: Path | None, as_json: bool) -> None:
    """Show what of a run is done, what is running, and its scores.

    Without RUN: all runs below ./runs, a line each. Nothing is written, so
    that it can be asked at any time, also while the run is under way.

    Example: i2i-keras status runs/demo
    """
    from i2i_keras.experiment import status as looking
    from i2i_keras.report.terminal import terminal_of
    from i2i_keras.run_folder.run import Run

    terminal = terminal_of(sys.stdout)
    if run_dir is not None:
        found = looking.status(Run(run_dir))
        if as_json:
            write_json(found.as_json())
        else:
            click.echo(looking.to_text(found, terminal))
        return
    all_found = [looking.status(run) for run in looking.runs_below(RUNS)]
    if as_json:
        write_json({"looked_in": str(RUNS), "runs": [one.as_json() for one in all_found]})
    elif all_found:
        click.echo(looking.to_overview(all_found, terminal))
        note(f"\nLooked below ./{RUNS}; more of one: i2i-keras status RUN")
    else:
        click.echo(f"No run below ./{RUNS} of {Path.cwd()}; give the directory of one.")


@click.command("config")
@click.option(
    "--preset", help="Preset or TOML file.  [default: demo]", shell_complete=complete_preset
)
@click.option(
    "--run",
    "run_dir",
    type=UserPath(file_okay=False, exists=True),
    help="Run directory whose settings are shown instead.",
    shell_complete=complete_run,
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a setting.")
@click.option(
    "--diff",
    "other",
    metavar="OTHER",
    help="Show what is otherwise in OTHER: a preset, a TOML file or a run directory.",
    shell_complete=complete_preset,
)
@click.option("--changed", is_flag=True, help="Show only what is not the default.")
@json_option
@quiet_option
def config_(
    preset: str | None,
    run_dir: Path | None,
    overrides: tuple[str, ...],
    other: str | None,
    changed: bool,
    as_json: bool,
) -> None:
    """Show all settings: their values, their defaults, and what they mean.

    What is printed is a preset: put into a .toml file, it can be changed and
    run.

    Example: i2i-keras config --preset demo --diff camvid_to_idd
    """
    from i2i_keras.experiment import listing
    from i2i_keras.report.terminal import terminal_of

    listing.refuse_both(preset, run_dir)
    if other is not None and changed:
        raise click.UsageError("--changed is for one set of settings; leave it out beside --diff.")
    terminal = terminal_of(sys.stdout)
    here = (
        listing.of_run(run_dir, overrides) if run_dir else listing.find(preset or "demo", overrides)
    )
    if other is None:
        listed = listing.settings_of(here.settings, changed=changed)
        if as_json:
            write_json({"of": here.name, "settings": [one.as_json() for one in listed]})
        else:
            click.echo(listing.to_toml(listed, terminal))
        return
    there = listing.find(other)
    found = listing.differences(here, there)
    if as_json:
        rows = [
            {"name": one.name, "here": one.there, "other": one.here, "meaning": meaning}
            for one, meaning in found
        ]
        write_json({"of": here.name, "other": there.name, "differences": rows})
    elif found:
        click.echo(listing.to_table(found, (here.name, there.name), terminal))
    else:
        click.echo(f"{here.name} and {there.name} have the same settings.")
