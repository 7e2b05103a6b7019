#!/usr/bin/env bash
# TensorFlow 2.21.0 with Keras 3.15.1: a TFLite file of a function around a Keras 3 network,
# written by `TFLiteConverter.from_concrete_functions(functions, module)`, computes
# something else if the module holds the network's variables as Keras has them. Nothing
# is raised and nothing warned of; the file has the right shapes and runs.
#
# Keras 3's variables are objects around TensorFlow's: `variable.value` is what the module
# has to hold. With Keras 2, whose variables are TensorFlow's, the same lines are right.
# Here exported pictures were wrong by up to 254 of 255.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.12}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tensorflow-cpu==2.21.0 keras==3.15.1 numpy==2.3.5
cat >"$folder/try.py" <<'PYTHON'
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import sys
import warnings

warnings.simplefilter("ignore")
import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(0)
inputs = keras.Input((None, None, 3))
x = keras.layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
x = keras.layers.BatchNormalization()(x)
network = keras.Model(inputs, keras.layers.Conv2D(3, 3, padding="same")(x))
for variable in network.variables:
    variable.assign(variable + 0.1)
image = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)


def converted(variables):
    """What the network gives as a TFLite file that was written by way of a module."""
    module = tf.Module()
    module.variables_of_network = variables
    signature = [tf.TensorSpec((1, 16, 16, 3), tf.float32)]
    module.run = tf.function(lambda x: network(x, training=False), input_signature=signature)
    function = module.run.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], module)
    runner = tf.lite.Interpreter(model_content=converter.convert())
    runner.allocate_tensors()
    runner.set_tensor(runner.get_input_details()[0]["index"], image)
    runner.invoke()
    return runner.get_tensor(runner.get_output_details()[0]["index"])

wanted = network(image, training=False).numpy()
kinds = {
    "Keras' variables": tuple(network.variables),
    "TensorFlow's": tuple(variable.value for variable in network.variables),
}
right = {name: np.allclose(converted(some), wanted, atol=1e-4) for name, some in kinds.items()}
print(right)
sys.exit(right != {"Keras' variables": False, "TensorFlow's": True})
PYTHON
cd "$folder"
"$folder/venv/bin/python" try.py 2>/dev/null && echo "as described"
