"""The command line: one short command a stage, and a few tools.

Heavy imports are inside the commands, so that `--help` is instant.
"""

import click

from i2i_keras.cli import segmenters, stages, tools, translators
from i2i_keras.cli.beginning import init
from i2i_keras.cli.completing import completion
from i2i_keras.cli.exports import export
from i2i_keras.cli.group import Group
from i2i_keras.cli.looking import config_, status
from i2i_keras.cli.running import run
from i2i_keras.cli.showing import show
from i2i_keras.silence import silence_tensorflow

silence_tensorflow()


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="i2i_keras")
def main() -> None:
    """Does translating my source images help my segmenter, and by how much?

    \b
    Everything in one go, on drawn streets:
      i2i-keras run --preset demo
    Stage by stage, on your data:
      i2i-keras prepare --preset student_report --source A --target B
      i2i-keras train-translator --preset student_report
      i2i-keras translate --preset student_report
      i2i-keras train-segmenter --preset student_report
      i2i-keras evaluate --preset student_report
      i2i-keras report --preset student_report
    """  # noqa: D301 (click wants the character, not a backslash)


for _command in (
    *(stages.streets, stages.prepare, stages.train_segmenter, stages.evaluate, stages.report),
    *(init, run, translators.train_translator, translators.translate),
    *(segmenters.segment, export, show),
    *(tools.audit, tools.verify, tools.ablate),
    *(status, tools.watch, config_, completion),
):
    main.add_command(_command)
