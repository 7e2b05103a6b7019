"""A command for each stage but those of the translators."""

import sys
from typing import Any

import click

from i2i_keras.cli.options import of_seed, open_run, run_folder, run_options, tell


@click.command()
@run_options
def streets(**options: Any) -> None:
    """Draw labelled streets in the layouts of Cityscapes and GTA5.

    Example: i2i-keras streets --run runs/mine --set streets.num_train=50
    """
    from i2i_keras import experiment

    settings, run = open_run(**options)
    with run.locked():
        tell("streets", experiment.streets(settings, run))


@click.command()
@run_options
def prepare(**options: Any) -> None:
    """Audit both domains, align labels, resize, and write records.

    Example: i2i-keras prepare --preset report --source CITYSCAPES --target GTA5
    """
    from i2i_keras import experiment

    settings, run = open_run(**options)
    with run.locked():
        done = experiment.prepare(settings, run)
    tell("prepare", done)
    for sentence in done.results["foretold"]:
        click.echo(f"  {sentence}")
    if done.results["skipped"]:
        path = run.root / "records" / "audit.json"
        click.echo(f"  {done.results['skipped']} bad records left out; see {path}")


@click.command()
@click.option("--arm", "arms", multiple=True, help="Which arm.  [default: all of the settings]")
@run_options
def train_segmenter(arms: tuple[str, ...], **options: Any) -> None:
    """Train the segmenter of each arm.

    Example: i2i-keras train-segmenter --arm source_only --arm oracle
    """
    from i2i_keras import experiment
    from i2i_keras.arms import training_order
    from i2i_keras.repetitions import repetitions

    settings, run = open_run(**options)
    with run.locked(new=False):
        for own, member in repetitions(settings, run):
            for arm in training_order(arms or own.arms):
                done = experiment.train_segmenter(own, member, arm)
                tell(f"train-segmenter {arm}{of_seed(settings, own)}", done)


@click.command()
@run_options
def evaluate(**options: Any) -> None:
    """Score all arms on the target's test images and print the table.

    Example: i2i-keras evaluate --run runs/demo
    """
    from i2i_keras import experiment
    from i2i_keras.report import terminal

    settings, run = open_run(**options)
    with run.locked(new=False):
        summary = experiment.evaluate(settings, run)
    click.echo(terminal.result_text(summary, terminal.terminal_of(sys.stdout)))


@click.command()
@run_options
def report(**options: Any) -> None:
    """Write the report page from what the other stages left.

    Example: i2i-keras report --run runs/demo
    """
    from i2i_keras.report import page
    from i2i_keras.runs import Run

    run = Run(run_folder(options["preset"], options["run_dir"]))
    with run.locked(new=False):
        facts = page.write_report(run.root)
    click.echo(f"report: {run.root / facts['page']}")
