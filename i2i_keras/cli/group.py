"""How commands end: one sentence and an exit code, never a traceback."""

import shlex
import shutil
import sys
import tempfile
import traceback
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from i2i_keras.errors import DataError, SettingsError, unknown
from i2i_keras.training.signals import Stopped

_OF_CLICK = (click.ClickException, click.Abort, click.exceptions.Exit)
INTERNAL = 70  # What sysexits.h calls EX_SOFTWARE.


class Group(click.Group):
    """Turns what a user can mend into one sentence and an exit code.

    Exit codes: 0 = done, or a training was stopped and has saved; 1 = the data
    or the run is at fault; 2 = usage; 70 = this program is; 130 = interrupted.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["arguments"] = [*args]
        if any("\0" in word for word in args):  # Of programs that call this one.
            raise click.UsageError("An argument holds a zero byte, which no path can.", ctx)
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
            raise _of_file(error) from error
        except Stopped:
            command = shlex.join([*_program(ctx), *ctx.meta["arguments"]])
            # Of a document that is asked for there is none yet.
            aside = "--json" in ctx.meta["arguments"]
            click.echo(f"Stopped and saved; go on with: {command}", err=aside)
            ctx.exit(0)
        except KeyboardInterrupt:
            click.echo("\nStopped; the same command goes on from here.", err=True)
            ctx.exit(130)
        except Exception as error:
            if isinstance(error, _OF_CLICK):
                raise
            click.echo(_told(error, [*_program(ctx), *ctx.meta["arguments"]]), err=True)
            ctx.exit(1 if _wants_memory(error) else INTERNAL)


def _of_file(error: OSError) -> Exception:
    if isinstance(error, BrokenPipeError):  # Of a reader such as `head`.
        return error
    known = error.filename and error.strerror
    message = f"{error.filename}: {error.strerror}" if known else str(error).rstrip(".")
    return click.ClickException(f"{message}.")


def _wants_memory(error: Exception) -> bool:
    # TensorFlow is not imported for its name.
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


def _told(error: Exception, words: Sequence[str]) -> str:
    """What is said of an error that nobody has foreseen, and kept in a file."""
    if _wants_memory(error):
        return (
            "Error: There is not enough memory; lower batch_size, crop or the working size, raise"
            " accumulate, or give fewer --workers."
        )
    brief = f"{type(error).__name__}: {error}".partition("\n")[0]
    log = [
        f"i2i_keras {metadata.version('i2i_keras')}, Python {sys.version}, {sys.platform}",
        *(f"{name} {_version(name)}" for name in ("tensorflow", "keras", "numpy")),
        f"in {Path.cwd()}: {shlex.join(words)}",
        "",
        *traceback.format_exception(error),
    ]
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="i2i-keras-error-", suffix=".log", delete=False, encoding="utf-8"
        ) as file:
            file.write("\n".join(log))
        where = f"please send {file.name}, which has the command, the versions and where it was"
    except OSError:  # Of a full disk, too, something has to be said.
        click.echo("\n".join(log), err=True)
        where = "please send the lines above"
    return (
        f"Internal error ({brief}). This is a fault of i2i-keras, neither of your data nor of your"
        f" settings; {where}. What was done before is kept, and the same command goes on from it."
    )


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "of another name"


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
