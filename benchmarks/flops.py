"""What a training step computes, moves and holds, counted in its graph.

Nothing is computed: a graph knows the shapes of all of its tensors.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import keras
import tensorflow as tf

# By the end of an operation's type, the output of the convolution that it is,
# or is a gradient of, and the kernel.
_CONVOLUTIONS: dict[str, Callable[[tf.Operation], tuple[tf.Tensor, tf.Tensor]]] = {
    "": lambda operation: (operation.outputs[0], operation.inputs[1]),
    "BackpropInput": lambda operation: (operation.inputs[2], operation.inputs[1]),
    "BackpropFilter": lambda operation: (operation.inputs[2], operation.outputs[0]),
}
_CONVOLUTION = re.compile(r"(?:Conv2D|DepthwiseConv2dNative)(|BackpropInput|BackpropFilter)")
_PRODUCTS = ("MatMul", "BatchMatMulV2")
# These make no new tensor in memory.
_ALIASES = ("Identity", "IdentityN", "Reshape", "Squeeze", "ExpandDims", "StopGradient")
# Variables, which are counted by themselves, and what a graph is given.
_GIVEN = ("Const", "Placeholder", "ReadVariableOp", "VarHandleOp")


class Work(NamedTuple):
    """What an operation does.

    Attributes:
        flops: multiplications and additions, of convolutions and products of
            matrices alone; they are nearly all.
        moved: bytes that it reads and writes.
        half: whether it computes in 16 bits.
    """

    flops: int
    moved: int
    half: bool


def step_graph(model: keras.Model, *batch: tf.TensorSpec) -> tf.Graph:
    """The graph of a compiled model's training step."""
    step = tf.function(lambda *given: model.train_step(given), autograph=False)
    return step.get_concrete_function(*batch).graph


def forward_graph(function: Callable[[tf.Tensor], Any], *shape: int) -> tf.Graph:
    """The graph of a function of images."""
    traced = tf.function(lambda images: function(images), autograph=False)
    return traced.get_concrete_function(tf.TensorSpec(shape)).graph


def executed(graph: tf.Graph) -> list[tf.Operation]:
    """The operations that results or variables depend on, in their order.

    Nobody asks for the gradient by the images, though it is in the graph.
    """
    needed: set[tf.Operation] = set()
    left = [*(tensor.op for tensor in graph.outputs), *graph.control_outputs]
    while left:
        operation = left.pop()
        if operation not in needed:
            needed.add(operation)
            left += [*(tensor.op for tensor in operation.inputs), *operation.control_inputs]
    return [operation for operation in graph.get_operations() if operation in needed]


def works(graph: tf.Graph) -> Iterator[Work]:
    """What each operation does, but for those that only rename."""
    for operation in executed(graph):
        if operation.type not in (*_ALIASES, *_GIVEN):
            tensors = [*operation.inputs, *operation.outputs]
            half = any(t.dtype in (tf.bfloat16, tf.float16) for t in tensors)
            yield Work(_flops(operation), sum(map(_bytes, tensors)), half)


def total(graph: tf.Graph) -> int:
    """Multiplications and additions of all convolutions and products."""
    return sum(work.flops for work in works(graph))


def peak_bytes(graph: tf.Graph) -> int:
    """The most that is held at once by tensors, variables left out.

    Operations are taken one after the other as they were written, and a tensor
    is held until the last one that reads it.
    """
    operations = executed(graph)
    owner: dict[Any, Any] = {}
    last: dict[Any, int] = {}
    for place, operation in enumerate(operations):
        for tensor in operation.inputs:
            last[owner.get(tensor.ref(), tensor.ref())] = place
        if operation.type in _ALIASES:
            for old, new in zip(operation.inputs, operation.outputs, strict=False):
                owner[new.ref()] = owner.get(old.ref(), old.ref())
    held = most = 0
    freed: dict[int, int] = {}
    for place, operation in enumerate(operations):
        if operation.type not in (*_ALIASES, *_GIVEN):
            for tensor in operation.outputs:
                held += _bytes(tensor)
                end = last.get(tensor.ref(), place)
                freed[end] = freed.get(end, 0) + _bytes(tensor)
        most = max(most, held)
        held -= freed.pop(place, 0)
    return most


def variable_bytes(variables: Iterable[tf.Variable]) -> int:
    """What variables hold."""
    return sum(math.prod(v.shape) * tf.as_dtype(v.dtype).size for v in variables)


def _flops(operation: tf.Operation) -> int:
    if found := _CONVOLUTION.fullmatch(operation.type):
        made, kernel = _CONVOLUTIONS[found[1]](operation)
        return 2 * math.prod(made.shape[:3]) * math.prod(kernel.shape)
    if operation.type in _PRODUCTS:
        flipped = operation.type == "MatMul" and operation.get_attr("transpose_a")
        flipped = flipped or (operation.type != "MatMul" and operation.get_attr("adj_x"))
        shape = operation.inputs[0].shape
        return 2 * math.prod(operation.outputs[0].shape) * shape[-2 if flipped else -1]
    return 0


def _bytes(tensor: tf.Tensor) -> int:
    """Of a tensor; 0 where its shape is not known, which are small ones."""
    if not tensor.shape.is_fully_defined() or tensor.dtype == tf.resource:
        return 0
    return math.prod(tensor.shape) * tensor.dtype.size
