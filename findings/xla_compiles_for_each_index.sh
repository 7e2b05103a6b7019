#!/usr/bin/env bash
# TensorFlow 2.15.1 and 2.21.0: a function of `tf.function(jit_compile=True)` that reads
# `variable[place]`, `place` being a tensor, is compiled anew for every value of `place`.
# It is traced once, nothing is warned of, and the log says "Compiled cluster using XLA!"
# once. With `tf.gather(variable, place)`, the same numbers, it is compiled once.
#
# Indexing is a StridedSlice, whose begin XLA needs as a constant: it takes the value of
# the call, and keeps the program for that value. Here a training step with a history of
# images took a minute each instead of 30 ms, because it was compiled at each step.
# Seen, both versions: 6 programs for 6 places by indexing, 1 by tf.gather. Here it gathers
# now.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "tensorflow-cpu==${VERSION:-2.15.1}"
cat >"$folder/try.py" <<'PYTHON'
import os
import sys
from pathlib import Path

folder = Path(sys.argv[1])
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["XLA_FLAGS"] = f"--xla_dump_to={folder} --xla_dump_hlo_as_text"
import tensorflow as tf

images = tf.Variable(tf.reshape(tf.range(24.0), (6, 4)))


@tf.function(jit_compile=True)
def by_indexing(place):
    return images[place]


@tf.function(jit_compile=True)
def by_gather(place):
    return tf.gather(images, place)


programs = {}
for function in (by_indexing, by_gather):
    rows = [function(tf.constant(place)).numpy().tolist() for place in range(6)]
    assert rows == images.numpy().tolist()
    assert function.experimental_get_tracing_count() == 1
    name = function.python_function.__name__
    programs[name] = len([*folder.glob(f"*{name}*before_optimizations.txt")])
print(tf.__version__, programs)
sys.exit(programs != {"by_indexing": 6, "by_gather": 1})
PYTHON
"$folder/venv/bin/python" "$folder/try.py" "$folder/dump" 2>/dev/null && echo "as described"
