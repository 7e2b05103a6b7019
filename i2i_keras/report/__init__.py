"""From scores, histories and pictures to a page; runs without TensorFlow."""
