"""What commands say: results on stdout, all else only unless `--quiet`."""

import json
import math
from collections.abc import Mapping
from typing import Any

import click

from i2i_keras import quiet


def _be_quiet(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.with_resource(quiet.talking("quiet"))


def stand_aside(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Of an option that leaves stdout to a program: notes go to stderr."""
    if value:
        ctx.with_resource(quiet.talking("aside"))
    return value


quiet_option = click.option(
    "-q",
    "--quiet",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_be_quiet,
    help="Show results, warnings and errors only.",
)

json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    callback=stand_aside,
    help="Print one JSON document; all else goes to stderr.",
)


def note(text: str = "", *, err: bool = False) -> None:
    """Says what is good to know, but no result."""
    if quiet.manner() != "quiet":
        click.echo(text, err=err or quiet.manner() == "aside")


def warn(text: str) -> None:
    """Says what may be wrong; never among results that a program reads."""
    click.echo(text, err=quiet.manner() != "beside")


def write_json(facts: Mapping[str, Any]) -> None:
    """Prints one JSON document, in ASCII; numbers that are none become null."""
    click.echo(json.dumps(_finite(facts), indent=2, allow_nan=False))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
