"""Inversions: they render what their generators render, survive as tensors bit for bit, and move as Eq. 12's w."""

from __future__ import annotations

import copy

import pytest
import torch
from safetensors.torch import load_file, save_file

from mystyle.digests import digest
from mystyle.inversion import BATCH, Codes, Inversion, OwnGenerators, OwnNoise, SharedGenerator, renderer_of

N = 3


@pytest.fixture(scope="module")
def generator(tiny_domain):
    return tiny_domain.generator


@pytest.fixture(scope="module")
def ws(generator) -> torch.Tensor:
    """Codes of W+: every layer has one of its own."""
    z = torch.randn(N * generator.num_ws, generator.z_dim, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return generator.mapping.w(z).unflatten(0, (N, generator.num_ws))


@pytest.fixture(scope="module")
def tuned(generator) -> tuple:
    """A generator for each image, none of which renders what another does."""
    generators = [copy.deepcopy(generator) for _ in range(N)]
    draws = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for each in generators:
            for parameter in each.synthesis.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=draws))
    return tuple(generators)


def inversion(renderer, ws: torch.Tensor) -> Inversion:
    images = renderer(ws, range(len(ws)))
    return Inversion.of(renderer, ws, images, torch.rand(len(ws), 7))


@torch.no_grad()
def test_one_generator_renders_all(generator, ws):
    renderer = SharedGenerator(generator)
    assert torch.equal(renderer(ws, range(N)), generator.synthesis(ws, noise="const"))
    many = ws.repeat(BATCH, 1, 1)
    # other batch sizes round differently
    torch.testing.assert_close(renderer(many), generator.synthesis(many, noise="const"), atol=1e-4, rtol=1e-4)
    assert renderer.tensors() == {}


@torch.no_grad()
def test_own_generators_each_render_the_codes_of_their_image(tuned, ws):
    renderer = OwnGenerators(tuned)
    rows = [2, 0, 2, 1]
    images = renderer(ws[[0, 0, 1, 2]], rows)
    for image, w, row in zip(images, ws[[0, 0, 1, 2]], rows, strict=True):
        assert torch.equal(image, tuned[row].synthesis(w[None], noise="const")[0])
    assert not torch.allclose(images[0], images[1])  # one code, two generators
    with pytest.raises(ValueError):
        renderer(ws, [0, 1])  # a code without an image that it came from


@pytest.fixture(scope="module")
def noisy(generator) -> OwnNoise:
    """A generator whose noise is seen, and maps for each image."""
    g = copy.deepcopy(generator)
    for layer in g.synthesis.styled_convolutions():
        layer.noise_strength.data.fill_(0.1)
    draws = torch.Generator().manual_seed(2)
    return OwnNoise(g, tuple(torch.randn(N, *shape[1:], generator=draws) for shape in g.synthesis.noise_shapes))


@torch.no_grad()
def test_own_noise_renders_the_codes_of_its_image(noisy, ws):
    rows = [2, 0, 2, 1]
    images = noisy(ws[[0, 0, 1, 2]], rows)
    for image, w, row in zip(images, ws[[0, 0, 1, 2]], rows, strict=True):
        one = noisy.generator.synthesis(w[None], noise=[n[row : row + 1] for n in noisy.maps])[0]
        torch.testing.assert_close(image, one, atol=1e-4, rtol=1e-4)  # other batch sizes round differently
    assert not torch.allclose(images[0], images[1])  # one code, two kinds of noise
    many = noisy(ws.repeat(BATCH, 1, 1), [0, 1, 2] * BATCH)
    torch.testing.assert_close(many[-3:], noisy(ws, [0, 1, 2]), atol=1e-4, rtol=1e-4)
    with pytest.raises(ValueError):
        noisy(ws, [0, 1])


def test_what_renders_is_known_by_its_tensors(generator, tuned, noisy):
    assert renderer_of(generator, {}) == SharedGenerator(generator)
    assert isinstance(renderer_of(generator, OwnGenerators(tuned).tensors()), OwnGenerators)
    found = renderer_of(generator, noisy.tensors())
    assert isinstance(found, OwnNoise) and all(map(torch.equal, found.maps, noisy.maps))


def test_rendering_needs_no_gradients(generator, tuned, ws):
    free = ws.clone().requires_grad_()
    assert not SharedGenerator(generator)(free).requires_grad
    assert not OwnGenerators(tuned)(free, range(N)).requires_grad


def test_an_inversion_is_read_back_from_its_tensors_bit_for_bit(generator, tuned, noisy, ws, tmp_path):
    """Through a file, all together or image by image, as fits are cached."""
    for renderer, read in (
        (SharedGenerator(generator), lambda tensors: SharedGenerator(generator)),
        (OwnGenerators(tuned), lambda tensors: OwnGenerators.read(generator, tensors)),
        (noisy, lambda tensors: OwnNoise.read(noisy.generator, tensors)),
    ):
        made = inversion(renderer, ws)
        save_file({name: tensor.contiguous() for name, tensor in made.tensors().items()}, tmp_path / "fit.safetensors")
        # copies are aligned, as what was computed and as fits are read: by the place in memory kernels round otherwise
        tensors = {name: tensor.clone() for name, tensor in load_file(tmp_path / "fit.safetensors").items()}
        assert {len(tensor) for tensor in tensors.values()} == {N}  # a row for every image
        found = Inversion.read(read(tensors), tensors)
        assert found.rows == made.rows and found.facts == made.facts == {}
        for name in ("ws", "images", "losses"):
            assert torch.equal(getattr(found, name), getattr(made, name)), name
        assert torch.equal(found.render(), made.images)
        one = {name: tensor[1:2] for name, tensor in tensors.items()}
        assert torch.equal(Inversion.read(read(one), one).render(), renderer(ws[1:2], [1]))


def test_reading_own_generators_leaves_the_domains_alone_and_freezes_as_it_does(generator, tuned):
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    found = OwnGenerators.read(generator, OwnGenerators(tuned).tensors())
    assert all(torch.equal(before[name], value) for name, value in generator.state_dict().items())
    for read, made in zip(found.generators, tuned, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(read.parameters(), made.parameters(), strict=True))
        assert not any(parameter.requires_grad for parameter in read.parameters())


@pytest.mark.parametrize("layered", [False, True])
def test_codes_move_along_a_direction_with_strengths_running_fastest(generator, tuned, ws, layered):
    shape = (generator.num_ws, generator.w_dim) if layered else (generator.w_dim,)
    direction = torch.randn(shape, generator=torch.Generator().manual_seed(2))
    strengths = (-1.5, 0.0, 2.0, 0.5)
    made = inversion(OwnGenerators(tuned), ws)
    moved = made.moved(direction, strengths)
    assert len(moved) == N * 4 and moved.rows == (0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2)
    assert moved.renderer is made.renderer
    for i in range(N):
        for j, theta in enumerate(strengths):
            assert torch.equal(moved.ws[4 * i + j], ws[i] + theta * direction)
    images = moved.render().unflatten(0, (N, 4))
    assert torch.equal(images[:, 1], made.images)  # nothing moved, and the image's own generator renders it


def test_moves_add_up_and_keep_their_images(generator, ws):
    a, b = torch.randn(2, generator.w_dim, generator=torch.Generator().manual_seed(3))
    codes = Codes(ws=ws[:2], renderer=SharedGenerator(generator), rows=(0, 1))
    both = codes.moved(a, [1.0, 2.0]).moved(b, [0.0, 1.0, 3.0])
    assert both.rows == (0,) * 6 + (1,) * 6
    torch.testing.assert_close(both.ws[5], ws[0] + 2 * a + 3 * b)
    torch.testing.assert_close(both.ws[6], ws[1] + a)


def test_gradients_pass_from_moved_codes_to_codes(generator, ws):
    free = ws.clone().requires_grad_()
    codes = Codes(ws=free, renderer=SharedGenerator(generator), rows=tuple(range(N)))
    codes.moved(torch.ones(generator.w_dim), [0.0, 1.0]).ws.sum().backward()
    assert torch.equal(free.grad, torch.full_like(ws, 2.0))


def test_a_digest_is_of_the_values():
    x = torch.rand(4, 6)
    assert digest(x) == digest(x.clone()) == digest(x.T.contiguous().T)
    y = x.clone()
    y[3, 5] += 1e-6
    assert digest(y) != digest(x)
