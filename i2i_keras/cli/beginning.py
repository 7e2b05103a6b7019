"""`init`: from two folders to a preset."""

import shlex
import sys
from pathlib import Path

import click

from i2i_keras.cli.options import UserPath
from i2i_keras.cli.talk import note, quiet_option

_ENCODING = click.Choice(("ids", "train_ids", "colors", "own"))
_FOLDER = UserPath(exists=True, file_okay=False)


@click.command()
@click.argument("source", metavar="[A]", required=False, type=_FOLDER)
@click.argument("target", metavar="[B]", required=False, type=_FOLDER)
@click.option("--out", type=UserPath(dir_okay=False), help="[default: A-to-B.toml]")
@click.option(
    "--source-encoding", type=_ENCODING, help="What A's labels hold.  [default: as they look]"
)
@click.option(
    "--target-encoding", type=_ENCODING, help="What B's labels hold.  [default: as they look]"
)
@quiet_option
def init(
    source: Path | None,
    target: Path | None,
    out: Path | None,
    source_encoding: str | None,
    target_encoding: str | None,
) -> None:
    """Look at two folders of images and write a preset that fits them.

    A is the source, which is translated; B the target, whose style is wanted.
    In a terminal, what is not given is asked for. The preset runs as it is, on
    this machine, and says what it was made from.

    Example: i2i-keras init photos paintings
    """
    from i2i_keras.experiment import proposal

    source = source or _asked("Folder of the images that are to be translated")
    target = target or _asked("Folder of images in the style that is wanted")
    out = out or Path(f"{source.resolve().name}-to-{target.resolve().name}.toml")
    encodings = {"source": source_encoding or "", "target": target_encoding or ""}
    proposed = proposal.propose(source, target, out, encodings)
    notes = proposal.write(proposed)
    note("\n".join([*proposed.found, *(f"Note: {one}" for one in notes), ""]))
    click.echo(f"Written: {', '.join(map(str, proposed.files))}")
    note(f"Look at the plan with: i2i-keras run --preset {shlex.quote(str(out))} --dry-run")


def _asked(what: str) -> Path:
    """A folder that is asked for, until there is one of that name."""
    if not sys.stdin.isatty():
        raise click.UsageError("Give two folders: i2i-keras init A B.")
    return Path(str(click.prompt(what, type=_FOLDER)))
