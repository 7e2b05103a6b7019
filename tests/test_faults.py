"""Kills and full disks, in small; `faults.py` has the large forms."""

import importlib.util
from pathlib import Path

SPEC = importlib.util.spec_from_file_location("faults", Path(__file__).with_name("faults.py"))
faults = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(faults)


def test_a_run_that_is_killed_again_and_again_ends_with_the_plain_runs_bits(tmp_path):
    wrong, told = faults.kills(2, 3, tmp_path, arms='["source_only"]')
    assert not wrong, wrong
    assert told.startswith("2 kills")


def command(name, *more):
    def of(root):
        return [name, *faults.words(root, "prepare.workers=1")[1:], *more]

    return of


def test_a_disk_that_is_full_at_every_file_once_costs_nothing(tmp_path):
    steps = [
        command("prepare"),
        command("train-translator", "--method", "color"),
        command("translate", "--method", "color"),
    ]
    wrong, told = faults.full(tmp_path, *steps)
    assert not wrong, wrong
    assert int(told.split()[0]) > 60
