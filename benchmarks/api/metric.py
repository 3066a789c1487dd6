"""What a metric sees and gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from benchmarks.api.task import Case, Inapplicable, Problem, Task

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mystyle.chips import Template
    from mystyle.domains.domain import Domain
    from mystyle.types import Image, Mask, Portraits

SCORED_AT_ONCE = 32  # images; bounds the memory and changes no number beyond rounding

Of = Literal["outputs", "clean", "train", "subject", "held_out"]


@dataclass(frozen=True)
class Evaluation:
    """What a metric sees: n outputs as read back from PNG, and everything that they can be compared with."""

    pixels: Tensor  # [n, 3, R, R] uint8
    task: Task
    problem: Problem
    cases: tuple[Case, ...]
    train: Portraits  # the reference set, of whom the prior is
    subject: Portraits  # the reference set of the person in the photos; nearly always the same
    held_out: Portraits
    domain: Domain
    facts: Mapping[str, Tensor] = field(default_factory=dict)
    memory: dict[Any, Any] = field(default_factory=dict)  # what was computed, for other metrics and other jobs

    @property
    def outputs(self) -> Image:
        """[n, 3, R, R]; not for thousands of them, which ``apply`` takes as ``pixels``."""
        from mystyle.types import from_uint8

        return from_uint8(self.pixels)

    @property
    def clean(self) -> Image:
        """The photo that each case is made from. Raises Inapplicable where there is none."""
        if self.problem.clean is None:
            raise Inapplicable("no photo belongs to the image")
        return self.problem.clean

    @property
    def mask(self) -> Mask:
        """Raises Inapplicable where nothing is hidden."""
        if self.problem.mask is None:
            raise Inapplicable("there is no filled hole")
        return self.problem.mask

    def fact(self, name: str, lacking: str) -> Tensor:
        """What task or prior told of the outputs under that name. Raises Inapplicable, because of ``lacking``."""
        if name not in self.facts:
            raise Inapplicable(lacking)
        return self.facts[name]

    def apply(self, network: Callable[..., Tensor], *images: Image) -> Tensor:
        """``network(*images)`` in batches on the domain's device; the result on the CPU. Photos of 1024 px need it."""
        import torch

        with torch.inference_mode():
            return torch.cat([network(*batch).cpu() for batch in self.batches(*images)])

    def batches(self, *images: Image) -> Iterator[tuple[Image, ...]]:
        """Images, float or uint8, some at a time as float on the domain's device."""
        import torch

        from mystyle.types import from_uint8

        for parts in zip(*(x.split(SCORED_AT_ONCE) for x in images), strict=True):
            on_device = (x.to(self.domain.device) for x in parts)
            yield tuple(from_uint8(x) if x.dtype == torch.uint8 else x for x in on_device)

    def deep(self, of: Of) -> Tensor:
        """The features of MAPS [n, d] of the outputs or of a set of photos, which may be empty for strangers."""
        found: Tensor = self.once(("deep", of), lambda: self.apply(self.domain.judge.deep, self.images(of)))
        return found

    def identity(self, of: Of) -> Tensor:
        """Identity embeddings [n, e] of unit norm."""
        return self.apply(self.domain.judge.identity_of, self.deep(of))

    def attributes(self, of: Of) -> dict[str, Tensor]:
        """Attributes ``{name: [n]}`` that the judge reads, in standard deviations of the population."""
        import torch

        with torch.inference_mode():
            read = self.domain.judge.regress(self.deep(of).to(self.domain.device)).cpu()
        return dict(zip(self.domain.judge.moments, read.T, strict=True))

    def embeddings(self, file: str, kind: type[nn.Module], template: Template, of: Of) -> Tensor:
        """Identity embeddings [n, e] of unit norm by another recogniser than the judge; see ``network``."""
        from mystyle.networks.recognition import PortraitRecognizer

        recognizer = PortraitRecognizer(self.network(file, kind), template)

        def embed(images: Image) -> Tensor:
            return recognizer.identity_of(recognizer.deep(images))

        found: Tensor = self.once((file, of), lambda: self.apply(embed, self.images(of)))
        return found

    def network(self, file: str, kind: type[nn.Module]) -> Any:
        """The network in a ``file`` of the domain. Raises Inapplicable where the domain has none or it is not there."""
        from mystyle.checkpoints import load_network

        path = self.domain.file(file)
        if path is None:
            raise Inapplicable(f"domain {self.domain.name} is without {file}")
        return self.once(("network", file), lambda: load_network(kind, path).to(self.domain.device))

    def once(self, key: tuple[Any, ...], compute: Callable[[], Any]) -> Any:
        """``compute()``, or what it gave before. Sets of photos in ``key`` stand for their content in every job."""
        sets = ("train", "subject", "held_out")
        key = tuple(getattr(self, part).hashes if part in sets else part for part in key)
        if key not in self.memory:
            self.memory[key] = compute()
        return self.memory[key]

    def images(self, of: Of) -> Image | Tensor:
        """The outputs as bytes, or a set of photos. Raises Inapplicable where there are none."""
        if of == "outputs":
            return self.pixels
        if of == "clean":
            return self.clean
        photos: Portraits = getattr(self, of)
        if not len(photos):
            raise Inapplicable("there are no reference photos of a stranger")
        return photos.images


@dataclass(frozen=True)
class Metric:
    """A number per image, or numbers that belong to several images together."""

    name: str  # the file's name
    version: int  # raised whenever a value may change; part of every job's key
    label: str  # column header
    description: str  # one line: what is measured, and on which network
    higher_is_better: bool | None  # None where neither is
    range: tuple[float | None, float | None]  # None where unbounded
    unit: str  # "" for pure numbers
    network: Literal["judge", "perceptual"] | None  # role in the domain; the table marks what losses use, too
    compute: Callable[[Evaluation], Tensor | Mapping[str, float]]
    # [n] of the cases, or {item: value} of what else is counted (clusters, photos, the whole set); NaN or Inapplicable
    # where there is no value
    norm: float | None = None  # what new photos of the person have in the mean; the tables test against it
    files: tuple[str, ...] = ()  # beside the domain's weights, that decide values: part of every job's key
    # runs on domains without one of them are without the metric
