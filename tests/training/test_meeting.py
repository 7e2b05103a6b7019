"""Workers of TF_CONFIG wait for each other in words, and can be ended."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from i2i_keras.errors import SettingsError
from i2i_keras.training import meeting
from i2i_keras.training.meeting import Cluster


def of(cluster, **task):
    return {"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})}


PAIR = {"worker": ["a:1", "b:2"]}


@pytest.mark.parametrize(
    ("environment", "places", "number"),
    [
        ({}, (), 0),
        ({"TF_CONFIG": " "}, (), 0),
        (of(PAIR, type="worker", index=1), ("a:1", "b:2"), 1),
        (of({"worker": ["b:2"], "chief": ["c:3"]}, type="worker", index=0), ("c:3", "b:2"), 1),
        (of({"worker": ["b:2"], "chief": ["c:3"]}, type="chief", index=0), ("c:3", "b:2"), 0),
        (of({"worker": ["[::1]:2", "b:2"]}, type="worker", index="1"), ("[::1]:2", "b:2"), 1),
        ({"TF_CONFIG": '{"cluster": {"worker": ["alone:1"]}}'}, ("alone:1",), -1),
    ],
)
def test_who_is_who(environment, places, number):
    assert meeting.read_config(environment) == Cluster(places, number)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (of(PAIR, type="worker", index=2), "this is worker 2, but its cluster has 2 of 'worker'"),
        (of(PAIR, type="worker", index=-1), "this is worker -1"),
        (of(PAIR, type="chief", index=0), "this is chief 0"),
        ({"TF_CONFIG": json.dumps({"cluster": PAIR})}, "this is nobody -1"),
        (of({**PAIR, "ps": ["c:3"]}, type="ps", index=0), "TF_CONFIG names 'ps'"),
        (of({"worker": ["a", "b:2"]}, type="worker", index=0), "is not what tf.distribute reads"),
        (of({"worker": ["a:b", "b:2"]}, type="worker", index=0), "is not what tf.distribute"),
        (of({"worker": 3}, type="worker", index=0), "is not what tf.distribute reads"),
        (of(PAIR, type="worker", index="one"), "is not what tf.distribute reads"),
        ({"TF_CONFIG": "{"}, "is not what tf.distribute reads"),
    ],
)
def test_what_names_no_worker_is_refused(environment, said):
    with pytest.raises(SettingsError, match=said):
        meeting.read_config(environment)


@pytest.fixture
def places():
    """Three places that nobody uses."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    found = tuple(f"127.0.0.1:{one.getsockname()[1]}" for one in sockets)
    for one in sockets:
        one.close()
    return found


class Meeting(threading.Thread):
    """One who waits for the others."""

    def __init__(self, places, number):
        super().__init__(daemon=True)
        self.cluster, self.error = Cluster(places, number), None
        self.start()

    def run(self):
        try:
            meeting.meet(self.cluster)
        except SettingsError as error:
            self.error = error


def wait_for(said, capsys, before=""):
    end = time.monotonic() + 30
    while said not in before:
        before += capsys.readouterr().err
        assert time.monotonic() < end, before
        time.sleep(0.05)
    return before


def test_all_wait_for_the_last_whoever_that_is(places, capsys):
    last = Meeting(places, 2)
    wait_for(f"Waiting for the chief of TF_CONFIG: {places[0]}\n", capsys)
    chief = Meeting(places, 0)
    # Worker 2 has come, or was waited for beside worker 1 before.
    wait_for(f"Waiting for the other workers of TF_CONFIG: {places[1]}\n", capsys)
    assert chief.is_alive() and last.is_alive()
    middle = Meeting(places, 1)
    for one in (chief, middle, last):
        one.join(30)
        assert not one.is_alive() and one.error is None
    for place in places:  # TensorFlow opens them next.
        socket.create_server(("", int(place.split(":")[1]))).close()


def test_who_has_gone_again_is_waited_for_and_strangers_do_no_harm(places, capsys):
    chief = Meeting(places[:2], 0)
    wait_for(f"TF_CONFIG: {places[1]}\n", capsys)
    host, port = places[0].split(":")
    for said in (b"GET / HTTP/1.1\r\n\r\n", b"7", b"0", b"\xff", b""):
        with socket.create_connection((host, int(port))) as stranger:
            stranger.sendall(said)
    with socket.create_connection((host, int(port))) as worker:
        worker.sendall(b"1")
        assert worker.recv(16) == b"go"
    chief.join(30)
    assert not chief.is_alive()

    chief = Meeting(places, 0)
    wait_for(f"TF_CONFIG: {places[1]}, {places[2]}\n", capsys)
    with socket.create_connection((host, int(port))) as worker:
        worker.sendall(b"1")
        wait_for(f"TF_CONFIG: {places[2]}\n", capsys)
    wait_for(f"TF_CONFIG: {places[1]}, {places[2]}\n", capsys)
    both = [Meeting(places, number) for number in (1, 2)]
    for one in (chief, *both):
        one.join(30)
        assert not one.is_alive()


def test_one_worker_twice_is_refused(places, capsys):
    chief = Meeting(places, 0)
    wait_for(f"TF_CONFIG: {places[1]}, {places[2]}\n", capsys)
    with socket.create_connection(("127.0.0.1", int(places[0].split(":")[1]))) as first:
        first.sendall(b"1")
        wait_for(f"TF_CONFIG: {places[2]}\n", capsys)
        with pytest.raises(SettingsError, match="is worker 1 of TF_CONFIG already"):
            meeting.meet(Cluster(places, 1))
    assert chief.is_alive()
    # It went away, and is back at once.
    both = [Meeting(places, number) for number in (1, 2)]
    for one in (chief, *both):
        one.join(30)
        assert not one.is_alive() and one.error is None


@pytest.mark.parametrize("number", [0, 1])
def test_a_port_in_use_is_named(number, places):
    with (
        socket.create_server(("", int(places[number].split(":")[1]))),
        pytest.raises(SettingsError, match=f"^{places[number]} of TF_CONFIG, .* in use"),
    ):
        meeting.meet(Cluster(places, number))


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_a_waiting_worker_can_be_ended(number, asked, places):
    program = "import sys; from i2i_keras.training import meeting as m; m.meet(m.Cluster(*{}))"
    words = [sys.executable, "-c", program.format((places, number))]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr.readline().startswith("Waiting for ")
        process.send_signal(asked)
        assert process.wait(30) in (-asked, 1)
