"""A command for each stage but those of the translators."""

import itertools
import sys
from typing import Any

import click

from i2i_keras.cli.completing import complete_arm
from i2i_keras.cli.options import find_run, of_seed, open_run, run_options, tell
from i2i_keras.cli.talk import json_option, note, write_json
from i2i_keras.errors import DataError, how_many


@click.command()
@run_options
def streets(**options: Any) -> None:
    """Draw labelled streets in the layouts of Cityscapes and GTA5.

    Example: i2i-keras streets --preset demo --run runs/mine
    """
    from i2i_keras.experiment import stages

    opened = open_run(**options, use="begin")
    with opened.making():
        tell("streets", stages.streets(opened.settings, opened.run))


@click.command()
@run_options
def prepare(**options: Any) -> None:
    """Audit both domains, align labels, resize, and write records.

    Example: i2i-keras prepare --preset student_report --source A --target B
    """
    from i2i_keras.experiment import contents, fitting, stages

    opened = open_run(**options, use="begin")
    settings, run = opened.settings, opened.run
    with opened.making():
        done = stages.prepare(settings, run)
    tell("prepare", done)
    there = contents.look(settings, run)
    fitted = fitting.fit_to(settings, there)
    told = [done.results.get(key, []) for key in ("stretched", "noted", "foretold")]
    for sentence in [*there.told(), *fitted.notes, *itertools.chain(*told)]:
        note(f"  {sentence}")
    if done.results["skipped"]:
        path = run.audit
        left_out = how_many(done.results["skipped"], "bad record")
        note(f"  {left_out} left out; see {path}")


@click.command()
@click.option(
    "--arm",
    "arms",
    multiple=True,
    help="Which arm.  [default: all of the settings]",
    shell_complete=complete_arm,
)
@run_options
def train_segmenter(arms: tuple[str, ...], **options: Any) -> None:
    """Train the segmenter of each arm.

    Example: i2i-keras train-segmenter --arm source_only --arm oracle
    """
    from i2i_keras.experiment import fitting, stages
    from i2i_keras.experiment.repetitions import repetitions
    from i2i_keras.segmenters.arms import in_training_order, parse_all
    from i2i_keras.translators import TRANSLATORS

    named = parse_all(arms, TRANSLATORS)
    opened = open_run(**options, use="make")
    run = opened.run
    with opened.training():
        run.done(run.records)  # What there is decides what can be trained.
        fitted = fitting.fit(opened.settings, run)
        fitted.check(named)
        settings = fitted.settings
        if not (named or settings.arms):
            note(" ".join(["No arm is to be trained.", *fitted.notes]))
        for own, member in repetitions(settings, run):
            for arm in in_training_order(named or own.arms):
                done = stages.train_segmenter(own, member, arm)
                tell(f"train-segmenter {arm}{of_seed(settings, own)}", done)


@click.command()
@json_option
@run_options
def evaluate(as_json: bool, **options: Any) -> None:
    """Score all arms on the target's test images and print the table.

    Example: i2i-keras evaluate --run runs/demo
    """
    from i2i_keras.evaluation.summary import is_scored
    from i2i_keras.experiment import fitting, stages
    from i2i_keras.report import page, terminal

    opened = open_run(**options)
    with opened.making():
        opened.run.done(opened.run.records)
        fitted = fitting.fit(opened.settings, opened.run)
        for sentence in fitted.notes:
            note(f"Note: {sentence}")
        summary = stages.evaluate(fitted.settings, opened.run)
    if as_json:
        write_json(summary)
    elif is_scored(summary):
        click.echo(terminal.result_text(summary, terminal.terminal_of(sys.stdout)))
    else:
        click.echo(page.answer(summary))


@click.command()
@run_options
def report(**options: Any) -> None:
    """Write the report page from what the other stages left.

    Example: i2i-keras report --run runs/demo
    """
    from i2i_keras.report import page

    run = find_run(options["preset"], options["run_dir"])
    if not run.root.is_dir():
        raise DataError(f"{run.root} does not exist; give the --run of one that does.")
    with run.locked(new=False):
        facts = page.write_report(run)
    click.echo(f"report: {run.root / facts['page']}")
