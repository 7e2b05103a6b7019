"""How a training is asked to stop: by SIGINT (Ctrl-C), SIGTERM or SIGHUP."""

import contextlib
import os
import signal
import stat
import threading
from types import FrameType

from i2i_keras import quiet

# SIGHUP: the terminal is gone, such as by a connection that broke.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(KeyboardInterrupt):
    """A training that was asked to stop has saved and can be gone on with."""


class StopSignals:
    """Turns a signal into a request, as long as it is entered.

    The first signal sets `asked`; a second one raises `KeyboardInterrupt`, but
    for SIGHUP, which does not harm what is being saved.
    Python answers signals between two operations, so both wait for the end of
    a step that is being computed.

    Outside the main thread, where Python allows no handler, it does nothing.
    """

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> "StopSignals":
        self._handlers = {}
        if threading.current_thread() is threading.main_thread():
            # `nohup` ignores SIGHUP, and that is to stay so.
            heard = [number for number in _SIGNALS if not _stays_ignored(number)]
            self._handlers = {number: signal.signal(number, self._handle) for number in heard}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        hung_up = number == signal.SIGHUP
        if hung_up:
            _leave_terminal()
        if self.asked and not hung_up:  # Which a terminal and its shell send both.
            raise KeyboardInterrupt
        if self.asked:
            return
        self.asked = True
        quiet.note("Stopping after this step; once more stops at once.")


def _leave_terminal() -> None:
    """Lets what is still written to a terminal that is gone go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        with contextlib.suppress(OSError):
            if stat.S_ISCHR(os.fstat(number).st_mode):
                os.dup2(nowhere, number)
    os.close(nowhere)


def _stays_ignored(number: signal.Signals) -> bool:
    return number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN
