"""What is done over and over in an experiment, and what it takes on a GPU."""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from flops import forward_graph, peak_bytes, step_graph, variable_bytes, works

from i2i_keras.experiment.settings import Settings
from i2i_keras.models.networks import build_generator
from i2i_keras.segmenters.segmenter import SegmenterModel
from i2i_keras.segmenters.self_training import SelfTrainingModel
from i2i_keras.training import compilation
from i2i_keras.translators import TRANSLATORS
from i2i_keras.translators.cut import CUT
from i2i_keras.translators.cycada import CyCADA
from i2i_keras.translators.cyclegan import CycleGAN

MODELS = {"cyclegan": CycleGAN, "cut": CUT, "cycada": CyCADA}
SEGMENT, SEGMENTER, SELF_TRAINING = "segment", "train segmenter", "train self_training"


class Gpu(NamedTuple):
    """What a data sheet says.

    Attributes:
        name: of the GPU.
        float32: operations a second where networks compute in 32 bits.
        half: the same in 16 bits.
        gib: memory.
        bandwidth: of that, bytes a second.
        link: bytes a second to the other GPUs of a machine, one way.
    """

    name: str
    float32: float
    half: float
    gib: float
    bandwidth: float
    link: float


# NVIDIA A100 Tensor Core GPU, data sheet of the 40 GB model with NVLink.
# TensorFlow computes float32 convolutions as TF32 unless it is told not to.
A100 = Gpu("A100 40 GB", 156e12, 312e12, 40e9 / 2**30, 1555e9, 300e9)
GPUS = {
    "a100": A100,
    "a100_float32": A100._replace(name="A100 40 GB without TF32", float32=19.5e12),
}
EFFICIENCY = 0.35  # Assumed: share of the arithmetic of the data sheet.


class Unit(NamedTuple):
    """What is done over and over.

    Attributes:
        images: of each domain, at once.
        flops: multiplications and additions.
        seconds: on one GPU.
        arithmetic: seconds that its arithmetic alone would take.
        held: bytes of tensors at the peak.
        kept: bytes of weights and, in a training, the optimizer's.
        trained: bytes of gradients, which replicas exchange; 0 = no training.
    """

    images: int
    flops: int
    seconds: float
    arithmetic: float
    held: int
    kept: int
    trained: int

    def on(self, devices: int, gpu: Gpu) -> float:
        """Seconds on several GPUs, each with its part of the batch."""
        share = min(devices, self.images) if self.trained else devices
        while self.trained and self.images % share:
            share -= 1
        # A ring: each one sends and gets nearly all gradients twice.
        exchanged = 2 * (share - 1) / share * self.trained / gpu.link
        return self.seconds / share + exchanged


class Counter:
    """Counts units of an experiment.

    Args:
        settings: of the experiment.
        gpu: that it would run on.
        efficiency: share of the GPU's arithmetic that is reached.
    """

    def __init__(self, settings: Settings, gpu: Gpu, efficiency: float) -> None:
        self.settings, self.gpu, self.efficiency = settings, gpu, efficiency

    def count(self, name: str) -> Unit:
        """What a unit takes.

        Args:
            name: `segment` an image or `translate METHOD` one, at the working
                size; `train METHOD`, `train segmenter` or `train
                self_training`, a step.
        """
        keras.backend.clear_session()
        deed, _, of = name.partition(" ")
        if deed == "train" and of in MODELS:
            return self._translator_step(of)
        if deed == "train":
            return self._segmenter_step(name)
        if deed == SEGMENT:
            stride = self.settings.segmenter.built.stride
            return self._forward(self._segmenter().network, stride)
        chosen = getattr(self.settings.translator, of)
        with compilation.policy(chosen.precision):
            generator = build_generator(chosen.generator, "generator")
        return self._forward(generator, chosen.generator.stride)

    def _segmenter(self, kind: Callable[..., Any] = SegmenterModel) -> Any:
        classes = int(self.settings.prepare.label_space.removeprefix("cityscapes"))
        given = () if kind is SegmenterModel else (self.settings.self_training,)
        return kind(*given, self.settings.segmenter, classes)

    def _segmenter_step(self, name: str) -> Unit:
        chosen, more = self.settings.segmenter, name == SELF_TRAINING
        model = self._segmenter(SelfTrainingModel if more else SegmenterModel)
        model.compile(steps=1000)
        shape = (chosen.pipeline.batch_size, *chosen.pipeline.crop)
        images = tf.TensorSpec((*shape, 3))
        batch = (images, tf.TensorSpec(shape, tf.int32), *([images] if more else []))
        return self._step(model, shape[0], batch, model.network.trainable_variables)

    def _translator_step(self, method: str) -> Unit:
        chosen = getattr(self.settings.translator, method)
        given: list[Any] = [chosen, 0]
        if TRANSLATORS[method].needs_segmenter:
            given.append(functools.partial(self._segmenter().network, training=False))
        model = MODELS[method](*given)
        model.compile(steps=1000)
        count = chosen.pipeline.batch_size * chosen.num_critic_steps
        images = tf.TensorSpec((count, *chosen.pipeline.crop, 3))
        variables = [*model.generator_variables, *model.discriminator_variables]
        return self._step(model, chosen.pipeline.batch_size, (images, images), variables)

    def _step(
        self, model: Any, images: int, batch: Sequence[tf.TensorSpec], variables: list[Any]
    ) -> Unit:
        trained = variable_bytes(variables)
        # Weights, and Adam's two moments; gradients are among the tensors.
        return self._timed(step_graph(model, *batch), images, 3 * trained, trained)

    def _forward(self, network: Any, stride: int) -> Unit:
        height, width = (-(-side // stride) * stride for side in self.settings.prepare.size)
        graph = forward_graph(network, 1, height, width, 3)
        return self._timed(graph, 1, variable_bytes(network.variables), 0)

    def _timed(self, graph: tf.Graph, images: int, kept: int, trained: int) -> Unit:
        flops, seconds, arithmetic = 0, 0.0, 0.0
        for work in works(graph):
            speed = self.efficiency * (self.gpu.half if work.half else self.gpu.float32)
            flops += work.flops
            arithmetic += work.flops / speed
            seconds += max(work.flops / speed, work.moved / self.gpu.bandwidth)
        return Unit(images, flops, seconds, arithmetic, peak_bytes(graph), kept, trained)
