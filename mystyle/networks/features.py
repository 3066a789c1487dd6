"""Deep features of a domain: the classifier behind MAPS, identity, attributes, and an LPIPS-form distance.

On photographs these are a VGG face classifier and LPIPS (Zhang et al., 2018). On the synthetic domain they are two
VGG-style networks trained on rendered portraits: one on identities, for metrics (``mystyle.pretrain features``), and
one on the true parameters, for losses (``mystyle.pretrain perceptual``), so that no method is optimised through the
network that evaluates it. The distance has LPIPS's formula with unit weights; its values are not LPIPS's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.utils.fusion import fuse_conv_bn_eval

from mystyle.types import Image


class FeatureNetwork(nn.Module):
    """A VGG-style trunk with an identity embedding and attribute regressors.

    ``widths`` are the channels of the stages, each two 3x3 convolutions followed by a 2x2 mean pool. ``attributes``
    maps names to (mean, standard deviation) of the training population, in the attribute's unit. A network that is
    to be trained has batch norm (``norm``); a finished one is ``folded``.
    """

    def __init__(
        self,
        resolution: int = 64,
        widths: Sequence[int] = (16, 32, 64, 128),
        deep: int = 256,
        embedding: int = 128,
        attributes: Mapping[str, Sequence[float]] | None = None,
        norm: bool = True,
    ):
        super().__init__()
        attributes = dict(attributes or {})
        self.config: dict[str, Any] = dict(
            resolution=resolution, widths=list(widths), deep=deep, embedding=embedding,
            attributes={name: list(moments) for name, moments in attributes.items()}, norm=norm,
        )  # fmt: skip
        self.resolution = resolution
        self.stages = nn.ModuleList()
        for n_in, n_out in zip((3, *widths), widths, strict=False):
            self.stages.append(nn.Sequential(*convolution(n_in, n_out, norm), *convolution(n_out, n_out, norm)))
        cells = (resolution // 2 ** len(widths)) ** 2
        self.fc = nn.Linear(widths[-1] * cells, deep)
        self.embed = nn.Linear(deep, embedding)
        self.regress = nn.Linear(deep, len(attributes))

    @property
    def moments(self) -> Mapping[str, Sequence[float]]:
        """Mean and standard deviation of each attribute over the training population, in the attribute's unit."""
        attributes: Mapping[str, Sequence[float]] = self.config["attributes"]
        return attributes

    def maps(self, images: Image) -> tuple[Tensor, ...]:
        """The activations of every stage before pooling, fine to coarse. Raises ValueError on another resolution."""
        if images.shape[-2:] != (self.resolution, self.resolution):
            raise ValueError(f"images must be {self.resolution} px square, got {tuple(images.shape[-2:])}")
        result = []
        x = images.contiguous(memory_format=torch.channels_last)  # a third faster than with the channels apart
        for stage in self.stages:
            x = stage(x)
            result.append(x)
            x = F.avg_pool2d(x, 2)
        return tuple(result)

    def deep(self, images: Image) -> Tensor:
        """The last hidden layer after its ReLU, the features of MAPS: [n, deep]."""
        return self.deep_of(self.maps(images))

    def deep_of(self, maps: Sequence[Tensor]) -> Tensor:
        """``deep`` of the images with these ``maps``."""
        return F.relu(self.fc(F.avg_pool2d(maps[-1], 2).flatten(1)))

    def identity_of(self, deep: Tensor) -> Tensor:
        """Identity embeddings [n, e] of unit norm from features [n, deep]; the cosine of two is their similarity."""
        return F.normalize(self.embed(deep), dim=1)

    def heads(self, images: Image) -> tuple[Tensor, Tensor]:
        """Identity embedding [n, e] of unit norm and standardised attributes [n, k], from one pass."""
        x = self.deep(images)
        return self.identity_of(x), self.regress(x)

    def attributes(self, images: Image) -> dict[str, Tensor]:
        """Estimated attributes ``{name: [n]}`` in their units."""
        columns = zip(self.moments.items(), self.regress(self.deep(images)).unbind(1), strict=True)
        return {name: x * std + mean for (name, (mean, std)), x in columns}

    def folded(self) -> FeatureNetwork:
        """The same function in eval mode with every batch norm folded into the convolution before it.

        Raises ValueError if there is none.
        """
        if not self.config["norm"]:
            raise ValueError("there is no batch norm to fold")
        network = FeatureNetwork(**{**self.config, "norm": False})
        folded, convolutions = ([x for x in n.modules() if isinstance(x, nn.Conv2d)] for n in (network, self))
        norms = [x for x in self.modules() if isinstance(x, nn.BatchNorm2d)]
        for target, conv, norm in zip(folded, convolutions, norms, strict=True):
            target.load_state_dict(fuse_conv_bn_eval(conv.eval(), norm.eval()).state_dict())
        for name in ("fc", "embed", "regress"):
            getattr(network, name).load_state_dict(getattr(self, name).state_dict())
        return network.eval()


def convolution(n_in: int, n_out: int, norm: bool) -> list[nn.Module]:
    return [nn.Conv2d(n_in, n_out, 3, padding=1), *([nn.BatchNorm2d(n_out)] if norm else []), nn.ReLU()]


class StageDistance(torch.autograd.Function):
    """mean_hw ||r x - t||^2 / 2 with r = (||x||^2 + eps)^(-1/2): x and t [n, c, h, w] to [n]; the gradient of x only.

    As s r^2 - 2 r (x . t) + ||t||^2 with s = ||x||^2 it needs three sums over channels and keeps one number per pixel.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, t: Tensor, eps: float) -> Tensor:
        s, dot, own = (torch.einsum("nchw,nchw->nhw", *pair) for pair in ((x, x), (x, t), (t, t)))
        r = (s + eps).rsqrt()
        ctx.eps = eps
        ctx.save_for_backward(x, t, dot, r)
        return (s * r.square() - 2 * r * dot + own).mean(dim=(1, 2)) / 2

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        """grad_x = (eps r^4 + r^3 (x . t)) x - r t, over the pixels."""
        x, t, dot, r = ctx.saved_tensors
        k = grad[:, None, None] / r[0].numel()
        along = k * (ctx.eps * r.pow(4) + r.pow(3) * dot)
        return torch.addcmul(x * along[:, None], t, (-k * r)[:, None]), None, None


@runtime_checkable
class StageNetwork(Protocol):
    """What the distance needs of a network."""

    @property
    def resolution(self) -> int:
        """px of the square images that it takes."""
        ...

    def maps(self, images: Image) -> tuple[Tensor, ...]:
        """The activations [n, c, h, w] of every stage, fine to coarse."""
        ...

    def deep_of(self, maps: Sequence[Tensor]) -> Tensor:
        """Features [n, d] of the whole of the images with these ``maps``."""
        ...

    def deep(self, images: Image) -> Tensor:
        """``deep_of`` the images' ``maps``."""
        ...


class PerceptualDistance(nn.Module):
    """d(a, b) = mean_l mean_hw ||a_l - b_l||^2 / 2 over channel-normalised activations of the stages l.

    LPIPS's formula with the same weight for all channels. Activations are not negative, so that d lies in [0, 1], the
    scale on which LPIPS values of photographs lie, and the weights of the papers' losses keep their meaning.
    """

    def __init__(self, network: StageNetwork, eps: float = 1e-8):
        super().__init__()
        self.network, self.eps = network, eps

    def features(self, images: Image) -> tuple[Tensor, ...]:
        """Activations divided by their norm over channels, one [n, c, h, w] per stage.

        Smaller images, as those of super-resolution, are enlarged (bilinear) to the network's resolution first.
        """
        return self.features_of(self.maps(images))

    def maps(self, images: Image) -> tuple[Tensor, ...]:
        """The network's activations of images of at most its resolution."""
        size = self.network.resolution
        if max(images.shape[-2:]) < size:
            images = F.interpolate(images, (size, size), mode="bilinear", align_corners=False)
        return self.network.maps(images)

    def features_of(self, maps: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """``features`` of the images with these ``maps`` of the network."""
        return tuple(x * (x.square().sum(dim=1, keepdim=True) + self.eps).rsqrt() for x in maps)

    def between(self, a: Sequence[Tensor], b: Sequence[Tensor]) -> Tensor:
        """The distance [n] of two sets of ``features``, so that those of a fixed target are computed once."""
        stages = [(x - y).square().sum(dim=1).mean(dim=(1, 2)) / 2 for x, y in zip(a, b, strict=True)]
        return torch.stack(stages).mean(0)

    def to_target(self, images: Image, target: Sequence[Tensor]) -> Tensor:
        """The distance [n] of ``images`` from the ``features`` of a fixed target, the form for losses.

        It is ``between(features(images), target)`` without the normalised activations, to rounding; gradients go to
        the images alone.
        """
        stages = [StageDistance.apply(x, t, self.eps) for x, t in zip(self.maps(images), target, strict=True)]
        return torch.stack(stages).mean(0)

    def forward(self, a: Image, b: Image) -> Tensor:
        """[n, 3, h, w] twice -> [n] in [0, 1], 0 for equal images."""
        return self.between(self.features(a), self.features(b))

    def embedding(self, images: Image) -> Tensor:
        """Vectors [n, D] whose squared Euclidean distance is the distance of the images, so that sets need no pairs."""
        stages = self.features(images)
        return torch.cat([x.flatten(1) * (2 * len(stages) * x[0, 0].numel()) ** -0.5 for x in stages], dim=1)

    @torch.no_grad()
    def of_many(self, a: Image, b: Image, batch: int = 32) -> Tensor:
        """``forward`` of any number of pairs, ``batch`` at a time and without gradients: [n]."""
        return torch.cat([self(x, y) for x, y in zip(a.split(batch), b.split(batch), strict=True)])

    def map(self, a: Image, b: Image) -> Tensor:
        """Where they differ: [n, 1, h, w], every stage enlarged to the image's size; its mean is about ``forward``."""
        size = a.shape[-2:]
        stages = zip(self.features(a), self.features(b), strict=True)
        maps = [(x - y).square().sum(dim=1, keepdim=True) / 2 for x, y in stages]
        return torch.stack([F.interpolate(m, size, mode="bilinear", align_corners=False) for m in maps]).mean(0)
