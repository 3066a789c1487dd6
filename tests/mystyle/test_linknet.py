"""LinkNet finds what is linear in codes, and which layers it is in."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mystyle.domains.domain import InMemory
from mystyle.linknet import LinkNet, fit_linknet, linked, linknet_of, mixed_codes

TRUE = LinkNet(
    torch.tensor([[1.0, -0.5, 0.5], [0.3, 0.8, 0.0]]),
    torch.tensor([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.2, 0.8]]),
    torch.tensor([0.5, -0.5]),
    torch.ones(2),
)


@pytest.fixture(scope="module")
def pairs():
    draws = torch.Generator().manual_seed(0)
    w, others = (torch.randn(n, 3, generator=draws) * torch.tensor([0.5, 1.0, 2.0]) + 1 for n in (300, 600))
    ws = mixed_codes(others, 4, seed=0)
    return w, TRUE(w[:, None].expand(-1, 4, -1)), ws, TRUE(ws)


def test_a_linear_descriptor_and_its_layers_are_found(pairs):
    link = fit_linknet(*pairs)
    for name in ("weight", "layers", "bias"):  # the search ends after thirty steps
        torch.testing.assert_close(getattr(link, name), getattr(TRUE, name), rtol=0, atol=0.05)
    assert link.agreement.min() > 0.9  # of 30 held-out codes, some of them at the boundary


def test_held_out_codes_decide_nothing_but_the_agreement(pairs):
    w, of_w, ws, of_ws = pairs
    link, other = fit_linknet(*pairs), fit_linknet(w, of_w, ws, torch.cat([of_ws[:270], -of_ws[270:]]))
    assert all(torch.equal(getattr(link, name), getattr(other, name)) for name in ("weight", "layers", "bias"))
    torch.testing.assert_close(other.agreement, 1 - link.agreement)


def test_a_code_is_read_layer_by_layer():
    ws = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0))
    for code, logits in zip(ws, TRUE(ws), strict=True):
        for k in range(2):
            by_hand = TRUE.bias[k] + sum(TRUE.layers[k, i] * (code[i] @ TRUE.weight[k]) for i in range(4))
            torch.testing.assert_close(logits[k], by_hand)
    changed = ws.clone()
    changed[:, 2:] = 0
    assert torch.equal(TRUE(changed)[:, 0], TRUE(ws)[:, 0]) and not torch.equal(TRUE(changed)[:, 1], TRUE(ws)[:, 1])


def test_mixed_codes_are_of_two():
    w = torch.arange(10.0)[:, None].expand(-1, 2)
    for i, code in enumerate(mixed_codes(w, 6, seed=1)[:, :, 0].tolist()):
        assert (code[0], code[-1], len(set(code))) == (i, i + 5, 2) and code == sorted(code)


def test_the_loss_is_the_cross_entropy_of_f_s_shares():
    logits, labels = torch.tensor([[0.3, -2.0]]), torch.tensor([[0.9, 0.2]])
    p = logits.sigmoid()
    by_hand = -(labels * p.log() + (1 - labels) * (1 - p).log()).sum(dim=1)
    torch.testing.assert_close(linked(logits, labels), by_hand)


def test_the_domain_s_is_fitted_once_to_its_own_pairs(tiny_domain, monkeypatch):
    domain = replace(tiny_domain, fits=InMemory())
    g = domain.generator
    link = linknet_of(domain, ("smile",), pairs=40)
    monkeypatch.setattr("mystyle.linknet.fit_linknet", lambda *_: pytest.fail("fitted again"))
    again = linknet_of(domain, ("smile",), pairs=40)
    assert all(torch.equal(getattr(again, name), tensor) for name, tensor in vars(link).items())
    assert link(g.mapping.w_avg.expand(2, g.num_ws, -1)).shape == (2, 1) and link.agreement.shape == (1,)
