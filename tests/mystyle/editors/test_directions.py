"""Directions found in W: each way against a construction whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mystyle.directions import (
    boundaries,
    closed_form,
    load_directions,
    principal,
    read_attributes,
    sample_w,
    save_directions,
    scaled,
    without,
)
from mystyle.latents.vectors import read_code
from mystyle.networks.stylegan2 import StyledConv


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
    a = torch.cat([m / m.norm() for m in maps])
    (first, second) = closed_form(g, codes, 2).values()
    change = [float((a @ v / v.norm()).norm()) for v in (first, second, *torch.randn(50, g.w_dim))]
    assert change[0] >= change[1] > max(change[2:])
    assert abs(cosine(first, second)) < 1e-4
    (early,) = closed_form(g, codes, 1, layers=[0]).values()
    _, _, vectors = torch.linalg.svd(maps[0])
    assert abs(cosine(early, vectors[0])) > 1 - 1e-4


def test_conditioning_takes_the_others_out(w):
    a, b, c = torch.randn(3, 8, generator=torch.Generator().manual_seed(2))
    rest = without(a, [b, c])
    assert abs(cosine(rest, b)) < 1e-5 and abs(cosine(rest, c)) < 1e-5
    torch.testing.assert_close(without(rest, [b, c]), rest)


def test_sampled_codes_repeat_and_do_not_depend_on_how_many(tiny_domain):
    few, many = sample_w(tiny_domain.generator, 8, 3), sample_w(tiny_domain.generator, 8, 3)
    assert torch.equal(few, many) and few.shape == (8, tiny_domain.generator.w_dim)


def test_attributes_are_read_from_the_pictures(tiny_domain):
    codes = sample_w(tiny_domain.generator, 5, 0)
    reader = tiny_domain.perceptual.network
    found = read_attributes(tiny_domain.generator, reader, codes)
    ws = codes[:, None].expand(-1, tiny_domain.generator.num_ws, -1)
    images = tiny_domain.generator.synthesis(ws, noise="const").clamp(-1, 1)
    torch.testing.assert_close(found["yaw"], reader.attributes(images)["yaw"])
    assert set(found) == {"yaw", "smile"}


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


def test_files_of_the_official_code_are_read_and_others_are_refused(tmp_path):
    torch.save(torch.arange(8.0), tmp_path / "smile.pt")
    assert torch.equal(read_code(tmp_path / "smile.pt", 8), torch.arange(8.0))
    np.save(tmp_path / "x.npy", np.array([1.0, np.nan] * 4))
    for name, reason in (
        ("x.npy", "one finite vector of 8"),
        ("y.txt", "is .pt, .npy, .safetensors"),
        ("z.pt", "cannot be"),
    ):
        with pytest.raises(ValueError, match=reason):
            read_code(tmp_path / name, 8)


def test_a_pickle_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("ran",))

    torch.save(Evil(), tmp_path / "evil.pt")
    with pytest.raises(ValueError, match=r"evil\.pt: cannot be read"):
        read_code(tmp_path / "evil.pt", 8)
