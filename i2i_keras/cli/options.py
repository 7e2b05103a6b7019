"""Options that commands share, and what they open."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

from i2i_keras.cli.completing import complete_preset, complete_run
from i2i_keras.cli.talk import note, quiet_option, warn
from i2i_keras.errors import DataError, SettingsError, how_many

if TYPE_CHECKING:
    from i2i_keras.config import Table
    from i2i_keras.data.find_images import Made
    from i2i_keras.experiment.run_settings import Difference, Kept
    from i2i_keras.experiment.settings import Settings
    from i2i_keras.run_folder.run import Done, Run

_DEFAULT = "demo"
Use = Literal["begin", "make", "read", "use"]


class UserPath(click.Path):
    """A path that may begin with `~`, which shells leave in `--out=~/out`."""

    def __init__(self, **kind: bool) -> None:
        super().__init__(path_type=Path, **kind)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        # Not by `Path`, which raises where there is no such user.
        return super().convert(os.path.expanduser(value), param, ctx)  # noqa: PTH111


def images_options(command: Callable[..., None]) -> Callable[..., None]:
    """Options of what makes something of any images."""
    on_bad = click.option(
        "--on-bad",
        type=click.Choice(["fail", "skip"]),
        default="fail",
        show_default=True,
        help="Whether unreadable images, which are left out and listed, end it with code 1.",
    )
    shard = click.option(
        "--shard", metavar="I/N", help="Do the I-th of N shares; others do the rest."
    )
    return on_bad(shard(command))


def tell_made(name: str, made: "Made", out: Path, on_bad: str) -> None:
    """Prints what became of images.

    Raises:
        DataError: some could not be read, and `on_bad` is not `skip`.
    """
    click.echo(f"{name}: {how_many(made.number, 'image')} in {out}")
    if made.others:
        note(f"  Note: {made.others} beside them, which are no images.")
    if not made.unreadable:
        return
    listed = "".join(f"\n  {error}" for error in sorted(map(str, made.unreadable)))
    told = f"{how_many(len(made.unreadable), 'image')} left out:{listed}"
    if on_bad == "fail":
        raise DataError(told)
    click.echo(told, err=True)


def run_options(command: Callable[..., None]) -> Callable[..., None]:
    """Options of every stage: which experiment, and where it lives."""
    for option in reversed(
        (
            click.option("--run", "run_dir", type=UserPath(file_okay=False),
                         help="Run directory; one that is there knows its settings."
                         "  [default: runs/PRESET]", shell_complete=complete_run),
            click.option("--preset", help="Of a new run: name of a preset, or a TOML file."
                         "  [default: demo]", shell_complete=complete_preset),
            click.option("--source", help="Root of the source data; overrides source.root."),
            click.option("--target", help="Root of the target data; overrides target.root."),
            click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE",
                         help="Override a setting, e.g. segmenter.steps=500."),
            quiet_option,
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


class Opened(NamedTuple):
    """What a command works on.

    Attributes:
        settings: that it was given, or that its run keeps.
        run: the run directory.
        preset: the name of the preset that the run was begun with.
        changed: whether the run keeps other settings, or none yet.
    """

    settings: "Settings"
    run: "Run"
    preset: str
    changed: bool

    @contextlib.contextmanager
    def training(self, *, shared: bool = False) -> Iterator[None]:
        """Like `making`, for what trains, be it with workers of TF_CONFIG."""
        from i2i_keras.training import devices, tracking

        tracking.check(self.settings.tracking)
        with devices.team(self.settings.strategy), self.making(shared=shared):
            yield

    @contextlib.contextmanager
    def making(self, *, shared: bool = False) -> Iterator[None]:
        """Locks the run for something that may be new; its settings are kept.

        Changed ones only in the end, when no stage has refused them.
        """
        from i2i_keras.experiment import run_settings
        from i2i_keras.run_folder import workers

        if workers.follows():  # Of one who does all of that.
            yield
            return
        with self.run.locked(shared=shared):
            if run_settings.read(self.run) is None:
                run_settings.keep(self.run, self.preset, self.settings)
            yield
            if self.changed:
                run_settings.keep(self.run, self.preset, self.settings)


def which_training(command: Callable[..., None]) -> Callable[..., None]:
    """Options of what uses one trained network: which one."""
    seed = click.option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        help="Of several trainings, that of this seed.  [default: the first]",
    )
    return seed(step_option(command))


step_option = click.option(
    "--step",
    type=click.IntRange(1, 10**9),
    help="As it was after so many steps, if that checkpoint was kept.  [default: the end]",
)


def open_run(
    preset: str | None,
    run_dir: Path | None,
    source: str | None,
    target: str | None,
    overrides: tuple[str, ...],
    *,
    use: Use = "read",
) -> Opened:
    """Settings and run directory of `run_options`.

    Differences to what the run keeps are told.

    Args:
        preset: its name; None = the run's own settings, or the demo.
        run_dir: the run directory; None = `runs/PRESET`.
        source: root of the source data, or None.
        target: root of the target data, or None.
        overrides: `dotted.key=value` each.
        use: what the command does with the run: `begin` one if need be; `make`
            something in it, also with other settings where nothing was made
            with them yet; `read` what was made with its own; or `use` networks,
            for which no setting is needed.

    Raises:
        SettingsError: settings are wrong, or the preset is not the run's.
        DataError: there is no such run, or its settings are others.
    """
    from i2i_keras import config
    from i2i_keras.experiment import run_settings
    from i2i_keras.experiment.settings import Settings
    from i2i_keras.training import runtime

    run = find_run(preset, run_dir)
    kept = run_settings.read(run)
    name, base = _base(run, kept, preset, named=run_dir is not None, use=use)
    table = _with_roots(config.override(base, overrides), kept, source, target)
    settings = config.build(Settings, _fitting(base, table, overrides))
    runtime.share_threads(settings.threads_per_operation)
    if use != "begin" and not run.root.is_dir():
        raise DataError(
            f"{run.root} does not exist; begin a run there with:"
            f" i2i-keras run --preset {preset or _DEFAULT} --run {run.root}."
        )
    # Earlier versions kept no settings.
    if use == "use" and kept is None and not _holds_run(run):
        raise DataError(f"{run.root} holds no run; give the directory of one.")
    changed = kept is None
    if kept is not None:
        found = run_settings.differences(config.build(Settings, kept.table), settings)
        _tell(run, found, use)
        changed = bool(found)
    return Opened(settings, run, name, changed)


def find_run(preset: str | None, run_dir: Path | None) -> "Run":
    """The run directory that was given, or `runs/PRESET`."""
    from i2i_keras.run_folder.run import Run

    run = Run(run_dir or Path("runs") / Path(preset or _DEFAULT).stem)
    tell_old(run)
    return run


def tell_old(run: "Run") -> None:
    """Says if the folders of a run have the names of an earlier version."""
    if run.is_old:
        note(
            f"Note: {run.root} has the folders of an earlier version (records, scores, ...) and"
            " keeps them; the next version reads only those of new runs (prepare, evaluate, ...).",
            err=True,
        )


def tell(name: str, done: "Done") -> None:
    """Prints how a stage ended, and its warnings."""
    note(f"{name}: {done}")
    for warning in done.results.get("warnings", []):
        warn(f"  Warning: {warning}")


def of_seed(settings: "Settings", own: "Settings") -> str:
    """What to say of one of several repetitions."""
    return f" (seed {own.seed})" if settings.seeds else ""


def _base(
    run: "Run", kept: "Kept | None", preset: str | None, *, named: bool, use: Use
) -> "tuple[str, Table]":
    """Name of a preset and the settings that overrides are applied to.

    Args:
        run: the run directory.
        kept: what it knows of its settings.
        preset: that was given.
        named: whether the run directory was, too.
        use: see `open_run`.
    """
    from i2i_keras import config

    if preset is not None:
        table, name = config.read(preset), config.current_name(Path(preset).name)
        if name != Path(preset).name:
            note(f"Note: the preset {preset} is called {name} now.", err=True)
        if kept is not None and config.current_name(kept.preset) != name:
            raise SettingsError(
                f"{run.root} is a run of the preset {kept.preset}, not of {name}; leave out"
                " --preset to go on with it, or give another --run."
            )
        return name, table
    if kept is not None:
        return kept.preset, kept.table
    there = run.root.is_dir()
    # What is not there is refused by `open_run`.
    if not named or use == "use" or (use != "begin" and not there):
        return _DEFAULT, config.read(_DEFAULT)
    if there and (use != "begin" or any(run.root.iterdir())):
        raise SettingsError(f"{run.root} keeps no settings; say which by --preset, once.")
    raise SettingsError(
        f"{run.root} does not exist; a new run needs a preset, such as --preset {_DEFAULT}."
    )


def _holds_run(run: "Run") -> bool:
    """Whether a folder is a run, or is empty and may become one."""
    return bool(run.all_done()) or any(run.root.glob("seed-*")) or not any(run.root.iterdir())


def _with_roots(
    table: "Table", kept: "Kept | None", source: str | None, target: str | None
) -> "Table":
    """The table with the roots that were given, or else those of the run."""
    for role, root in (("source", source), ("target", target)):
        known = (kept.table if kept else {}).get(role, {}).get("root")
        if root or (known and not table.get(role, {}).get("root")):
            table.setdefault(role, {})["root"] = root or known
    return table


def _fitting(base: "Table", table: "Table", overrides: tuple[str, ...]) -> "Table":
    """The table without what its preset said of the format it had before."""
    from i2i_keras import config
    from i2i_keras.preparation import domains

    for role in ("source", "target"):
        before = base.get(role, {})
        given = (key.partition(".") for key in config.overridden(overrides))
        named = {name for domain, _, name in given if domain == role}
        for key, instead in domains.misfits(before, table.get(role, {}), named).items():
            note(
                f"Note: {role}.{key} = {table[role].pop(key)!r} is of {before['format']};"
                f" {instead}.",
                err=True,
            )
    return table


def _tell(run: "Run", found: "list[Difference]", use: Use) -> None:
    """Says what is not as in the run, and refuses what cannot be.

    Raises:
        DataError: nothing is made that could have other settings.
    """
    from i2i_keras.experiment import run_settings

    told = "; ".join(map(str, found))
    fixed = [difference for difference in found if not difference.is_free]
    if use == "make":
        fixed = [one for one in fixed if run_settings.made_with(run, one.name)]
    if fixed and use in ("read", "use", "make"):
        raise DataError(
            f"{run.root} was made with other settings: {'; '.join(map(str, fixed))}. Leave them"
            " out, or make another run with them."
        )
    if found:
        note(f"Not as in {run.root}: {told}.", err=True)
