"""The command that shows what a run's networks make of any image."""

import os
from pathlib import Path

import click

from i2i_keras.cli.options import UserPath, open_run
from i2i_keras.errors import SettingsError


@click.command()
@click.argument("run_dir", metavar="RUN", type=UserPath(exists=True, file_okay=False))
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="Of the page; 0 = any that is free.",
)
@click.option("--open", "browse", is_flag=True, help="Open the page in a browser.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    help="Of several trainings, that of this seed.  [default: the first]",
)
def show(run_dir: Path, port: int, browse: bool, seed: int | None) -> None:
    """Show what all networks of RUN make of an image, on a page.

    The page is on this machine only. Drop an image there, or choose a test
    image: each translator translates it, both ways, and each arm segments it.
    Ctrl-C ends it.

    Example: i2i-keras show runs/demo --port 8000
    """
    try:
        from i2i_keras.show import app, server
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn"):
            raise
        raise SettingsError("show needs an extra: pip install 'i2i_keras[show]'.") from None
    from i2i_keras.show.networks import Networks

    networks = Networks(open_run(None, run_dir, None, None, (), use="use").run, seed)
    try:
        server.serve(networks, port, _tell, browse=browse)
    except KeyboardInterrupt:
        if app.is_computing():  # Python would wait for that to end.
            click.echo("\nStopped.", err=True)
            os._exit(130)
        raise


def _tell(address: str) -> None:
    click.echo(f"show: {address} (Ctrl-C ends it)")
