"""LinkNet, one linear layer from a code to the logits of F (MAGEC, section 3.1).

"The simplest network possible", so that nothing of the generator is learned again: it is fitted with F's own loss to
pairs that the generator makes, with F's outputs for labels, and supervises codes without rendering them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mystyle.classifier import AttributeClassifier
from mystyle.domains.domain import Domain
from mystyle.editors.directions import sample_w
from mystyle.progress import report
from mystyle.roles import Generator
from mystyle.types import W, WPlus

VERSION = 1  # of the fit
PAIRS = 10_000
HELD_OUT = 0.1  # of the pairs
BATCH = 64
ITERATIONS = 30  # of L-BFGS, whose objective is convex; more gain nothing on held-out codes


@dataclass(frozen=True)
class LinkNet:
    """Reads a code of W+ as the mean of its layers.

    TODO reason
    """

    weight: Tensor
    """[K, w_dim]"""
    bias: Tensor
    """[K]"""
    agreement: Tensor
    """[K]: the share of held-out codes that it puts on F's side of the mean"""

    def __call__(self, ws: WPlus) -> Tensor:
        """[..., num_ws, w_dim] -> logits [..., K]."""
        return ws.mean(dim=-2) @ self.weight.T + self.bias


def linked(logits: Tensor, labels: Tensor) -> Tensor:
    """L_F, the loss that F is trained with: binary cross-entropy, summed over attributes: [..., K] twice -> [...]."""
    return F.binary_cross_entropy_with_logits(logits, labels, reduction="none").sum(dim=-1)


@torch.no_grad()
def described(generator: Generator, classifier: AttributeClassifier, w: W) -> Tensor:
    """F's logits [n, K] of the images of ``w``."""
    parts = []
    for i, codes in enumerate(w.split(BATCH)):
        images = generator.synthesis(codes[:, None].expand(-1, generator.num_ws, -1), noise="const")
        parts.append(classifier.logits(images.clamp(-1, 1)))
        report("linking codes and attributes", min((i + 1) * BATCH, len(w)), len(w))
    return torch.cat(parts)


def fit_linknet(w: W, logits: Tensor) -> LinkNet:
    """The minimum of L_F over codes [n, w_dim] and F's ``logits`` [n, K], the last tenth of which is held out."""
    kept = len(w) - max(1, round(HELD_OUT * len(w)))
    mean, std = w[:kept].double().mean(dim=0), w[:kept].double().std(dim=0).clamp_min(1e-8)
    x, labels = (w.double() - mean) / std, logits.double().sigmoid()
    a = x.new_zeros(logits.shape[1], w.shape[1]).requires_grad_()
    b = torch.special.logit(labels[:kept].mean(dim=0), eps=1e-6).requires_grad_()
    search = torch.optim.LBFGS((a, b), max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def objective() -> Tensor:
        search.zero_grad()
        loss = linked(x[:kept] @ a.T + b, labels[:kept]).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    with torch.enable_grad():
        search.step(objective)
    weight, bias = (a.detach() / std), b.detach()
    bias = bias - weight @ mean
    same = ((w[kept:].double() @ weight.T + bias) > 0) == (logits[kept:] > 0)
    return LinkNet(weight.to(w), bias.to(w), same.double().mean(dim=0).to(w))


def linknet_of(domain: Domain, names: tuple[str, ...], pairs: int = PAIRS) -> LinkNet:
    """The domain's, for the attributes ``names`` of its reader, fitted once."""

    def compute() -> dict[str, Tensor]:
        w = sample_w(domain.generator, pairs, seed=0)
        found = fit_linknet(w, described(domain.generator, AttributeClassifier(domain.reader, names), w))
        return {name: getattr(found, name).cpu() for name in ("weight", "bias", "agreement")}

    fitted = domain.fitted("linknet", VERSION, {"names": list(names), "pairs": pairs}, compute)
    return LinkNet(**{name: tensor.to(domain.device) for name, tensor in fitted.items()})
