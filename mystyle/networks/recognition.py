"""Recognisers of faces on portraits: identity for losses, and the judge of a domain of photographs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle.chips import Template, chips, region_of
from mystyle.roles import AttributeReader
from mystyle.types import Image

TAIL = 1e-4
"""of the attributes beside an embedding of norm 1 to 100: changes no cosine or distance by more than 1e-6 of itself"""


class Recognizer(Protocol):
    """A network on chips."""

    @property
    def size(self) -> int:
        """px of a chip."""
        ...

    def __call__(self, chips: Image) -> Tensor:
        """[n, 3, size, size] -> [n, e]."""
        ...


class PortraitRecognizer(nn.Module):
    """The role ``DeepFeatures`` by a recogniser, whose chip of a portrait is the fixed region of ``template``.

    Gradients reach the portraits, which are square and of any resolution.
    """

    def __init__(self, network: Recognizer, template: Template):
        super().__init__()
        self.network, self.template, self.region = network, template, region_of(template)

    def deep(self, images: Image) -> Tensor:
        """[n, 3, R, R] portraits -> [n, e], the recogniser's own embedding."""
        return self.network(chips(images, self.region, self.network.size))

    def identity_of(self, deep: Tensor) -> Tensor:
        """[n, e] -> [n, e] of unit norm."""
        return F.normalize(deep, dim=1)


class RecognizerJudge(nn.Module):
    """The role ``Judge`` by a recogniser and a reader of attributes that share no network.

    The role reads attributes off the features of MAPS. A recogniser was taught to forget them, so its features carry
    those of the reader behind the embedding, too small to count (``TAIL``).
    """

    def __init__(self, recognizer: PortraitRecognizer, reader: AttributeReader):
        super().__init__()
        self.recognizer, self.reader = recognizer, reader

    @property
    def moments(self) -> Mapping[str, Sequence[float]]:
        """Mean and standard deviation of each attribute over the population, as the reader has them."""
        return self.reader.moments

    def deep(self, images: Image) -> Tensor:
        """[n, 3, R, R] -> [n, e + k]: embeddings and standardised attributes. Without gradients."""
        with torch.no_grad():
            read = self.attributes(images)
            standard = [(read[name] - mean) / std for name, (mean, std) in self.moments.items()]
            return torch.cat([self.recognizer.deep(images), TAIL * torch.stack(standard, dim=1)], dim=1)

    def identity_of(self, deep: Tensor) -> Tensor:
        """[n, e + k] -> [n, e] of unit norm."""
        return self.recognizer.identity_of(deep[:, : deep.shape[1] - len(self.moments)])

    def regress(self, deep: Tensor) -> Tensor:
        """[n, e + k] -> [n, k], in standard deviations of the population."""
        return deep[:, deep.shape[1] - len(self.moments) :] / TAIL

    def attributes(self, images: Image) -> dict[str, Tensor]:
        """Attributes ``{name: [n]}`` in their units."""
        return self.reader.attributes(images)
