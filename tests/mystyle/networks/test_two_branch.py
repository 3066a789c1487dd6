"""The two branches against their equations, written out image by image and position by position."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from mystyle.expanded import encoder_of
from mystyle.networks.two_branch import TwoBranch, features_of, fused, tapped, untrained

ATTRIBUTES = ("glasses", "age", "smile")


@pytest.fixture(scope="module")
def synthesis(tiny_domain):
    return tapped(tiny_domain.generator)


@pytest.fixture(scope="module")
def photos(tiny_domain):
    size = tiny_domain.resolution
    return torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(scope="module")
def seen(tiny_domain, photos):
    """w^p and f^enc of the photos."""
    with torch.no_grad():
        return encoder_of(tiny_domain).codes_and_maps(photos)


@pytest.fixture(scope="module")
def network(tiny_domain, seen) -> TwoBranch:
    """With directions that change something."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        n = untrained(tiny_domain.generator, seen[1], ATTRIBUTES, width=6, layers=2)
    with torch.no_grad():
        n.d_sty *= 50
        n.d_cnt *= 50
    return n.requires_grad_(False)


S = torch.tensor([[1.0, 0.0, -1.0], [0.0, 0.5, 0.0]])


def test_directions_are_sums_over_attributes(network):
    sty, cnt = network.style_direction(S), network.content_direction(S)
    for i in range(2):
        expected = [torch.zeros_like(network.d_sty[0]), torch.zeros_like(network.d_cnt[0])]
        for k in range(3):
            expected[0] = expected[0] + S[i, k] * network.d_sty[k]  # Eq. 1
            expected[1] = expected[1] + (1 - S[i, k]) * network.d_cnt[k]  # Eq. 4
        torch.testing.assert_close(sty[i], expected[0])
        torch.testing.assert_close(cnt[i], expected[1])


def test_the_attributes_of_an_edit_are_read_back(network):
    torch.testing.assert_close(network.attributes_of(network.style_direction(S)), S)
    assert torch.equal(network.attributes_of(3 * network.style_direction(S)).abs().max(), torch.tensor(1.0))
    assert not network.attributes_of(torch.zeros_like(network.style_direction(S))).any()


def test_directions_of_zero_have_no_attributes(tiny_domain, seen):
    n = untrained(tiny_domain.generator, seen[1], ATTRIBUTES, width=4).requires_grad_(False)
    offset = n.style_direction(torch.tensor([[1.0, 0.0, 0.0]]))
    n.d_sty[1:] = 0  # as too much sparsity would leave them
    torch.testing.assert_close(n.attributes_of(offset), torch.tensor([[1.0, 0.0, 0.0]]))


def adain_by_hand(x, scale, shift):
    """One image's [c, h, w], channel by channel, with the biased deviation of instance normalisation."""
    found = torch.empty_like(x)
    for c in range(len(x)):
        mean, variance = x[c].mean(), ((x[c] - x[c].mean()) ** 2).mean()
        found[c] = (x[c] - mean) / torch.sqrt(variance + 1e-5) * (1 + scale[c]) + shift[c]
    return found


def test_content_is_the_extractor_s_of_the_nearest_map(network, seen):
    content, d = network.content(seen[1], S), network.content_direction(S)
    by_size = {x.shape[-1]: x for x in seen[1]}
    for row, r in enumerate(network.resolutions):
        part = network.extract[str(r)]
        f = by_size[r]
        for i in range(2):
            x = F.conv2d(f[i : i + 1], part.reduce.weight, part.reduce.bias)[0]
            for convolution, style in zip(part.convolutions, part.styles, strict=True):
                y = F.conv2d(x[None], convolution.weight, convolution.bias, padding=1)[0]
                affine = style.affine.weight @ d[i, row] + style.affine.bias
                y = adain_by_hand(y, affine[: len(y)], affine[len(y) :])
                x = x + torch.where(y > 0, y, 0.2 * y)
            expected = F.conv2d(x[None], part.expand.weight, part.expand.bias)[0]
            # float32 sums in another order, of activations of about one
            torch.testing.assert_close(content[r][i], expected, rtol=1e-4, atol=1e-5)


def test_relevance_is_the_sigmoid_of_a_position_s_own_inner_product(network, synthesis, seen):
    w = seen[0]
    source, edited = features_of(synthesis, w)[1], features_of(synthesis, w + network.style_direction(S))[1]
    found = network.relevance(source, edited)
    assert set(found) == set(synthesis.resolutions)
    for r in (4, 8):
        convolution = network.relate[str(r)].convolution
        weight, bias = convolution.weight[:, :, 0, 0], convolution.bias
        for i in range(2):
            for y in range(r):
                for x in range(r):
                    q, k = (weight @ f[r][i, :, y, x] + bias for f in (source, edited))
                    expected = 1 / (1 + math.exp(-float(q @ k) / math.sqrt(len(q))))
                    assert float(found[r][i, 0, y, x]) == pytest.approx(expected, abs=1e-5)  # float32 sums
    unchanged = network.relevance(source, source)
    assert all((m >= 0.5).all() and (m < 1).all() for m in unchanged.values())


def test_fusion_goes_on_from_what_was_fused_before(network, synthesis, seen):
    """Block by block, with the block's own layers."""
    w, maps = seen
    edited = w + network.style_direction(S)
    source, style = features_of(synthesis, w)[1], features_of(synthesis, edited)[1]
    m, content = network.relevance(source, style), network.content(maps, S)
    x = rgb = None
    for i, r in enumerate(synthesis.resolutions):
        block = synthesis.get_submodule(f"b{r}")
        first = max(0, 2 * i - 1)
        codes = edited[:, first : first + block.num_conv + 1]
        f = block(x, codes, ["const"] * block.num_conv)
        x = (1 - m[r]) * f + m[r] * content[r]  # Eq. 7
        rgb = block.image(x, rgb, codes)
    found = network.refine(synthesis, w, edited, S, maps)
    torch.testing.assert_close(found, rgb, rtol=1e-4, atol=1e-4)  # float32; differences pass through all blocks


def test_without_relevance_it_is_the_generator(network, synthesis, seen):
    w, maps = seen
    none = {r: torch.zeros(2, 1, r, r) for r in synthesis.resolutions}
    found = fused(synthesis, w, none, network.content(maps, torch.zeros(2, 3)))
    torch.testing.assert_close(found, synthesis(w, noise="const"), rtol=0, atol=1e-5)  # images one by one or together


def test_an_image_does_not_depend_on_the_others(network, synthesis, seen):
    w, maps = seen
    together = network.refine(synthesis, w, w + network.style_direction(S), S, maps)
    for i in range(2):
        rows = slice(i, i + 1)
        edited = w[rows] + network.style_direction(S[rows])
        alone = network.refine(synthesis, w[rows], edited, S[rows], [x[rows] for x in maps])
        torch.testing.assert_close(alone[0], together[i], rtol=1e-4, atol=1e-4)  # rounding of other batch sizes


def test_maps_of_another_encoder_are_refused(network, seen):
    with pytest.raises(ValueError, match="of another encoder"):
        network.content(seen[1][:-1], S)


def test_a_resolution_without_a_map_takes_the_nearest(tiny_domain, seen):
    _, maps = seen
    some = [maps[1], maps[-1]]  # 16 and 4 px
    n = untrained(tiny_domain.generator, some, ATTRIBUTES, width=4).requires_grad_(False)
    content = n.content(some, S)
    assert {r: x.shape[-1] for r, x in content.items()} == {r: r for r in (4, 8, 16, 32)}
