"""The contrastive loss of patches, and what it looks at."""

from collections.abc import Mapping

import keras
import tensorflow as tf
from keras import layers

from i2i_keras.models import draws
from i2i_keras.models.layers import UnitLength, gaussian
from i2i_keras.models.resnet import ResNetConfig

Features = Mapping[str, tf.Tensor]


def patch_nce(queries: tf.Tensor, keys: tf.Tensor, temperature: float) -> tf.Tensor:
    """Cross entropy of finding each patch again among those of its image.

    Args:
        queries: unit vectors of the output's patches, `(batch, patches,
            width)`, float32.
        keys: those of the input's patches at the same places. As in the
            authors' code, they get no gradient: the output is drawn to the
            input, and not the other way around.
        temperature: by which cosines are divided.

    Returns:
        Mean over the patches of each image, `(batch,)`; log of the number of
        patches where all look alike.

    Reference:
        Park et al., 2020, https://arxiv.org/abs/2007.15651, equations 2 and 3,
        with negatives of the same image only (section 3.3).
    """
    cosines = tf.matmul(queries, tf.stop_gradient(keys), transpose_b=True)
    own = tf.broadcast_to(tf.range(cosines.shape[-1]), tf.shape(cosines)[:2])
    entropies = tf.nn.sparse_softmax_cross_entropy_with_logits(own, cosines / temperature)
    return tf.reduce_mean(entropies, axis=1)


def layer_names(config: ResNetConfig) -> tuple[str, ...]:
    """Layers of a generator whose features are compared.

    The pixels, each downsampling convolution, the first and the middle residual
    block: the paper's five (appendix C.1) for its nine blocks.
    """
    count = config.num_residual_blocks
    downsamplings = (f"down{stage}_conv" for stage in range(config.num_downsamplings))
    blocks = (f"block{block}_add" for block in sorted({0, count // 2}) if block < count)
    return ("image", *downsamplings, *blocks)


def build_encoder(generator: keras.Model, names: tuple[str, ...]) -> keras.Model:
    """Builds a model on a generator's own layers and weights, up to some.

    Returns:
        From images `(batch, height, width, 3)` in [-1, 1] to features `(batch,
        height / stride, width / stride, channels)` by the layer's name.
    """
    return keras.Model(
        generator.input, {name: generator.get_layer(name).output for name in names}, name="encoder"
    )


def build_heads(encoder: keras.Model, width: int) -> keras.Model:
    """Builds a perceptron of two layers for each layer of an encoder.

    Args:
        encoder: whose features are projected.
        width: of the hidden layer and of the result.

    Returns:
        From patches `(batch, patches, channels)` by layer to unit vectors
        `(batch, patches, width)` by layer.

    Reference:
        Park et al., 2020, section 3.2; N(0, 0.02) as in the authors' code.
    """
    inputs, outputs = {}, {}
    for name, features in encoder.output.items():
        inputs[name] = x = keras.Input((None, features.shape[-1]), name=name)
        for number, activation in ((1, "relu"), (2, None)):
            settings = {"kernel_initializer": gaussian(), "name": f"{name}_{number}"}
            x = layers.Dense(width, activation, **settings)(x)
        outputs[name] = UnitLength(name=f"{name}_unit")(x)
    return keras.Model(inputs, outputs, name="heads")


def take_patches(features: Features, count: int, seed: tf.Tensor) -> dict[str, tf.Tensor]:
    """Takes features at random places, the same ones in all images of a batch.

    Args:
        features: `(batch, height, width, channels)` by layer, height and width
            static.
        count: places in each layer, at most; none is taken twice.
        seed: two integers; the same ones choose the same places in any features
            of these shapes.

    Returns:
        `(batch, patches, channels)` by layer.
    """
    patches = {}
    for salt, name in enumerate(sorted(features)):
        _, height, width, channels = features[name].shape
        order = draws.uniform((height * width,), draws.fold(seed, salt))
        places = tf.math.top_k(order, min(count, height * width)).indices
        flat = tf.reshape(features[name], (-1, height * width, channels))
        patches[name] = tf.gather(flat, places, axis=1)
    return patches
