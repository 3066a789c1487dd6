"""LinkNet finds what is linear in codes, and reads all layers alike."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mystyle.classifier import AttributeClassifier
from mystyle.domains.domain import InMemory
from mystyle.linknet import LinkNet, described, fit_linknet, linked, linknet_of


def made_up(n=400, w_dim=8, k=3):
    draws = torch.Generator().manual_seed(0)
    w = torch.randn(n, w_dim, generator=draws) * torch.linspace(0.1, 2, w_dim) + 1
    weight, bias = torch.randn(k, w_dim, generator=draws), torch.tensor([0.0, 1.0, -1.0])
    return w, weight, bias


def test_a_linear_descriptor_is_found():
    w, weight, bias = made_up()
    link = fit_linknet(w, w @ weight.T + bias)
    torch.testing.assert_close(link.weight, weight, rtol=0, atol=0.1)  # the end of the search
    assert link.agreement.min() > 0.95  # of 40 held-out codes, some of them at the boundary


def test_held_out_codes_decide_nothing_but_the_agreement():
    w, weight, bias = made_up()
    logits = w @ weight.T + bias
    link, other = fit_linknet(w, logits), fit_linknet(w, torch.cat([logits[:360], -logits[360:]]))
    assert torch.equal(link.weight, other.weight) and torch.equal(link.bias, other.bias)
    torch.testing.assert_close(other.agreement, 1 - link.agreement)


def test_layers_count_alike():
    link = LinkNet(torch.tensor([[1.0, 2.0]]), torch.tensor([0.5]), torch.ones(1))
    ws = torch.tensor([[[1.0, 0.0], [3.0, 1.0]]])
    assert link(ws).tolist() == [[2.0 + 2 * 0.5 + 0.5]]
    assert torch.equal(link(ws.flip(1)), link(ws))
    w = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(link(w[:, None].expand(-1, 7, -1)), w @ link.weight.T + link.bias)


def test_the_loss_is_the_cross_entropy_of_f_s_shares():
    logits, labels = torch.tensor([[0.3, -2.0]]), torch.tensor([[0.9, 0.2]])
    p = logits.sigmoid()
    by_hand = -(labels * p.log() + (1 - labels) * (1 - p).log()).sum(dim=1)
    torch.testing.assert_close(linked(logits, labels), by_hand)


def test_the_domain_s_is_fitted_once_to_its_own_pairs(tiny_domain, monkeypatch):
    domain = replace(tiny_domain, fits=InMemory())
    link = linknet_of(domain, ("smile",), pairs=30)
    monkeypatch.setattr("mystyle.linknet.fit_linknet", lambda *_: pytest.fail("fitted again"))
    again = linknet_of(domain, ("smile",), pairs=30)
    assert all(torch.equal(getattr(link, name), getattr(again, name)) for name in ("weight", "bias", "agreement"))
    assert link.weight.shape == (1, domain.generator.w_dim) and link.agreement.shape == (1,)


def test_labels_are_what_f_sees_in_the_images_of_codes(tiny_domain):
    g = tiny_domain.generator
    z = torch.randn(3, g.z_dim, generator=torch.Generator().manual_seed(0))
    classifier = AttributeClassifier(tiny_domain.reader, ("yaw", "smile"))
    with torch.no_grad():
        w = g.mapping.w(z)
        seen = classifier.logits(g(z, noise="const").clamp(-1, 1))
    torch.testing.assert_close(described(g, classifier, w), seen, rtol=1e-4, atol=1e-4)  # batches of float32
