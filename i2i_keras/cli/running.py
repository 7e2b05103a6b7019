"""`run`: the whole experiment, or a part of it."""

import contextlib
import shlex
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from i2i_keras.cli.clusters import cluster_options
from i2i_keras.cli.completing import complete_arm
from i2i_keras.cli.options import open_run, run_options
from i2i_keras.cli.talk import json_option, note, warn, write_json

if TYPE_CHECKING:
    from i2i_keras.experiment.cluster.connection import Where
    from i2i_keras.experiment.plan.tasks import Task
    from i2i_keras.experiment.settings import Settings
    from i2i_keras.run_folder.files import Facts
    from i2i_keras.run_folder.run import Run


@click.command()
@click.option(
    "--only",
    multiple=True,
    metavar="ARM",
    help="Train this arm and what it needs, beside other such processes.",
    shell_complete=complete_arm,
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    help="Do this repetition of the settings' seeds, beside the others.",
)
@cluster_options
@click.option("--dry-run", is_flag=True, help="Show the plan and its time; write nothing.")
@json_option
@run_options
def run(
    only: tuple[str, ...],
    seed: int | None,
    where: "Where | None",
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Run the whole experiment; stages that are done are skipped.

    With --jobs or --cluster its tasks are done side by side, on one machine or
    on many, which all see the run directory in the same place.

    With --only or --seed several processes, also of several machines, can
    share a run directory: none does what another does, and the one that trains
    the last arm makes the report.

    Example: i2i-keras run --preset demo --only adapted:cyclegan --only oracle
    """
    from i2i_keras.evaluation.summary import is_scored, read_summary
    from i2i_keras.experiment import fitting, running, stages
    from i2i_keras.experiment.cluster.walking import walker
    from i2i_keras.experiment.plan import table
    from i2i_keras.experiment.plan.tasks import plan
    from i2i_keras.report.terminal import result_text, terminal_of

    opened = open_run(**options, use="begin")
    settings, run = opened.settings, opened.run
    stages.check_prepared(settings, run)
    fitted = fitting.fit(settings, run)
    fitted.check(only)
    tasks = plan(fitted.settings, run, only, seed)  # Refuses before a run is made.
    terminal = terminal_of(sys.stdout)
    if dry_run and as_json:
        write_json(_plan_facts(settings, run, fitted.notes, tasks))
        return
    shown = [*_told(settings, run, fitted.notes), table.to_text(tasks, terminal)]
    (click.echo if dry_run else note)("\n".join(shown))
    if dry_run:
        return
    with (
        opened.training(shared=bool(only) or seed is not None),
        walker(where, settings, note) if where else contextlib.nullcontext() as walk,
    ):
        note()
        facts = running.run_all(settings, run, note, only, seed, walk)
    if facts is None:
        return
    summary, page = read_summary(run), run.root / facts["page"]
    if as_json:
        write_json({"run": str(run.root), **facts, "page": str(page), "summary": summary})
        return
    if is_scored(summary):
        note()
        click.echo(result_text(summary, terminal))
    note()
    click.echo(facts["headline"])
    for warning in facts["warnings"]:
        warn(f"Warning: {warning}")
    note()
    click.echo(f"Report: {page}")
    if not summary["arms"]:
        _tell_translations(run)


def _plan_facts(
    settings: "Settings", run: "Run", notes: Sequence[str], tasks: "Sequence[Task]"
) -> "Facts":
    """The plan for a program."""
    from i2i_keras import stack
    from i2i_keras.experiment import contents
    from i2i_keras.experiment.plan.state import states

    there = contents.look(settings, run)
    return {
        "run": str(run.root),
        "images": there.images,
        "labelled": there.labelled,
        "size": there.size,
        "computed_by": stack.NAME,
        "notes": list(notes),
        "tasks": [{**state._asdict(), "why": state.why or None} for state in states(tasks)],
    }


def _tell_translations(run: "Run") -> None:
    """Says where translations lie, and how to have more of them."""
    from i2i_keras.run_folder import places

    made = [*run.all_done([places.TRANSLATE])]
    for place in made:
        click.echo(f"Translated: {run.root / place}")
    back = any(place.endswith("-yx") for place in made)
    for method in run.trained_translators():
        note(
            "Translate other images, or these at full size: i2i-keras translate --run"
            f" {shlex.quote(str(run.root))} --method {method} --images FOLDER --out FOLDER"
            f"{' (of the target: --direction yx)' if back else ''}"
        )


def _told(settings: "Settings", run: "Run", notes: Sequence[str]) -> Iterator[str]:
    """What images and labels there are, and what that means for the plan."""
    from i2i_keras import stack
    from i2i_keras.experiment import contents

    there = contents.look(settings, run)
    height, width = there.size
    yield from there.told()
    yield f"run directory: {run.root}"
    yield f"working size: {height} x {width}"
    yield f"computed by: {stack.NAME}"
    yield from (f"Note: {note}" for note in notes)
    yield ""
