"""StyleCLIP's latent mapper (Patashnik et al., 2021, section 5), fitted to an attribute on its first use.

w' = w + s 0.1 M(w), with M (``mystyle/networks/mapper.py``) minimising

    L_target(G(w')) + 0.1 L_ID + 0.8 MSE(w', w)

for s = 1. StyleCLIP's target is the cosine distance of G(w') from a text in CLIP. No domain here has a CLIP, so that a
target without text stands in: "has much of the attribute", for the classifier of the domain's reader, whose loss is
-log of that probability. Identity is the cosine in the deep features of the perceptual distance's network. The original
learns from codes of photographs by e4e, 50,000 steps of two with Ranger; here from samples of W, ``STEPS`` of ``BATCH``
with Adam, about two minutes of two cores at 128 px. The rate is the original's, whose layers learn at a hundredth of it
and keep their weights times the root of the width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from mystyle.classifier import AttributeClassifier
from mystyle.domains.domain import Domain
from mystyle.editors.attributes import main_attributes
from mystyle.editors.directions import require, sample_w
from mystyle.identity_loss import similarity
from mystyle.inversion import Codes
from mystyle.networks.mapper import LatentMapper
from mystyle.progress import report
from mystyle.types import Unsupported, WPlus

STEPS, BATCH = 1200, 4
RATE = 0.5 * 0.01
SCALE = 0.1  # of M
TARGET, IDENTITY, LATENT = 1.0, 0.1, 0.8  # the weights of the losses
HAIR = ("hair_curl", "fringe")  # which StyleCLIP shows beside what other editors can do


def times(changes: WPlus, strengths: Sequence[float]) -> Tensor:
    """[n, num_ws, w_dim] by every strength: [n, S, num_ws, w_dim]."""
    return changes[:, None] * torch.tensor(strengths).to(changes)[:, None, None]


class Mapper:
    name = "mapper"
    version = 1
    title = "Latent mapper"
    files: tuple[str, ...] = ()
    differentiable = True

    def attributes(self, domain: Domain) -> tuple[str, ...]:
        return (*main_attributes(domain.reader), *(name for name in HAIR if name in domain.reader.moments))

    def apply(self, codes: Codes, attribute: str, strengths: Sequence[float], domain: Domain) -> Codes:
        m = self.mapper(attribute, domain)(codes.ws)
        edited = codes.displaced(SCALE * times(m, strengths))
        return replace(edited, remembered={f"{self.name} {attribute}": m.repeat_interleave(len(strengths), dim=0)})

    def inverse(self, codes: Codes, attribute: str, strengths: Sequence[float], domain: Domain) -> Codes:
        """w = w' - s 0.1 M(w), where an edited code remembers M(w); M(w') stands in for codes that do not."""
        mapper = self.mapper(attribute, domain)
        m = codes.remembered.get(f"{self.name} {attribute}")
        return codes.displaced(-SCALE * times(mapper(codes.ws) if m is None else m, strengths))

    def mapper(self, attribute: str, domain: Domain) -> LatentMapper:
        """Fitted once for a domain and attribute. Raises Unsupported for an attribute that it lacks."""
        require(attribute, self.attributes(domain), self.name)
        settings = {"attribute": attribute}
        weights = domain.fitted(self.name, self.version, settings, partial(self.fit, domain, attribute))
        g = domain.generator
        mapper = LatentMapper(g.w_dim, g.num_ws).to(domain.device)
        mapper.load_state_dict({name: value.float() for name, value in weights.items()})
        return mapper.eval().requires_grad_(False)

    @torch.enable_grad()
    def fit(self, domain: Domain, attribute: str, steps: int = STEPS, seed: int = 0) -> dict[str, Tensor]:
        """The weights of M, in float16. Raises Unsupported where no gradients pass the domain's reader."""
        g, network = domain.generator, domain.perceptual.network
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            mapper = LatentMapper(g.w_dim, g.num_ws).to(domain.device)
        classifier = AttributeClassifier(domain.reader, (attribute,))
        weights, biases = ([p for p in mapper.parameters() if p.ndim == ndim] for ndim in (2, 1))
        optimizer = torch.optim.Adam([{"params": weights, "lr": RATE * g.w_dim**-0.5}, {"params": biases, "lr": RATE}])
        for step, w in enumerate(sample_w(g, steps * BATCH, seed).split(BATCH)):
            ws = w[:, None].expand(-1, g.num_ws, -1)
            with torch.no_grad():
                who = network.deep(g.synthesis(ws, noise="const").clamp(-1, 1))
            edited = ws + SCALE * mapper(ws)
            images = g.synthesis(edited, noise="const").clamp(-1, 1)
            logits = classifier.logits(images)
            if not logits.requires_grad:
                raise Unsupported(f"no gradients pass the reader of domain {domain.name}")
            loss = TARGET * F.softplus(-logits).mean() + LATENT * (edited - ws).square().mean()
            loss = loss + IDENTITY * (1 - similarity(network, images, who)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            report(f"fitting a mapper of {attribute}", step + 1, steps, float(loss.detach()))
        return {name: value.detach().half().cpu() for name, value in mapper.state_dict().items()}


EDITOR = Mapper()
