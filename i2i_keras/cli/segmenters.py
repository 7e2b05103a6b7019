"""The command that uses a trained segmenter."""

from pathlib import Path
from typing import Any

import click

from i2i_keras.cli.options import open_run, run_options, which_training


@click.command()
@click.option("--arm", help="Whose segmenter.  [default: the best by the scores, but the oracle]")
@click.option("--images", required=True, help="A folder, an image, or a quoted pattern.")
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
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
@click.option("--shard", metavar="I/N", help="Do the I-th of N shares; others do the rest.")
@which_training
@run_options
def segment(images: str, out: Path, shard: str | None, **options: Any) -> None:
    """Segment any images with a trained segmenter.

    Each gets its classes (their numbers as pixels, named in classes.json), and
    an overlay in their colors. What is there already and comes from the same
    segmenter and the same file is kept.

    Example: i2i-keras segment --run runs/demo --images photos --out classes
    """
    from i2i_keras.experiment import choosing, segmenting
    from i2i_keras.run_folder.locks import Shard

    share = Shard.read(shard) if shard else Shard()
    look = segmenting.Look(options.pop("scale"), options.pop("probabilities"))
    which = {name: options.pop(name) for name in ("arm", "seed", "step")}
    run = open_run(**options, use="use").run
    with run.locked(shared=True, new=False):
        trained = choosing.choose(run, **which)
        count = segmenting.segment_images(trained, images, out, share, look)
    click.echo(f"segment {trained}: {count} images in {out}")
