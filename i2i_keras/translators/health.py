"""Signs of a translator's health in every step, and what they mean.

The thresholds were measured on drawn streets, on CamVid and IDD photographs
and on trainings made to be ill; the numbers beside them are what healthy and
what ill ones showed.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import tensorflow as tf

from i2i_keras.models import replicas
from i2i_keras.training import ROWS_TO_JUDGE
from i2i_keras.training.history import Row, Warning

# Logit between fake and real; a loss without one is judged by the midpoint of
# the means.
_BOUNDARIES = {"lsgan": 0.5, "bce": 0.0, "hinge": 0.0}

_ROWS = ROWS_TO_JUDGE // 2  # In so many a sign has to hold, one after the other.
# Mean accuracy of these rows: 0.91 at most in healthy trainings, 0.96 to 1.0 in
# ill ones, whose single rows vary.
_WON = 0.95
# Accuracy: 0.51 at least in healthy trainings, 0.37 to 0.57 where a penalty on
# the discriminators was far too heavy and nothing was gained either.
_GIVEN_UP = 0.55
_COPIES = 0.02  # Change: 0.09 at least once they had begun, 0.006 when copying.
_NOTHING_GAINED = 0.9  # Style distance: 1.0 when copying.
# Correlation of brightness: 0.85 at least; of two different scenes -0.06 at
# least, over all pairs of six data sets; -1 when inverted.
_INVERTED = -0.2
# Diversity: 0.38 at least, even for real images instead of outputs, over the
# same pairs; 0 when collapsed.
_COLLAPSED = 0.15
# 5 at most, 1.6 between photographs; 27 with transposed convolutions, 18 for a
# pattern of 2 of 255 gray values.
_CHECKERED = 10.0

_OF_DOMAINS = ("discriminator_real", "discriminator_fake", "discriminator_accuracy", "balance")
SIGNALS = (
    *("change_xy", "change_yx", "generator_gradient_norm"),
    *(f"{name}_{domain}" for domain in ("x", "y") for name in _OF_DOMAINS),
    "discriminator_gradient_norm",
)


def discriminator_signals(
    adversarial: str, real: tf.Tensor, fake: tf.Tensor
) -> dict[str, tf.Tensor]:
    """How a discriminator is doing, from logits that the step has anyway.

    Args:
        adversarial: a key of `losses.ADVERSARIAL`.
        real: logits of real patches, of any shape.
        fake: logits of as many fake ones.

    Returns:
        Means of both; `discriminator_accuracy`, the share of patches that are
        on the right side, and `balance`, the share of pairs of a real and a
        fake patch that are ranked rightly, which is the same for all losses.
        Of both, 0.5 = no better than chance, 1 = the discriminator has won.
    """
    mean_real, mean_fake = tf.reduce_mean(real), tf.reduce_mean(fake)
    boundary = _BOUNDARIES.get(adversarial)
    if boundary is None:
        boundary = replicas.mean((mean_real + mean_fake) / 2)
    right = _share_above(real, boundary) + _share_above(-fake, -boundary)
    return {
        "discriminator_real": mean_real,
        "discriminator_fake": mean_fake,
        "discriminator_accuracy": right / 2,
        "balance": _share_above(real - fake, 0.0),
    }


def change(before: tf.Tensor, after: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference of images and their translations."""
    return tf.reduce_mean(tf.abs(tf.cast(after, tf.float32) - tf.cast(before, tf.float32)))


def diagnose(rows: Sequence[Row], content: str = "lambda_cycle") -> list[Warning]:
    """What is wrong with the last rows of a history, and what may help.

    Args:
        rows: of the history so far; signals that are missing or NaN say
            nothing.
        content: the weight that holds outputs to their inputs.
    """
    found = [*_won(rows, "x", "yx"), *_won(rows, "y", "xy")]
    found += [*_given_up(rows, "x", "yx"), *_given_up(rows, "y", "xy")]
    for direction in ("xy", "yx"):
        found += _copies(rows, direction, content)
        found += _shows(rows, direction, content)
    return found


def _won(rows: Sequence[Row], domain: str, direction: str) -> Iterator[Warning]:
    losses = _column(rows, f"adversarial_{direction}")
    accuracies = _column(rows, f"discriminator_accuracy_{domain}")
    if len(rows) >= ROWS_TO_JUDGE and (accuracy := _mean(accuracies[-_ROWS:])) >= _WON:
        before, now = _mean(losses[:-_ROWS]), _mean(losses[-_ROWS:])
        if now >= before:
            yield Warning(
                f"discriminator_{domain} won",
                f"Discriminator {domain} has won: it tells {accuracy:.0%} of real and fake apart,"
                f" and the loss of generator {direction} does not fall ({before:.2g} before,"
                f" {now:.2g} now). Lower discriminator_learning_rate, or set"
                " discriminator.spectral_norm = true or instance_noise = 0.1.",
            )


def _given_up(rows: Sequence[Row], domain: str, direction: str) -> Iterator[Warning]:
    column = f"discriminator_accuracy_{domain}"
    blind = _holds(rows, column, lambda accuracy: accuracy <= _GIVEN_UP)
    if (
        blind
        and len(rows) >= ROWS_TO_JUDGE
        and _holds(rows, f"style_distance_{direction}", lambda far: far >= _NOTHING_GAINED)
    ):
        yield Warning(
            f"discriminator_{domain} given up",
            f"Discriminator {domain} has given up: it tells {rows[-1][column]:.0%} of real and fake"
            f" apart, though what generator {direction} makes is as far from the other domain as"
            " its input. Raise discriminator_learning_rate, or lower gradient_penalty, r1 or"
            " discriminator.dropout.",
        )


def _copies(rows: Sequence[Row], direction: str, content: str) -> Iterator[Warning]:
    small = _holds(rows, f"change_{direction}", lambda size: size <= _COPIES)
    if small and _holds(
        rows, f"style_distance_{direction}", lambda distance: distance >= _NOTHING_GAINED
    ):
        gray = 127.5 * rows[-1][f"change_{direction}"]
        yield Warning(
            f"generator_{direction} copies",
            f"Generator {direction} copies its input: it changes it by {gray:.1f} of 255 gray"
            " values, which brings it no nearer to the other domain. Lower lambda_identity or"
            f" {content}, or raise learning_rate.",
        )


def _shows(rows: Sequence[Row], direction: str, content: str) -> Iterator[Warning]:
    """What the sample pictures of one generator show by a single signal."""
    for kind, (signal, ill, text) in _IN_SAMPLES.items():
        column = f"{signal}_{direction}"
        if _holds(rows, column, ill):
            sentence = text.format(direction=direction, value=rows[-1][column], content=content)
            yield Warning(f"generator_{direction} {kind}", sentence)


# By illness: the signal, when it tells so, and what is said.
_IN_SAMPLES: dict[str, tuple[str, Callable[[float], bool], str]] = {
    "inverts": (
        "luminance_correlation",
        lambda correlation: correlation <= _INVERTED,
        "Generator {direction} inverts brightness: what is light becomes dark (correlation"
        " {value:.2f}). Raise lambda_identity, set generator.skip = true, or take another seed.",
    ),
    "collapsed": (
        "diversity",
        lambda diversity: diversity <= _COLLAPSED,
        "Generator {direction} has collapsed: its outputs differ by only {value:.0%} of what its"
        " inputs differ by. Raise {content}, lower learning_rate, or set r1 = 1.0.",
    ),
    "checkerboard": (
        "checkerboard",
        lambda times: times >= _CHECKERED,
        "Generator {direction} draws a checkerboard: at the period of its upsampling the spectrum"
        ' is {value:.0f} times what it should be. Set generator.upsampling = "resize", or lower'
        " generator.num_downsamplings.",
    ),
}


def _holds(rows: Sequence[Row], column: str, sign: Callable[[float], bool]) -> bool:
    """Whether a sign is in each of the last rows; NaN is no sign."""
    values = _column(rows, column)[-_ROWS:]
    return len(values) == _ROWS and all(sign(value) for value in values)


def _column(rows: Sequence[Row], column: str) -> list[float]:
    return [row.get(column, math.nan) for row in rows]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _share_above(values: tf.Tensor, bound: tf.Tensor | float) -> tf.Tensor:
    """Share of values above a bound; those on it count half."""
    return tf.reduce_mean((tf.sign(values - bound) + 1.0) / 2)
