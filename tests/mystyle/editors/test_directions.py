"""Directions found in W: each way against a construction whose answer is known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mystyle.editors.directions import (
    limited,
    load_directions,
    oriented,
    parse_layers,
    sample_w,
    save_directions,
    scaled,
)
from mystyle.editors.ganspace import principal
from mystyle.editors.interfacegan import boundaries
from mystyle.editors.sefa import closed_form
from mystyle.networks.stylegan2 import StyledConv
from mystyle.types import Unsupported


@pytest.fixture(scope="module")
def w() -> torch.Tensor:
    """Codes of three clear and some weak axes, off the origin."""
    sizes = torch.tensor([4.0, 2.0, 1.0, 0.3, 0.3, 0.2, 0.2, 0.1])
    return 3 + sizes * torch.randn(4000, 8, generator=torch.Generator().manual_seed(0))


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(torch.cosine_similarity(a, b, dim=0))


def test_a_boundary_is_the_normal_of_what_separates(w):
    normal = torch.tensor([0.2, -1.0, 1.0, 0, 0, 0, 0, 0])
    noise = 0.2 * torch.randn(len(w), generator=torch.Generator().manual_seed(1))
    found = boundaries(w, {"smile": w @ normal + noise})["smile"]
    assert cosine(found, normal) > 0.98  # a support vector machine with 400 noisy points a side
    assert float(found.norm()) == pytest.approx(float((w @ (found / found.norm())).std()), rel=1e-4)


def test_principal_components_are_those_of_numpy(w):
    found = torch.stack(list(principal(w, 3).values()))
    values, vectors = np.linalg.eigh(np.cov(w.numpy().T))
    for i in range(3):
        assert abs(cosine(found[i], torch.from_numpy(vectors[:, -1 - i]).float())) > 1 - 1e-4
        assert float(found[i].norm()) == pytest.approx(np.sqrt(values[-1 - i]), rel=1e-2)
        assert found[i][found[i].abs().argmax()] > 0


def test_closed_form_maximises_the_change_of_styles(tiny_domain):
    g = tiny_domain.generator
    codes = sample_w(g, 64, 0)
    maps = [layer.affine.weight for layer in g.synthesis.modules() if isinstance(layer, StyledConv)]
    maps = [m / m.norm(dim=1, keepdim=True) for m in maps]
    a = torch.cat(maps)
    (first, second) = closed_form(g, codes, 2).values()
    change = [float((a @ v / v.norm()).norm()) for v in (first, second, *torch.randn(50, g.w_dim))]
    assert change[0] >= change[1] > max(change[2:])
    assert abs(cosine(first, second)) < 1e-4
    (early,) = closed_form(g, codes, 1, layers=[0]).values()
    _, _, vectors = torch.linalg.svd(maps[0])
    assert abs(cosine(early, vectors[0])) > 1 - 1e-4


def test_closed_form_is_unsupported_for_a_generator_without_styled_convolutions(tiny_domain):
    g = tiny_domain.generator
    plain = SimpleNamespace(synthesis=SimpleNamespace(styled_convolutions=lambda: []))
    for generator, layers in ((plain, None), (g, [99])):
        with pytest.raises(Unsupported, match="SeFa needs styled convolutions"):
            closed_form(generator, sample_w(g, 8, 0), 1, layers)


def test_sampled_codes_repeat_and_do_not_depend_on_how_many(tiny_domain):
    first, again, many = (sample_w(tiny_domain.generator, n, 3) for n in (8, 8, 1500))
    assert torch.equal(first, again) and first.shape == (8, tiny_domain.generator.w_dim)
    torch.testing.assert_close(many[:8], first)  # rounding of other batch sizes


def test_a_direction_has_the_length_of_a_standard_deviation_along_it(w):
    found = scaled(torch.tensor([5.0, 0, 0, 0, 0, 0, 0, 0]), w)
    assert float(found[0]) == pytest.approx(np.std(w[:, 0].numpy(), ddof=1), rel=1e-4)
    assert not found[1:].any()


def test_the_sign_of_a_free_vector_is_that_of_its_largest_entry():
    v = torch.tensor([0.1, -3.0, 2.0])
    assert torch.equal(oriented(v), -v) and torch.equal(oriented(-v), -v)


def test_an_attribute_may_be_limited_to_layers():
    assert parse_layers("pca03", 8) == ("pca03", None)
    assert parse_layers("pca03:0-4", 8) == ("pca03", range(0, 5))
    assert parse_layers("pca03:2", 8) == ("pca03", range(2, 3))
    assert parse_layers("C:/smile.pt", 8) == ("C:/smile.pt", None)  # a colon that limits nothing
    for attribute in ("yaw:0-8", "yaw:8", "yaw:5-2"):
        with pytest.raises(Unsupported, match=r"yaw:.*; this generator has 0-7"):
            parse_layers(attribute, 8)
    rows = limited(torch.arange(3.0), range(1, 3), 4)
    assert torch.equal(rows, torch.tensor([[0.0, 0, 0], [0, 1, 2], [0, 1, 2], [0, 0, 0]]))


def test_directions_survive_the_disk_with_names_and_order_and_belong_to_a_generator(w, tmp_path):
    file = tmp_path / "d.safetensors"
    directions = {"yaw": scaled(torch.randn(8), w), "age": scaled(torch.randn(8), w)}
    save_directions(file, directions, "abc")
    loaded = load_directions(file, 8, "abc")
    assert list(loaded) == ["yaw", "age"] and torch.equal(loaded["age"], directions["age"])
    with pytest.raises(ValueError, match=r"d\.safetensors: made for another generator"):
        load_directions(file, 8, "abd")
    with pytest.raises(ValueError, match="made for another generator"):
        load_directions(file, 9, "abc")
    file.write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"d\.safetensors: cannot be read"):
        load_directions(file, 8, "abc")
