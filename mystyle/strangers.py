"""Strangers: the identities of many people who are nobody's subject, beside whom a claim of identity is tested.

A domain keeps one unit embedding of each in ``strangers.safetensors`` beside its weights, made by its judge from one
portrait a person (``python -m mystyle.pretrain strangers``). Embeddings mean something to the network that made them
alone, so the file notes that network's fingerprint and is refused with any other.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from mystyle.digests import fingerprint
from mystyle.domains.domain import Domain
from mystyle.files import write_whole
from mystyle.types import Unsupported

FILE = "strangers.safetensors"


def write_strangers(path: Path, identities: Tensor, judge: Any, source: str) -> None:
    """Unit embeddings [m, e] of ``judge``, in float16: a cosine moves by 1e-3 at most. ``source`` says whose."""
    about = {"judge": fingerprint(judge), "source": source}
    half = {"identities": identities.detach().cpu().half().contiguous()}
    write_whole(path, lambda partial: save_file(half, partial, about))


def read_strangers(domain: Domain) -> Tensor:
    """Unit embeddings [m, e] on the CPU. Raises Unsupported where the domain has none of its judge."""
    again = "python -m mystyle.pretrain strangers makes them"
    path = domain.file(FILE)
    if path is None:
        raise Unsupported(f"domain {domain.name} has no identities of strangers ({FILE}); {again}")
    with safe_open(path, framework="pt") as file:
        if file.metadata()["judge"] != fingerprint(domain.judge):
            raise Unsupported(f"the identities of strangers of domain {domain.name} are of another judge; {again}")
        return F.normalize(file.get_tensor("identities").float(), dim=1)
