"""Inversion, and what its tuning did to the rest of the generator (PTI, section 4.3 and Figures 14, 15 and 17).

Images of random codes, by the domain's generator and by the one that the inversion renders with, are compared: they
should not have changed. An inversion that tunes nothing leaves them alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from benchmarks.api.seeds import item_seed
from benchmarks.api.task import Case, MethodOutput, Person, Problem, Resources, check_output
from benchmarks.tasks.inversion import Inversion
from benchmarks.tasks.restoration import inversion_case
from mystyle.inversion import SharedGenerator
from mystyle.protocols import Inverts


@dataclass(frozen=True)
class TunedInversion(Inversion):
    codes: int = 32
    """random ones, of the whole of W, for each photo"""
    name: ClassVar[str] = "tuned_inversion"

    def case(self, person: Person, photo: int, seed: int) -> Case:
        """That of ``inversion``, so that the photo is inverted once for both."""
        return inversion_case(person, photo, Inversion.name, seed)

    def solve(
        self, prior: Inverts, problem: Problem, cases: Sequence[Case], resources: Resources | None = None
    ) -> MethodOutput:
        """What the codes render; the facts ``in_domain_*`` are means over random codes, [n] each."""
        assert problem.clean is not None and resources is not None
        domain = resources.domain
        photos = problem.clean.to(domain.device)
        found = resources.invert(prior, photos, [case.seed for case in cases])
        check_output(found.images, photos)
        changes = []
        for row, case in enumerate(cases):
            draws = torch.Generator().manual_seed(item_seed("random codes", case.seed))
            z = torch.randn(self.codes, domain.generator.z_dim, generator=draws).to(photos)
            with torch.no_grad():
                ws = domain.generator.mapping(z)
            before = SharedGenerator(domain.generator)(ws).clamp(-1, 1)
            after = found.renderer(ws, [row] * self.codes).clamp(-1, 1)
            check_output(after, before)
            with torch.no_grad():
                who = [domain.judge.identity_of(domain.judge.deep(images)) for images in (before, after)]
            changes.append(
                {
                    "in_domain_mse": (after - before).square().mean(),
                    "in_domain_perceptual": domain.perceptual.of_many(after, before).mean(),
                    "in_domain_identity": (who[0] * who[1]).sum(dim=1).mean(),
                }
            )
        facts = {name: torch.stack([change[name] for change in changes]).cpu() for name in changes[0]}
        return MethodOutput(found.images.cpu(), {**found.facts, **facts})


TASK = TunedInversion
