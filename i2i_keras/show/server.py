"""Serves the page on this machine, to this machine."""

import socket
import threading
import webbrowser
from collections.abc import Callable

import uvicorn

from i2i_keras.errors import DataError
from i2i_keras.show.app import build_app
from i2i_keras.show.networks import Networks

_HOST = "127.0.0.1"


def serve(networks: Networks, port: int, tell: Callable[[str], None], *, browse: bool) -> None:
    """Serves the page until it is interrupted.

    Args:
        networks: what is shown.
        port: at which; 0 = any that is free.
        tell: is given the address.
        browse: whether to open it in a browser.

    Raises:
        DataError: the port is not free.
        KeyboardInterrupt: by Ctrl-C, after the server has ended.
    """
    with listen(port) as listener:
        address = f"http://{_HOST}:{listener.getsockname()[1]}/"
        tell(address)
        if browse:  # Some browsers do not return before they are closed.
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        build_server(networks).run(sockets=[listener])


def build_server(networks: Networks) -> uvicorn.Server:
    """The server, which is not at work yet."""
    config = uvicorn.Config(
        build_app(networks),
        lifespan="off",
        ws="none",
        log_config=None,
        log_level="critical",  # What goes wrong is answered.
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def listen(port: int) -> socket.socket:
    """A socket that only this machine reaches.

    Raises:
        DataError: the port is not free.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise DataError(
            f"Port {port} cannot be used ({error.strerror}); give another --port, or 0 for any that"
            " is free."
        ) from None
    return listener
