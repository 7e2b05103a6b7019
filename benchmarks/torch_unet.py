"""The report's U-Net and its training step in torch."""

import itertools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch_networks import DEVICE

from i2i_keras.data.labels import IGNORE
from i2i_keras.models.unet import UNetConfig


class UNet(nn.Module):
    """Ronneberger et al.'s, a norm after each convolution but the last."""

    def __init__(self, config: UNetConfig, num_classes: int) -> None:
        super().__init__()
        widths = [config.filters * 2**level for level in range(config.depth + 1)]
        pairs = list(itertools.pairwise(widths))
        self.down = nn.ModuleList(itertools.starmap(level, [(3, widths[0]), *pairs]))
        self.pool = nn.MaxPool2d(2)
        self.up = nn.ModuleList(
            nn.ModuleList(
                [
                    nn.Sequential(nn.ConvTranspose2d(wide, width, 2, 2), *norm_and_relu(width)),
                    level(wide, width),
                ]
            )
            for width, wide in reversed(pairs)
        )
        self.head = nn.Conv2d(widths[0], num_classes, 1)

    def forward(self, x: Any) -> Any:
        skips = []
        for part in self.down[:-1]:
            skips.append(part(x))
            x = self.pool(skips[-1])
        x = self.down[-1](x)
        for larger, part in self.up:
            x = part(torch.cat([skips.pop(), larger(x)], 1))
        return self.head(x)


def level(inputs: int, outputs: int) -> nn.Sequential:
    """Two convolutions."""
    first, second = nn.Conv2d(inputs, outputs, 3, 1, 1), nn.Conv2d(outputs, outputs, 3, 1, 1)
    return nn.Sequential(first, *norm_and_relu(outputs), second, *norm_and_relu(outputs))


def norm_and_relu(width: int) -> list[nn.Module]:
    """As Keras' batch norm is by default."""
    return [nn.BatchNorm2d(width, eps=1e-3, momentum=0.01), nn.ReLU(inplace=True)]


def torch_unet(config: UNetConfig, num_classes: int, network: keras.Model | None = None) -> Any:
    """The network, channels last.

    Args:
        config: width and depth.
        num_classes: size of the label space.
        network: whose weights it gets, in order; None = its own.
    """
    model = UNet(config, num_classes)
    if network is not None:
        with torch.no_grad():
            arrays = [weight.numpy() for weight in network.trainable_weights]
            for target, array in zip(model.parameters(), arrays, strict=True):
                if array.ndim == 4:  # Convolutions (h, w, in, out), transposed (h, w, out, in).
                    array = array.transpose(3, 2, 0, 1)
                target.copy_(torch.from_numpy(array.copy()))
    return model.to(DEVICE, memory_format=torch.channels_last)


def loss_of(model: UNet, config: UNetConfig, images: Any, labels: Any) -> Any:
    """Cross entropy, and weight decay of the first and last four kernels."""
    logits = model(images.permute(0, 3, 1, 2)).float()
    kernels = [weight for weight in model.parameters() if weight.ndim == 4]
    decay = sum(kernel.square().sum() for kernel in kernels[:4] + kernels[-4:])
    return cross_entropy(logits, labels.long(), ignore_index=IGNORE) + config.l2 * decay


def torch_step(
    model: UNet, config: UNetConfig, rate: float, precision: str
) -> Callable[..., float]:
    """From images and labels to the loss, before the weights are updated."""
    optimizer = torch.optim.Adam(model.parameters(), rate, eps=1e-7)
    bfloat16 = torch.autocast(DEVICE, torch.bfloat16, enabled=precision != "float32")

    def step(images: np.ndarray, labels: np.ndarray) -> float:
        optimizer.zero_grad()
        with bfloat16:
            given = (torch.from_numpy(array).to(DEVICE) for array in (images, labels))
            loss = loss_of(model, config, *given)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step
