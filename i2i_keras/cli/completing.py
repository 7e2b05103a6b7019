"""What a shell is told of names: presets, runs, arms; and how it comes to ask.

Nothing heavy is imported here: who presses Tab does not want to wait.
"""

import contextlib
from collections.abc import Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

from i2i_keras.errors import DataError, SettingsError

# Named here for their modules take seconds to import; a test compares.
METHODS = ("color", "cut", "cycada", "cyclegan", "fourier")
ARMS = ("adapted:cyclegan", "oracle", "source_only")
VARIABLE = "_I2I_KERAS_COMPLETE"
_WHERE = {
    "bash": 'eval "$(i2i-keras completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(i2i-keras completion zsh)" in ~/.zshrc, after compinit',
    "fish": "i2i-keras completion fish > ~/.config/fish/completions/i2i-keras.fish",
}


@click.command(
    epilog="\b\nMake it permanent:\n  " + "\n  ".join(_WHERE.values()),
)
@click.argument("shell", type=click.Choice([*_WHERE]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands, options and names.

    Example: i2i-keras completion bash
    """
    program = ctx.find_root()
    kind = get_completion_class(shell)
    assert kind  # Click has those that the choice allows.
    click.echo(kind(program.command, {}, "i2i-keras", VARIABLE).source())


def complete_run(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Runs below ./runs; any folder where none of these begins so."""
    found = (path.parent for path in Path("runs").glob("*/settings.json"))
    runs = _beginning(incomplete, map(str, found))
    return runs or [CompletionItem(incomplete, type="dir")]


def complete_preset(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Presets of the package; files where none of them begins so."""
    from i2i_keras import config

    names = _beginning(incomplete, config.names_in("presets"))
    return names or [CompletionItem(incomplete, type="file")]


def complete_ablation(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Ablations of the package; files where none of them begins so."""
    from i2i_keras import config

    names = _beginning(incomplete, config.names_in("ablations"))
    return names or [CompletionItem(incomplete, type="file")]


def complete_method(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Translators."""
    return _beginning(incomplete, METHODS)


def complete_arm(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Arms of the run, or else of the preset, that stands before."""
    from i2i_keras import config
    from i2i_keras.run_folder import files
    from i2i_keras.run_folder.run import Run

    found = set[str]()
    preset, folder = ctx.params.get("preset"), ctx.params.get("run_dir")
    with contextlib.suppress(DataError, SettingsError, OSError, LookupError, TypeError):
        if folder is not None and Path(folder).is_dir():
            run = Run(Path(folder))
            found.update(run.trained_arms())
            found.update(files.read_json(run.settings)["settings"].get("arms", ARMS))
        else:
            found.update(config.read(preset or "demo").get("arms", ARMS))
    return _beginning(incomplete, found)


def _beginning(incomplete: str, names: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete)]
