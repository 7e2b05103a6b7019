"""How long training takes, and the learning rate on the way."""

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, TypeAlias

import keras
import tensorflow as tf

from i2i_keras.config import key_of

Rate: TypeAlias = float | keras.optimizers.schedules.LearningRateSchedule


def total_steps(steps: int | None, epochs: float, num_records: int, batch_size: int) -> int:
    """Number of steps of a training: `steps`, or else `epochs` over the data.

    An epoch has as many whole batches as the data can fill, at least one.
    """
    return steps or max(1, round(epochs * max(1, num_records // batch_size)))


@keras.saving.register_keras_serializable("i2i_keras")
class ConstantThenLinear(keras.optimizers.schedules.LearningRateSchedule):
    """Constant at first, then linearly to zero at the last step.

    Args:
        initial: learning rate of the constant part.
        steps: length of the training.
        constant_share: share of the constant part, in [0, 1].

    Reference:
        Zhu et al., 2017, https://arxiv.org/abs/1703.10593, section 7.1
        (100 epochs and 100 epochs).
    """

    def __init__(self, initial: float, steps: int, constant_share: float = 0.5) -> None:
        self.initial = initial
        self.steps = steps
        self.constant_share = constant_share

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        begin = self.constant_share * self.steps
        left = (self.steps - tf.cast(step, tf.float32)) / max(self.steps - begin, 1.0)
        return self.initial * tf.clip_by_value(left, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial": self.initial,
            "steps": self.steps,
            "constant_share": self.constant_share,
        }


class Plateau(tf.Module):
    """A factor that is halved where a loss does not fall any more.

    All its state is in variables and changes inside the step, so that it is in
    every checkpoint and a stop, whenever it comes, changes nothing.

    Args:
        window: steps over which the loss is averaged before it is compared.
        patience: windows without a new lowest mean before the factor is
            halved; then it waits as long again.
    """

    def __init__(self, window: int, patience: int) -> None:
        super().__init__(name="plateau")
        self.window = window
        self.patience = patience
        self.factor = tf.Variable(1.0, trainable=False, name="factor")
        self.total = tf.Variable(0.0, trainable=False, name="total")
        self.lowest = tf.Variable(float("inf"), trainable=False, name="lowest")
        self.waited = tf.Variable(0, trainable=False, name="waited")

    def observe(self, loss: tf.Tensor, step: tf.Tensor) -> None:
        """Takes note of the loss of a step, the first one's number being 0.

        Sums are rounded from float64, so that the order in which TensorFlow
        adds changes no bit: once a resumed training differed, of equal terms.
        """
        exact = tf.cast(self.total, tf.float64) + tf.cast(loss, tf.float64)
        total = tf.cast(exact, tf.float32)
        complete = (step + 1) % self.window == 0
        mean = total / self.window
        falls = mean < self.lowest
        waited = tf.where(falls, 0, self.waited + 1)
        halves = complete & (waited >= self.patience)
        self.factor.assign(tf.where(halves, 0.5 * self.factor, self.factor))
        self.lowest.assign(tf.where(complete & falls, mean, self.lowest))
        self.waited.assign(tf.where(halves, 0, tf.where(complete, waited, self.waited)))
        self.total.assign(tf.where(complete, 0.0, total))


class Slower(keras.optimizers.schedules.LearningRateSchedule):
    """Another schedule times a factor, which is read when a step is traced."""

    def __init__(self, schedule: keras.optimizers.schedules.LearningRateSchedule) -> None:
        self.schedule = schedule
        self.factor = 1.0

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        rate = self.schedule(step)
        return rate if self.factor == 1.0 else rate * self.factor


class Rates:
    """The learning rates of a training, which can be scaled as a whole.

    Checkpoints know nothing of it, so that those of before can be read.
    """

    def __init__(self) -> None:
        self._made: list[tuple[keras.optimizers.Optimizer, Rate]] = []

    def add(self, optimizer: keras.optimizers.Optimizer, rate: Rate) -> None:
        """Takes note of an optimizer and its `learning_rate`."""
        self._made.append((optimizer, rate))

    def scale(self, factor: float) -> None:
        """Multiplies what all rates were at first.

        Steps that were traced before stay as they are.
        """
        for optimizer, rate in self._made:
            if isinstance(rate, Slower):
                rate.factor = factor
            else:
                optimizer.learning_rate = rate * factor


class Scaled(keras.optimizers.schedules.LearningRateSchedule):
    """A rate times a variable factor, whatever the step.

    Args:
        initial: learning rate at factor 1.
        factor: a scalar variable.
    """

    def __init__(self, initial: float, factor: tf.Variable) -> None:
        self.initial = initial
        self.factor = factor

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        return self.initial * self.factor


class Options(NamedTuple):
    """What a schedule may depend on besides the length of the training.

    Attributes:
        constant_share: of `linear`, see `ConstantThenLinear`.
        plateau: of `plateau`, whose loss the training tells it.
    """

    constant_share: float = 0.5
    plateau: Plateau | None = None


_NO_OPTIONS = Options()


def _poly(initial: float, steps: int, options: Options) -> Rate:
    """To zero by the power of 0.9.

    Reference:
        Chen et al., 2017, https://arxiv.org/abs/1606.00915, section 4.1.
    """
    return keras.optimizers.schedules.PolynomialDecay(initial, steps, 0.0, power=0.9)


def _plateau(initial: float, steps: int, options: Options) -> Rate:
    if options.plateau is None:
        raise ValueError("The schedule 'plateau' needs a Plateau that observes a loss.")
    return Scaled(initial, options.plateau.factor)


# From the rate at the beginning, the number of updates and options to the rate.
SCHEDULES: dict[str, Callable[[float, int, Options], Rate]] = {
    "linear": lambda initial, steps, o: ConstantThenLinear(initial, steps, o.constant_share),
    "constant": lambda initial, steps, _: initial,
    "cosine": lambda initial, steps, _: keras.optimizers.schedules.CosineDecay(initial, steps),
    "poly": _poly,
    "plateau": _plateau,
}


def learning_rate(
    schedule: str, initial: float, steps: int, options: Options = _NO_OPTIONS
) -> Rate:
    """The learning rate over a training.

    Args:
        schedule: a key of `SCHEDULES`.
        initial: learning rate at the beginning.
        steps: updates of the whole training.
        options: what some schedules depend on besides.
    """
    rate = SCHEDULES[schedule](initial, steps, options)
    return (
        Slower(rate) if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule) else rate
    )


# A setting of trainings that have a plateau, and of those that have none.
Schedule = Annotated[str, key_of(SCHEDULES)]
ScheduleWithoutLoss = Annotated[str, key_of([name for name in SCHEDULES if name != "plateau"])]
