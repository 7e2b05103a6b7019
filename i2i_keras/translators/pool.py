"""The history of fakes that the discriminators are shown."""

import tensorflow as tf

from i2i_keras.models import draws, replicas


class ImagePool(tf.Module):
    """Keeps fakes in variables, so that it is part of graph and checkpoint.

    While it fills, each image is stored and returned. Once it is full, an
    image is returned as it is half of the time; otherwise it takes the place
    of a random one, which is returned instead.

    On several devices each has the same pool, through which the fakes of all
    of them go.

    Args:
        size: number of images kept; 0 = none, every image is returned.
        shape: (height, width) of the images.
        name: of the variables.

    Reference:
        Shrivastava et al., 2017, https://arxiv.org/abs/1612.07828, section
        2.3, with the odds of Zhu et al., 2017 (section 4).
    """

    def __init__(self, size: int, shape: tuple[int, int], name: str) -> None:
        super().__init__(name=name)
        self.size = size
        self.images = tf.Variable(tf.zeros((size, *shape, 3)), trainable=False, name="images")
        self.count = tf.Variable(0, trainable=False, name="count")

    def exchange(self, images: tf.Tensor, seed: tf.Tensor, parts: int = 1) -> tf.Tensor:
        """Puts a batch of fakes in and takes one of equal size out.

        Args:
            images: `(batch, height, width, 3)`, the batch size static.
            seed: two integers; the same ones choose the same.
            parts: in which the batch is computed, see `replicas.own_rows`.
        """
        if self.size == 0:
            return images
        images = replicas.all_rows(images, parts)
        batch = images.shape[0]
        keeps = draws.uniform((batch,), seed) < 0.5
        places = draws.integers((batch,), seed + 1, self.size)
        taken = [self._exchange_one(images[i], keeps[i], places[i]) for i in range(batch)]
        return replicas.own_rows(tf.stack(taken), parts=parts)

    def _exchange_one(self, image: tf.Tensor, keep: tf.Tensor, place: tf.Tensor) -> tf.Tensor:
        filling = self.count < self.size
        place = tf.where(filling, tf.minimum(self.count, self.size - 1), place)
        # Not images[place]: XLA would compile the step anew for every place.
        old = tf.gather(self.images, place)
        returned = tf.where(filling | keep, image, old)
        stored = tf.where(~filling & keep, old, image)
        # One of those changes that several devices can make, each to its copy.
        self.images.scatter_update(tf.IndexedSlices(stored[tf.newaxis], place[tf.newaxis]))
        self.count.assign_add(tf.cast(filling, tf.int32))
        return returned
