"""How the workers of TF_CONFIG meet, before TensorFlow connects them.

TensorFlow waits in silence for workers that are not there, and cannot be
interrupted then: Python runs no signal handler meanwhile, and SIGTERM is taken
by TensorFlow itself (2.15, 2.21). So they meet at the chief's port first.
"""

import json
import os
import select
import socket
import time
from collections.abc import Mapping
from typing import NamedTuple

from i2i_keras import quiet
from i2i_keras.errors import SettingsError

_GO, _TAKEN = b"go", b"taken"
_PATIENCE = 5  # Seconds for what should be said at once.


class Cluster(NamedTuple):
    """What TF_CONFIG says.

    Attributes:
        places: host:port of all workers, the chief's first.
        number: of this one; 0 = the chief.
    """

    places: tuple[str, ...] = ()
    number: int = 0


def read_config(environment: Mapping[str, str] = os.environ) -> Cluster:
    """Reads TF_CONFIG.

    Args:
        environment: without it nobody is there.

    Raises:
        SettingsError: it is not of workers that train together, or does not say
            which of them this one is.
    """
    text = environment.get("TF_CONFIG", "")
    if not text.strip():
        return Cluster()
    try:
        found = json.loads(text)
        groups = {str(kind): tuple(map(str, places)) for kind, places in found["cluster"].items()}
        task = found.get("task", {})
        kind, index = str(task.get("type", "")), int(task.get("index", -1))
        places = tuple(place for kind in ("chief", "worker") for place in groups.get(kind, ()))
        for place in places:
            _split(place)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise SettingsError(
            "TF_CONFIG is not what tf.distribute reads: JSON with cluster and task; mend it, or"
            " leave it out."
        ) from None
    if others := groups.keys() - {"chief", "worker"}:
        raise SettingsError(
            f"TF_CONFIG names {min(others)!r}; here all are workers, of whom the first, or one"
            " 'chief', writes."
        )
    if len(places) > 1 and not 0 <= index < len(groups.get(kind, ())):
        raise SettingsError(
            f"TF_CONFIG says that this is {kind or 'nobody'} {index}, but its cluster has"
            f" {_listed(groups)}; give each process its own task, with type and index from 0."
        )
    chiefs = groups.get("chief", ())
    return Cluster(places, index + (len(chiefs) if kind == "worker" else 0))


def meet(cluster: Cluster) -> None:
    """Waits until all workers are there, and says for whom.

    Args:
        cluster: of two or more.

    Raises:
        SettingsError: this one's port is in use, or another process is the same
            worker.
    """
    try:
        server = _listen(cluster.places[cluster.number])
    except OSError as error:
        raise SettingsError(
            f"{cluster.places[cluster.number]} of TF_CONFIG, which is this worker, cannot be"
            f" opened: {error.strerror or error}; end what uses this port, or name another."
        ) from None
    with server:
        if cluster.number == 0:
            _gather(server, cluster)
            return
    _join(cluster)


def _listen(place: str) -> socket.socket:
    _, port = _split(place)
    both = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if both else socket.AF_INET
    return socket.create_server(("", port), family=family, dualstack_ipv6=both)


def _gather(server: socket.socket, cluster: Cluster) -> None:
    present = dict[int, socket.socket]()
    told = None
    try:
        while missing := sorted({*range(1, len(cluster.places))} - present.keys()):
            if missing != told:
                places = ", ".join(cluster.places[number] for number in missing)
                _tell(f"Waiting for the other workers of TF_CONFIG: {places}")
                told = missing
            ready = select.select([server, *present.values()], [], [])[0]
            # Who goes away leaves first: the same worker may be back already.
            for number in [number for number, one in present.items() if one in ready]:
                present.pop(number).close()
            if server in ready:
                _admit(server, len(cluster.places), present)
        for one in present.values():
            one.sendall(_GO)
    finally:
        for one in present.values():
            one.close()


def _admit(server: socket.socket, total: int, present: dict[int, socket.socket]) -> None:
    one, _ = server.accept()
    try:
        one.settimeout(_PATIENCE)
        number = int(one.recv(16))
        if number not in range(1, total):
            raise ValueError
        if number in present:
            one.sendall(_TAKEN)
            raise ValueError
    except (OSError, ValueError):  # Nobody of ours, or gone again.
        one.close()
    else:
        present[number] = one


def _join(cluster: Cluster) -> None:
    chief = cluster.places[0]
    told = False
    while True:
        answer = _ask(chief, cluster.number)
        if answer == _GO:
            return
        if answer == _TAKEN:
            raise SettingsError(
                f"Another process is worker {cluster.number} of TF_CONFIG already; give each its"
                " own index in 'task'."
            )
        if not told:
            _tell(f"Waiting for the chief of TF_CONFIG: {chief}")
            told = True
        time.sleep(0.5)


def _ask(chief: str, number: int) -> bytes:
    """What the chief says when all are there; nothing where it is gone."""
    try:
        with socket.create_connection(_split(chief), timeout=_PATIENCE) as connection:
            connection.sendall(b"%d" % number)
            connection.settimeout(None)
            return connection.recv(16)
    except OSError:
        return b""


def _tell(line: str) -> None:
    quiet.note(line)


def _split(place: str) -> tuple[str, int]:
    host, _, port = place.rpartition(":")
    if not host or not 0 < int(port) < 65536:
        raise ValueError(place)
    return host.strip("[]"), int(port)


def _listed(groups: Mapping[str, tuple[str, ...]]) -> str:
    counts = [f"{len(places)} of {kind!r}" for kind, places in groups.items()]
    return " and ".join(counts) or "nobody"
