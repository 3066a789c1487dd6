"""Unsupervised directions with names: for each main attribute the one that a domain's reader labels so.

GANSpace and SeFa find directions that nobody named; their authors looked at many of them, in many ranges of layers, and
named a few by eye. Here the reader looks. No editor itself.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from mystyle.domains.domain import Domain
from mystyle.editors.attributes import main_attributes, read_codes
from mystyle.editors.directions import DirectionEditor, LinearEditor, require, sample_w
from mystyle.progress import report
from mystyle.types import Unsupported, WPlus

CODES = 16  # that every candidate is tried on


def ranges(num_ws: int) -> list[range]:
    """The layers that are tried: all, each third and each sixth of them."""
    cut = {parts: [round(i * num_ws / parts) for i in range(parts + 1)] for parts in (1, 3, 6)}
    return list(dict.fromkeys(range(a, b) for at in cut.values() for a, b in pairwise(at) if a < b))


def label(effects: Tensor, wanted: int) -> Tensor:
    """The candidate of each of the first ``wanted`` attributes [wanted], from ``effects`` [candidates, codes, K].

    An effect is the change of a reading, in deviations of the population. Of a candidate with a mean effect e on an
    attribute and a mean square s^2 of all K effects together, e^2 / s counts: the change times its share of all change.
    The share alone would choose what does next to nothing. No candidate serves two attributes.
    """
    from scipy.optimize import linear_sum_assignment

    total = effects.square().sum(dim=2).mean(dim=1).sqrt().clamp_min(1e-8)
    score = effects.mean(dim=1)[:, :wanted].square() / total[:, None]
    candidates, attributes = linear_sum_assignment(score.cpu().double().numpy(), maximize=True)
    return torch.from_numpy(candidates[attributes.argsort()])


class Labelled(LinearEditor):
    """Each main attribute is a direction of ``base`` in a range of layers, signed so that the reader reads more of it.

    A strength is added, in standard deviations of W along the direction. The task ``coordinate`` sets the coordinate
    instead, as GANSpace's figures and II2S have it: the mean over the layers of the range.
    """

    version = 1

    def __init__(self, base: DirectionEditor, name: str, title: str):
        self.base, self.name, self.title = base, name, title

    def attributes(self, domain: Domain) -> tuple[str, ...]:
        return main_attributes(domain.reader)

    def direction(self, attribute: str, domain: Domain) -> WPlus:
        require(attribute, self.attributes(domain), self.name)
        found: Tensor = self.labels(domain)[attribute]
        number, first, last, sign = found.tolist()
        direction: WPlus = sign * self.candidate(number, range(first, last + 1), domain)
        return direction

    def candidate(self, number: int, layers: range, domain: Domain) -> WPlus:
        """Direction ``number`` of the base in some layers: [num_ws, w_dim]."""
        name = list(self.base.directions(domain))[number]
        return self.base.direction(f"{name}:{layers[0]}-{layers[-1]}", domain)

    def can_change(self, layers: range, domain: Domain) -> bool:
        """SeFa has no direction of layers without a styled convolution, such as the last one."""
        try:
            self.candidate(0, layers, domain)
        except Unsupported:
            return False
        return True

    def labels(self, domain: Domain) -> dict[str, Tensor]:
        """What ``find`` gives, cached with the domain."""
        settings = {"base": self.base.version}
        return domain.fitted(self.name, self.version, settings, lambda: self.find(domain))  # type: ignore[no-any-return]

    def find(self, domain: Domain, codes: int = CODES, seed: int = 0) -> dict[str, Tensor]:
        """For each attribute the number of the direction, the first and the last layer, and the sign: int [4]."""
        g, wanted = domain.generator, self.attributes(domain)
        names = [*wanted, *(name for name in domain.reader.moments if name not in wanted)]
        ws = sample_w(g, codes, seed)[:, None].expand(-1, g.num_ws, -1)
        known = [layers for layers in ranges(g.num_ws) if self.can_change(layers, domain)]
        tried = [(i, layers) for layers in known for i in range(len(self.base.directions(domain)))]
        effects = []
        for done, (i, layers) in enumerate(tried):
            step = self.candidate(i, layers, domain)
            more, less = (read_codes(ws + theta * step, domain, names) for theta in (1, -1))
            effects.append((more - less) / 2)
            report(f"labelling directions of {self.base.title}", done + 1, len(tried))
        stacked = torch.stack(effects).cpu()
        found = {}
        for k, (name, row) in enumerate(zip(wanted, label(stacked, len(wanted)).tolist(), strict=True)):
            i, layers = tried[row]
            sign = 1 if stacked[row, :, k].mean() > 0 else -1
            found[name] = torch.tensor([i, layers[0], layers[-1], sign])
        return found
