"""The command that writes trained networks for use without this package."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from i2i_keras.cli.completing import complete_arm, complete_method
from i2i_keras.cli.options import (
    UserPath,
    direction_option,
    open_run,
    run_options,
    which_training,
)
from i2i_keras.errors import SettingsError

if TYPE_CHECKING:
    from i2i_keras.run_folder.run import Run


@click.command()
@click.option(
    "--method",
    help="Translator.  [default: the only one with a network, or cyclegan]",
    shell_complete=complete_method,
)
@click.option(
    "--arm", help="Segmenter of this arm, instead of a translator.", shell_complete=complete_arm
)
@direction_option
@which_training
@click.option(
    "--format",
    "format_",
    default="saved_model",
    show_default=True,
    help="saved_model, tflite or onnx.",
)
@click.option("--out", type=UserPath(), help="[default: export/NAME.FORMAT in the run]")
@click.option(
    "--image",
    type=UserPath(exists=True, dir_okay=False),
    help="To compare on.  [default: some that were trained on]",
)
@run_options
def export(method: str | None, arm: str | None, direction: str, **options: Any) -> None:
    """Write a generator or a segmenter as a function of uint8 images.

    A generator gives uint8 images, a segmenter the number of each pixel's
    class, both for images of any size; what is written is compared with the
    network. A segmenter knows things as large as in the images that it was
    trained on.

    Example: i2i-keras export --run runs/demo --format tflite --out xy.tflite
    """
    how = {name: options.pop(name) for name in ("format_", "out", "image")}
    seed, step = options.pop("seed"), options.pop("step")
    if arm and method:
        raise SettingsError("--arm is of a segmenter and --method of a translator; give one.")
    source = click.get_current_context().get_parameter_source("direction")
    if arm and source is not ParameterSource.DEFAULT:
        raise SettingsError("A segmenter has no --direction; leave it out, or give --method.")
    if method:
        from i2i_keras.translators import check_method

        check_method(method)
    run = open_run(**options, use="use").run
    with run.locked(shared=True, new=False):
        if arm:
            told = _export_segmenter(run, {"arm": arm, "seed": seed, "step": step}, **how)
        else:
            told = _export_generator(run, (method, direction, seed, step), **how)
    click.echo(f"export {told}")


def _export_segmenter(
    run: "Run", which: dict[str, Any], format_: str, out: Path | None, image: Path | None
) -> str:
    from i2i_keras.experiment import choosing, segmenting

    trained = choosing.choose(run, **which)
    out = out or _place(trained.run, trained.folder.name, trained.step, format_)
    other, total = segmenting.export(trained, format_, out, image)
    found = f"{other} of {total} pixels of another class than the network's"
    return f"{trained}: {out}, {found} (bound 1 in {1 / segmenting.BOUND:.0f})"


def _export_generator(
    run: "Run",
    which: tuple[str | None, str, int | None, int | None],
    format_: str,
    out: Path | None,
    image: Path | None,
) -> str:
    from i2i_keras.experiment import repetitions, translating
    from i2i_keras.translators.export import BOUND

    method, direction, seed, step = which
    member, _ = repetitions.one_of(run, seed)
    method = method or translating.exported_method(member)
    trained = translating.TrainedTranslator(member, method, direction, step=step)
    out = out or _place(member, f"{method}-{direction}", step, format_)
    worst = translating.export(trained, format_, out, image)
    return f"{method}: {out}, up to {worst} of 255 from the network (bound {BOUND})"


def _place(run: "Run", name: str, step: int | None, format_: str) -> Path:
    """Where it is written, unless the user says otherwise."""
    at = "" if step is None else f"-step-{step}"
    return run.exports / f"{name}{at}.{format_}"
