import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from i2i_keras.data.parallel import for_each


def test_every_item_is_taken_once_and_in_order():
    taken = []
    results = for_each(lambda item: taken.append(item) or 2 * item, [3, 1, 2], 1, "test")
    assert [*results] == [6, 2, 4]
    assert taken == [3, 1, 2]


def test_processes_take_every_item_too(tmp_path):
    paths = [tmp_path / str(number) for number in range(40)]
    assert [*for_each(Path.mkdir, paths, workers=2, description="test")] == [None] * 40
    assert sorted(tmp_path.iterdir()) == sorted(paths)


def test_a_few_items_stay_in_this_process():
    found = for_each(lambda _: os.getpid(), range(15), workers=0, description="test")
    assert [*found] == [os.getpid()] * 15


def test_nothing_to_do_is_no_error():
    assert [*for_each(pytest.fail, [], workers=0, description="test")] == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failure_is_raised_here_and_ends_the_work(tmp_path, workers):
    paths = [tmp_path / str(number) for number in range(400)]
    paths[2].mkdir()
    with pytest.raises(FileExistsError):
        for _ in for_each(Path.mkdir, paths, workers, description="test"):
            pass
    assert len([*tmp_path.iterdir()]) < 100


def test_the_progress_bar_says_what_it_counts(capsys):
    assert [*for_each(str, [1, 2], workers=1, description="prepare source-train")] == ["1", "2"]
    assert "prepare source-train: 100%" in capsys.readouterr().err


LONG_WORK = """
import sys, time
from i2i_keras.data.parallel import for_each
if __name__ == "__main__":
    for _ in for_each(time.sleep, [0.1] * 16 + [600] * 64, 2, "test"):
        print("one", flush=True)
"""


def test_processes_end_with_the_one_that_started_them_even_if_it_is_killed(tmp_path):
    script = tmp_path / "work.py"
    script.write_text(LONG_WORK)
    with subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as parent:
        parent.stdout.readline()
        workers = _children(parent.pid)
        assert len(workers) >= 2
        parent.kill()
    deadline = time.monotonic() + 20
    while any(map(_is_alive, workers)):
        assert time.monotonic() < deadline, workers
        time.sleep(0.05)


def _children(process):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True)
    return [int(line) for line in found.stdout.split()]


def _is_alive(process):
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
