"""The paper's networks in torch, and its generator in onnxruntime."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import torch
from torch import nn

from i2i_keras.models.discriminator import DiscriminatorConfig
from i2i_keras.models.resnet import ResNetConfig

Function = Callable[[Any], Any]
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def in_torch(generator: keras.Model, config: ResNetConfig, precision: str) -> Function:
    """The network in torch, as it is trained with there."""
    model = with_weights_of(generator, config).to(memory_format=torch.channels_last)

    def translate(image: Any) -> Any:
        pixels = flipped(torch.from_numpy(np.asarray(image))).permute(0, 3, 1, 2)
        bfloat16 = torch.autocast("cpu", torch.bfloat16, enabled=precision != "float32")
        with torch.inference_mode(), bfloat16:
            return flipped(model(pixels).permute(0, 2, 3, 1)).float().numpy()

    return translate


def flipped(images: Any) -> Any:
    """Upside down and mirrored.

    A stride-2 convolution of TensorFlow starts one pixel later than the one
    that is usual in torch. From the other end the two are the same.
    """
    return images.flip(1, 2)


def torch_generator(config: ResNetConfig) -> Any:
    """Zhu et al.'s `ResnetGenerator`."""

    class Block(nn.Sequential):
        def forward(self, x: Any) -> Any:
            return x + super().forward(x)

    def norm(width: int) -> nn.Module:
        return nn.InstanceNorm2d(width, affine=True)

    def padded(inputs: int, outputs: int, kernel: int) -> list[nn.Module]:
        pad = nn.ReflectionPad2d(kernel // 2)
        return [pad, nn.Conv2d(inputs, outputs, kernel, bias=outputs == 3)]

    width = config.filters
    parts: list[nn.Module] = [*padded(3, width, 7), norm(width), nn.ReLU(inplace=True)]
    for _ in range(2):
        down = nn.Conv2d(width, 2 * width, 3, 2, 1, bias=False)
        width *= 2
        parts += [down, norm(width), nn.ReLU(inplace=True)]
    for _ in range(config.num_residual_blocks):
        first = [*padded(width, width, 3), norm(width), nn.ReLU(inplace=True)]
        parts.append(Block(*first, *padded(width, width, 3), norm(width)))
    for _ in range(2):
        up = nn.ConvTranspose2d(width, width // 2, 3, 2, 1, output_padding=1, bias=False)
        width //= 2
        parts += [up, norm(width), nn.ReLU(inplace=True)]
    return nn.Sequential(*parts, *padded(width, 3, 7), nn.Tanh())


def with_weights_of(generator: keras.Model, config: ResNetConfig) -> Any:
    """The same network in torch."""
    model = torch_generator(config)
    copy_weights(generator, model)
    return model.eval()


def torch_discriminator(config: DiscriminatorConfig) -> Any:
    """Zhu et al.'s `NLayerDiscriminator`, its convolutions padded by one."""
    width, parts = 3, []
    for stage in range(config.num_downsamplings + 1):
        outputs = config.filters * min(2**stage, 8)
        stride = 2 if stage < config.num_downsamplings else 1
        parts.append(nn.Conv2d(width, outputs, 4, stride, 1, bias=stage == 0))
        if stage > 0:
            parts.append(nn.InstanceNorm2d(outputs, affine=True))
        parts.append(nn.LeakyReLU(0.2, inplace=True))
        width = outputs
    return nn.Sequential(*parts, nn.Conv2d(width, 1, 4, 1, 1))


def copy_weights(generator: keras.Model, model: Any) -> None:
    """Copies weights in order, and turns kernels the other way round."""
    arrays = [weight.numpy() for weight in generator.weights]
    with torch.no_grad():
        for target, array in zip(model.parameters(), arrays, strict=True):
            if array.ndim == 4:  # Convolutions (h, w, in, out), transposed (h, w, out, in).
                array = array[::-1, ::-1].transpose(3, 2, 0, 1)
            target.copy_(torch.from_numpy(array.copy()))


def in_onnxruntime(generator: keras.Model, config: ResNetConfig, folder: Path) -> Function:
    """What torch exports, for any size."""
    import onnxruntime

    path = folder / "generator.onnx"
    axes = {"image": {2: "height", 3: "width"}, "fake": {2: "height", 3: "width"}}
    torch.onnx.export(
        with_weights_of(generator, config),
        (torch.zeros(1, 3, 256, 256),),
        str(path),
        input_names=["image"],
        output_names=["fake"],
        dynamic_axes=axes,
        dynamo=False,
    )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def translate(image: Any) -> Any:
        pixels = np.asarray(image)[:, ::-1, ::-1].transpose(0, 3, 1, 2)
        fake = session.run(None, {"image": np.ascontiguousarray(pixels)})[0]
        return fake.transpose(0, 2, 3, 1)[:, ::-1, ::-1]

    return translate
