import contextlib
import subprocess
import sys

import pytest

from i2i_keras.errors import DataError, SettingsError
from i2i_keras.run_folder import locks
from i2i_keras.run_folder.locks import Shard


@pytest.fixture
def refused(tmp_path):
    """What another one is told who wants the same folder in some way."""

    def attempt(lock, *arguments):
        with pytest.raises(DataError) as error, lock(tmp_path, *arguments):
            pass
        return str(error.value)

    return attempt


@pytest.mark.parametrize("lock", [locks.alone, locks.reading])
def test_who_is_alone_lets_nobody_in(tmp_path, refused, lock):
    with locks.alone(tmp_path):
        assert "works in" in refused(lock)


def test_readers_let_readers_in_but_none_who_would_be_alone(tmp_path, refused):
    with locks.reading(tmp_path), locks.reading(tmp_path):
        assert "wait for it, or use another --run." in refused(locks.alone)
    with locks.alone(tmp_path):
        pass


def test_shards_let_the_others_in(tmp_path):
    with contextlib.ExitStack() as stack:
        for number in (1, 2, 3):
            stack.enter_context(locks.sharing(tmp_path, Shard(number, 3)))


def test_a_shard_is_done_by_one_at_a_time(tmp_path, refused):
    with locks.sharing(tmp_path, Shard(1, 2)):
        assert refused(locks.sharing, Shard(1, 2)).endswith("; wait for it.")


@pytest.mark.parametrize("other", [Shard(2, 3), Shard(1, 1), Shard(5, 5)])
def test_shards_of_another_cut_are_refused(tmp_path, refused, other):
    with locks.sharing(tmp_path, Shard(2, 2)), locks.sharing(tmp_path, Shard(1, 2)):
        refused(locks.sharing, other)
    # Nobody is there any more.
    with locks.sharing(tmp_path, other):
        pass


def test_other_cuts_are_named(tmp_path, refused):
    with locks.sharing(tmp_path, Shard(2, 2)):
        assert "with --shard I/2; wait for them, or join them." in refused(
            locks.sharing, Shard(3, 3)
        )


HOLD = """
import sys, time
from pathlib import Path
from i2i_keras.run_folder import locks
with locks.sharing(Path(sys.argv[1]), locks.Shard(1, 2)):
    print("holds", flush=True)
    time.sleep(600)
"""


def test_a_killed_process_leaves_no_lock(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"holds\n"
        with pytest.raises(DataError), locks.sharing(tmp_path, Shard(1, 2)):
            pass
        other.kill()
    with locks.sharing(tmp_path, Shard(1, 3)):
        pass


@pytest.mark.parametrize("total", [1, 2, 3, 7])
def test_all_shards_together_are_all_items_once(total):
    shares = [Shard(number, total).of(range(10)) for number in range(1, total + 1)]
    assert sorted(item for share in shares for item in share) == list(range(10))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1 or total > 10


def test_a_shard_is_read_from_what_a_user_types():
    assert Shard.read("2/12") == Shard(2, 12)


@pytest.mark.parametrize("text", ["", "2", "0/2", "3/2", "1/0", "a/b", "-1/2", "1/2/3", "1.5/2"])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(SettingsError, match=r"No shard .* give I/N with I from 1 to N"):
        Shard.read(text)


def test_who_looks_whether_a_lock_is_held_writes_nothing_and_keeps_nobody_out(tmp_path):
    assert not locks.is_held(tmp_path, ".turn")
    assert not [*tmp_path.iterdir()]
    with locks.in_turn(tmp_path):
        assert locks.is_held(tmp_path, ".turn")
    assert not locks.is_held(tmp_path, ".turn")
    with locks.in_turn(tmp_path, waits=lambda: pytest.fail("It has to wait.")):
        pass
