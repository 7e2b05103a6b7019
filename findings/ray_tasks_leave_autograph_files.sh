#!/usr/bin/env bash
# Ray 2.60.0 with TensorFlow 2.21.0: a Ray task that builds a tf.data pipeline with a function
# of its own leaves a Python file in the temporary folder for good, one for each function, on
# each worker, though task, worker and `ray.shutdown()` all end well. `Dataset.map` converts
# functions by AutoGraph, which writes what it makes of them to
# `__autograph_generated_file*.py` and deletes them by `atexit`; workers of Ray end without
# that. In a process of one's own, or in a worker of `multiprocessing`, nothing stays.
#
# Here `run --jobs` left some ten files a task; tasks are done without AutoGraph now
# (experiment/cluster/worker.py), which the pipelines do not need.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.12}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow-cpu==2.21.0 ray==2.60.0
cat >"$folder/try.py" <<'PYTHON'
import multiprocessing
import os
import sys
import tempfile

import ray


def double(number):
    return 2 * number


def build(convert):
    import tensorflow as tf

    function = double if convert else tf.autograph.experimental.do_not_convert(double)
    numbers = tf.data.Dataset.range(3).map(function)
    return [int(number) for number in numbers]


def by_multiprocessing(convert):
    worker = multiprocessing.get_context("spawn").Process(target=build, args=(convert,))
    worker.start()
    worker.join()
    assert worker.exitcode == 0


def by_ray(convert):
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    assert ray.get(ray.remote(build).remote(convert)) == [0, 2, 4]
    ray.shutdown()


def left_by(how, convert):
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        os.environ["TMPDIR"] = temporary
        how(convert)
        return sum(name.startswith("__autograph_generated_file") for name in os.listdir(temporary))


if __name__ == "__main__":
    cases = {
        "multiprocessing": (by_multiprocessing, True),
        "Ray, not converted": (by_ray, False),
        "Ray": (by_ray, True),
    }
    found = {name: left_by(*case) for name, case in cases.items()}
    print("files left:", found)
    sys.exit([*found.values()] != [0, 0, 1])
PYTHON
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 RAY_USAGE_STATS_ENABLED=0 "$folder/venv/bin/python" try.py 2>/dev/null &&
  echo "as described"
