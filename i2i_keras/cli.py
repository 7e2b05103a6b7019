"""The command line: one short command a stage, and `audit`.

Heavy imports are inside the commands, so that `--help` is instant.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from i2i_keras.errors import DataError, SettingsError

if TYPE_CHECKING:
    from i2i_keras.runs import Done, Run
    from i2i_keras.settings import Settings

# TensorFlow reads it when it is imported. Its complaints about absent GPUs are
# of level "error".
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


class _Group(click.Group):
    """Turns what a user can mend into one sentence and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise click.UsageError(str(error)) from error
        except DataError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            raise click.ClickException(f"{error.filename}: {error.strerror}.") from error
        except KeyboardInterrupt:
            click.echo("\nStopped; the same command goes on from here.", err=True)
            ctx.exit(130)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="i2i_keras")
def main() -> None:
    r"""Does translating my source images help my segmenter, and by how much?

    \b
    Everything in one go, on drawn streets:
      i2i-keras run --preset demo
    Stage by stage, on your data:
      i2i-keras prepare --preset report --source CITYSCAPES --target GTA5
      i2i-keras train-translator --preset report
      i2i-keras translate --preset report
      i2i-keras train-segmenter --preset report
      i2i-keras evaluate --preset report
      i2i-keras report --preset report
    """


def _run_options(command: Callable[..., None]) -> Callable[..., None]:
    """Options of every stage: which experiment, and where it lives."""
    for option in reversed(
        (
            click.option("--preset", default="demo", help="Name of a preset, or a TOML file."),
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


@main.command()
@_run_options
def streets(**options: Any) -> None:
    """Draw labelled streets in the layouts of Cityscapes and GTA5.

    Example: i2i-keras streets --run runs/mine --set streets.num_train=50
    """
    from i2i_keras import experiment

    settings, run = _open(**options)
    with run.locked():
        _tell("streets", experiment.streets(settings, run))


@main.command()
@click.argument("root", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--format", "format_", required=True, help="Layout: cityscapes, gta5, folder, ...")
@click.option("--split", default="", help="Way to split.  [default: the format's first]")
@click.option("--encoding", default="", help="ids, train_ids or colors.  [default: ids]")
@click.option("--mapping", default="", help="TOML file: what a folder's labels hold.")
@click.option("--label-space", default="", help="Name or TOML file.  [default: what fits]")
@click.option("--workers", default=0, help="Processes; 0 = one a core.")
@click.option("--json", "json_", type=click.Path(path_type=Path), help="Write all findings there.")
def audit(
    root: Path, format_: str, label_space: str, workers: int, json_: Path | None, **domain: str
) -> None:
    """Look for all that is wrong with a data set; exit code 1 if anything is.

    Example: i2i-keras audit /data/gta5 --format gta5 --json findings.json
    """
    from i2i_keras import config
    from i2i_keras.data import audit, domains

    chosen = config.build(domains.DomainConfig, {"format": format_, **domain})
    audited = domains.audit_domain(chosen, root, label_space, workers)
    click.echo("\n".join(audit.overview(audited)))
    if json_:
        audit.write_json(json_, audited)
        click.echo(f"All findings: {json_}")
    if any(finding.bad for finding in audited.findings):
        raise DataError("Some files are bad; they are listed above.")


@main.command()
@_run_options
def prepare(**options: Any) -> None:
    """Audit both domains, align labels, resize, and write records.

    Example: i2i-keras prepare --preset report --source CITYSCAPES --target GTA5
    """
    from i2i_keras import experiment

    settings, run = _open(**options)
    with run.locked():
        done = experiment.prepare(settings, run)
    _tell("prepare", done)
    for sentence in done.results["foretold"]:
        click.echo(f"  {sentence}")
    if done.results["skipped"]:
        path = run.root / "records" / "audit.json"
        click.echo(f"  {done.results['skipped']} bad records left out; see {path}")


@main.command()
@click.option("--method", "methods", multiple=True, help="Translator.  [default: the arms']")
@_run_options
def train_translator(methods: tuple[str, ...], **options: Any) -> None:
    """Train translators on the images of both domains.

    Example: i2i-keras train-translator --set translator.cyclegan.steps=2000
    """
    from i2i_keras import experiment

    settings, run = _open(**options)
    with run.locked():
        for method in methods or settings.methods:
            done = experiment.train_translator(settings, run, method)
            _tell(f"train-translator {method}", done)


@main.command()
@click.option("--method", "methods", multiple=True, help="Translator.  [default: the arms']")
@click.option(
    "--direction",
    type=click.Choice(["xy", "yx"]),
    default="xy",
    show_default=True,
    help="xy: source to target's style; yx: target to source's.",
)
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Translate this folder of images, of any size, instead of the records.",
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Where translated --images go."
)
@_run_options
def translate(
    methods: tuple[str, ...],
    direction: str,
    images: Path | None,
    out: Path | None,
    **options: Any,
) -> None:
    """Translate the labelled source, its labels kept; or any folder of images.

    Example: i2i-keras translate --direction yx --images photos --out translated
    """
    from i2i_keras import experiment

    if (images is None) != (out is None):
        raise SettingsError("--images and --out go together.")
    settings, run = _open(**options)
    with run.locked():
        for method in methods or settings.methods:
            if images and out:
                count = experiment.translate_folder(run, method, direction, images, out)
                click.echo(f"translate {method}: {count} images in {out}")
            else:
                done = experiment.translate(settings, run, method, direction)
                _tell(f"translate {method}", done)


@main.command()
@click.option("--arm", "arms", multiple=True, help="Which arm.  [default: all of the settings]")
@_run_options
def train_segmenter(arms: tuple[str, ...], **options: Any) -> None:
    """Train the segmenter of each arm.

    Example: i2i-keras train-segmenter --arm source_only --arm oracle
    """
    from i2i_keras import experiment

    settings, run = _open(**options)
    with run.locked():
        for arm in arms or settings.arms:
            done = experiment.train_segmenter(settings, run, arm)
            _tell(f"train-segmenter {arm}", done)


@main.command()
@_run_options
def evaluate(**options: Any) -> None:
    """Score all arms on the target's test images and print the table.

    Example: i2i-keras evaluate --run runs/demo
    """
    from i2i_keras import experiment
    from i2i_keras.report import page

    settings, run = _open(**options)
    with run.locked():
        click.echo(page.result_table(experiment.evaluate(settings, run)))


@main.command()
@_run_options
def report(**options: Any) -> None:
    """Write the report page from what the other stages left.

    Example: i2i-keras report --run runs/demo
    """
    from i2i_keras.report import page
    from i2i_keras.runs import Run

    run = Run(_run_dir(options["preset"], options["run_dir"]))
    with run.locked():
        facts = page.write_report(run.root)
    click.echo(f"report: {run.root / facts['page']}")


@main.command()
@_run_options
def run(**options: Any) -> None:
    """Run the whole experiment; stages that are done are skipped.

    Example: i2i-keras run --preset demo --set seed=1 --run runs/demo-1
    """
    from i2i_keras import experiment
    from i2i_keras.report import page
    from i2i_keras.runs import read_json

    settings, run = _open(**options)
    with run.locked():
        facts = experiment.run_all(settings, run, click.echo)
    summary = read_json(run.root / "scores" / "summary.json")
    click.echo(f"\n{page.result_table(summary)}\n\n{facts['headline']}")
    click.echo(f"\nReport: {run.root / facts['page']}")


def _open(
    preset: str,
    run_dir: Path | None,
    source: str | None,
    target: str | None,
    overrides: tuple[str, ...],
) -> "tuple[Settings, Run]":
    from i2i_keras import config
    from i2i_keras.runs import Run
    from i2i_keras.settings import Settings

    table = config.read(preset, overrides)
    for role, root in (("source", source), ("target", target)):
        if root:
            table.setdefault(role, {})["root"] = root
    return config.build(Settings, table), Run(_run_dir(preset, run_dir))


def _run_dir(preset: str, run_dir: Path | None) -> Path:
    return run_dir or Path("runs") / Path(preset).stem


def _tell(name: str, done: "Done") -> None:
    how = "was done before" if done.skipped else f"done in {done.seconds:.0f} s"
    click.echo(f"{name}: {how}")
