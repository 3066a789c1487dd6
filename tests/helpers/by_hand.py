"""What independent versions of descents are written with: Adam from its definition, and a smooth distance."""

from __future__ import annotations

import torch


class GradientDistance:
    """A smooth stand-in for a perceptual distance, in any precision: squared differences of neighbouring pixels."""

    def features(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return images.diff(dim=2), images.diff(dim=3)

    def between(self, a: tuple[torch.Tensor, ...], b: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return sum((x - y).square().mean(dim=(1, 2, 3)) for x, y in zip(a, b, strict=True))

    def to_target(self, images: torch.Tensor, target: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return self.between(self.features(images), target)


def adam(values, gradients, moments, step, rate):
    """One step of Adam (0.9, 0.999, 1e-8) from its definition."""
    out = []
    for value, g, (m, v) in zip(values, gradients, moments, strict=True):
        m.mul_(0.9).add_(0.1 * g)
        v.mul_(0.999).add_(0.001 * g * g)
        out.append(value - rate * (m / (1 - 0.9**step)) / ((v / (1 - 0.999**step)).sqrt() + 1e-8))
    return out


def descended(values, loss_at, rate_at, steps, after=lambda values: values):
    """``steps`` of Adam on tensors, and the losses: ``after(values)`` is what comes in their place."""
    moments = [(torch.zeros_like(x), torch.zeros_like(x)) for x in values]
    losses = []
    for step in range(steps):
        values = [x.detach().requires_grad_() for x in values]
        loss = loss_at(step, values)
        losses.append(float(loss.detach()))
        gradients = torch.autograd.grad(loss, values)
        with torch.no_grad():
            values = after(adam(values, gradients, moments, step + 1, rate_at(step)))
    return [x.detach() for x in values], losses
