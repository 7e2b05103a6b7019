"""CycleGAN's training step in torch, as its authors' code does it."""

import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn.functional import l1_loss, mse_loss
from torch_networks import DEVICE, torch_discriminator, torch_generator

from i2i_keras.translators.cyclegan import CycleGANConfig


def torch_step(config: CycleGANConfig) -> Callable[..., float]:
    """Networks of ours in kind and size, channels last, and their step.

    Returns:
        From images of x and y `(batch, height, width, 3)` to the cycle loss.
    """
    discriminator, generator = config.discriminator, config.generator
    xy, yx, d_x, d_y = (
        network.to(DEVICE, memory_format=torch.channels_last)
        for network in (
            *(torch_generator(generator) for _ in range(2)),
            *(torch_discriminator(discriminator) for _ in range(2)),
        )
    )
    betas = (config.beta_1, 0.999)
    of_generators = torch.optim.Adam([*xy.parameters(), *yx.parameters()], 2e-4, betas)
    of_discriminators = torch.optim.Adam([*d_x.parameters(), *d_y.parameters()], 2e-4, betas)
    pools: tuple[list[Any], list[Any]] = ([], [])
    bfloat16 = torch.autocast(DEVICE, torch.bfloat16, enabled=config.precision != "float32")

    def adversarial(logits: Any, target: float) -> Any:
        logits = logits.float()
        return mse_loss(logits, torch.full_like(logits, target))

    def generators(x: Any, y: Any) -> tuple[Any, Any, Any]:
        with bfloat16:
            fake_y, fake_x = xy(x), yx(y)
            cycle = l1_loss(yx(fake_y), x) + l1_loss(xy(fake_x), y)
            identity = l1_loss(xy(y), y) + l1_loss(yx(x), x)
            fooled = adversarial(d_y(fake_y), 1.0) + adversarial(d_x(fake_x), 1.0)
        loss = fooled + config.lambda_cycle * cycle + config.lambda_identity * identity
        update(of_generators, loss)
        return cycle, fake_x.detach(), fake_y.detach()

    def discriminators(real: Any, fake: Any, network: Any, pool: list[Any]) -> Any:
        pooled = exchange(fake.float(), pool, config.pool_size)
        with bfloat16:
            return 0.5 * (adversarial(network(real), 1.0) + adversarial(network(pooled), 0.0))

    def step(*images: Any) -> float:
        x, y = (torch.from_numpy(i).to(DEVICE).permute(0, 3, 1, 2) for i in images)
        trained = list(itertools.chain(d_x.parameters(), d_y.parameters()))
        freeze(trained, True)
        cycle, fake_x, fake_y = generators(x, y)
        freeze(trained, False)
        loss = discriminators(x, fake_x, d_x, pools[0]) + discriminators(y, fake_y, d_y, pools[1])
        update(of_discriminators, loss)
        return float(cycle.detach())

    return step


def update(optimizer: Any, loss: Any) -> None:
    """One step of an optimizer."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def freeze(parameters: Sequence[Any], frozen: bool) -> None:
    """Whether gradients are computed."""
    for parameter in parameters:
        parameter.requires_grad_(not frozen)


def exchange(images: Any, pool: list[Any], size: int) -> Any:
    """The history of fakes, as in the paper."""
    returned = []
    for image in images:
        if len(pool) < size:
            pool.append(image)
        elif random.random() < 0.5:
            place = random.randrange(size)
            image, pool[place] = pool[place], image
        returned.append(image)
    return torch.stack(returned)
