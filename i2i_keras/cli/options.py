"""Options that commands share, and what they open."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from i2i_keras.runs import Done, Run
    from i2i_keras.settings import Settings


def run_options(command: Callable[..., None]) -> Callable[..., None]:
    """Options of every stage: which experiment, and where it lives."""
    for option in reversed(
        (
            click.option("--preset", default="demo", show_default=True,
                         help="Name of a preset, or a TOML file."),
            click.option("--run", "run_dir", type=click.Path(path_type=Path, file_okay=False),
                         help="Run directory.  [default: runs/PRESET]"),
            click.option("--source", help="Root of the source data; overrides source.root."),
            click.option("--target", help="Root of the target data; overrides target.root."),
            click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE",
                         help="Override a setting, e.g. segmenter.steps=500."),
        )
    ):  # fmt: skip
        command = option(command)
    return command


direction_option = click.option(
    "--direction",
    type=click.Choice(["xy", "yx"]),
    default="xy",
    show_default=True,
    help="xy: source to target's style; yx: target to source's.",
)


def which_training(command: Callable[..., None]) -> Callable[..., None]:
    """Options of what uses one trained network: which one."""
    seed = click.option(
        "--seed",
        type=click.IntRange(min=0),
        help="Of several trainings, that of this seed.  [default: the first]",
    )
    return seed(step_option(command))


step_option = click.option(
    "--step",
    type=click.IntRange(min=1),
    help="As it was after so many steps, if that state was kept.  [default: the end]",
)


def open_run(
    preset: str,
    run_dir: Path | None,
    source: str | None,
    target: str | None,
    overrides: tuple[str, ...],
) -> "tuple[Settings, Run]":
    """Settings and run directory of `run_options`."""
    from i2i_keras import config
    from i2i_keras.runs import Run
    from i2i_keras.settings import Settings
    from i2i_keras.training import runtime

    table = config.read(preset, overrides)
    for role, root in (("source", source), ("target", target)):
        if root:
            table.setdefault(role, {})["root"] = root
    settings = config.build(Settings, table)
    runtime.share_threads(settings.threads_per_operation)
    return settings, Run(run_folder(preset, run_dir))


def run_folder(preset: str, run_dir: Path | None) -> Path:
    """Where a run lives, unless the user says otherwise: `runs/PRESET`."""
    return run_dir or Path("runs") / Path(preset).stem


def tell(name: str, done: "Done") -> None:
    """Prints how a stage ended, and its warnings."""
    click.echo(f"{name}: {done}")
    for warning in done.results.get("warnings", []):
        click.echo(f"  Warning: {warning}")


def of_seed(settings: "Settings", own: "Settings") -> str:
    """What to say of one of several repetitions."""
    return f" (seed {own.seed})" if settings.seeds else ""
