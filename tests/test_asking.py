"""`init` without its folders: asked for in a terminal, refused elsewhere."""

import os
import pty
import select
import subprocess
import sys
import time

import numpy as np
from click.testing import CliRunner
from PIL import Image

from i2i_keras.cli import main


def test_a_terminal_is_asked_for_the_folders_that_are_not_given(tmp_path):
    for name in ("my phötos", "paintings"):
        (tmp_path / name).mkdir()
        for number in range(5):
            pixels = np.random.default_rng(number).integers(0, 256, (32, 48, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "i2i_keras", "init"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=tmp_path,
    )
    os.close(theirs)
    os.write(ours, "my phötos\nnowhere\npaintings\n".encode())
    told, end = b"", time.monotonic() + 300
    while time.monotonic() < end and (
        process.poll() is None or select.select([ours], [], [], 0)[0]
    ):
        if select.select([ours], [], [], 0.2)[0]:
            try:
                told += os.read(ours, 4096)
            except OSError:  # The other end is closed.
                break
    os.close(ours)
    assert process.wait(60) == 0, told
    text = told.decode()
    assert "Folder of the images that are to be translated" in text
    assert text.count("Folder of images in the style that is wanted") == 2
    assert "'nowhere' does not exist" in text
    assert (tmp_path / "my phötos-to-paintings.toml").is_file()
    assert "run --preset 'my phötos-to-paintings.toml' --dry-run" in text


def test_without_a_terminal_both_folders_are_needed(tmp_path):
    result = CliRunner().invoke(main, ["init", str(tmp_path)])
    assert result.exit_code == 2
    assert "Give two folders: i2i-keras init A B." in result.output
