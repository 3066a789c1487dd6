"""Deep features of a domain: the classifier behind MAPS, identity, attributes, and an LPIPS-form distance.

On photographs these are a VGG face classifier and LPIPS (Zhang et al., 2018). On the synthetic domain they are one
VGG-style network trained on the identities and true parameters of rendered portraits (``mystyle.pretrain features``);
the distance has LPIPS's formula with unit weights, so its numbers must not be set beside LPIPS's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle.types import Image


class FeatureNetwork(nn.Module):
    """A VGG-style trunk with an identity embedding and attribute regressors.

    ``widths`` are the channels of the stages, each two 3x3 convolutions followed by a 2x2 mean pool. ``attributes``
    maps names to (mean, standard deviation) of the training population, in the attribute's unit.
    """

    def __init__(
        self,
        resolution: int = 64,
        widths: Sequence[int] = (16, 32, 64, 128),
        deep: int = 256,
        embedding: int = 128,
        attributes: Mapping[str, Sequence[float]] | None = None,
    ):
        super().__init__()
        attributes = dict(attributes or {})
        self.config = dict(
            resolution=resolution, widths=list(widths), deep=deep, embedding=embedding,
            attributes={name: list(moments) for name, moments in attributes.items()},
        )  # fmt: skip
        self.resolution, self.attribute_names = resolution, tuple(attributes)
        self.stages = nn.ModuleList()
        for n_in, n_out in zip((3, *widths), widths, strict=False):
            self.stages.append(
                nn.Sequential(
                    nn.Conv2d(n_in, n_out, 3, padding=1), nn.BatchNorm2d(n_out), nn.ReLU(),
                    nn.Conv2d(n_out, n_out, 3, padding=1), nn.BatchNorm2d(n_out), nn.ReLU(),
                )
            )  # fmt: skip
        cells = (resolution // 2 ** len(widths)) ** 2
        self.fc = nn.Linear(widths[-1] * cells, deep)
        self.embed = nn.Linear(deep, embedding)
        self.regress = nn.Linear(deep, len(attributes))

    def maps(self, images: Image) -> tuple[Tensor, ...]:
        """The activations of every stage before pooling, fine to coarse. Raises ValueError on another resolution."""
        if images.shape[-2:] != (self.resolution, self.resolution):
            raise ValueError(f"images must be {self.resolution} px square, got {tuple(images.shape[-2:])}")
        result = []
        x = images
        for stage in self.stages:
            x = stage(x)
            result.append(x)
            x = F.avg_pool2d(x, 2)
        return tuple(result)

    def deep(self, images: Image) -> Tensor:
        """The last hidden layer after its ReLU, the features of MAPS: [n, deep]."""
        x = F.avg_pool2d(self.maps(images)[-1], 2)
        return F.relu(self.fc(x.flatten(1)))

    def heads(self, images: Image) -> tuple[Tensor, Tensor]:
        """Identity embedding [n, e] of unit norm and standardised attributes [n, k], from one pass."""
        x = self.deep(images)
        return F.normalize(self.embed(x), dim=1), self.regress(x)

    def identity(self, images: Image) -> Tensor:
        """Identity embedding [n, e] of unit norm; the cosine of two is their similarity."""
        return self.heads(images)[0]

    def attributes(self, images: Image) -> dict[str, Tensor]:
        """Estimated attributes ``{name: [n]}`` in their units."""
        standard = self.heads(images)[1]
        moments = self.config["attributes"]
        return {
            name: standard[:, i] * moments[name][1] + moments[name][0] for i, name in enumerate(self.attribute_names)
        }


class PerceptualDistance(nn.Module):
    """d(a, b) = mean_l mean_hw ||a_l - b_l||^2 / 2 over channel-normalised activations of the stages l.

    LPIPS's formula with the same weight for all channels. Activations are not negative, so that d lies in [0, 1], the
    scale on which LPIPS values of photographs lie, and the weights of the papers' losses keep their meaning.
    """

    def __init__(self, network: FeatureNetwork, eps: float = 1e-8):
        super().__init__()
        self.network, self.eps = network, eps

    def features(self, images: Image) -> tuple[Tensor, ...]:
        """Activations divided by their norm over channels, one [n, c, h, w] per stage."""
        return tuple(x * (x.square().sum(dim=1, keepdim=True) + self.eps).rsqrt() for x in self.network.maps(images))

    def between(self, a: Sequence[Tensor], b: Sequence[Tensor]) -> Tensor:
        """The distance [n] of two sets of ``features``, so that those of a fixed target are computed once."""
        stages = [(x - y).square().sum(dim=1).mean(dim=(1, 2)) / 2 for x, y in zip(a, b, strict=True)]
        return torch.stack(stages).mean(0)

    def forward(self, a: Image, b: Image) -> Tensor:
        """[n, 3, h, w] twice -> [n] in [0, 1], 0 for equal images."""
        return self.between(self.features(a), self.features(b))

    def map(self, a: Image, b: Image) -> Tensor:
        """Where they differ: [n, 1, h, w], every stage enlarged to the image's size; its mean is about ``forward``."""
        size = a.shape[-2:]
        stages = zip(self.features(a), self.features(b), strict=True)
        maps = [(x - y).square().sum(dim=1, keepdim=True) / 2 for x, y in stages]
        return torch.stack([F.interpolate(m, size, mode="bilinear", align_corners=False) for m in maps]).mean(0)
