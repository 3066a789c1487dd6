"""MAGEC: codes in W+ that say of the image what the image shows (Grechka et al., 2021, sections 3 and 4).

A linear network reads attributes from codes (``mystyle.linknet``). The code that is sought has to say what F sees in
the photo, and an edited code what F would see in the edited photo: L_MAGEC, Eq. 2. Beside it stand the losses of the
image, with few pixels at first (Eq. 3).

For edits along directions Link(e_i(z)) = Link(z) + a constant, so that the term costs hardly anything; any other
differentiable editor is asked at every step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from baselines.common.embedding import ByDescent, Embedding
from mystyle.classifier import AttributeClassifier, targets
from mystyle.descent import Constant, DescentSettings, Exponential, OnStep, Phases, Schedule, descend
from mystyle.domains.domain import Domain
from mystyle.editors.directions import DirectionEditor
from mystyle.identity_loss import recogniser, similarity
from mystyle.inversion import Codes, SharedGenerator
from mystyle.latents.statistics import LatentStatistics, latent_statistics
from mystyle.linknet import PAIRS, LinkNet, linked, linknet_of
from mystyle.plugins import EDITORS
from mystyle.precision import computing_in
from mystyle.protocols import Editor
from mystyle.types import LENGTH, Image, Unsupported, WPlus

Edit = tuple[str, float]  # an attribute and a strength of the editor
RATE = Exponential(0.07, 0.8, 8)
FEW, MANY = Constant(1e-3), Constant(0.5)  # lambda_MSE of the two phases
PHASES = Phases(((0.5, FEW), (0.5, MANY)))


@dataclass(frozen=True)
class MagecSettings(DescentSettings):
    """The defaults are section 4's."""

    steps: int = field(default=200, metadata=LENGTH)
    schedule: Schedule = RATE
    """times 0.8 every 25 steps, through both phases"""
    l2_weight: float = 0.0
    """lambda_MSE is the next"""
    pixel_weight: Schedule = PHASES
    """lambda_MSE"""
    perceptual_weight: float = 0.5
    """lambda_LPIPS"""
    identity_weight: float = 3e-4
    """lambda_ID"""
    magec_weight: float = 3e-4
    """lambda_MAGEC; 0 leaves the term out"""
    editor: str = "interfacegan"
    """e, a differentiable one"""
    attributes: tuple[str, ...] = ()
    """of F, each of which is an edit; (): all that the domain's reader reads and e changes"""
    strength: float = 2.0
    """of the edits that add an attribute, and of those that remove it: from one deviation on one side of the mean,
    where F is sure, to one on the other"""
    pairs: int = PAIRS
    """codes and images that LinkNet is fitted to"""
    samples: int = 50_000
    """of the mapping network, whose mean is the start"""


@dataclass(frozen=True)
class Settings:
    fit: None = None
    """nothing is fitted to a person"""
    invert: MagecSettings = field(default_factory=MagecSettings)
    """decides inversions"""


def both_ways(names: Sequence[str], strength: float) -> tuple[Edit, ...]:
    """Every attribute added, then every attribute removed."""
    return tuple((name, sign * strength) for sign in (1, -1) for name in names)


def edited(link: LinkNet, ws: WPlus, edits: Sequence[Edit], editor: Editor, domain: Domain) -> Tensor:
    """Link(e_i(z)) of codes [n, num_ws, w_dim]: [n, E, K]."""
    codes = Codes(ws=ws, renderer=SharedGenerator(domain.generator), rows=tuple(range(len(ws))))
    return torch.stack([link(editor.apply(codes, name, [by], domain).ws) for name, by in edits], dim=1)


def shifts(link: LinkNet, edits: Sequence[Edit], editor: DirectionEditor, domain: Domain) -> Tensor:
    """[E, K]: ``edited`` less Link(z), which is the same for all z where edits are along directions."""
    g = domain.generator
    origin = g.mapping.w_avg.new_zeros(1, g.num_ws, g.w_dim)
    return (edited(link, origin, edits, editor, domain) - link(origin))[0]


def magec_loss(plain: Tensor, edits: Tensor, d: Tensor, d_edits: Tensor) -> Tensor:
    """Eq. 2 from Link(z) [n, K], Link(e_i(z)) [n, E, K] and F's descriptors of the same shapes: [n]."""
    return linked(plain, d) + linked(edits, d_edits).mean(dim=1)


class MagecPrior(ByDescent[Settings]):
    @cached_property
    def statistics(self) -> LatentStatistics:
        return latent_statistics(self.domain.generator, self.settings.invert.samples)

    @cached_property
    def editor(self) -> Editor:
        """e. Raises Unsupported for one that no gradient passes."""
        found: Editor = EDITORS.load(self.settings.invert.editor)
        if not found.differentiable:
            raise Unsupported(f"Eq. 2 descends through the editor, and {found.name} passes no gradient")
        return found

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The K attributes."""
        changed = self.editor.attributes(self.domain)
        return self.settings.invert.attributes or tuple(n for n in self.domain.reader.moments if n in changed)

    @cached_property
    def link(self) -> LinkNet:
        return linknet_of(self.domain, self.names, self.settings.invert.pairs)

    def found(self, target: Image, on_step: OnStep) -> tuple[WPlus, Tensor]:
        """All images start at the mean code."""
        s, d, who = self.settings.invert, self.domain, recogniser(self.domain)
        consistency = self.consistency(target) if s.magec_weight else None
        with torch.no_grad():
            features, person = d.perceptual.features(target), who.deep(target)
        z = self.statistics.mean.repeat(len(target), d.generator.num_ws, 1).requires_grad_()

        def objective(step: int) -> Tensor:
            """Eq. 3."""
            output = d.generator.synthesis(z, noise="const")
            loss = (
                s.pixel_weight(step, s.steps) * (output - target).square().mean(dim=(1, 2, 3))
                + s.perceptual_weight * d.perceptual.to_target(output, features)
                + s.identity_weight * (1 - similarity(who, output, person))
            )
            return loss if consistency is None else loss + s.magec_weight * consistency(z)

        with computing_in(s.precision, d.generator):
            losses = descend((z,), objective, s, on_step=on_step)
        return z.detach(), losses

    def consistency(self, target: Image) -> Callable[[WPlus], Tensor]:
        """L_MAGEC(z, ``target``) as a function of the codes."""
        s, d, link, editor = self.settings.invert, self.domain, self.link, self.editor
        edits = both_ways(self.names, s.strength)
        with torch.no_grad():
            seen = AttributeClassifier(d.reader, self.names).logits(target)
        unit = torch.eye(len(self.names), dtype=torch.long)
        changes = torch.cat([unit, -unit]).tolist()
        wanted, wanted_of_edits = seen.sigmoid(), torch.stack([targets(seen, change) for change in changes], dim=1)
        by = shifts(link, edits, editor, d) if isinstance(editor, DirectionEditor) else None

        def loss(z: WPlus) -> Tensor:
            plain = link(z)
            after = edited(link, z, edits, editor, d) if by is None else plain[:, None] + by
            return magec_loss(plain, after, wanted, wanted_of_edits)

        return loss


TEXT = MagecSettings()
METHOD = Embedding(
    "magec",
    "MAGEC",
    MagecPrior,
    {
        "smoke": Settings(invert=replace(TEXT, steps=10, pairs=200, samples=10_000)),
        "quick": Settings(invert=replace(TEXT, pairs=4_000)),
        "full": Settings(),
        "paper": Settings(),
    },
    does=("invert",),
)
