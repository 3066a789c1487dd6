"""Claims of identity: who an output should be, and the strangers whom it must not be taken for.

Impostors are strangers and not the other people of the run, so that a value depends neither on who else is in the run
nor on how few they are. The domain keeps their identities (``mystyle.strangers``).
"""

from __future__ import annotations

from torch import Tensor

from benchmarks.api.metric import Evaluation
from benchmarks.api.task import Inapplicable
from mystyle.identity import template_of
from mystyle.strangers import read_strangers
from mystyle.types import Unsupported


def claimed(evaluation: Evaluation) -> Tensor:
    """Who the outputs should be, as unit embeddings: [1, e] of the person's template, or [n, e] of the photos.

    The template is that of the metric ``identity``. Where the person has no reference photos, an output should be who
    is in the photo that it was made from.
    """
    if not len(evaluation.train):
        return evaluation.identity("clean")
    return template_of(evaluation.identity("train"))[None]


def strangers(evaluation: Evaluation) -> Tensor:
    """Unit embeddings [m, e]. Raises Inapplicable where the domain has none."""
    try:
        found: Tensor = evaluation.once(("strangers",), lambda: read_strangers(evaluation.domain))
    except Unsupported as error:
        raise Inapplicable(str(error)) from error
    return found
