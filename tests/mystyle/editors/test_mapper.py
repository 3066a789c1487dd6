"""The latent mapper: what its parts see, what it was fitted to, and the way back."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mystyle.classifier import AttributeClassifier
from mystyle.domains.domain import InMemory
from mystyle.editors.directions import sample_w
from mystyle.editors.mapper import EDITOR, Mapper
from mystyle.inversion import Codes, SharedGenerator
from mystyle.networks.mapper import LatentMapper
from mystyle.types import Unsupported


@pytest.fixture(scope="module")
def domain(tiny_domain):
    domain = replace(tiny_domain, fits=InMemory())
    fit = {"attribute": "smile"}
    domain.fitted("mapper", EDITOR.version, fit, lambda: EDITOR.fit(domain, "smile", steps=40))
    return domain


@pytest.fixture(scope="module")
def codes(domain) -> Codes:
    g = domain.generator
    ws = sample_w(g, 16, seed=1)[:, None].expand(-1, g.num_ws, -1)
    return Codes(ws=ws, renderer=SharedGenerator(g), rows=tuple(range(16)))


@pytest.mark.parametrize("num_ws, sizes", [(18, (4, 4, 10)), (12, (3, 2, 7)), (8, (2, 2, 4))])
def test_each_third_of_the_layers_has_a_perceptron_of_its_own(num_ws, sizes):
    mapper, ws = LatentMapper(4, num_ws), torch.randn(2, num_ws, 4)
    assert mapper.sizes == sizes
    found = mapper(ws)
    for i, part in enumerate(mapper.parts):
        rows = slice(sum(sizes[:i]), sum(sizes[: i + 1]))
        x = ws[:, rows] / (ws[:, rows].square().mean(dim=2, keepdim=True) + 1e-8).sqrt()
        for layer in part:
            y = x @ layer.weight.T + layer.bias
            x = torch.where(y > 0, y, 0.2 * y) * 2**0.5
        torch.testing.assert_close(found[:, rows], x)


def test_an_edit_is_a_tenth_of_the_mapping_times_the_strength(domain, codes):
    m = EDITOR.mapper("smile", domain)(codes.ws)
    edited = EDITOR.apply(codes, "smile", [0.0, 1.0, 2.0], domain).ws.unflatten(0, (16, 3))
    for j, strength in enumerate((0.0, 1.0, 2.0)):
        torch.testing.assert_close(edited[:, j], codes.ws + strength * 0.1 * m)


def test_a_fitted_mapper_gives_more_of_the_attribute_than_one_that_was_not(domain, codes):
    """The start is random; forty steps towards the target are seen in the classifier's mean logit."""
    classifier = AttributeClassifier(domain.reader, ("smile",))
    start = replace(domain, fits=InMemory())
    start.fitted("mapper", EDITOR.version, {"attribute": "smile"}, lambda: EDITOR.fit(start, "smile", steps=0))
    before, after = (
        classifier.logits(EDITOR.apply(codes, "smile", [1.0], d).render().clamp(-1, 1)).mean() for d in (start, domain)
    )
    assert after > before


def test_a_reader_without_gradients_is_unsupported(tiny_domain):
    class Blind:
        moments = tiny_domain.reader.moments

        def attributes(self, images):
            return {name: value.detach() for name, value in tiny_domain.reader.attributes(images).items()}

    domain = replace(tiny_domain, reader=Blind(), fits=InMemory())
    with pytest.raises(Unsupported, match="no gradients pass the reader of domain tiny"):
        Mapper().fit(domain, "smile", steps=1)
