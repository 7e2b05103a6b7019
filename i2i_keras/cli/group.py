"""How commands end: one sentence and an exit code, never a traceback."""

import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from i2i_keras.errors import DataError, SettingsError, unknown
from i2i_keras.training.signals import Stopped


class Group(click.Group):
    """Turns what a user can mend into one sentence and an exit code.

    Exit codes: 0 = done, or a training was stopped and has saved; 1 = the data
    or the run is at fault; 2 = usage; 130 = interrupted.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["arguments"] = [*args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        # Not all versions of Click say what was meant, and none what there is.
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            names = self.list_commands(ctx)
            raise click.UsageError(f"{unknown('No command', args[0], names)}.", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise click.UsageError(str(error)) from error
        except DataError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            known = error.filename and error.strerror
            message = f"{error.filename}: {error.strerror}" if known else str(error).rstrip(".")
            raise click.ClickException(f"{message}.") from error
        except Stopped:
            command = shlex.join([*_program(ctx), *ctx.meta["arguments"]])
            click.echo(f"Stopped and saved; go on with: {command}")
            ctx.exit(0)
        except KeyboardInterrupt:
            click.echo("\nStopped; the same command goes on from here.", err=True)
            ctx.exit(130)


def module_words() -> list[str]:
    """What was typed where the program was started as `python -m i2i_keras`."""
    # Python's own words are all before the program's arguments.
    return sys.orig_argv[: len(sys.orig_argv) - len(sys.argv) + 1]


def _program(ctx: click.Context) -> list[str]:
    """What to type to start this program again, word by word."""
    if Path(sys.argv[0]).name == "__main__.py":
        return module_words()
    name = ctx.info_name or "i2i-keras"
    # By make it is started from an environment that the user is not in.
    return [sys.argv[0] if Path(sys.argv[0]).name == name and not shutil.which(name) else name]
