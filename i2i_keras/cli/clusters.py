"""`--jobs` and `--cluster`: many tasks at once."""

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from i2i_keras.errors import SettingsError

if TYPE_CHECKING:
    from i2i_keras.experiment.cluster.connection import Where

Command = Callable[..., Any]


def cluster_options(command: Command) -> Command:
    """Adds --jobs and --cluster to a command, which gets them as `where`.

    That is the cluster which is asked for; None = this process alone.
    """

    @click.option(
        "--jobs",
        type=click.IntRange(min=1),
        help="Do so many tasks at once on this machine; 1 = one after the other.",
    )
    @click.option(
        "--cluster",
        metavar="auto|local|HOST:PORT",
        help="Do the tasks on a Ray cluster: one that runs (auto: the one this machine is in), or"
        " a local one as long as this takes.",
    )
    @functools.wraps(command)
    def with_cluster(jobs: int | None, cluster: str | None, **options: Any) -> Any:
        return command(where=_where(jobs, cluster), **options)

    return with_cluster


def _where(jobs: int | None, cluster: str | None) -> "Where | None":
    """The cluster that is asked for; None = this process alone.

    Raises:
        SettingsError: there is no such one, or no Ray, or there are workers of
            TF_CONFIG.
    """
    from i2i_keras.experiment.cluster import connection

    if jobs is not None and cluster not in (None, connection.LOCAL):
        raise SettingsError("--jobs is for one machine; leave out --cluster, or say local.")
    if cluster is None and jobs in (None, 1):
        return None
    if os.environ.get("TF_CONFIG"):
        raise SettingsError(
            "--jobs and --cluster do many trainings, and the workers of TF_CONFIG one; leave these"
            " out, or unset it."
        )
    where = connection.Where.read(connection.LOCAL if cluster is None else cluster, jobs)
    where.check()
    return where
