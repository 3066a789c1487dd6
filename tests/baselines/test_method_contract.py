"""Every method keeps the promises of ``mystyle.protocols.Method``; a new file in baselines/ is tested as it is."""

from __future__ import annotations

import dataclasses
import importlib

import pytest
import torch

from benchmarks.api.registry import METHODS
from mystyle.checkpoints import save_network
from mystyle.degradations import Downsampling, Identity, Inpainting
from mystyle.inversion import Inversion
from mystyle.protocols import Inverts, Method, OwnNetwork, Prior, Projects, Restores, Samples, Spans
from mystyle.types import Degradation, Portraits, Unsupported

RESOLUTION = 32  # of the tiny domain
PRESETS = ("smoke", "quick", "full", "paper")
ROLES = ("generator", "discriminator", "encoder", "reader", "judge")
ADVERSARIAL = ("comodgan_ft", "diffaugment", "gpen_ft", "ojha")


@pytest.fixture(scope="module", params=METHODS.names())
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def method(name):
    return METHODS.load(name)


@pytest.fixture(scope="module")
def person(tiny_domain) -> Portraits:
    size = tiny_domain.generator.resolution
    images = torch.rand(5, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    files = tuple(f"train/{i:04d}.png" for i in range(5))
    return Portraits("p00", images, files, tuple(f"{i:064x}" for i in range(5)))


@pytest.fixture(scope="module")
def problem(method, person) -> tuple[torch.Tensor, Degradation]:
    """Three images, with holes in different places if the method fills holes, made small if it enlarges, or clean."""
    if not {"inpaint", "upscale"} & set(method.does):
        return person.images[:3] * 0.9, Identity()
    if "inpaint" not in method.does:
        phi = Downsampling(4)
        return phi(person.images[:3] * 0.9), phi
    mask = torch.ones(3, 1, *person.images.shape[2:])
    for i in range(3):
        mask[i, :, 5 * i + 2 : 5 * i + 14, 8:20] = 0
    phi = Inpainting(mask)
    return phi(person.images[:3] * 0.9), phi


@pytest.fixture(scope="module")
def prior(method, person, tiny_domain):
    return method.fit(person, tiny_domain, seed=0, settings=method.presets["smoke"])


def made(prior, problem, seeds) -> torch.Tensor:
    """What the prior restores, or inverts where it does not restore."""
    degraded, phi = problem
    if isinstance(prior, Restores):
        return prior.restore(degraded, phi, seeds=seeds)
    return prior.invert(degraded, seeds=seeds).images


def state(domain) -> dict[str, torch.Tensor]:
    return {
        f"{role}.{name}": value.clone() for role in ROLES for name, value in getattr(domain, role).state_dict().items()
    }


def test_name_is_the_file_name_and_the_rest_is_there(name, method):
    assert method.name == name
    module = importlib.import_module(METHODS.modules()[name])
    assert name == "mystyle" or module.__name__.split(".")[-1] == name
    assert isinstance(method, Method)
    assert method.version >= 1
    assert method.title
    assert isinstance(method.personal, bool)


def test_presets_are_complete_frozen_and_have_a_fit(method):
    assert tuple(method.presets) == PRESETS
    for settings in method.presets.values():
        assert dataclasses.is_dataclass(settings)
        assert settings.__dataclass_params__.frozen
        assert settings.fit is None or settings.fit.__dataclass_params__.frozen
        assert hash(settings) is not None  # every value in it is immutable


VERBS = {"sample": Samples, "inpaint": Restores, "upscale": Restores, "invert": Inverts}


def test_a_prior_does_what_its_method_says(method, prior):
    assert isinstance(prior, Prior)
    assert method.does and set(method.does) <= set(VERBS)
    for verb, protocol in VERBS.items():
        wanted = any(VERBS[done] is protocol for done in method.does)
        assert isinstance(prior, protocol) == wanted, verb


@pytest.mark.parametrize("verb", ["inpaint", "upscale"])
def test_what_a_method_does_not_restore_it_refuses(method, prior, person, verb):
    if not isinstance(prior, Restores):
        pytest.skip("restores nothing")
    known = torch.ones(2, 1, *person.images.shape[2:])
    known[:, :, 8:20, 8:20] = 0
    phi = Inpainting(known) if verb == "inpaint" else Downsampling(4)
    if verb in method.does:
        assert prior.restore(phi(person.images[:2]), phi, seeds=[0, 1]).shape == person.images[:2].shape
    else:
        with pytest.raises(Unsupported):
            prior.restore(phi(person.images[:2]), phi, seeds=[0, 1])


def test_fit_does_not_touch_the_domain_or_global_randomness(method, person, tiny_domain):
    before, randomness = state(tiny_domain), torch.get_rng_state()
    method.fit(person, tiny_domain, seed=1, settings=method.presets["smoke"])
    after = state(tiny_domain)
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert torch.equal(randomness, torch.get_rng_state())


def test_fit_repeats_by_seed(method, person, tiny_domain, prior, problem):
    again = method.fit(person, tiny_domain, seed=0, settings=method.presets["smoke"])
    seeds = [3, 4, 5]
    assert torch.equal(made(prior, problem, seeds), made(again, problem, seeds))


def test_restore_gives_raw_images_of_the_right_kind(prior, problem):
    degraded, _ = problem
    kept, randomness = degraded.clone(), torch.get_rng_state()
    output = made(prior, problem, [0, 1, 2])
    assert output.shape == (len(degraded), 3, RESOLUTION, RESOLUTION)
    assert output.dtype == torch.float32
    assert output.isfinite().all()
    assert not output.requires_grad
    assert torch.equal(degraded, kept)
    assert torch.equal(randomness, torch.get_rng_state())


def test_row_i_of_restore_depends_on_row_i_and_its_seed_alone(prior, problem):
    degraded, phi = problem
    seeds = [7, 8, 9]
    together = made(prior, problem, seeds)
    for i in range(3):
        rows = slice(i, i + 1)
        alone = made(prior, (degraded[rows], phi[rows]), seeds[rows])
        # float32: other batch sizes round differently, and ten steps of Adam amplify it; still below one 8-bit level
        torch.testing.assert_close(alone[0], together[i], atol=5e-3, rtol=0)


def test_save_and_load_give_the_same_prior(method, person, tiny_domain, prior, problem, tmp_path):
    prior.save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} <= {".safetensors", ".json"}
    loaded = method.load(tmp_path, person, tiny_domain, settings=method.presets["smoke"])
    seeds = [0, 1, 2]
    assert torch.equal(made(loaded, problem, seeds), made(prior, problem, seeds))


def test_samples_repeat_by_seed_and_do_not_depend_on_how_many(prior):
    if not isinstance(prior, Samples):
        pytest.skip("does not sample")
    images = prior.sample(3, seed=0)
    assert images.shape[:2] == (3, 3)
    assert images.isfinite().all()
    torch.testing.assert_close(prior.sample(20, seed=0)[:3], images, atol=1e-4, rtol=0)  # rounding of other batch sizes
    assert not torch.allclose(prior.sample(3, seed=1), images)


@pytest.fixture(scope="module")
def found(prior, person) -> Inversion:
    if not isinstance(prior, Inverts):
        pytest.skip("does not invert")
    return prior.invert(person.images[:2], seeds=[0, 1])


def test_invert_repeats(prior, person, found):
    again = prior.invert(person.images[:2], seeds=[0, 1])
    assert isinstance(found, Inversion) and len(found) == 2 and found.rows == (0, 1)
    assert torch.equal(again.ws, found.ws) and torch.equal(again.images, found.images)
    assert found.images.shape == person.images[:2].shape and not found.images.requires_grad
    torch.testing.assert_close(found.render(), found.images, atol=1e-4, rtol=1e-4)  # batches of other sizes


def test_an_inversion_is_the_same_from_its_tensors(prior, found):
    """All together and image by image: inversions are cached by image."""
    kept = {name: tensor.clone() for name, tensor in found.tensors().items()}
    assert {len(tensor) for tensor in kept.values()} == {2}
    again = prior.inversion(kept)
    assert type(again) is type(found) and again.rows == found.rows
    for name in ("ws", "images", "losses"):
        torch.testing.assert_close(getattr(again, name), getattr(found, name), atol=0, rtol=0, equal_nan=True)
    assert torch.equal(again.render(), found.render())
    assert again.facts.keys() == found.facts.keys()
    assert all(torch.equal(again.facts[name], values) for name, values in found.facts.items())
    second = prior.inversion({name: tensor[1:] for name, tensor in kept.items()})
    assert second.rows == (0,) and torch.equal(second.images[0], found.images[1])
    torch.testing.assert_close(second.render()[0], found.images[1], atol=1e-4, rtol=1e-4)  # as above


def test_codes_found_move_strengths_fastest_and_a_strength_of_zero_changes_nothing(found, tiny_domain):
    direction = torch.randn(tiny_domain.generator.w_dim, generator=torch.Generator().manual_seed(0))
    moved = found.moved(direction, [0.0, 1.0, 0.0])
    assert moved.rows == (0, 0, 0, 1, 1, 1)
    edits = moved.render().unflatten(0, (2, 3))
    assert edits.isfinite().all()
    torch.testing.assert_close(edits[:, 0], edits[:, 2], atol=1e-4, rtol=0)  # rounding of other places in a batch
    assert not torch.allclose(edits[:, 0], edits[:, 1])
    torch.testing.assert_close(edits[:, 0], found.images, atol=1e-4, rtol=1e-4)  # codes within an edit's bound stay


def test_a_projection_is_what_restore_gives(prior, problem):
    if not isinstance(prior, Projects):
        pytest.skip("does not project")
    projected = prior.project(*problem, seeds=[4, 5, 6])
    assert isinstance(projected, Inversion) and len(projected.losses) == 3
    assert torch.equal(projected.images, made(prior, problem, [4, 5, 6]))


def test_a_prior_of_coordinates_renders_its_anchors(prior):
    if not isinstance(prior, Spans):
        pytest.skip("has no anchors")
    g, n = prior.generator, len(prior.anchors)
    with torch.no_grad():
        expected = g.synthesis(prior.anchors.codes[:, None].expand(-1, g.num_ws, -1), noise="const")
    torch.testing.assert_close(prior.render(torch.eye(n)[:, None]), expected)
    torch.testing.assert_close(prior.render(torch.eye(n)[:, None].expand(-1, g.num_ws, -1)), expected)


# Networks of the domain, and what is asked of a person and of a domain


def test_what_is_not_personal_needs_no_photos(method, prior, problem, tiny_domain, tmp_path):
    if method.personal:
        pytest.skip("is fitted to a person")
    nobody = Portraits("nobody", torch.zeros(0, 3, RESOLUTION, RESOLUTION), (), ())
    settings = method.presets["smoke"]
    fitted = method.fit(nobody, tiny_domain, seed=1, settings=settings)
    expected = made(prior, problem, [0, 1, 2])
    assert torch.equal(made(fitted, problem, [0, 1, 2]), expected)  # nor makes anything of those it is given
    fitted.save(tmp_path)
    loaded = method.load(tmp_path, nobody, tiny_domain, settings=settings)
    assert torch.equal(made(loaded, problem, [0, 1, 2]), expected)


def test_what_is_personal_depends_on_the_person(method, prior, person, problem, tiny_domain):
    if not method.personal:
        pytest.skip("is not fitted to a person")
    other = dataclasses.replace(person, images=-person.images)
    fitted = method.fit(other, tiny_domain, seed=0, settings=method.presets["smoke"])
    assert not torch.equal(made(fitted, problem, [0, 1, 2]), made(prior, problem, [0, 1, 2]))


def test_networks_are_declared_and_read_as_they_were_saved(method, tiny_domain, tmp_path):
    assert isinstance(method.networks, tuple)
    for network in method.networks:
        assert isinstance(network, OwnNetwork)
        assert network.file.endswith(".safetensors") and network.command.startswith("python -m ")
        untrained = network.untrained(tiny_domain)
        save_network(untrained, tmp_path / network.file)
        read = network.read(tmp_path / network.file)
        assert type(read) is type(untrained)
        before, after = untrained.state_dict(), read.state_dict()
        assert before.keys() == after.keys()
        assert all(torch.equal(before[name], after[name]) for name in before)


def test_without_its_network_it_names_the_command_that_trains_it(method, person, tiny_domain, tmp_path):
    if not method.networks:
        pytest.skip("has no network of its own")
    bare = dataclasses.replace(tiny_domain, folder=tmp_path)
    with pytest.raises(Unsupported) as error:
        method.fit(person, bare, seed=0, settings=method.presets["smoke"])
    assert method.networks[0].file in str(error.value) and method.networks[0].command in str(error.value)


@pytest.mark.parametrize("adversarial", ADVERSARIAL)
def test_an_adversarial_method_is_unsupported_where_there_is_no_discriminator(adversarial, person, tiny_domain):
    method = METHODS.load(adversarial)
    without = dataclasses.replace(tiny_domain, discriminator=None)
    with pytest.raises(Unsupported, match="domain tiny has no discriminator"):
        method.fit(person, without, seed=0, settings=method.presets["smoke"])
