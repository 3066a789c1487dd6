"""StyleFlow's edits: by the flow's definition, undone, in sequence, and in the right direction."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mystyle.checkpoints import save_network
from mystyle.editors.attributes import layers_of, standardised
from mystyle.editors.directions import sample_w
from mystyle.editors.styleflow import EDITOR, NETWORK, changes, untrained
from mystyle.inversion import Codes, SharedGenerator
from mystyle.networks.flow import Flow
from mystyle.types import Unsupported


@pytest.fixture(scope="module")
def domain(tiny_domain, tmp_path_factory):
    """With a small flow of random weights."""
    folder = tmp_path_factory.mktemp("flow")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_network(untrained(tiny_domain, (16, 16)), folder / NETWORK.file)
    return replace(tiny_domain, folder=folder)


@pytest.fixture(scope="module")
def codes(domain) -> Codes:
    g = domain.generator
    ws = sample_w(g, 2 * g.num_ws, seed=1).unflatten(0, (2, g.num_ws))
    return Codes(ws=ws, renderer=SharedGenerator(g), rows=(0, 1))


def test_an_edit_goes_forward_under_old_and_backward_under_new_conditions(domain, codes):
    flow, layers = EDITOR.flow(domain), list(layers_of("smile", codes.ws.shape[1]))
    old = standardised(codes.render(), domain.reader, ("yaw", "smile")).double()
    edited = EDITOR.apply(codes, "smile", [2.0], domain)
    for i in range(2):
        c = old[i].expand(len(layers), -1)
        wanted = flow.inverse(flow(codes.ws[i, layers].double(), c, 1e-9), c + torch.tensor([0.0, 2.0]), 1e-9)
        torch.testing.assert_close(edited.ws[i, layers], wanted.detach().float(), atol=1e-5, rtol=0)  # float32
        others = [n for n in range(codes.ws.shape[1]) if n not in layers]
        assert torch.equal(edited.ws[i, others], codes.ws[i, others])
    torch.testing.assert_close(edited.remembered["styleflow"].double(), old + torch.tensor([0.0, 2.0]))


def test_edits_follow_each_other_under_what_was_asked(domain, codes):
    """The second edit starts from the conditions of the first and reads nothing again, so that both can be undone."""
    both = EDITOR.apply(EDITOR.apply(codes, "smile", [1.0], domain), "yaw", [-1.0, 1.0], domain)
    assert both.rows == (0, 0, 1, 1)
    back = EDITOR.inverse(EDITOR.inverse(both, "yaw", [1.0], domain), "smile", [1.0], domain)
    torch.testing.assert_close(back.ws[[1, 3]], codes.ws, atol=1e-5, rtol=0)  # float32 of size one
    assert not codes.moved(torch.ones(codes.ws.shape[2]), [1.0]).remembered


def test_a_domain_without_a_flow_or_with_that_of_another_says_so(domain, codes, tmp_path):
    bare = replace(domain, folder=tmp_path)
    assert EDITOR.attributes(bare) == ()
    with pytest.raises(Unsupported, match=r"domain tiny has no styleflow\.safetensors; python -m mystyle\.pretrain"):
        EDITOR.apply(codes, "smile", [1.0], bare)
    with pytest.raises(ValueError, match=r"styleflow\.safetensors: made for another generator"):
        EDITOR.apply(codes, "smile", [1.0], replace(domain, latent_space="another"))


def test_a_trained_flow_moves_codes_to_the_conditions_that_are_asked_for():
    """Codes of six dimensions in which two tell the conditions: the edit changes the wanted one by what is asked."""
    draws = torch.Generator().manual_seed(0)
    w = torch.randn(2000, 6, generator=draws)
    n = torch.linalg.qr(torch.randn(6, 2, generator=draws)).Q
    c = w @ n
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        flow = Flow(6, ("yaw", "age"), hidden=(32,))
        optimizer = torch.optim.Adam(flow.parameters(), lr=1e-2)
        for rows in torch.randint(2000, (80, 64), generator=draws):
            loss = -flow.log_density(w[rows], c[rows], torch.randn(1, 64, 6)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    flow = flow.double().eval().requires_grad_(False)
    old = c[:20].double()
    moved = changes(flow, w[:20, None].double(), old, old[:, None] + torch.tensor([1.0, 0.0]))[:, 0, 0]
    wanted, other = (moved.float() @ n).mean(dim=0)
    # the wanted change is 1 and the other 0; a training of 80 steps is half-way there
    assert wanted > 0.4 and other.abs() < wanted / 2
