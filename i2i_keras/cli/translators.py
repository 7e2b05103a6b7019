"""Commands that train translators, and that use trained ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from i2i_keras.cli.completing import complete_method
from i2i_keras.cli.options import (
    UserPath,
    direction_option,
    images_options,
    of_seed,
    open_run,
    run_options,
    step_option,
    tell,
    tell_made,
)
from i2i_keras.cli.talk import note
from i2i_keras.errors import SettingsError

methods_option = click.option(
    "--method",
    "methods",
    multiple=True,
    help="Translator.  [default: the arms']",
    shell_complete=complete_method,
)


@click.command()
@methods_option
@run_options
def train_translator(methods: tuple[str, ...], **options: Any) -> None:
    """Train translators on the images of both domains.

    Example: i2i-keras train-translator --set translator.cyclegan.steps=2000
    """
    from i2i_keras.experiment import fitting, stages
    from i2i_keras.experiment.repetitions import repetitions
    from i2i_keras.experiment.translating import check_methods

    check_methods(methods)
    opened = open_run(**options, use="make")
    with opened.training():
        opened.run.done(opened.run.records)  # What there is decides what can be trained.
        settings = fitting.fit(opened.settings, opened.run).settings
        for own, member in repetitions(settings, opened.run):
            for method in methods or own.methods:
                done = stages.train_translator(own, member, method)
                tell(f"train-translator {method}{of_seed(settings, own)}", done)


@click.command()
@methods_option
@direction_option
@click.option(
    "--images",
    multiple=True,
    metavar="PATH",
    help="Translate these instead of the records: a folder, an image, or a quoted pattern;"
    " may be given several times.",
)
@click.option(
    "--out", type=UserPath(), help="Folder that translated --images go to; of one image, or a PNG."
)
@images_options
@click.option(
    "--tile",
    type=click.IntRange(16, 2**14),
    help="Compute in tiles of this side, to save memory.  [default: above 4 megapixels]",
)
@click.option(
    "--reference",
    type=UserPath(),
    metavar="domain|IMAGE",
    help="Give all --images the style of one image, or the mean of the domain, so that the"
    " frames of a film stay alike. Of color and fourier.",
)
@step_option
@run_options
def translate(
    methods: tuple[str, ...],
    direction: str,
    images: tuple[str, ...],
    out: Path | None,
    shard: str | None,
    tile: int | None,
    **options: Any,
) -> None:
    """Translate the labelled source, its labels kept; or any images.

    What is there already and comes from the same translator and the same
    file is kept. Folders are walked, and their tree is kept.

    Example: i2i-keras translate --method cyclegan --images photos --out fakes
    """
    from i2i_keras.experiment import translating
    from i2i_keras.experiment.repetitions import repetitions
    from i2i_keras.run_folder.locks import Shard

    step, on_bad, reference = (options.pop(name) for name in ("step", "on_bad", "reference"))
    _check_images(images, out, step, reference, on_bad)
    share = Shard.read(shard) if shard else None
    translating.check_methods(methods)
    opened = open_run(**options, use="use" if images else "make")
    settings, run = opened.settings, opened.run
    if images:
        _refuse_several(methods or settings.methods, settings.seeds, run.root)
    with run.locked(shared=bool(images or share), new=False):
        for own, member in repetitions(settings, run):
            for method in methods or own.methods:
                name = f"translate {method}{of_seed(settings, own)}"
                trained = translating.TrainedTranslator(
                    member, method, direction, tile, step, reference and str(reference)
                )
                if images and out:
                    made = translating.translate_images(trained, images, out, share or Shard())
                    tell_made(name, made, out, on_bad)
                elif not share:
                    tell(name, translating.translate(trained))
                elif done := translating.translate_shard(trained, share):
                    tell(name, done)
                else:
                    note(f"{name}: shard {shard} is done; others are not")


def _check_images(
    images: Sequence[str], out: Path | None, step: int | None, reference: Path | None, on_bad: str
) -> None:
    """Refuses options that need another one beside them."""
    if bool(images) != (out is not None):
        raise SettingsError("--images and --out go together.")
    if on_bad == "skip" and not images:
        raise SettingsError("--on-bad goes with --images; for records there is prepare.on_bad.")
    if step is not None and not images:
        raise SettingsError("--step goes with --images; records are of what it saved in the end.")
    if reference is not None and not images:
        raise SettingsError("--reference goes with --images; for records there is the setting.")


def _refuse_several(methods: Sequence[str], seeds: Sequence[int], root: Path) -> None:
    """One translator alone writes to a folder of images."""
    if seeds:
        raise SettingsError(
            f"Of which seed? Give the run directory of one, such as --run {root}/seed-{seeds[0]}."
        )
    if len(methods) > 1:
        raise SettingsError(
            f"--images go through one translator; say which by one --method: {', '.join(methods)}."
        )
