"""What tasks are given of the machines of a cluster."""

import os
from typing import NamedTuple

import pydantic

from i2i_keras.config import Config


class Cores(Config):
    """What a task without networks is given.

    Attributes:
        cpus: cores; unset = all of one machine.
    """

    cpus: pydantic.PositiveInt | None = None


class Share(Cores):
    """What each task of one kind is given.

    Attributes:
        cpus: cores; unset = of `--jobs N` an Nth of the machine, else one.
        gpus: also a part of one, such as 0.5, which several tasks then share;
            unset = one where the cluster has any.
    """

    gpus: pydantic.NonNegativeFloat | None = None


class TranslateShare(Share):
    """What a translation is given, and how it is divided.

    Attributes:
        shard: images of one task: larger sets are divided among as many tasks
            as the cluster has room for.
    """

    shard: pydantic.PositiveInt = 500


class ResourcesConfig(Config):
    """What tasks of each kind are given by `run --cluster` and `run --jobs`.

    `[resources.defaults]` is for all of them. Without a cluster none of it
    matters, and no result depends on it but by the threads of an operation,
    see `Settings.threads_per_operation`.

    Attributes:
        prepare: of both domains; nothing else is done meanwhile.
        train_translator: a training.
        translate: of one direction.
        train_segmenter: a training.
        evaluate: the scores of an arm or of a translator.
    """

    prepare: Cores = Cores()
    train_translator: Share = Share()
    translate: TranslateShare = TranslateShare()
    train_segmenter: Share = Share()
    evaluate: Share = Share()

    def of(self, kind: str) -> Cores:
        """The share of a task, by the command that does it."""
        share: Cores = getattr(self, kind.removesuffix("-back").replace("-", "_"))
        return share


class Machines(NamedTuple):
    """What a cluster has, as far as tasks are concerned.

    Attributes:
        cpus: of its largest node; of a local cluster with `--jobs` as many as
            tasks may run at once.
        gpus: of the node with most of them.
        jobs: how many tasks a local cluster does at once; None = as many as
            there is room for.
    """

    cpus: float
    gpus: float
    jobs: int | None = None


class Grant(NamedTuple):
    """What one task asks Ray for, and how it computes with that.

    Attributes:
        cpus: logical CPUs that it occupies.
        gpus: or a part of one.
        threads: of one operation.
        operations: that are computed at once.
    """

    cpus: float
    gpus: float
    threads: int
    operations: int

    @property
    def environment(self) -> dict[str, str]:
        """Variables that limit what TensorFlow and numpy take of a machine."""
        cores = str(self.threads * self.operations)
        limits = {
            "TF_NUM_INTRAOP_THREADS": str(self.threads),
            "TF_NUM_INTEROP_THREADS": str(self.operations),
            "OMP_NUM_THREADS": cores,
            "OPENBLAS_NUM_THREADS": cores,
        }
        if self.gpus % 1:  # Others are on the same one.
            limits["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
        return limits


def grant(share: Cores, threads: int | None, machines: Machines) -> Grant:
    """What a task is given.

    The threads of an operation depend neither on the machine nor on the number
    of jobs: sums over pixels are rounded otherwise by another number.

    Args:
        share: what its settings ask for.
        threads: `Settings.threads_per_operation`.
        machines: that there are.
    """
    one = threads or share.cpus or 1
    if not isinstance(share, Share):
        return Grant(min(share.cpus or machines.cpus, machines.cpus), 0.0, one, 1)
    gpus = float(machines.gpus > 0) if share.gpus is None else share.gpus
    cores = share.cpus or 1
    if machines.jobs:
        cores = share.cpus or max(1, (os.cpu_count() or 1) // machines.jobs)
    return Grant(1 if machines.jobs else cores, gpus, one, max(1, cores // one))
