"""How a training that has diverged goes back, and on at a lower rate."""

import contextlib
from collections.abc import Callable, Iterator

import keras

from i2i_keras import quiet
from i2i_keras.errors import DataError, DivergedError
from i2i_keras.run_folder.files import Facts
from i2i_keras.training.checkpoints import CheckpointConfig, Checkpoints, Restored

_TIMES = 5


@contextlib.contextmanager
def way_back(
    model: keras.Model, checkpoints: Checkpoints, restored: Restored, config: CheckpointConfig
) -> Iterator["WayBack"]:
    """A way back, to the beginning as long as there is no checkpoint.

    Args:
        model: that is trained; its `rates` are scaled.
        checkpoints: of the model.
        restored: from where it goes on; its notes say how often it went back.
        config: whether there is a way.
    """
    is_open, gone = config.on_nan == "rollback", restored.notes.get("went_back", [])
    if is_open and not restored.step:
        with checkpoints.beginning() as begin_anew:
            yield WayBack(model, checkpoints, gone, begin_anew)
    else:
        yield WayBack(model, checkpoints, gone, _have_none if is_open else None)


def _have_none() -> None:
    raise DataError("The checkpoints of the training are gone; run it again.")


class WayBack:
    """Leads a training that has diverged back, to go on at half its rate."""

    def __init__(
        self,
        model: keras.Model,
        checkpoints: Checkpoints,
        gone: list[list[int]],
        begin_anew: Callable[[], None] | None,
    ) -> None:
        self._model, self._checkpoints, self._begin_anew = model, checkpoints, begin_anew
        self._gone = gone  # From which step, and to which.
        self._scale()

    def go(self, step: int, error: DivergedError) -> Restored:
        """Restores the newest checkpoint that is of use, or the beginning.

        Args:
            step: that was no number.
            error: what to say of it.

        Raises:
            DivergedError: there is no way back, or it did not help.
        """
        if self._begin_anew is None:
            raise error
        if len(self._gone) == _TIMES:
            raise DivergedError(f"{error} Its rate was halved {_TIMES} times already.") from error
        self._leave_out()
        restored = self._checkpoints.restore()
        if not restored.step:
            self._begin_anew()
        self._gone.append([step, restored.step])
        self._scale()
        quiet.warn(f"Warning: {self.warnings()[-1]}")
        return restored

    def notes(self) -> Facts:
        """What a checkpoint says of it."""
        return {"went_back": self._gone} if self._gone else {}

    def warnings(self) -> list[str]:
        """What has happened, a sentence each."""
        return [
            f"step {step}: it was not finite; went on from step {back} at"
            f" {0.5**number:g} times the learning rate."
            for number, (step, back) in enumerate(self._gone, start=1)
        ]

    def _leave_out(self) -> None:
        """Removes a checkpoint from which it has diverged twice.

        It was finite, but on its way already.
        """
        *others, newest = self._checkpoints.steps() or [0]
        begun_here = self._begin_anew is not _have_none
        if newest and newest in [back for _, back in self._gone] and (others or begun_here):
            self._checkpoints.remove(newest)

    def _scale(self) -> None:
        if self._gone:
            self._model.rates.scale(0.5 ** len(self._gone))
