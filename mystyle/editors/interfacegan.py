"""InterFaceGAN (Shen et al., 2020): normals of the hyperplanes that separate codes by an attribute.

A domain may ship them in ``directions.safetensors``; else they are found on first use.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from mystyle.domains.domain import Domain
from mystyle.editors.attributes import read_codes
from mystyle.editors.directions import COUNT, SAMPLES, DirectionEditor, load_directions, sample_w, scaled
from mystyle.progress import report
from mystyle.types import W

FILE = "directions.safetensors"


def boundaries(w: W, attributes: Mapping[str, Tensor], share: float = 0.1) -> dict[str, W]:
    """The normal of the hyperplane between codes with much and with little of each attribute.

    For every attribute a linear support vector machine separates the ``share`` of ``w`` [n, w_dim] with the most of it
    from as many with the least. The normals point to more.
    """
    from sklearn.svm import LinearSVC

    mean, std = w.mean(dim=0), w.std(dim=0).clamp_min(1e-8)
    x = ((w - mean) / std).cpu()
    k = max(2, int(share * len(w)))
    result = {}
    for i, (name, values) in enumerate(attributes.items()):
        order = values.argsort()
        rows = torch.cat([order[:k], order[-k:]])
        label = [0] * k + [1] * k
        machine = LinearSVC(C=0.01, dual=False).fit(x[rows].numpy(), label)
        normal = torch.from_numpy(machine.coef_[0]).to(w) / std
        result[name] = scaled(normal, w)
        report("finding boundaries", i + 1, len(attributes))
    return result


class InterFaceGan(DirectionEditor):
    name = "interfacegan"
    version = 1
    title = "InterFaceGAN"
    files = (FILE,)

    def find(self, domain: Domain, samples: int = SAMPLES, count: int = COUNT, seed: int = 0) -> dict[str, W]:
        """One direction for every attribute that the domain's reader reads."""
        g, names = domain.generator, tuple(domain.reader.moments)
        w = sample_w(g, samples, seed)
        readings = read_codes(w[:, None].expand(-1, g.num_ws, -1), domain, names).cpu()
        return boundaries(w, dict(zip(names, readings.T, strict=True)))

    def directions(self, domain: Domain) -> Mapping[str, W]:
        """The domain's own file, else what ``find`` gives. Raises ValueError if the file cannot be used."""
        if (path := domain.file(FILE)) is None:
            return super().directions(domain)
        g = domain.generator
        return load_directions(path, g.w_dim, domain.w_name, domain.device)


EDITOR = InterFaceGan()
