"""Networks as functions that build Keras functional models."""
