"""`init`: from two folders to a preset."""

from pathlib import Path

import click

from i2i_keras.cli.options import UserPath

_ENCODING = click.Choice(("ids", "train_ids", "colors", "own"))
_FOLDER = UserPath(exists=True, file_okay=False)


@click.command()
@click.argument("source", metavar="A", type=_FOLDER)
@click.argument("target", metavar="B", type=_FOLDER)
@click.option("--out", type=UserPath(dir_okay=False), help="[default: A-to-B.toml]")
@click.option(
    "--source-encoding", type=_ENCODING, help="What A's labels hold.  [default: as they look]"
)
@click.option(
    "--target-encoding", type=_ENCODING, help="What B's labels hold.  [default: as they look]"
)
def init(
    source: Path,
    target: Path,
    out: Path | None,
    source_encoding: str | None,
    target_encoding: str | None,
) -> None:
    """Look at two folders of images and write a preset that fits them.

    A is the source, which is translated; B the target, whose style is wanted.
    The preset runs as it is, on this machine, and says what it was made from.

    Example: i2i-keras init photos paintings
    """
    from i2i_keras.experiment import proposal

    out = out or Path(f"{source.resolve().name}-to-{target.resolve().name}.toml")
    encodings = {"source": source_encoding or "", "target": target_encoding or ""}
    proposed = proposal.propose(source, target, out, encodings)
    notes = proposal.write(proposed)
    click.echo("\n".join([*proposed.found, *(f"Note: {note}" for note in notes)]))
    click.echo(f"\nWritten: {', '.join(map(str, proposed.files))}")
    click.echo(f"Look at the plan with: i2i-keras run --preset {out} --dry-run")
