"""The workers of a cluster, and how tasks are handed to them."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from i2i_keras import stack
from i2i_keras.data.tables import prepared
from i2i_keras.errors import DataError, SettingsError
from i2i_keras.experiment import resources
from i2i_keras.experiment.cluster import worker
from i2i_keras.experiment.cluster.board import Board, Read
from i2i_keras.experiment.cluster.connection import LOCAL, RETRIES, Where, connected, import_ray
from i2i_keras.experiment.plan.order import Placed
from i2i_keras.experiment.plan.tasks import Task
from i2i_keras.experiment.resources import Grant, Machines, TranslateShare
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder.locks import Shard
from i2i_keras.run_folder.run import Done


class Work(NamedTuple):
    """A task that was handed over.

    Attributes:
        task: which one.
        parts: what will be how it has ended, or how each of its shards has.
    """

    task: Task
    parts: list[Any]


@contextlib.contextmanager
def hired(where: Where, settings: Settings) -> Iterator["Crew"]:
    """Connects to a cluster, to do the tasks of an experiment.

    Raises:
        SettingsError: there is no such cluster, or it has not what tasks ask
            for and never will.
        DataError: it cannot be used.
    """
    shares = (settings.resources.train_segmenter, settings.threads_per_operation)
    # What it has is not known yet, and what threads depend on is.
    usual = resources.grant(*shares, Machines(1, 0, where.jobs)).environment
    with connected(where, worker.ENVIRONMENT | usual) as machines:
        yield Crew(settings, where, machines, usual)


class Crew:
    """Workers of a cluster.

    Args:
        settings: of the experiment.
        where: which cluster it is.
        machines: that it has.
        usual: environment of all workers, but for tasks that need another.
    """

    def __init__(
        self, settings: Settings, where: Where, machines: Machines, usual: dict[str, str]
    ) -> None:
        self._ray, self._settings, self._where = import_ray(), settings, where
        self._machines, self._usual = machines, usual
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        # Where the run was started, and not where it could be lost.
        here = NodeAffinitySchedulingStrategy(
            self._ray.get_runtime_context().get_node_id(), soft=False
        )
        board = self._ray.remote(Board).options(num_cpus=0, scheduling_strategy=here)
        self._board = board.remote()
        self._do = self._ray.remote(worker.do)

    def begin(self, placed: Sequence[Placed]) -> list[Work]:
        """Hands tasks over; Ray begins each when what it waits for is done.

        Args:
            placed: each behind those that it waits for; those in front begin
                first.

        Raises:
            SettingsError: one asks for more than a local cluster has.
        """
        works: list[Work] = []
        for one in placed:
            after = [part for place in one.after for part in works[place].parts]
            orders, options = self._orders(one.task), self._options(one.task)
            parts = [
                self._do.options(name=order.name, **options).remote(order, self._board, *after)
                for order in orders
            ]
            works.append(Work(one.task, parts))
        return works

    def wait(self, works: Sequence[Work], seconds: float) -> dict[Any, Done | None]:
        """How parts of works have ended, once all of them have, or time is up.

        Raises:
            SettingsError: a task has.
            DataError: likewise, or its worker was lost too often.
        """
        parts = {part: work.task for work in works for part in work.parts}
        ended, _ = self._ray.wait([*parts], num_returns=len(parts), timeout=seconds)
        return {part: self._result(part, parts[part]) for part in ended}

    def look(self) -> Read:
        """What the tasks at work have said."""
        try:
            return self._ray.get(self._board.read.remote())
        except self._ray.exceptions.RayError:  # It is begun again; nothing hangs on it.
            return Read({}, [])

    def stop(self, works: Sequence[Work]) -> None:
        """Stops what is at work and waits until it has saved what it can."""
        parts = [part for work in works for part in work.parts]
        for part in parts:
            self._ray.cancel(part)
        if parts:
            self._ray.wait(parts, num_returns=len(parts))

    def room(self) -> int:
        """How many trainings the cluster does at once."""
        total, granted = self._ray.cluster_resources(), self._grant("train-segmenter")
        rooms = [total.get("CPU", 0.0) // granted.cpus]
        rooms += [total.get("GPU", 0.0) // granted.gpus] if granted.gpus else []
        return max(1, int(min(rooms)))

    def _grant(self, kind: str) -> Grant:
        share = self._settings.resources.of(kind)
        return resources.grant(share, self._settings.threads_per_operation, self._machines)

    def _options(self, task: Task) -> dict[str, Any]:
        granted, machines = self._grant(task.kind), self._machines
        lacks = granted.cpus > machines.cpus or granted.gpus > machines.gpus
        if lacks and self._where.address == LOCAL:  # Elsewhere a larger one may join.
            raise SettingsError(
                f"A task {task.kind} is to get {granted.cpus:g} CPUs and {granted.gpus:g} GPUs (see"
                f" `resources`), and this machine has {machines.cpus:g} and {machines.gpus:g}; ask"
                " for less."
            )
        options: dict[str, Any] = {"num_cpus": granted.cpus, "num_gpus": granted.gpus}
        if granted.environment != self._usual:
            options["runtime_env"] = {"env_vars": worker.ENVIRONMENT | granted.environment}
        return {**options, "max_retries": RETRIES}

    def _orders(self, task: Task) -> list[worker.Order]:
        """What is told to the workers of a task, to several of a large one."""
        several = bool(self._settings.seeds) and task.kind != "prepare"
        whole = worker.Order(
            name=f"{task.name} (seed {task.settings.seed})" if several else task.name,
            kind=task.kind,
            of=task.of,
            settings=task.settings.model_dump(mode="json"),
            root=str(task.run.root.absolute()),
            twin=str(task.run.twin.root.absolute()) if task.run.twin else None,
            folder=str(Path.cwd()),
            stack=stack.NAME,
        )
        total = self._shards(task)
        if total == 1:
            return [whole]
        shards = [Shard(number, total) for number in range(1, total + 1)]
        return [whole._replace(name=f"{whole.name} {s.number}/{s.total}", shard=s) for s in shards]

    def _shards(self, task: Task) -> int:
        share = self._settings.resources.of(task.kind)
        if not isinstance(share, TranslateShare):
            return 1
        table = "source-train" if task.kind == "translate" else "target-train"
        wanted = -(-len(prepared(task.run, table)) // share.shard)
        return max(1, min(wanted, self.room()))

    def _result(self, part: Any, task: Task) -> Done | None:
        errors = self._ray.exceptions
        try:
            return self._ray.get(part)
        except errors.RayTaskError as error:
            if isinstance(error.cause, SettingsError | DataError | OSError):
                raise error.cause from None
            raise
        except errors.RayError as error:
            how = type(error).__name__
            raise DataError(
                f"{task.name} of {task.run.root} has lost its worker {RETRIES + 1} times ({how});"
                " see Ray's logs there for why, and go on with the same command."
            ) from error
