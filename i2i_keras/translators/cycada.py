"""CyCADA: CycleGAN that keeps what a segmenter of the source sees."""

import functools
from collections.abc import Callable
from typing import ClassVar, Literal

import pydantic
import tensorflow as tf

from i2i_keras.data.labels import IGNORE
from i2i_keras.segmenters.losses import cross_entropy
from i2i_keras.training import compilation
from i2i_keras.translators import adversarial_training
from i2i_keras.translators.adversarial import Fakes, Terms
from i2i_keras.translators.cyclegan import CycleGAN, CycleGANConfig
from i2i_keras.translators.seeds import Seeds

Direction = Literal["xy", "yx"]
Segment = Callable[[tf.Tensor], tf.Tensor]


class CyCADAConfig(CycleGANConfig):
    """What CyCADA has besides: its semantic loss, of Hoffman et al. (2018).

    Feature alignment, the paper's other part, is not here: its segmenters are
    trained on translated images like those of every other translator.

    Attributes:
        lambda_semantic: weight of the semantic loss against the adversarial
            one; the paper's sum has no weights. 0 = CycleGAN.
        semantic_directions: translations that have the loss, in the paper both.
            Of yx, what is kept is what a segmenter of x takes y for.
        semantic_confidence: what the segmenter's largest probability has to be
            at least for a pixel of the image to have a label; 0 = all have, as
            in the paper. In the demo 81 % of the labels of x are right and 58 %
            of those of y; from 0.9 on 98 and 94 %, of half and of a quarter of
            the pixels.
    """

    METHOD: ClassVar[str] = "cycada"

    lambda_semantic: pydantic.NonNegativeFloat = 1.0
    semantic_directions: tuple[Direction, ...] = ("xy", "yx")
    semantic_confidence: float = pydantic.Field(default=0.0, ge=0.0, lt=1.0)

    @pydantic.field_validator("semantic_directions")
    @classmethod
    def _each_once(cls, directions: tuple[Direction, ...]) -> tuple[Direction, ...]:
        if not directions or len(set(directions)) < len(directions):
            raise ValueError("name xy, yx or both, each once; for none, set lambda_semantic = 0")
        return directions


class CyCADA(CycleGAN):
    """CycleGAN whose generators have a semantic loss.

    Args:
        config: what to build.
        seed: of the pools' choices and of what discriminators see.
        segment: the source's segmenter, frozen and differentiable: from images
            `(batch, *crop, 3)` in [-1, 1] to logits `(batch, *crop, classes)`.

    Reference:
        Hoffman et al., 2018, https://arxiv.org/abs/1711.03213, section 3.
    """

    SEMANTIC = ("semantic_xy", "semantic_yx")
    LOSSES = (*CycleGAN.LOSSES[:4], *SEMANTIC, *CycleGAN.LOSSES[4:])

    config: CyCADAConfig

    def __init__(self, config: CyCADAConfig, seed: int, segment: Segment) -> None:
        super().__init__(config, seed)
        # Not tracked, even if it is a network: no state of a training has it.
        self.segment = functools.partial(segment)

    def generator_terms(self, x: tf.Tensor, y: tf.Tensor, seeds: Seeds) -> tuple[Terms, Fakes]:
        """CycleGAN's terms and the semantic ones.

        Reference:
            Hoffman et al., 2018, equation 4.
        """
        terms, (fake_x, fake_y) = super().generator_terms(x, y, seeds)
        terms |= dict.fromkeys(self.SEMANTIC, tf.constant(0.0))
        if self.config.lambda_semantic:
            pairs = {"xy": (x, fake_y), "yx": (y, fake_x)}
            directions = self.config.semantic_directions
            before, after = (
                compilation.passes(self.segment, images, apart=False)
                for images in zip(*(pairs[direction] for direction in directions), strict=True)
            )
            for direction, old, new in zip(directions, before, after, strict=True):
                found = semantic(old, new, self.config.semantic_confidence)
                terms[f"semantic_{direction}"] = found
        return terms, (fake_x, fake_y)

    def generator_loss(self, terms: Terms) -> tf.Tensor:
        """CycleGAN's sum and the weighted semantic loss."""
        semantic_loss = terms["semantic_xy"] + terms["semantic_yx"]
        return super().generator_loss(terms) + self.config.lambda_semantic * semantic_loss


def semantic(before: tf.Tensor, after: tf.Tensor, confidence: float = 0.0) -> tf.Tensor:
    """Cross entropy of what is seen in translations with what was seen before.

    Args:
        before: logits of images, `(batch, height, width, classes)` float32.
            Their largest is the label, which no gradient goes through.
        after: logits of their translations.
        confidence: probability of a label from which on its pixel counts.

    Returns:
        The mean over pixels that count; 0 where none does.
    """
    label = tf.argmax(before, -1, tf.int32)
    if confidence:
        sure = tf.reduce_max(tf.nn.softmax(before), -1) >= confidence
        label = tf.where(sure, label, IGNORE)
    return cross_entropy(label, after)


fit = functools.partial(adversarial_training.fit, CyCADA)
load_generator = functools.partial(adversarial_training.load_generator, CyCADAConfig)
load = functools.partial(adversarial_training.load, load_generator)
