"""Networks that keep less for their gradients, and compute it once more.

Only what goes from one part of a network to the next is kept. When gradients
come back to a part, it is computed again, and all that is inside it is there
for no longer than that. The numbers are the same.

Reference:
    Chen et al., 2016, https://arxiv.org/abs/1604.06174
"""

import inspect
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from i2i_keras.models import replicas
from i2i_keras.models.layers import Dropout
from i2i_keras.models.norms import SpectralNormalization

Values = dict[int, tf.Tensor]  # By the tensor of the network's own graph.
Counts = dict[str, tf.Tensor]  # By dropout, its draws before this one.

# A part is what has one name up to here. The largest one of a U-Net is three.
_PART = re.compile(r"up0_(transposed|conv1)|[a-zA-Z]+_?\d*")


class Part(NamedTuple):
    """Layers that are computed together.

    Attributes:
        layers: in the order of computation.
        inputs: of them, from other parts.
        outputs: that others need.
    """

    layers: list[keras.layers.Layer]
    inputs: list[int]
    outputs: list[int]


def in_training(network: keras.Model, again: bool) -> Callable[[tf.Tensor], Any]:
    """A network in training, as gradients are taken of it.

    Args:
        network: see `recomputed`; one with spectral norm keeps all it computes.
        again: whether it keeps little and computes the rest once more.
    """
    if again and not any(isinstance(layer, SpectralNormalization) for layer in network.layers):
        return recomputed(network)
    return partial(network, training=True)


def recomputed(network: keras.Model) -> Callable[[tf.Tensor], Any]:
    """What a network computes in training, with less memory for its gradients.

    Args:
        network: a functional model of one input, whose layers are called once.
            None of them may write to what it computes with, as spectral norm
            does to its kernel.

    Returns:
        From images to what the network makes of them.
    """
    parts = split(network)

    def call(images: tf.Tensor) -> Any:
        values: Values = {id(network.inputs[0]): images}
        for part in parts:
            found = _recomputed_part(part, [values[key] for key in part.inputs])
            values |= zip(part.outputs, found, strict=True)
        made = [values[id(output)] for output in network.outputs]
        return tf.nest.pack_sequence_as(network.output, made)

    return call


def split(network: keras.Model) -> list[Part]:
    """The parts of a network, in the order of computation."""
    layers = [layer for layer in network.layers if not isinstance(layer, keras.layers.InputLayer)]
    groups = [list(group) for _, group in itertools.groupby(layers, _name)]
    # What comes out in the end has few channels; what goes into it has many.
    groups[-2:] = [[*itertools.chain(*groups[-2:])]]
    made_by = {id(layer.output): number for number, group in enumerate(groups) for layer in group}
    needed: list[set[int]] = [set() for _ in groups]
    for number, group in enumerate(groups):
        for layer in group:
            needed[number] |= {k for k in _inputs(layer) if made_by.get(k) != number}
    elsewhere = set.union(*needed, {id(output) for output in network.outputs})
    return [
        Part(group, sorted(needed[number]), [i for i in map(_output, group) if i in elsewhere])
        for number, group in enumerate(groups)
    ]


def _name(layer: keras.layers.Layer) -> str:
    found = _PART.match(layer.name)
    return found[0] if found else layer.name


def _inputs(layer: keras.layers.Layer) -> list[int]:
    return [id(tensor) for tensor in tf.nest.flatten(layer.input)]


def _output(layer: keras.layers.Layer) -> int:
    return id(layer.output)


def _recomputed_part(part: Part, inputs: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    counts: Counts = {}

    @tf.custom_gradient
    def call(*inputs: tf.Tensor) -> tuple[list[tf.Tensor], Any]:
        outputs = _run(part, inputs, _First(counts))

        def gradient(*upstream: tf.Tensor, variables: Sequence[tf.Variable] = ()) -> Any:
            # Nothing else would keep a graph from computing it at once.
            with tf.control_dependencies(upstream):
                again = [tf.identity(tensor) for tensor in inputs]
            with tf.GradientTape() as tape:
                tape.watch(again)
                found = _run(part, again, _Again(counts))
            of_inputs, of_variables = tape.gradient(
                found, (again, list(variables)), output_gradients=list(upstream)
            )
            # What is inside is given back before the part before begins.
            with tf.control_dependencies(of_variables):
                return [tf.identity(gradient) for gradient in of_inputs], of_variables

        return outputs, gradient

    return list(call(*inputs))


def _run(part: Part, inputs: Sequence[tf.Tensor], compute: "_First") -> list[tf.Tensor]:
    values: Values = dict(zip(part.inputs, inputs, strict=True))
    for layer in part.layers:
        given = tf.nest.map_structure(lambda tensor: values[id(tensor)], layer.input)
        values[_output(layer)] = compute(layer, given)
    return [values[key] for key in part.outputs]


class _First:
    """Computes layers in training, and takes note of what they draw."""

    def __init__(self, counts: Counts) -> None:
        self.counts = counts

    def __call__(self, layer: keras.layers.Layer, inputs: Any) -> tf.Tensor:
        if isinstance(layer, Dropout):
            self.counts[layer.name] = tf.identity(layer.calls)
        return layer(inputs, **_training(layer))


class _Again(_First):
    """Computes them again, and changes nothing."""

    def __call__(self, layer: keras.layers.Layer, inputs: Any) -> tf.Tensor:
        if isinstance(layer, Dropout):
            return layer.drop(inputs, self.counts[layer.name] + 1)
        if not isinstance(layer, keras.layers.BatchNormalization):
            return layer(inputs, **_training(layer))
        if replicas.several():  # In threads, which would read each other's momentum.
            return layer.by_all(inputs, moves=False)
        momentum, layer.momentum = layer.momentum, 1.0
        try:
            return layer(inputs, training=True)
        finally:
            layer.momentum = momentum


def _training(layer: keras.layers.Layer) -> Mapping[str, bool]:
    takes = "training" in inspect.signature(layer.call).parameters
    return {"training": True} if takes else {}
