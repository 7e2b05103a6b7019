"""How a training is asked to stop: by SIGINT (Ctrl-C) or SIGTERM."""

import signal
import sys
import threading
from types import FrameType

from tqdm import tqdm

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """A training that was asked to stop has saved and can be gone on with."""


class StopSignals:
    """Turns a signal into a request, as long as it is entered.

    The first signal sets `asked`; a second one raises `KeyboardInterrupt`.
    Python answers signals between two operations, so both wait for the end of
    a step that is being computed.

    Outside the main thread, where Python allows no handler, it does nothing.
    """

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> "StopSignals":
        self._handlers = {}
        if threading.current_thread() is threading.main_thread():
            self._handlers = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        tqdm.write("Stopping after this step; once more stops at once.", file=sys.stderr)
