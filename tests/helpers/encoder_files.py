"""Files of IR-SE50 and of the encoders of pSp, e4e and HyperStyle, made from our own small networks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from weight_files import randomised, rosinality_generator

from mystyle.networks.irse import ArcFace
from mystyle.networks.psp import StyleEncoder
from mystyle.networks.stylegan2 import Generator

TRUNK = dict(widths=(4, 8, 12, 16), depths=(1, 2, 2, 1))
TYPES = {"psp": "GradualStyleEncoder", "e4e": "Encoder4Editing", "w": "WEncoder"}


def lively(network: nn.Module, seed: int = 0) -> nn.Module:
    """With random tensors of the scale of a trained network's, positive variances among them; frozen, in eval mode."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensor.fill_(0)
        elif name.endswith("running_var"):
            tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
        else:
            fan = tensor[0].numel() if tensor.ndim > 1 else 1
            tensor.copy_(torch.randn(tensor.shape, generator=generator) / fan**0.5)
    return network.eval().requires_grad_(False)


def small_arcface(seed: int = 0) -> ArcFace:
    return lively(ArcFace(size=32, embedding=16, **TRUNK), seed)


def small_encoder(kind: str, num_ws: int = 10, w_dim: int = 16, seed: int = 0) -> StyleEncoder:
    """Its file leaves the size open if it is of kind ``w``, which has the official one then."""
    return lively(StyleEncoder(kind, num_ws, w_dim, size=256 if kind == "w" else 32, **TRUNK), seed)


def small_generator(resolution: int = 64, w_dim: int = 16, seed: int = 0) -> Generator:
    config = dict(z_dim=16, w_dim=w_dim, channel_base=512, channel_max=16, mapping_layers=2)
    return randomised(Generator(resolution, **config), seed)


def official_tensors(network: nn.Module) -> dict[str, Tensor]:
    """The state dict as the official code writes it, whose counters are not zero."""
    state = network.state_dict()
    return {name: torch.tensor(20_000) if name.endswith("num_batches_tracked") else t for name, t in state.items()}


def encoder_checkpoint(encoder: StyleEncoder, generator: Generator, **options: Any) -> dict[str, Any]:
    """What the file of an encoder holds, with ``generator`` as its decoder."""
    tensors = {f"encoder.{name}": t for name, t in official_tensors(encoder).items() if name != "latent_avg"}
    tensors |= {f"decoder.{name}": t for name, t in rosinality_generator(generator).items()}
    opts = dict(encoder_type=TYPES[encoder.kind], start_from_latent_avg=True, device="cuda:0", lpips_lambda=0.8)
    average = generator.mapping.w_avg.repeat(encoder.num_ws, 1)
    return dict(state_dict=tensors, opts=opts | options, latent_avg=average, global_step=200_000)
