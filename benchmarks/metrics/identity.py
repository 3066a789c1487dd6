"""Identity similarity: how near an output is to who the person is, whatever the photo."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from torch import Tensor, nn

from benchmarks.api.metric import Evaluation, Metric
from mystyle.identity import template_of

if TYPE_CHECKING:
    from mystyle.chips import Template


def identity(evaluation: Evaluation) -> Tensor:
    """``[n]``: cosine between each output's identity embedding and the person's template.

    The template is the normalised mean of the reference photos' unit embeddings, as usual for face verification from
    several photos. It differs from the mean of the cosines by one factor per person, the length of that mean, so it
    ranks outputs alike, and a person whose photos vary is not scored lower for it.
    """
    return similarity(evaluation.identity("outputs"), evaluation.identity("train"))


def similarity(embeddings: Tensor, of_photos: Tensor) -> Tensor:
    """Cosines [n] of unit ``embeddings`` [n, e] to the template of a person's photos [m, e]."""
    return embeddings @ template_of(of_photos)


def by_another_judge(
    name: str, title: str, network: str, load: Callable[[], tuple[type[nn.Module], Template]]
) -> Metric:
    """The metric ``identity_NAME``: the same by a recogniser in ``NAME.safetensors``, where a domain has that file.

    ``title`` and ``network`` name it in columns and in words; ``load`` gives it and the template of its chips.
    """
    file = f"{name}.safetensors"
    return Metric(
        name=f"identity_{name}",
        version=1,
        label=f"Identity, {title}",
        description=f"Cosine to the mean identity embedding of the reference set, by {network}.",
        higher_is_better=True,
        range=(-1.0, 1.0),
        unit="",
        network=None,
        compute=partial(_identity_by, file, load),
        files=(file,),
    )


def _identity_by(file: str, load: Callable[[], tuple[type[nn.Module], Template]], evaluation: Evaluation) -> Tensor:
    """Raises Inapplicable without the file."""
    outputs, photos = (evaluation.embeddings(file, *load(), of) for of in ("outputs", "train"))
    return similarity(outputs, photos)


METRIC = Metric(
    name="identity",
    version=1,
    label="Identity",
    description="Cosine to the mean identity embedding of the reference set, on the domain's judge.",
    higher_is_better=True,
    range=(-1.0, 1.0),
    unit="",
    network="judge",
    compute=identity,
)
