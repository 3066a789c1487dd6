"""pSp and e4e: our networks and the official ones give the codes, and PTI tunes at them."""

from __future__ import annotations

from dataclasses import replace

import encoder_files
import pytest
import torch

from baselines.e4e import METHOD as E4E
from baselines.psp import METHOD as PSP
from baselines.pti_e4e import METHOD as PTI_E4E
from mystyle.checkpoints import CheckpointError, load_network, save_network
from mystyle.networks.style_encoder import StyleEncoder, StyleHeads
from mystyle.types import Portraits, Unsupported

NOBODY = Portraits("nobody", torch.zeros(0, 3, 32, 32), (), ())


def fitted(method, domain):
    return method.fit(NOBODY, domain, seed=0, settings=method.presets["smoke"])


@pytest.fixture
def images():
    return torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("method", [PSP, E4E])
def test_codes_are_those_of_the_network_and_the_images_theirs(tiny_domain, images, method):
    found = fitted(method, tiny_domain).invert(images, seeds=[0, 1, 2])
    heads = load_network(StyleHeads, tiny_domain.folder / f"{method.name}.safetensors")
    torch.testing.assert_close(found.ws, StyleEncoder(tiny_domain.encoder, heads)(images))
    torch.testing.assert_close(found.images, tiny_domain.generator.synthesis(found.ws))


@pytest.mark.parametrize(("method", "kind"), [(PSP, "psp"), (E4E, "e4e")])
def test_an_official_network_takes_the_place_of_ours(tiny_domain, tmp_path, method, kind):
    """At another size than the generator's, as on ``ffhq``: 64 px are reduced to the 32 of the encoder."""
    generator, encoder = encoder_files.small_generator(64), encoder_files.small_encoder(kind)
    save_network(encoder, tmp_path / f"{kind}.safetensors")
    domain = replace(tiny_domain, generator=generator, folder=tmp_path)
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    found = fitted(method, domain).invert(images, seeds=[0, 1])
    small = torch.nn.functional.interpolate(images, (32, 32), mode="bicubic", align_corners=False).clamp(-1, 1)
    assert found.ws.shape == (2, generator.num_ws, generator.w_dim)
    assert torch.equal(found.ws, encoder(small))


def test_a_network_of_another_kind_or_generator_is_refused(tiny_domain, tmp_path):
    domain = replace(tiny_domain, folder=tmp_path)
    with pytest.raises(Unsupported, match=r"no e4e\.safetensors; python -m mystyle\.pretrain e4e .*weights ffhq"):
        fitted(E4E, domain)
    save_network(encoder_files.small_encoder("e4e"), tmp_path / "e4e.safetensors")
    with pytest.raises(Unsupported, match=r"gives codes \[10, 16\], the generator takes \[8, 64\]"):
        fitted(E4E, domain)
    save_network(StyleHeads("e4e", 8, 64, 32, (8, 8, 8), 8, 2, encoder="f00"), tmp_path / "e4e.safetensors")
    with pytest.raises(Unsupported, match=r"e4e\.safetensors is of another encoder than that of domain tiny; python"):
        fitted(E4E, domain)
    save_network(encoder_files.small_encoder("e4e"), tmp_path / "psp.safetensors")
    with pytest.raises(CheckpointError, match=r"psp\.safetensors: holds an encoder of kind e4e, expected psp"):
        fitted(PSP, domain)


def test_pti_keeps_the_codes_of_e4e_and_tunes_the_generator(tiny_domain, images):
    codes = fitted(E4E, tiny_domain).invert(images, seeds=[0, 1, 2])
    tuned = fitted(PTI_E4E, tiny_domain).invert(images, seeds=[0, 1, 2])
    assert torch.equal(tuned.ws, codes.ws) and tuned.losses.shape == (3, 0)
    assert (tuned.facts["tuning_steps"] > 0).all()
    before, after = ((found.images - images).square().mean() for found in (codes, tuned))
    assert after < before
