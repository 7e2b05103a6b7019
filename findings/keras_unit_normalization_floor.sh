#!/usr/bin/env bash
# Keras 2.15.0 (TensorFlow 2.15.1) and Keras 3.15.1 (TensorFlow 2.21.0):
# `layers.UnitNormalization` divides a vector by its length, but by a floor where it is
# shorter. The floor was 1e-6 (1e-12 under the root, `tf.linalg.l2_normalize`); since
# Keras 3 it is 1e-12 (`ops.normalize`). So the gradient at a vector of zeros, such as
# what a layer of dead ReLUs gives, is 1e12 where it was 1e6, in the same program, and a
# common clipping of gradients by their length then stops the whole network. Neither
# documentation names a floor.
# Seen: 1e+06 (Keras 2.15.0), 1e+12 (Keras 3.15.1).
# Here a contrastive loss' gradient of 2e6 was one of 2e11; it has a layer of its own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/try.py" <<'PYTHON'
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import sys

import keras
import tensorflow as tf

vector = tf.zeros((1, 2))
with tf.GradientTape() as tape:
    tape.watch(vector)
    unit = keras.layers.UnitNormalization()(vector)
steepest = float(tf.reduce_max(tape.gradient(unit, vector)))
print(f"Keras {keras.__version__}: {steepest:.0e}")
sys.exit(not 0.9 < steepest / float(sys.argv[1]) < 1.1)
PYTHON
try() {
  "$1" -m venv "$folder/$2"
  "$folder/$2/bin/pip" install --quiet "tensorflow-cpu==$2" "keras==$3"
  "$folder/$2/bin/python" "$folder/try.py" "$4" 2>/dev/null
}
try "${OLD_PYTHON:-python3.11}" 2.15.1 2.15.0 1e6
try "${NEW_PYTHON:-python3.12}" 2.21.0 3.15.1 1e12
echo "as described"
