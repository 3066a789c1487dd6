"""StyleGAN2's adversarial training in the pieces that recipes share: losses, regularisers, lazy Adam, style mixing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle.roles import Generator, Mapped
from mystyle.types import Image, WPlus


def logistic_d(real: Tensor, fake: Tensor) -> Tensor:
    """The discriminator's loss, mean of softplus(-D(x)) + softplus(D(G(z))), from logits [n]."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def logistic_g(fake: Tensor) -> Tensor:
    """The non-saturating loss of the generator, mean of softplus(-D(G(z)))."""
    return F.softplus(-fake).mean()


def r1_penalty(discriminator: Callable[[Image], Tensor], real: Image) -> Tensor:
    """E ||grad_x D(x)||^2 with respect to ``real`` (Mescheder et al., 2018); the loss is gamma / 2 times it."""
    real = real.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(real).sum(), real, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()


def path_lengths(generator: Generator, ws: WPlus, noise: Tensor) -> Tensor:
    """|J_w^T y| [n] with y = ``noise`` / sqrt(h w), averaged over layers (StyleGAN2, Eq. 4); ws must need gradients."""
    images = generator.synthesis(ws, noise="random")
    y = noise / math.sqrt(images.shape[2] * images.shape[3])
    (gradient,) = torch.autograd.grad((images * y).sum(), ws, create_graph=True)
    return gradient.square().sum(dim=2).mean(dim=1).sqrt()


def path_penalty(generator: Generator, ws: WPlus, mean: Tensor) -> Tensor:
    """E (|J_w^T y| - a)^2 over codes ``ws`` that need gradients; a, the running mean of lengths, is moved in place."""
    size = generator.resolution
    lengths = path_lengths(generator, ws, torch.randn(len(ws), 3, size, size, device=ws.device))
    mean.lerp_(lengths.mean().detach(), 0.01)
    return (lengths - mean).square().mean()


def mixed_codes(generator: Mapped, z: Tensor, probability: float) -> WPlus:
    """Codes of z [n, z_dim]; with ``probability`` the layers after a random cut take those of another z (per batch)."""
    ws: WPlus = generator.mapping(z)
    if torch.rand([]) < probability:
        cut = int(torch.randint(1, generator.num_ws, []))
        ws = torch.cat([ws[:, :cut], generator.mapping(torch.randn_like(z))[:, cut:]], dim=1)
    return ws


@torch.no_grad()
def update_average(average: nn.Module | Generator, network: nn.Module | Generator, beta: float) -> None:
    """average <- beta average + (1 - beta) network, for parameters; buffers are copied."""
    torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), 1 - beta)
    for a, x in zip(average.buffers(), network.buffers(), strict=True):
        a.copy_(x)


def lazy_adam(parameters: Iterable[Tensor], rate: float, every: int) -> torch.optim.Adam:
    """Adam (0, 0.99) for a loss whose regulariser comes every k steps: rate and log beta are scaled by k / (k + 1)."""
    c = every / (every + 1)
    return torch.optim.Adam(parameters, lr=rate * c, betas=(0.0, 0.99**c), eps=1e-8)
