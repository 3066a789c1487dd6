"""Identity by a domain's judge: embeddings of portraits, and the template of a person."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mystyle.domains.domain import Domain
from mystyle.types import Image

BATCH = 16  # portraits that the judge sees at once


@torch.inference_mode()
def identities_of(domain: Domain, portraits: Image) -> Tensor:
    """Portraits [n, 3, R, R], clamped to [-1, 1], to the judge's unit embeddings [n, e] on the CPU."""
    judge = domain.judge
    parts = [judge.identity_of(judge.deep(part.clamp(-1, 1).to(domain.device))) for part in portraits.split(BATCH)]
    return torch.cat(parts).cpu()


def template_of(embeddings: Tensor) -> Tensor:
    """Who is in photos, from their unit embeddings [n, e]: the normalised mean [e], as usual in verification."""
    return F.normalize(embeddings.mean(dim=0), dim=0)
