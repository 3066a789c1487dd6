"""What a metric sees, made of images: for tests of metrics by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from benchmarks.api.metric import Evaluation
from benchmarks.api.task import Case, Problem
from benchmarks.tasks.inpainting import Inpainting as InpaintingTask
from benchmarks.tasks.inversion import Inversion
from mystyle.degradations import Inpainting
from mystyle.types import Image, Mask, from_uint8, to_uint8


def rounded(images: Image) -> Image:
    """As read back from PNG."""
    return from_uint8(to_uint8(images))


def evaluation_of(
    outputs: Image,
    clean: Image | None = None,
    mask: Mask | None = None,
    *,
    sources: Sequence[int | None] | None = None,
    train: Any = None,
    held_out: Any = None,
    domain: Any = None,
    **more: Any,
) -> Evaluation:
    """``outputs`` as the images for a hole in ``clean``, or to nothing; ``sources`` are positions in ``held_out``."""
    sources = range(len(outputs)) if sources is None else sources
    problem, task = Problem(clean), more.pop("task", Inversion())
    if mask is not None:
        task = InpaintingTask()
        known = mask.expand(len(clean), -1, -1, -1)
        problem = Problem(clean, known, clean * known, Inpainting(known))
    cases = tuple(Case(f"{i}", f"photo {source}", i, photo=source) for i, source in enumerate(sources))
    fields = {"train": train, "subject": train, "held_out": held_out, "domain": domain} | more
    return Evaluation(pixels=to_uint8(outputs), task=task, problem=problem, cases=cases, **fields)


def with_outputs(evaluation: Evaluation, outputs: Image, **changes: Any) -> Evaluation:
    """The same with other images, and nothing kept of those before."""
    return replace(evaluation, pixels=to_uint8(outputs), memory={}, **changes)


def rows(evaluation: Evaluation, keep: slice) -> Evaluation:
    """The evaluation of some of its cases."""
    p = evaluation.problem
    fields = {name: getattr(p, name) for name in ("clean", "mask", "degraded", "degradation")}
    problem = replace(p, **{name: value[keep] for name, value in fields.items() if value is not None})
    kept = replace(evaluation, problem=problem, cases=evaluation.cases[keep], pixels=evaluation.pixels[keep], memory={})
    return replace(kept, facts={name: value[keep] for name, value in evaluation.facts.items()})


def noise(n: int, size: int = 32, seed: int = 0) -> Image:
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1
