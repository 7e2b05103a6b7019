"""How long stages will take on this machine, from a few timed passes."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from i2i_keras.datasets.spaces import find_space
from i2i_keras.evaluation.whole_images import windows_along
from i2i_keras.experiment.plan import timing
from i2i_keras.experiment.plan.timing import Passes, build_encoder
from i2i_keras.experiment.settings import Settings
from i2i_keras.models.discriminator import build_discriminator
from i2i_keras.models.generator import build_generator
from i2i_keras.models.networks import SEGMENTERS, without_weights
from i2i_keras.segmenters.segmenter import NUM_ENTROPY_IMAGES
from i2i_keras.training import compilation, schedules

# Losses, optimizers, batches and states that are saved, beside the passes.
_OVERHEAD = 1.1
# Seconds to read a pixel, change its color and write it, without a network.
_PIXEL = 3e-7
_EAGER = 2.0  # What adabn's passes take, which are not in a graph.
# Translators that are trained, and can be estimated.
_PASSES: Mapping[str, Callable[[Any], Passes]] = {
    "cyclegan": timing.cyclegan_passes,
    "cut": timing.cut_passes,
    "cycada": timing.cycada_passes,
}
_UNTRAINED = ("color", "fourier")


class Estimates:
    """Seconds of stages; a network is measured when it is first asked for.

    Args:
        settings: of one training.
        counts: records by table, such as `source-train`; those that are not
            there are not known.
        measured: by name what has been measured before: `segmenter`, `generator
            METHOD`, one alone, and those in training, `generators METHOD`,
            `discriminators METHOD` and `encoder METHOD`.
    """

    def __init__(
        self,
        settings: Settings,
        counts: Mapping[str, int],
        measured: Mapping[str, timing.Pass] = MappingProxyType({}),
    ) -> None:
        self.settings, self.counts = settings, counts
        self._measured = dict(measured)

    def translator_steps(self, method: str) -> int | None:
        """How many steps its training has, if that is known."""
        if method not in _PASSES:
            return None
        config = getattr(self.settings.translator, method)
        batch = config.pipeline.batch_size * config.num_critic_steps
        domains = self._images("source-train"), self._images("target-train")
        return _steps(config, batch, None if None in domains else min(domains))

    def segmenter_steps(self, arm: str) -> int | None:
        """How many steps an arm's training has, if that is known."""
        config = self.settings.segmenter
        return _steps(config, config.pipeline.batch_size, self._of_arm(arm, "train"))

    def translator(self, method: str) -> float | None:
        """Of its training; None where that is not known."""
        if method in _UNTRAINED:
            images = _sum(self._images("source-train"), self._images("target-train"))
            return _times(_PIXEL * self._pixels, images)
        steps = self.translator_steps(method)
        if steps is None:
            return None
        config = getattr(self.settings.translator, method)
        passes, batch = _PASSES[method](config), config.pipeline.batch_size
        generator, discriminator = self._generators(method), self._discriminators(method)
        step = passes.generator * generator.seconds + passes.discriminator * discriminator.seconds
        start = passes.generator * generator.start + passes.discriminator * discriminator.start
        if passes.encoder:
            encoder = self._once(f"encoder {method}", config, 1, lambda: build_encoder(config))
            step += passes.encoder * encoder.seconds
            start += passes.encoder * encoder.start
        if passes.segmenter:
            step += passes.segmenter * self._segmenter().at(config.pipeline.crop)
        # Both domains, there and back.
        size = self._size
        samples = passes.ways**2 * config.num_samples * self._generator(method).at(size)
        rows = -(-steps // config.checkpoint_every)
        return _OVERHEAD * (steps * batch * step + rows * samples) + start

    def translation(self, method: str) -> float | None:
        """Of translating the source's training and validation images."""
        images = _sum(self._images("source-train"), self._images("source-val"))
        if method in _UNTRAINED:
            return _times(_PIXEL * self._pixels, images)
        if method not in _PASSES:
            return None
        generator = self._generator(method)
        seconds = generator.at(self._size) + _PIXEL * self._pixels / 2
        return _sum(_times(seconds, images), generator.start)

    def segmenter(self, arm: str) -> float | None:
        """Of an arm's training, without those that it needs."""
        kind, config = arm.partition(":")[0], self.settings.segmenter
        if kind == "adabn":
            return _times(_EAGER * self._look(), self._images("target-train"))
        steps, val = self.segmenter_steps(arm), self._of_arm(arm, "val")
        if steps is None:
            return None
        looks = (val or 0) + NUM_ENTROPY_IMAGES * (config.select == "entropy")
        rows = -(-steps // config.checkpoint_every)
        forward = self._segmenter()
        passes = timing.SELF_TRAINED if kind == "self_training" else timing.TRAINED
        step = passes * config.pipeline.batch_size * forward.seconds
        seconds = _OVERHEAD * (steps * step + rows * looks * self._look())
        return seconds + passes * forward.start + self._safe_labels(kind)

    def arm_scores(self, num_states: int) -> float | None:
        """Of scoring an arm, and `num_states` of its states besides.

        Returns:
            Not known at native size, to which only the files can tell the way.
        """
        if self.settings.prepare.native_labels:
            return None
        look = _OVERHEAD * self._windows() * self._look()
        one = _sum(_times(look, self._images("target-test")), self._segmenter().start)
        return None if one is None else (1 + num_states) * one

    def translator_scores(self, method: str) -> float | None:
        """Of distances and drift of a translator.

        Returns:
            Not known with InceptionV3, which is not timed.
        """
        config, size = self.settings.evaluate, self._size
        sides = self._images("source-train"), self._images("target-train")
        if None in sides or config.inception or method not in (*_PASSES, *_UNTRAINED):
            return None
        source, target = (min(config.num_quality_images, side or 0) for side in sides)
        # Features of three sets, drift between two, and twice that of a few.
        looks = 4 * source + target + 2 * config.num_drift_images
        seconds = looks * self._look() + self._segmenter().start
        if method in _UNTRAINED:
            return seconds + source * _PIXEL * self._pixels
        translator, generator = getattr(self.settings.translator, method), self._generator(method)
        back = source if _PASSES[method](translator).ways > 1 else 0
        kept = translator.keep_checkpoints * bool(config.num_drift_images)
        states = kept * config.num_drift_images
        seconds += states * self._look() + (back + states) * generator.at(size)
        return seconds + (1 + kept) * generator.start

    def _safe_labels(self, kind: str) -> float:
        images = _sum(self._images("source-train"), self._images("source-val"))
        return 2 * self._look() * (images or 0) if kind == "label_safe" else 0.0

    def _images(self, table: str) -> Any:
        return self.counts.get(table)

    def _of_arm(self, arm: str, split: str) -> int | None:
        """Labelled records of an arm."""
        kind = arm.partition(":")[0]
        count = self._images(f"{'target' if kind == 'oracle' else 'source'}-{split}")
        return _times(2 if kind == "mixed" else 1, count)

    @property
    def _size(self) -> tuple[int, int]:
        """Of prepared images."""
        size = self.settings.prepare.size
        if size == "auto":
            raise ValueError("give settings with the size that was found to fit")
        return size

    @property
    def _pixels(self) -> int:
        return self._size[0] * self._size[1]

    def _look(self) -> float:
        """Seconds in which the segmenter looks at an image."""
        return self._segmenter().at(self._size)

    def _windows(self) -> float:
        """How many looks at an image its windows add up to."""
        size, window = self._size, self.settings.evaluate.window
        if window is None:
            return 1.0
        sides = zip(size, window, strict=True)
        return math.prod(
            len(windows_along(side, part)) * min(side, part) / side for side, part in sides
        )

    def _segmenter(self) -> timing.Pass:
        config = self.settings.segmenter
        classes = len(find_space(self.settings.prepare.label_space).names)
        built, build = without_weights(config.built), SEGMENTERS[config.network].build
        return self._once("segmenter", config, 1, lambda: build(built, classes))

    def _generator(self, method: str) -> timing.Pass:
        """One alone, as it translates."""
        config = getattr(self.settings.translator, method)
        name = f"generator {method}"
        return self._once(name, config, 1, lambda: build_generator(config.generator, "x"))

    def _generators(self, method: str) -> timing.Pass:
        """All that are trained, at once."""
        config = getattr(self.settings.translator, method)
        ways, name = _PASSES[method](config).ways, f"generators {method}"
        if ways == 1:
            return self._generator(method)
        return self._once(name, config, ways, lambda: build_generator(config.generator, "x"))

    def _discriminators(self, method: str) -> timing.Pass:
        config = getattr(self.settings.translator, method)
        ways, name = _PASSES[method](config).ways, f"discriminators {method}"
        return self._once(
            name, config, ways, lambda: build_discriminator(config.discriminator, "x")
        )

    def _once(
        self, name: str, config: Any, ways: int, build: Callable[[], timing.Network]
    ) -> timing.Pass:
        if name not in self._measured:
            with compilation.policy(config.precision):
                pipeline = config.pipeline
                self._measured[name] = timing.measure(
                    build, pipeline.batch_size, pipeline.crop, ways
                )
        return self._measured[name]


def _steps(config: Any, batch: int, images: int | None) -> int | None:
    if config.steps is None and images is None:
        return None
    return schedules.total_steps(config.steps, config.epochs, images or 0, batch)


def _times(one: Any, count: int | None) -> Any:
    """One of it, so many times; None if that is not known."""
    return None if count is None else one * count


def _sum(*parts: Any) -> Any:
    """The sum; None if a part is not known."""
    return None if None in parts else sum(parts)
