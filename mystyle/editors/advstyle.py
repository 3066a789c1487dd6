"""AdvStyle (Yang et al., 2021): a direction of W that is learned against an assessor of the attribute.

It "simultaneously optimizes the discovered directions and the attribute assessor using the target attribute data as
positive samples, while the generated ones being negative" (its abstract). No code of the training is published and we
have not read more of the paper, so that all else is a reconstruction of ours:

- *positive* are not photographs, of which a domain has none with labels, but the tenth of ``POOL`` samples of the
  generator with the most of the attribute, as the domain's reader reads it;
- *negative* is G(w + n) for w of all samples, and n as long as the mean of that tenth is from that of all, where an
  attribute is linear in W and normal;
- the *assessor* is a perceptron on the deep features of the perceptual distance's network, which stay as they are;
- both have the logistic loss of GANs, n the one that does not saturate, and one step each in turn with Adam.
"""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle.domains.domain import Domain
from mystyle.editors.attributes import BATCH, main_attributes, standardised
from mystyle.editors.directions import LinearEditor, require, sample_w, scaled
from mystyle.progress import report
from mystyle.types import W

POOL, SHARE = 2000, 0.1
REACH = 1.75  # the mean of the upper tenth of a normal distribution, in deviations
STEPS, IMAGES = 300, 8
ASSESSOR_RATE, DIRECTION_RATE = 1e-3, 1e-2


class AdvStyle(LinearEditor):
    name = "advstyle"
    version = 1
    title = "AdvStyle (reconstructed)"

    def attributes(self, domain: Domain) -> tuple[str, ...]:
        return main_attributes(domain.reader)

    def direction(self, attribute: str, domain: Domain) -> W:
        """[w_dim], as long as one standard deviation of W along it; learned on its first use."""
        require(attribute, self.attributes(domain), self.name)
        settings = {"attribute": attribute}
        found = domain.fitted(self.name, self.version, settings, partial(self.fit, domain, attribute))
        return found["direction"].to(domain.device)  # type: ignore[no-any-return]

    def pool(self, domain: Domain, samples: int = POOL, seed: int = 0) -> dict[str, Tensor]:
        """Codes ``w``, the deep features of their images, and what the reader reads of them, [samples, ...] each."""
        g, names = domain.generator, self.attributes(domain)
        w = sample_w(g, samples, seed)
        deep, readings = [], []
        with torch.no_grad():
            for part in w.split(BATCH):
                images = g.synthesis(part[:, None].expand(-1, g.num_ws, -1), noise="const").clamp(-1, 1)
                deep.append(domain.perceptual.network.deep(images))
                readings.append(standardised(images, domain.reader, names))
                report("reading attributes", sum(map(len, deep)), samples)
        return {"w": w, "deep": torch.cat(deep), "readings": torch.cat(readings)}

    @torch.enable_grad()
    def fit(self, domain: Domain, attribute: str, steps: int = STEPS, seed: int = 0) -> dict[str, Tensor]:
        """The ``direction`` [w_dim]."""
        g, network = domain.generator, domain.perceptual.network
        kept = domain.fitted(f"{self.name} pool", self.version, {}, lambda: self.pool(domain))
        w, deep, readings = (kept[name].to(domain.device) for name in ("w", "deep", "readings"))
        most = readings[:, self.attributes(domain).index(attribute)].topk(int(SHARE * len(w))).indices
        centre, spread = deep.mean(dim=0), deep.std(dim=0).clamp_min(1e-6)
        draws = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            assessor = nn.Sequential(nn.Linear(deep.shape[1], 64), nn.LeakyReLU(0.2), nn.Linear(64, 1)).to(w)
        v = (torch.randn(g.w_dim, generator=draws) / g.w_dim**0.5).to(w).requires_grad_()
        of_assessor = torch.optim.Adam(assessor.parameters(), lr=ASSESSOR_RATE)
        of_direction = torch.optim.Adam([v], lr=DIRECTION_RATE)
        for step in range(steps):
            positive = deep[most[torch.randint(len(most), (IMAGES,), generator=draws).to(most)]]
            codes = w[torch.randint(len(w), (IMAGES,), generator=draws).to(most)] + REACH * scaled(v, w)
            images = g.synthesis(codes[:, None].expand(-1, g.num_ws, -1), noise="const").clamp(-1, 1)
            negative = (network.deep(images) - centre) / spread
            step_down(of_assessor, self.assessed(assessor, (positive - centre) / spread, negative.detach()))
            loss = F.softplus(-assessor(negative)).mean()
            step_down(of_direction, loss)
            report(f"learning a direction of {attribute}", step + 1, steps, float(loss.detach()))
        return {"direction": scaled(v.detach(), w).cpu()}

    @staticmethod
    def assessed(assessor: nn.Module, positive: Tensor, negative: Tensor) -> Tensor:
        """The assessor's loss: -log of the probabilities that it is right about both, [n, d] each."""
        return F.softplus(-assessor(positive)).mean() + F.softplus(assessor(negative)).mean()


def step_down(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


EDITOR = AdvStyle()
