"""Which Keras this is, and all that differs between the two.

Keras 2.15 comes with TensorFlow 2.15 (Python 3.10 and 3.11), Keras 3 with
TensorFlow 2.21 (Python 3.12 and later).
"""

import io
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import layers
from keras.src.saving import saving_lib

KERAS = int(keras.__version__.partition(".")[0])  # Its major version, 2 or 3.
NAME = f"TensorFlow {tf.__version__} with Keras {keras.__version__}"

# Of `add_weight`: the variable is float32 under every precision. Keras 3 has
# another name for it.
FLOAT32: dict[str, Any] = {"autocast" if KERAS == 3 else "experimental_autocast": False}

# TensorFlow 2.15's gradient of a leaky ReLU takes a CPU fifteen times as long
# in bfloat16 as in float32.
LEAKY_RELU_IN_FLOAT32 = KERAS == 2


if KERAS == 3:

    @keras.saving.register_keras_serializable("i2i_keras")
    class BatchNormalization(layers.BatchNormalization):
        """Keras 2's batch norm: the operation that processors have.

        Keras 3's own is made of many operations, and its moving variance is
        that of the batch, N in its denominator, where Keras 2's is an estimate
        with N - 1. Files of either hold the same variables.
        """

        def call(self, inputs: tf.Tensor, training: bool = False, mask: None = None) -> tf.Tensor:
            if inputs.dtype == tf.float16:  # No CPU has it in float16.
                return tf.cast(self.call(tf.cast(inputs, tf.float32), training), tf.float16)
            scale, offset = tf.convert_to_tensor(self.gamma), tf.convert_to_tensor(self.beta)
            moving = [tf.convert_to_tensor(v) for v in (self.moving_mean, self.moving_variance)]
            outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
                inputs,
                scale,
                offset,
                *([] if training else moving),
                epsilon=self.epsilon,
                is_training=bool(training),
            )
            if training:
                share = 1.0 - self.momentum
                for variable, old, new in zip(
                    (self.moving_mean, self.moving_variance), moving, (mean, variance), strict=True
                ):
                    variable.assign(old - (old - new) * share)
            return outputs

    class _LossScaleOptimizer(keras.mixed_precision.LossScaleOptimizer):
        """Its `iterations` count the steps that it skips, as Keras 2's do.

        Schedules and random numbers go by them.
        """

        def _stateful_handle_non_finite_grads(self) -> None:
            super()._stateful_handle_non_finite_grads()
            self.inner_optimizer.iterations.assign_add(1)

else:
    BatchNormalization = layers.BatchNormalization  # type: ignore[misc]
    _LossScaleOptimizer = keras.mixed_precision.LossScaleOptimizer  # type: ignore[misc]


class Adam(keras.optimizers.Adam):
    """Keras' Adam, with the one operation that TensorFlow has for an update.

    Keras' own update is made of a dozen, whose tracing and running take time.
    Variables are float32. With `weight_decay` it is AdamW.
    """

    def update_step(
        self, gradient: tf.Tensor, variable: Any, learning_rate: tf.Tensor | None = None
    ) -> None:
        """Moves a variable; Keras 2 does not hand over the learning rate."""
        rate = self.learning_rate if KERAS == 2 else learning_rate
        step = tf.cast(tf.convert_to_tensor(self.iterations) + 1, tf.float32)
        moved, momentum, velocity = variables_of([variable, *self._moments(variable)])
        tf.raw_ops.ResourceApplyAdam(
            var=moved.handle,
            m=momentum.handle,
            v=velocity.handle,
            beta1_power=tf.pow(self.beta_1, step),
            beta2_power=tf.pow(self.beta_2, step),
            lr=tf.cast(rate, tf.float32),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.cast(gradient, tf.float32),
        )

    def _moments(self, variable: Any) -> tuple[Any, Any]:
        if KERAS == 2:
            place = self._index_dict[self._var_key(variable)]
        else:
            place = self._get_variable_index(variable)
        return self._momentums[place], self._velocities[place]


def with_batch_norms(
    network: keras.Model, inputs: tf.Tensor, kind: type[layers.Layer]
) -> keras.Model:
    """A network of Keras' own, from the inputs on, with another batch norm.

    Args:
        network: whose weights are not used.
        inputs: of the new one.
        kind: of batch norm.
    """

    def replaced(layer: layers.Layer) -> layers.Layer:
        is_norm = isinstance(layer, layers.BatchNormalization)
        return (kind if is_norm else type(layer)).from_config(layer.get_config())

    return keras.models.clone_model(network, [inputs], replaced)


def with_loss_scale(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """The optimizer, with a loss scale that finds its own size."""
    return _LossScaleOptimizer(optimizer)


def loss_scale(optimizer: keras.optimizers.Optimizer) -> tf.Tensor | None:
    """What the loss is multiplied by now; None = there is no loss scale."""
    if not isinstance(optimizer, _LossScaleOptimizer):
        return None
    if KERAS == 2:
        return optimizer.loss_scale
    return tf.convert_to_tensor(optimizer.dynamic_scale if optimizer.built else 2.0**15)


def unscaled(
    optimizer: keras.optimizers.Optimizer, gradients: Sequence[tf.Tensor]
) -> list[tf.Tensor]:
    """Gradients of the loss, from those of the loss times its scale."""
    if KERAS == 3:  # It expects no one to ask, and does it in `apply_gradients`.
        return [gradient / loss_scale(optimizer) for gradient in gradients]
    return optimizer.get_unscaled_gradients(gradients)


def build(optimizer: keras.optimizers.Optimizer, variables: Sequence[tf.Variable]) -> None:
    """Makes all variables of an optimizer."""
    optimizer.build(variables)
    if KERAS == 3:
        inner = _inner(optimizer)
        inner.last_rate = inner.add_variable((), name="last_rate")
        inner.last_rate.assign(inner.learning_rate)


def apply_gradients(
    optimizer: keras.optimizers.Optimizer,
    gradients: Sequence[tf.Tensor],
    variables: Sequence[tf.Variable],
) -> None:
    """Updates variables by gradients of the loss, which are not scaled.

    The optimizer is one of `build`; the gradients are the same on all devices.
    """
    pairs = list(zip(gradients, variables, strict=True))
    if KERAS == 2:
        optimizer.apply_gradients(pairs, skip_gradients_aggregation=True)
        return
    _inner(optimizer).last_rate.assign(_inner(optimizer).learning_rate)
    if (scale := loss_scale(optimizer)) is not None:
        # It divides by it; a power of 2, so that nothing is rounded.
        pairs = [(gradient * scale, variable) for gradient, variable in pairs]
    if (devices := tf.distribute.get_strategy().num_replicas_in_sync) > 1:  # It sums over them.
        pairs = [(gradient / devices, variable) for gradient, variable in pairs]
    optimizer.apply_gradients(pairs)


def learning_rate(optimizer: keras.optimizers.Optimizer) -> float:
    """The rate of the last update; of the first one before it.

    Keras 3's property is the rate of the next update.
    """
    rate = _inner(optimizer).last_rate if KERAS == 3 else optimizer.learning_rate
    return float(tf.convert_to_tensor(rate))


def _inner(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """The optimizer inside one with a loss scale."""
    return optimizer.inner_optimizer if isinstance(optimizer, _LossScaleOptimizer) else optimizer


def weights_file(network: keras.Model) -> bytes:
    """What `save_weights` writes to a `.weights.h5` file, made in memory.

    Where a disk is full the HDF5 library ends the process by a segmentation
    fault; so it shall see none.
    """
    memory = io.BytesIO()
    store = saving_lib.H5IOStore(memory, mode="w")
    seen = "visited_saveables" if KERAS == 3 else "visited_trackables"
    saving_lib._save_state(
        network, weights_store=store, assets_store=None, inner_path="", **{seen: set()}
    )
    store.close()
    return memory.getvalue()


def variables_of(weights: Sequence[Any]) -> tuple[tf.Variable, ...]:
    """TensorFlow's variables; those of Keras 3 are objects around them."""
    return tuple(w if isinstance(w, tf.Variable) else w.value for w in weights)
