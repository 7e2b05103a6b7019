"""How large settings may be at most, and why.

What they may be at least, and bounds that come from a formula, stand beside the
settings themselves. These are far above what makes sense, and far below what
would hang, or take all memory.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple


class Bound(NamedTuple):
    """The largest value that settings of a name may have.

    Attributes:
        most: that value.
        why: it is that, to be said after it.
    """

    most: float
    why: str


_SIDE = Bound(2**14, "for no network's layer of longer sides fits into memory")
_STEPS = Bound(10**9, "which no training reaches in years")
_IMAGES = Bound(10**7, "for no data set has more images")
_IN_MEMORY = Bound(10**4, "for all of them are in memory at once")
_BATCH = Bound(2**14, "for all images of a batch are in memory at once")
_FILTERS = Bound(2**14, "for weights grow by its square, to gigabytes a layer")
_HALVINGS = Bound(12, "for each one halves the sides, and 12 make one pixel of 4,096")
_WEIGHT = Bound(1e9, "beside which float32 would lose every other term of the loss")
_PROCESSES = Bound(1024, "for each one takes memory, and no machine has more cores")
_SEED = Bound(2**32 - 1, "for seeds are numbers of 32 bits")

BOUNDS: dict[str, Bound] = {
    # Sizes in pixels.
    **dict.fromkeys(("size", "window", "crop", "camera_size", "game_size", "radius"), _SIDE),
    "mask_block": _SIDE,
    # Lengths of trainings.
    **dict.fromkeys(("steps", "checkpoint_every", "r1_every"), _STEPS),
    "epochs": Bound(1e7, "which no training reaches in years"),
    "checkpoint_minutes": Bound(525_600, "which is a year"),
    "keep_checkpoints": Bound(10**6, "for no disk holds more"),
    "patience": Bound(10**6, "for no history has more rows"),
    "critic_steps": Bound(1000, "for all of them are one graph"),
    # Numbers of images.
    **dict.fromkeys(
        ("num_train", "num_val", "num_test", "num_pictures", "num_quality_images", "block"), _IMAGES
    ),
    **dict.fromkeys(("num_drift_images", "num_references", "num_states"), _IMAGES),
    **dict.fromkeys(("num_samples", "pool_size"), _IN_MEMORY),
    **dict.fromkeys(("batch_size", "accumulate"), _BATCH),
    "num_patches": Bound(2**16, "for the loss compares each with all others"),
    "bootstrap_samples": Bound(10**6, "for more digits of an interval mean nothing"),
    **dict.fromkeys(("cpus", "gpus"), Bound(2**14, "for no cluster has more")),
    "shard": _IMAGES,
    "cache_gib": Bound(2**20, "for no machine has more memory"),
    # Networks.
    **dict.fromkeys(("filters", "projection"), _FILTERS),
    **dict.fromkeys(("depth", "num_downsamplings"), _HALVINGS),
    "num_residual_blocks": Bound(1000, "for a graph of more takes hours to build"),
    "alpha": Bound(10.0, "for it is a part of MobileNetV2's own width, 1"),
    # Losses and rates.
    **dict.fromkeys(
        ("lambda_cycle", "lambda_identity", "lambda_nce", "lambda_semantic", "weight"), _WEIGHT
    ),
    "masked_weight": _WEIGHT,
    **dict.fromkeys(("gradient_penalty", "r1", "l2", "weight_decay", "dice"), _WEIGHT),
    **dict.fromkeys(
        ("learning_rate", "discriminator_learning_rate"),
        Bound(1e3, "for the first step would move all weights out of reach"),
    ),
    "clip_norm": Bound(1e9, "above which nothing is clipped"),
    "temperature": Bound(1e6, "above which all similarities are alike"),
    "rare_classes": Bound(1e6, "above which all classes are drawn alike"),
    "instance_noise": Bound(100.0, "for images are from -1 to 1"),
    "scale": Bound(100.0, "for a crop would show a part of a pixel"),
    # The machine, and names.
    **dict.fromkeys(("workers", "threads_per_operation"), _PROCESSES),
    **dict.fromkeys(("seed", "seeds"), _SEED),
    "digits": Bound(100, "for no file's name is longer"),
}
# Of sizes: of both sides together.
_PIXELS = Bound(2**26, "for an image of more does not fit into memory many times")


def check(name: str, value: Any) -> None:
    """Refuses a setting that is too large, with a `ValueError`.

    Args:
        name: of the setting.
        value: its number, or a list that may hold numbers.
    """
    bound = BOUNDS.get(name)
    if bound is None:
        return
    numbers = [*_numbers([value])]
    for number in numbers:
        if number > bound.most:
            raise ValueError(f"it has to be {_text(bound.most)} at most, {bound.why}; got {value}")
    if bound is _SIDE and len(numbers) == 2 and numbers[0] * numbers[1] > _PIXELS.most:
        raise ValueError(
            f"it has to be {_text(_PIXELS.most)} pixels at most, {_PIXELS.why}; got {value}"
        )


def _numbers(values: Iterable[Any]) -> Iterator[float]:
    for value in values:
        if isinstance(value, tuple | list):
            yield from _numbers(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield value


def _text(number: float) -> str:
    return f"{number:,.15g}"
