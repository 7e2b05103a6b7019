"""Divides one set of images into training, validation and test images."""

from collections.abc import Sequence

import numpy as np
import pydantic

from i2i_keras.config import Config
from i2i_keras.data.records import Record, Splits

_FEWEST_BLOCKS = 10  # Smaller sets have smaller blocks.


class HoldOutConfig(Config):
    """How a set without splits is divided.

    Attributes:
        test: share of its images that is kept for the test.
        val: share that is kept for validation.
        block: as many images whose names follow each other stay together, for
            neighbors may be frames of one film; fewer in a set that would have
            less than ten blocks.
        seed: of the choice.
    """

    test: float = pydantic.Field(default=0.2, ge=0.0, lt=1.0)
    val: float = pydantic.Field(default=0.1, ge=0.0, lt=1.0)
    block: pydantic.PositiveInt = 20
    seed: int = pydantic.Field(default=0, ge=0)

    @pydantic.model_validator(mode="after")
    def _leaves_some(self) -> "HoldOutConfig":
        if self.test + self.val >= 1.0:
            raise ValueError("test and val leave nothing to train on")
        return self


def divide(records: Sequence[Record], config: HoldOutConfig) -> Splits:
    """Divides records by blocks of neighbors, at random.

    Returns:
        The records of `train`, `val` and `test`, each in the order of names. A
        split whose share is not 0 has one block at least, if there are three.
    """
    ordered = sorted(records, key=lambda record: record.name)
    size = min(config.block, max(1, len(ordered) // _FEWEST_BLOCKS))
    blocks = [ordered[start : start + size] for start in range(0, len(ordered), size)]
    shuffled = np.random.default_rng(config.seed).permutation(len(blocks)).tolist()
    num_test, num_val = (_count(share, len(blocks)) for share in (config.test, config.val))
    chosen = {
        "test": shuffled[:num_test],
        "val": shuffled[num_test : num_test + num_val],
        "train": shuffled[num_test + num_val :],
    }
    return {
        split: [record for index in sorted(chosen[split]) for record in blocks[index]]
        for split in ("train", "val", "test")
    }


def _count(share: float, blocks: int) -> int:
    if not share or blocks < 3:
        return 0
    return max(1, round(share * blocks))
