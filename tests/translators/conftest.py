import shutil
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from i2i_keras import config
from i2i_keras.models.unet import UNetConfig, build_unet
from i2i_keras.translators import cut, cycada, cyclegan
from i2i_keras.translators.cut import CUT, CUTConfig
from i2i_keras.translators.cyclegan import CycleGAN, CycleGANConfig


@pytest.fixture(scope="session")
def tiny():
    """Settings of the smallest networks, with changes to any of them."""

    def build(**changes):
        table = {
            "generator": {
                "filters": 2,
                "num_downsamplings": 1,
                "num_residual_blocks": 0,
                "outer_kernel": 3,
            },
            "discriminator": {"filters": 2, "num_downsamplings": 1},
            "pipeline": {"batch_size": 2, "crop": [16, 16]},
            "pool_size": 3,
            "steps": 4,
            "checkpoint_every": 2,
            "num_samples": 1,
        }
        return config.build(CycleGANConfig, table | changes)

    return build


@pytest.fixture(scope="session")
def tiny_cut():
    """The same of CUT."""

    def build(**changes):
        small = {"filters": 2, "num_downsamplings": 1}
        table = {
            "generator": {**small, "num_residual_blocks": 2, "outer_kernel": 3},
            "discriminator": small,
            "pipeline": {"batch_size": 2, "crop": [16, 16]},
            "num_patches": 20,
            "projection": 8,
            "steps": 4,
            "checkpoint_every": 2,
            "num_samples": 1,
        }
        return config.build(CUTConfig, table | changes)

    return build


@pytest.fixture(scope="session")
def tiny_cycada(tiny):
    """The same of CyCADA."""

    def build(**changes):
        own = {"lambda_semantic", "semantic_directions", "semantic_confidence"}
        table = tiny(**{k: v for k, v in changes.items() if k not in own}).model_dump()
        return config.build(cycada.CyCADAConfig, {**table, **changes})

    return build


@pytest.fixture(scope="session")
def new_model(segment):
    """Compiles a model of settings, always of the same weights for a seed."""

    def build(config, seed=0, steps=4):
        makers = {
            "cyclegan": CycleGAN,
            "cut": CUT,
            "cycada": partial(cycada.CyCADA, segment=segment),
        }
        keras.utils.set_random_seed(seed)
        model = makers[config.METHOD](config, seed)
        model.compile(steps)
        return model

    return build


class Recorder:
    """A network that remembers what it was given."""

    def __init__(self, network):
        self.network, self.inputs = network, []
        self.name, self.trainable_variables = network.name, network.trainable_variables

    def __call__(self, images, **kwargs):
        self.inputs.append(images)
        return self.network(images, **kwargs)


@pytest.fixture(scope="session")
def recorded():
    """Makes a network of a model remember its inputs."""

    def record(model, name):
        recorder = Recorder(getattr(model, name))
        setattr(model, name, recorder)
        return recorder

    return record


@pytest.fixture(scope="session")
def unmoved():
    """The trainable variables that two steps leave as they were."""
    rng = np.random.default_rng(0)

    def find(model):
        config = model.config
        networks = [network for network in model.networks if network not in model.averages]
        variables = [(n.name, variable) for n in networks for variable in n.trainable_variables]
        before = [variable.numpy() for _, variable in variables]
        images = rng.uniform(-1, 1, (2, 2 * config.num_critic_steps, 16, 16, 3))
        for _ in range(2):  # The first moves a skip's head alone.
            losses = model.train_step(tuple(tf.constant(images, tf.float32)))
        assert all(np.isfinite(loss) for loss in losses.values())
        # A critic's offset cancels out between reals and fakes.
        free = {"head/bias:0"} if config.adversarial in ("hinge", "wgan_gp") else set()
        return [
            f"{name}: {variable.name}"
            for (name, variable), old in zip(variables, before, strict=True)
            if variable.name not in free and np.array_equal(old, variable)
        ]

    return find


@pytest.fixture(scope="session")
def reached():
    """The networks to whose variables a loss has a gradient that is not 0."""

    def find(model, loss_of):
        with tf.GradientTape(persistent=True) as tape:
            loss = loss_of(model)
        found = set()
        for network in model.networks:
            gradients = tape.gradient(loss, network.trainable_variables)
            if any(g is not None and np.abs(g).max() > 0 for g in gradients):
                found.add(network.name)
        return found

    return find


@pytest.fixture(scope="session")
def segmenter():
    """An untrained U-Net of 3 classes, with statistics as of some data."""
    keras.utils.set_random_seed(0)
    network = build_unet(UNetConfig(filters=4, depth=1), 3)
    rng = np.random.default_rng(0)
    weights = network.get_weights()
    network.set_weights([w + rng.uniform(0.0, 0.1, w.shape) for w in weights])
    return network


@pytest.fixture(scope="session")
def segment(segmenter):
    """What CyCADA is handed of it."""
    return partial(segmenter, training=False)


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """Images of two domains, 20 x 24 pixels: no multiple of the crop."""
    rng = np.random.default_rng(0)

    def write(domain, count):
        folder = tmp_path_factory.mktemp(domain)
        paths = [folder / f"{number}.png" for number in range(count)]
        for path in paths:
            Image.fromarray(rng.integers(0, 256, (20, 24, 3), np.uint8)).save(path)
        return paths

    return write("x", 3), write("y", 5)


class Fitted(NamedTuple):
    """A training that ran through, and the same one killed and continued."""

    whole: Callable
    resumed: Callable


@pytest.fixture(scope="session")
def fitted(tmp_path_factory, tiny, images):
    """Folders of two trainings with the same seed.

    Of the second one, all was lost but the checkpoint at step 2 and a history
    that was already written further: a kill at the worst moment.
    """
    return killed_and_continued(cyclegan.fit, tiny(), images, tmp_path_factory)


@pytest.fixture(scope="session")
def fitted_cut(tmp_path_factory, tiny_cut, images):
    """The same of CUT."""
    return killed_and_continued(cut.fit, tiny_cut(), images, tmp_path_factory)


@pytest.fixture(scope="session")
def fitted_cycada(tmp_path_factory, tiny_cycada, images, segment):
    """The same of CyCADA."""
    fit = partial(cycada.fit, segment=segment)
    return killed_and_continued(fit, tiny_cycada(), images, tmp_path_factory)


def killed_and_continued(fit, settings, images, tmp_path_factory):
    whole, resumed = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("resumed")
    fit(settings, *images, whole, 7)
    shutil.copy(whole / "history.csv", resumed)
    shutil.copytree(
        whole / "checkpoints", resumed / "checkpoints", ignore=shutil.ignore_patterns("ckpt-4*")
    )
    (resumed / "checkpoints" / "checkpoint").write_text(
        'model_checkpoint_path: "ckpt-2"\nall_model_checkpoint_paths: "ckpt-2"\n', "utf-8"
    )
    fit(settings, *images, resumed, 7)
    return Fitted(whole, resumed)
