"""Perceptual path length where a photo's code lies (II2S, section 4.4.3), and the inversion as it is.

How much the image changes per small step of the code, in the form of StyleGAN2: from the code towards a random one of
W, at its very beginning (t = 0). "Random" goes towards the same random code in all layers, "Random all" towards one of
its own in each. II2S names neither the ends of its paths nor their number. More is better there: codes that the
generator does not know react little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from benchmarks.api.task import Case, MethodOutput, Person, Problem, Resources, check_output
from benchmarks.tasks.restoration import inversion_case, whole_photos
from benchmarks.tasks.through_editor import invert_once
from mystyle.domains.domain import Domain
from mystyle.inversion import Inversion
from mystyle.latents.paths import path_lengths
from mystyle.protocols import Inverts
from mystyle.types import Image, Portraits, WPlus


@dataclass(frozen=True)
class PathLength:
    """The facts ``path_length`` and ``path_length_all`` are means over random codes, beside the inversion's images."""

    paths: int = 8
    """random codes for each photo and kind"""
    name: ClassVar[str] = "path_length"
    version: ClassVar[str] = "1"
    verb: ClassVar[type | None] = Inverts
    files: ClassVar[tuple[str, ...]] = ()

    def case(self, person: Person, photo: int, seed: int) -> Case:
        """A held-out photo, with the seed of its inversion."""
        return inversion_case(person, photo, "inverted", seed)

    def problem(self, photos: Portraits, cases: Sequence[Case]) -> Problem:
        """The photo of each case."""
        return whole_photos(photos, cases)

    @torch.no_grad()
    def solve(self, prior: Inverts, problem: Problem, cases: Sequence[Case], resources: Resources) -> MethodOutput:
        """The inversions, and their paths' lengths."""
        found = invert_once(prior, problem, cases, resources)
        images = found.codes.images[list(found.rows)]
        check_output(images, found.photos[list(found.rows)])
        pairs = list(zip(found.rows, cases, strict=True))
        lengths = torch.stack([self.lengths(found.codes, k, case.seed, resources.domain) for k, case in pairs])
        return MethodOutput(images.cpu(), {"path_length": lengths[:, 0], "path_length_all": lengths[:, 1]})

    def lengths(self, codes: Inversion, k: int, seed: int, domain: Domain) -> Tensor:
        """Means [2] over the paths of code ``k``: alike in all layers, and each layer by itself."""
        g = domain.generator
        z = torch.randn(self.paths, 1 + g.num_ws, g.z_dim, generator=torch.Generator().manual_seed(seed))
        w = g.mapping.w(z.flatten(0, 1).to(codes.ws)).unflatten(0, z.shape[:2])
        ends = (w[:, :1].expand(-1, g.num_ws, -1), w[:, 1:])
        return torch.stack([self.mean_length(codes, k, end, domain) for end in ends])

    def mean_length(self, codes: Inversion, k: int, end: WPlus, domain: Domain) -> Tensor:
        """Towards ``end`` [paths, num_ws, w_dim]."""

        def render(flat: Tensor) -> Image:
            return codes.renderer(flat.unflatten(1, end.shape[1:]), [codes.rows[k]] * len(flat))

        start = codes.ws[k].flatten().expand(len(end), -1)
        t = start.new_zeros(len(end))
        return path_lengths(render, domain.perceptual, start, end.flatten(1), t).mean().cpu()


TASK = PathLength
