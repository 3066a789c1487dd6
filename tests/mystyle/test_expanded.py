"""Codes drawn with the content of their photos, and the editor of the style branch."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from baselines.els import METHOD, Settings
from mystyle.editors.expanded import EDITOR
from mystyle.expanded import FILE, Expanded, encoder_of, network_of
from mystyle.inversion import Codes, SharedGenerator
from mystyle.types import Portraits, Unsupported

NOBODY = Portraits("nobody", torch.zeros(0, 3, 32, 32), (), ())


@pytest.fixture(scope="module")
def photos():
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def prior_of(domain, **changes):
    return METHOD.fit(NOBODY, domain, seed=0, settings=replace(Settings(), **changes))


def test_the_encoder_s_codes_are_the_domain_s_and_its_maps_go_from_fine_to_coarse(tiny_domain, photos):
    with torch.no_grad():
        ws, maps = encoder_of(tiny_domain).codes_and_maps(photos)
        w = tiny_domain.encoder(photos)
    assert ws.shape == (2, tiny_domain.generator.num_ws, tiny_domain.generator.w_dim)
    assert all(torch.equal(ws[:, i], w) for i in range(ws.shape[1]))
    assert [tuple(x.shape[1:]) for x in maps] == [(16, 32, 32), (8, 16, 16), (16, 8, 8), (16, 4, 4)]


def test_a_domain_whose_encoder_shows_no_features_is_unsupported(tiny_domain):
    with pytest.raises(Unsupported, match="2-D features"):
        encoder_of(replace(tiny_domain, encoder=lambda images: images))


def test_the_style_branch_alone_is_the_encoder_and_the_generator(tiny_domain, photos):
    found = prior_of(tiny_domain, refined=False).invert(photos, seeds=[0, 1])
    expected = SharedGenerator(tiny_domain.generator)(found.ws)
    assert torch.equal(found.images, expected)
    refined = prior_of(tiny_domain).invert(photos, seeds=[0, 1])
    assert torch.equal(refined.ws, found.ws) and not torch.allclose(refined.images, expected)


def test_edits_are_drawn_with_their_attributes_and_their_own_photo(tiny_domain, photos):
    found = prior_of(tiny_domain).invert(photos, seeds=[0, 1])
    renderer = found.renderer
    assert isinstance(renderer, Expanded)
    (attribute, *_) = renderer.network.attributes
    edits = EDITOR.apply(found, attribute, [-1.0, 0.5], tiny_domain)
    assert edits.rows == (0, 0, 1, 1)
    images, n = edits.render(), renderer.network
    for j, (row, strength) in enumerate([(0, -1.0), (0, 0.5), (1, -1.0), (1, 0.5)]):
        s = torch.zeros(1, len(n.attributes))
        s[0, 0] = strength
        w, maps = renderer.encoder.codes_and_maps(photos[row : row + 1])
        with torch.no_grad():
            expected = n.refine(renderer.synthesis, w, w + n.style_direction(s), s, maps)
        torch.testing.assert_close(images[j : j + 1], expected, rtol=1e-4, atol=1e-4)  # other batch sizes


def test_relevance_can_be_looked_at(tiny_domain, photos):
    found = prior_of(tiny_domain).invert(photos, seeds=[0, 1])
    m = found.renderer.relevance(found.ws, found.rows)
    assert {r: tuple(x.shape) for r, x in m.items()} == {r: (2, 1, r, r) for r in (4, 8, 16, 32)}


def test_an_inversion_is_edited_by_its_own_network_s_directions(tiny_domain, photos):
    other = "els_no_sparsity.safetensors"
    (attribute, *_) = EDITOR.attributes(tiny_domain)
    own = prior_of(tiny_domain, file=other).invert(photos, seeds=[0, 1])
    free = Codes(ws=own.ws, renderer=SharedGenerator(tiny_domain.generator), rows=(0, 1))
    for codes, file in ((own, other), (free, FILE)):
        moved = EDITOR.apply(codes, attribute, [1.0], tiny_domain).ws - codes.ws
        expected = network_of(tiny_domain, file).d_sty[0].expand_as(moved)
        torch.testing.assert_close(moved, expected, rtol=0, atol=1e-5)  # float32 of codes of size one


def test_without_its_network_a_domain_has_no_such_edits(tiny_domain, photos, tmp_path):
    bare = replace(tiny_domain, folder=tmp_path)
    assert EDITOR.attributes(bare) == ()
    codes = Codes(ws=torch.zeros(1, 8, 64), renderer=SharedGenerator(tiny_domain.generator), rows=(0,))
    with pytest.raises(Unsupported, match=r"no els\.safetensors; python -m mystyle\.pretrain els .*trains it"):
        EDITOR.apply(codes, "smile", [1.0], bare)
    with pytest.raises(Unsupported, match=r"els_no_alignment .*weight 0 trains it"):
        prior_of(bare, file="els_no_alignment.safetensors")
    with pytest.raises(Unsupported, match="unknown direction 'nose'"):
        EDITOR.apply(codes, "nose", [1.0], tiny_domain)
