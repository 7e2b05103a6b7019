"""The command that uses a trained segmenter."""

from pathlib import Path
from typing import Any

import click

from i2i_keras.cli.completing import complete_arm
from i2i_keras.cli.options import (
    UserPath,
    images_options,
    open_run,
    run_options,
    tell_made,
    which_training,
)


@click.command()
@click.option(
    "--arm",
    help="Whose segmenter.  [default: the best by the scores, but the oracle]",
    shell_complete=complete_arm,
)
@click.option(
    "--images",
    multiple=True,
    required=True,
    metavar="PATH",
    help="A folder, an image, or a quoted pattern; may be given several times.",
)
@click.option(
    "--out",
    required=True,
    type=UserPath(file_okay=False),
    help="Gets classes/, overlays/ and classes.json.",
)
@click.option(
    "--scale",
    type=click.Choice(["working", "native"]),
    default="working",
    show_default=True,
    help="See images at the height that it was trained on, or as large as they are.",
)
@click.option("--probabilities", is_flag=True, help="Write those of all classes, too.")
@images_options
@which_training
@run_options
def segment(images: tuple[str, ...], out: Path, shard: str | None, **options: Any) -> None:
    """Segment any images with a trained segmenter.

    Each gets its classes (their numbers as pixels, named in classes.json), and
    an overlay in their colors. What is there already and comes from the same
    segmenter and the same file is kept. Folders are walked, and their tree is
    kept.

    Example: i2i-keras segment --run runs/demo --images photos --out classes
    """
    from i2i_keras.experiment import choosing, segmenting
    from i2i_keras.run_folder.locks import Shard

    share = Shard.read(shard) if shard else Shard()
    look = segmenting.Look(options.pop("scale"), options.pop("probabilities"))
    on_bad = options.pop("on_bad")
    which = {name: options.pop(name) for name in ("arm", "seed", "step")}
    run = open_run(**options, use="use").run
    with run.locked(shared=True, new=False):
        trained = choosing.choose(run, **which)
        made = segmenting.segment_images(trained, images, out, share, look)
    tell_made(f"segment {trained}", made, out, on_bad)
