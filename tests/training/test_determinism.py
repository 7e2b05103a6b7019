import subprocess
import sys

CHOICES = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf
from i2i_keras.training import determinism
for choice in ("off", "auto"):
    determinism.apply(choice)
    try:
        tf.random.uniform(())
    except RuntimeError:
        print(choice, "refuses what is random without a seed")
"""


def test_auto_is_deterministic_where_there_is_no_gpu():
    # In a process of its own: there is no way back.
    command = [sys.executable, "-c", CHOICES]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    lines = [line for line in result.stdout.splitlines() if "refuses" in line]
    assert lines == ["auto refuses what is random without a seed"]
