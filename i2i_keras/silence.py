"""Keeps from the terminal what TensorFlow says of itself."""

import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Keeps what C++ writes to the standard error from the terminal."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


def silence_tensorflow() -> None:
    """Makes TensorFlow silent when it is imported, which it is not yet.

    What is set already in the environment stays.
    """
    # Its complaints about absent GPUs are of level "error".
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # And what its Python part says of graphs that it traces anew.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if "tensorflow" not in sys.modules and os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3":
        sys.meta_path.insert(0, _SilentImport())


class _SilentImport(importlib.abc.MetaPathFinder):
    """Finds TensorFlow where others do, and imports it in silence.

    TensorFlow 2.21 writes two lines while it is imported, of a log that knows
    no level yet.
    """

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_in_silence(module: ModuleType) -> None:
                with silent():
                    execute(module)

            spec.loader.exec_module = execute_in_silence  # type: ignore[method-assign]
        return spec
