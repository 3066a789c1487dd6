"""pSp's and e4e's heads on the W encoder's trunk: an oracle in loops, and what the two kinds promise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mystyle.checkpoints import load_network, save_network
from mystyle.networks.encoder import Encoder
from mystyle.networks.style_encoder import AttentionHead, StyleEncoder, StyleHeads, scale_of

WIDTHS = (8, 12, 16, 20)
SIZE, W_DIM, LAYERS = 32, 24, 8


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    torch.manual_seed(0)
    network = Encoder(SIZE, W_DIM, WIDTHS)
    network.w_avg.normal_()
    return network.eval()


def new_heads(kind: str) -> StyleHeads:
    return StyleHeads(kind, LAYERS, W_DIM, SIZE, WIDTHS, channels=12, groups=4).eval().requires_grad_(False)


def on(encoder: Encoder, kind: str) -> StyleEncoder:
    """With heads that say something."""
    torch.manual_seed(1)
    heads = new_heads(kind)
    for head in heads.heads:
        nn.init.normal_(head.linear.weight)
    return StyleEncoder(encoder.requires_grad_(False), heads)


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.rand(3, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(2)) * 2 - 1


def test_layers_are_read_coarse_to_fine_in_the_published_shares():
    assert [scale_of(i, 18) for i in range(18)] == [0] * 3 + [1] * 4 + [2] * 11
    assert [scale_of(i, 12) for i in range(12)] == [0] * 2 + [1] * 3 + [2] * 7


def test_a_head_pools_as_its_formula_says():
    """One group and one position at a time, in float64; float32 has seven digits."""
    torch.manual_seed(0)
    head = AttentionHead(channels=6, groups=3, positions=4, w_dim=5)
    x = torch.randn(2, 6, 2, 2)
    q, b, weight = (t.detach().numpy().astype(np.float64) for t in (head.query, head.place, head.linear.weight))
    for image, code in zip(x.numpy().astype(np.float64), head(x).detach(), strict=True):
        places = image.reshape(6, 4).T
        pooled = []
        for h in range(3):
            scores = [np.exp(q[h] @ places[p] / np.sqrt(6) + b[h, p]) for p in range(4)]
            shares = np.array(scores) / sum(scores)
            pooled += [sum(shares[p] * places[p][c] for p in range(4)) for c in (2 * h, 2 * h + 1)]
        np.testing.assert_allclose(code.numpy(), weight @ np.array(pooled), rtol=1e-4, atol=1e-7)


def test_codes_are_the_heads_of_their_scale_beside_the_mean_code(encoder, images):
    network = on(encoder, "psp")
    codes, maps, heads = network(images), encoder.maps(images)[1:], network.heads
    assert codes.shape == (3, LAYERS, W_DIM)
    assert [tuple(x.shape[1:]) for x in maps] == [(8, 16, 16), (12, 8, 8), (16, 4, 4), (20, 2, 2)]
    torch.testing.assert_close(maps[-1], encoder.trunk(images))
    large = images.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    torch.testing.assert_close(network(large), codes)  # reduced by area

    def up(x, size):
        return F.interpolate(x, (size, size), mode="bilinear", align_corners=True)

    sums = [heads.lateral[0](maps[3])]
    levels = [F.leaky_relu(sums[0], 0.2)]
    for i, size in ((1, 4), (2, 8)):
        levels.append(F.leaky_relu(up(levels[-1], size) + heads.lateral[i](maps[3 - i]), 0.2))
    for i in range(LAYERS):
        expected = encoder.w_avg + heads.heads[i](levels[scale_of(i, LAYERS)])
        torch.testing.assert_close(codes[:, i], expected)


def test_e4e_is_w_and_offsets_that_open_in_turn(encoder, images):
    psp, e4e = on(encoder, "psp"), on(encoder, "e4e")
    e4e.heads.load_state_dict(psp.heads.state_dict())
    own = psp(images) - encoder.w_avg
    whole = e4e(images)
    torch.testing.assert_close(whole[:, 0], encoder.w_avg + own[:, 0])  # Delta_0 = 0
    for stage in range(LAYERS):
        e4e.heads.stage = stage
        codes = e4e(images)
        assert codes.shape == whole.shape
        torch.testing.assert_close(codes[:, : stage + 1], whole[:, : stage + 1])
        assert all(torch.equal(codes[:, i], codes[:, 0]) for i in range(stage + 1, LAYERS))
    torch.testing.assert_close(whole[:, 1:] - whole[:, :1], own[:, 1:], atol=1e-5, rtol=1e-4)  # a difference of sums


def test_a_new_one_gives_about_the_mean_code(encoder, images):
    torch.manual_seed(0)
    network = StyleEncoder(encoder, new_heads("e4e"))
    assert (network(images) - encoder.w_avg).abs().max() < 0.1  # of codes whose numbers have a deviation of 1


def test_a_file_gives_the_heads_back_with_all_offsets_open(encoder, images, tmp_path):
    network = on(encoder, "e4e")
    expected = network(images)
    network.heads.stage = 2
    save_network(network.heads, tmp_path / "e4e.safetensors")
    heads = load_network(StyleHeads, tmp_path / "e4e.safetensors")
    assert torch.equal(StyleEncoder(encoder, heads)(images), expected)


def test_what_it_cannot_be_is_refused(encoder):
    with pytest.raises(ValueError, match="kind is 'w'"):
        StyleHeads("w")
    with pytest.raises(ValueError, match="a trunk of 2 scales"):
        StyleHeads(widths=(8, 8))
    with pytest.raises(ValueError, match="must be 32 px square"):
        encoder.maps(torch.zeros(1, 3, 64, 64))
