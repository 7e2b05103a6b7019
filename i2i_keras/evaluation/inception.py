"""InceptionV3 as the eye of FID and KID."""

import keras
import tensorflow as tf

from i2i_keras.evaluation.distribution import Extractor
from i2i_keras.models import pretrained

_SIDE = 299


def load_inception(weights: str) -> Extractor:
    """Loads Keras' InceptionV3 up to its last pooling.

    Images are resized to 299x299, bilinearly and with antialiasing, whatever
    their proportions.

    Keras' ImageNet weights are NOT those of the reference implementation of
    the FID, which come from an older network of TensorFlow, nor is the resize
    its own. So the values compare only with values that were made alike: same
    label, same numbers and sizes of images. They are not those of papers.

    Args:
        weights: `imagenet`, which Keras downloads and keeps, or an .h5 file to
            which it saved the weights of `InceptionV3(include_top=False)`.

    Returns:
        From images of any size to 2048 features; its label says which weights,
        a file's by a hash of its bytes.

    Raises:
        DataError: no download, no such file, or one of another network.

    Reference:
        Szegedy et al., 2015, https://arxiv.org/abs/1512.00567
    """
    label = f"InceptionV3 of Keras, {pretrained.identity(weights)}"
    model = keras.applications.InceptionV3(
        include_top=False, weights=None, input_shape=(_SIDE, _SIDE, 3), pooling="avg"
    )

    def download() -> keras.Model:
        return keras.applications.InceptionV3(include_top=False, weights=pretrained.DOWNLOAD)

    pretrained.load(model, weights, "InceptionV3", download)

    @tf.function(autograph=False, reduce_retracing=True)
    def extract(images: tf.Tensor) -> tf.Tensor:
        resized = tf.image.resize(images, (_SIDE, _SIDE), "bilinear", antialias=True)
        return model(resized, training=False)

    return Extractor(extract, label)
