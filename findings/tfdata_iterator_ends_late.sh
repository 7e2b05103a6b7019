#!/usr/bin/env bash
# TensorFlow 2.15.1 (and 2.21.0, tried by hand): to delete an iterator of a tf.data pipeline
# sometimes takes as long again as it has been used, up to a minute, in which all threads sleep.
# Native stacks show the iterator's destructor waiting for the thread that tunes AUTOTUNE's
# numbers (`Model::OptimizeLoop`), and that one asleep: it looks after 10 ms, 20 ms, 40 ms and
# so on up to 60 s, and often misses that it is canceled: of two to four iterators in ten.
# Options with `autotune.enabled = False` end it. Keras 2.15's `train_on_batch` makes an
# iterator for each call, and so may wait 10.24 s for a step.
#
# Here a training of 25 s waited 20 s more at its end; our pipelines are not tuned any more
# (data/pipeline.py, `_untuned`). Records that are decoded come as fast as before; of held ones
# some 800 batches a second instead of 900.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow-cpu==2.15.1 "numpy<2"
cat >"$folder/try.py" <<'PYTHON'
import sys
import time

import tensorflow as tf

USED, TRIALS = 1.3, 30  # The thread sleeps from 1.27 s on to 2.55 s.


def seconds_to_delete(tuned):
    options = tf.data.Options()
    options.autotune.enabled = tuned
    numbers = tf.data.Dataset.range(10**9).map(
        lambda number: number + 1, num_parallel_calls=tf.data.AUTOTUNE if tuned else 2
    )
    iterator = iter(numbers.prefetch(2).with_options(options))
    end = time.monotonic() + USED
    while time.monotonic() < end:
        next(iterator)
        time.sleep(0.005)
    begin = time.monotonic()
    del iterator
    return time.monotonic() - begin


tf.config.threading.set_inter_op_parallelism_threads(1)
found = {tuned: [seconds_to_delete(tuned) for _ in range(TRIALS)] for tuned in (True, False)}
for tuned, seconds in found.items():
    late = sum(time > 0.3 for time in seconds)
    print(f"tuned: {tuned}, longest {max(seconds):.2f} s, {late} of {TRIALS} above 0.3 s")
sys.exit(not (max(found[True]) > 0.3 > max(found[False])))
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" "$folder/try.py" 2>/dev/null && echo "as described"
