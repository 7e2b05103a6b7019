"""Which cluster is asked for, and what is said where there is none."""

import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner

from i2i_keras.cli import main


@pytest.fixture
def run(tmp_path, tiny_preset):
    """`run` with options; nothing may be begun by it."""

    def invoke(*options):
        words = ["run", "--preset", tiny_preset, "--run", tmp_path / "run", *options]
        result = CliRunner().invoke(main, [str(word) for word in words])
        assert not (tmp_path / "run").exists()
        return result.exit_code, result.output

    return invoke


@pytest.mark.parametrize("options", [("--jobs", 2), ("--cluster", "auto")])
def test_without_ray_a_sentence_names_the_extra(run, monkeypatch, options):
    monkeypatch.setitem(sys.modules, "ray", None)
    code, output = run(*options)
    assert code == 2
    assert "--jobs and --cluster need an extra: pip install 'i2i_keras[ray]'." in output
    assert "Traceback" not in output


@pytest.mark.parametrize("cluster", ["nowhere", "ray://host:1", "host:", "", "host:port"])
def test_what_is_no_cluster_is_refused(run, cluster):
    code, output = run("--cluster", cluster)
    assert code == 2
    assert f"No cluster {cluster!r}; give auto, local, or HOST:PORT" in output


def test_where_nothing_answers_it_is_said_at_once(run):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"  # Nobody listens.
        code, output = run("--cluster", address)
    assert code == 2
    assert f"No Ray cluster answers at {address}; begin one with `ray start --head`" in output


def test_jobs_are_for_one_machine(run):
    code, output = run("--jobs", 2, "--cluster", "auto")
    assert code == 2
    assert "--jobs is for one machine; leave out --cluster, or say local." in output


def test_jobs_are_not_shared_with_workers_of_one_training(run, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["a:1", "b:1"]}}')
    code, output = run("--jobs", 2)
    assert code == 2
    assert "the workers of TF_CONFIG one; leave these out, or unset it." in output


def test_no_job_is_no_number_of_jobs(run):
    assert run("--jobs", 0)[0] == 2


# Ray tells of lost workers by this function, in a thread.
LOST = """
import threading
from i2i_keras.experiment.cluster.connection import Where, connected

with connected(Where(jobs=1), {}):
    from ray._private.worker import print_to_stdstream
    for _ in range(2):
        lost = {"lines": ["A worker died."], "pid": "raylet", "is_err": False}
        thread = threading.Thread(target=print_to_stdstream, args=(lost, False))
        thread.start()
        thread.join()
    print("ours")
"""


def test_what_ray_tells_of_lost_workers_is_not_shown_even_at_its_end():
    pytest.importorskip("ray", reason="Ray is not installed")
    result = subprocess.run(
        [sys.executable, "-c", LOST], capture_output=True, text=True, timeout=120, check=True
    )
    assert result.stdout == "ours\n"
    assert "died" not in result.stderr
