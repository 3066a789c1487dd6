"""LinkNet, one linear layer from a code to the logits of F (MAGEC, section 3.1).

"The simplest network possible", so that nothing of the generator is learned again: it is fitted with F's own loss to
pairs that the generator makes, with F's outputs for labels, and supervises codes without rendering them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mystyle.classifier import GAIN
from mystyle.domains.domain import Domain
from mystyle.editors.attributes import read_codes
from mystyle.editors.directions import sample_w
from mystyle.types import W, WPlus

VERSION = 1  # of the fit
PAIRS = 10_000
HELD_OUT = 0.1  # of the pairs with mixed codes
ITERATIONS = 30  # of L-BFGS, whose objectives are convex; more gain nothing on held-out codes


@dataclass(frozen=True)
class LinkNet:
    """For every attribute one direction of W, and the share that each layer of a code has in it.

    The paper leaves open how a code of W+ is read. The mean of its layers would be fooled: fine layers do not turn a
    head, but it would take their yaw for the image's. So the shares are fitted to images of mixed codes. On 300 of
    them (128 px, 12 attributes, 1,500 + 1,500 pairs) the link is on F's side of the mean in 86 % of cases, where the
    mean of the layers is in 83 %, and correlates with F's yaw by 0.98, not 0.86. A free matrix for each layer, among 40
    components of W, is no better (85 %) and has twelve times the parameters.
    """

    weight: Tensor
    """[K, w_dim]"""
    layers: Tensor
    """[K, num_ws]: shares, whose sum is near 1"""
    bias: Tensor
    """[K]"""
    agreement: Tensor
    """[K]: the share of held-out mixed codes that it puts on F's side of the mean"""

    def __call__(self, ws: WPlus) -> Tensor:
        """[..., num_ws, w_dim] -> logits [..., K]."""
        return ((ws @ self.weight.T) * self.layers.T).sum(dim=-2) + self.bias


def linked(logits: Tensor, labels: Tensor) -> Tensor:
    """L_F, the loss that F is trained with, binary cross-entropy: [..., K] twice -> [...].

    Summed over attributes. At the weights of MAGEC the gradient of their mean would be a 1,600th of the perceptual
    loss's; that of the sum is a twentieth (128 px, 88 attributes, at the mean code).
    """
    return F.binary_cross_entropy_with_logits(logits, labels, reduction="none").sum(dim=-1)


def fit_linknet(w: W, of_w: Tensor, ws: WPlus, of_ws: Tensor) -> LinkNet:
    """The minimum of L_F, of ``weight`` over codes of W and then of ``layers`` over mixed codes of W+.

    ``w`` is [n, w_dim], ``ws`` [m, num_ws, w_dim], a tenth of which is held out; the others are F's logits, [., K].
    """
    k, kept = of_w.shape[1], len(ws) - max(1, round(HELD_OUT * len(ws)))
    w, ws = w.double(), ws.double()
    mean, std = w.mean(dim=0), w.std(dim=0).clamp_min(1e-8)
    x = (w - mean) / std
    a, b = x.new_zeros(k, x.shape[1]), x.new_zeros(k)
    minimise((a, b), lambda: linked(x @ a.T + b, of_w.double().sigmoid()))
    weight = a.detach() / std
    said = (ws - mean) @ weight.T  # [m, num_ws, K]
    layers, b = x.new_full((k, ws.shape[1]), 1 / ws.shape[1]), b.detach()
    minimise((layers, b), lambda: linked((said[:kept] * layers.T).sum(dim=1) + b, of_ws[:kept].double().sigmoid()))
    layers, b = layers.detach(), b.detach()
    same = ((said[kept:] * layers.T).sum(dim=1) + b > 0) == (of_ws[kept:] > 0)
    bias = b - layers.sum(dim=1) * (weight @ mean)
    found = weight, layers, bias, same.double().mean(dim=0)
    return LinkNet(*(tensor.to(of_w) for tensor in found))


@torch.enable_grad()
def minimise(variables: Sequence[Tensor], losses: Callable[[], Tensor]) -> None:
    """The mean of ``losses`` over ``variables``, in place."""
    search = torch.optim.LBFGS(
        [v.requires_grad_() for v in variables], max_iter=ITERATIONS, history_size=10, line_search_fn="strong_wolfe"
    )

    def objective() -> Tensor:
        search.zero_grad()
        loss = losses().mean()
        loss.backward()
        return loss

    search.step(objective)


def mixed_codes(w: W, num_ws: int, seed: int) -> WPlus:
    """Codes [n // 2, num_ws, w_dim]: one of ``w`` [n, w_dim] up to a random layer, then another one."""
    first, second = w[: len(w) // 2], w[len(w) // 2 : len(w) // 2 * 2]
    begin = torch.randint(1, num_ws, (len(first), 1), generator=torch.Generator().manual_seed(seed))
    is_first = (torch.arange(num_ws) < begin).to(w.device)
    return torch.where(is_first[:, :, None], first[:, None], second[:, None])


def linknet_of(domain: Domain, names: tuple[str, ...], pairs: int = PAIRS) -> LinkNet:
    """The domain's, for the attributes ``names`` of its reader, fitted once; half of the pairs have mixed codes."""

    def compute() -> dict[str, Tensor]:
        g = domain.generator
        w = sample_w(g, pairs // 2, seed=0)
        ws = mixed_codes(sample_w(g, pairs // 2 * 2, seed=1), g.num_ws, seed=2)
        labels = [GAIN * read_codes(codes, domain, names) for codes in (w[:, None].expand(-1, g.num_ws, -1), ws)]
        found = fit_linknet(w, labels[0], ws, labels[1])
        return {name: tensor.cpu().contiguous() for name, tensor in vars(found).items()}

    fitted = domain.fitted("linknet", VERSION, {"names": list(names), "pairs": pairs}, compute)
    return LinkNet(**{name: tensor.to(domain.device) for name, tensor in fitted.items()})
