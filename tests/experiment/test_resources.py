"""What tasks ask of a cluster."""

import os

import pytest

from i2i_keras import config
from i2i_keras.errors import SettingsError
from i2i_keras.experiment.resources import Cores, Machines, Share, grant
from i2i_keras.experiment.settings import Settings

NODES = Machines(cpus=16, gpus=4)


def test_unset_it_is_one_core_and_a_gpu_where_there_are_any():
    assert grant(Share(), None, NODES) == (1, 1.0, 1, 1)
    assert grant(Share(), None, Machines(16, 0)) == (1, 0.0, 1, 1)


def test_what_is_asked_for_is_given():
    assert grant(Share(cpus=4, gpus=0.5), None, NODES) == (4, 0.5, 4, 1)
    assert grant(Share(gpus=0), None, NODES).gpus == 0


@pytest.mark.parametrize("jobs", [1, 2, 3, 1000])
def test_jobs_share_the_machine_and_change_no_operation(jobs):
    cores = max(1, os.cpu_count() // jobs)
    for threads in (None, 1, 2):
        found = grant(Share(), threads, Machines(jobs, 0, jobs))
        assert found.cpus == 1  # Of as many as there are jobs.
        assert found.threads == (threads or 1)
        assert found.operations == max(1, cores // found.threads)


def test_threads_of_an_operation_are_those_of_the_settings():
    assert grant(Share(cpus=8), 2, NODES) == (8, 1.0, 2, 4)


def test_the_preparation_has_a_machine_for_itself_and_no_gpu():
    assert grant(Cores(), None, NODES)[:2] == (16, 0.0)
    assert grant(Cores(cpus=6), None, NODES)[:2] == (6, 0.0)
    assert grant(Cores(cpus=6), None, Machines(2, 0, 2))[:2] == (2, 0.0)


def test_workers_are_told_by_their_environment():
    told = grant(Share(cpus=6, gpus=0.5), 2, NODES).environment
    assert told == {
        "TF_NUM_INTRAOP_THREADS": "2",
        "TF_NUM_INTEROP_THREADS": "3",
        "OMP_NUM_THREADS": "6",
        "OPENBLAS_NUM_THREADS": "6",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }
    assert "TF_FORCE_GPU_ALLOW_GROWTH" not in grant(Share(), 2, NODES).environment


def test_settings_are_for_all_kinds_or_for_one():
    shares = config.build(
        Settings,
        config.read("demo", ["resources.defaults.gpus=1", "resources.train_translator.gpus=4"]),
    ).resources
    assert shares.of("train-translator").gpus == 4
    assert shares.of("translate-back").gpus == shares.of("train-segmenter").gpus == 1
    assert not hasattr(shares.of("prepare"), "gpus")


@pytest.mark.parametrize("change", ["evaluate.cpus=0", "evaluate.gpus=-1", "translate.shard=0"])
def test_nothing_is_no_share(change):
    with pytest.raises(SettingsError, match="greater than"):
        config.build(Settings, config.read("demo", [f"resources.{change}"]))
