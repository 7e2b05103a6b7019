"""Does the tasks of a plan on a cluster, as many at once as it has room for."""

import contextlib
from collections.abc import Iterator, Sequence

from i2i_keras.experiment.cluster.connection import Where, import_ray
from i2i_keras.experiment.cluster.crew import Crew, Work, hired
from i2i_keras.experiment.cluster.display import Display
from i2i_keras.experiment.plan.order import longest_first
from i2i_keras.experiment.plan.progress import side_by_side
from i2i_keras.experiment.plan.tasks import Task
from i2i_keras.experiment.running import Ended, Tell, Walk
from i2i_keras.experiment.settings import Settings
from i2i_keras.run_folder.run import Done
from i2i_keras.training.signals import Stopped, StopSignals

_REFRESH = 1.0  # Seconds between two looks at what is at work.


@contextlib.contextmanager
def walker(where: Where, settings: Settings, tell: Tell) -> Iterator[Walk]:
    """What does tasks on a cluster, which is connected to when it is needed.

    Args:
        where: which cluster.
        settings: of the experiment. All machines have to see its run directory
            in the same place.
        tell: see `running.run_all`.

    Yields:
        See `running.Walk`; it may be called several times. A first SIGINT or
        SIGTERM lets trainings save, and raises `Stopped`.

    Raises:
        SettingsError: there is no such cluster, or no Ray.
    """
    import_ray()  # Without it nothing is begun.
    if settings.threads_per_operation is None:
        tell(
            "Note: threads_per_operation is not set. Here an operation gets one thread, or the"
            " cpus that its task asks for, and without --jobs or --cluster all of a machine;"
            " scores differ in their last digits."
        )
    with contextlib.ExitStack() as until_the_end:
        crews: list[Crew] = []

        def walk(tasks: Sequence[Task]) -> Iterator[Ended]:
            left: list[Task] = []
            for task in tasks:
                if task.done and not any(map(task.waits_for, left)):
                    yield task, task.do()  # Looks whether it was done with these settings.
                else:
                    left.append(task)
            if left and not crews:
                crews.append(until_the_end.enter_context(hired(where, settings)))
            if left:
                yield from _walk(crews[0], left, tell)

        yield walk


def _walk(crew: Crew, tasks: Sequence[Task], tell: Tell) -> Iterator[Ended]:
    """Does tasks that wait for nothing but each other."""
    display = Display(tell)
    with StopSignals() as signals:
        works = crew.begin(longest_first(tasks))
        try:
            told = side_by_side(tasks, crew.room())
            while works:
                for work, done in _ended(crew, works):
                    works.remove(work)
                    display.clear()
                    yield work.task, done
                    told = side_by_side(tasks, crew.room())
                read = crew.look()
                for line in read.lines:
                    display.tell(line)
                display.show(read.states, told)
                if signals.asked:
                    raise Stopped
        finally:
            display.clear()
            crew.stop(works)


def _ended(crew: Crew, works: Sequence[Work]) -> list[tuple[Work, Done]]:
    """Works of which all parts have ended."""
    results = crew.wait(works, _REFRESH)
    found = []
    for work in works:
        if all(part in results for part in work.parts):
            # Of the shards the last one knows how the whole has ended.
            dones = [done for part in work.parts if (done := results[part])]
            found.append((work, next((d for d in dones if not d.skipped), dones[0])))
    return found
