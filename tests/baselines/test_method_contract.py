"""Every method keeps the promises of ``mystyle.types.Method``; a new file in baselines/ is tested by being there."""

from __future__ import annotations

import dataclasses
import importlib

import pytest
import torch

from benchmarks.api.registry import METHODS
from mystyle.degradations import Downsampling, Inpainting
from mystyle.types import Degradation, Edits, Inverts, Portraits, Prior, Restores, Samples, Unsupported

RESOLUTION = 32  # of the tiny domain
PRESETS = ("smoke", "quick", "full", "paper")
NETWORKS = ("generator", "discriminator", "encoder", "features", "perceptual")


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
    """Three degraded images, with holes in different places if the method fills holes, else made small."""
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


def state(domain) -> dict[str, torch.Tensor]:
    return {
        f"{network}.{name}": value.clone()
        for network in NETWORKS
        for name, value in getattr(domain, network).state_dict().items()
    }


def test_name_is_the_file_name_and_the_rest_is_there(name, method):
    assert method.name == name
    module = importlib.import_module(METHODS.modules()[name])
    assert name == "mystyle" or module.__name__.split(".")[-1] == name
    assert method.version >= 1
    assert method.title


def test_presets_are_complete_frozen_and_have_a_fit(method):
    assert tuple(method.presets) == PRESETS
    for settings in method.presets.values():
        assert dataclasses.is_dataclass(settings)
        assert settings.__dataclass_params__.frozen
        assert settings.fit is None or settings.fit.__dataclass_params__.frozen
        assert hash(settings) is not None  # every value in it is immutable


VERBS = {"sample": Samples, "inpaint": Restores, "upscale": Restores, "invert": Inverts, "edit": Edits}


def test_a_prior_does_what_its_method_says(method, prior):
    assert isinstance(prior, Prior)
    assert method.does and set(method.does) <= set(VERBS)
    for verb, protocol in VERBS.items():
        wanted = any(VERBS[done] is protocol for done in method.does)
        assert isinstance(prior, protocol) == wanted, verb


@pytest.mark.parametrize("verb", ["inpaint", "upscale"])
def test_what_a_method_does_not_restore_it_refuses(method, prior, person, verb):
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
    assert torch.equal(prior.restore(*problem, seeds=seeds), again.restore(*problem, seeds=seeds))


def test_restore_gives_raw_images_of_the_right_kind(prior, problem):
    degraded, phi = problem
    kept, randomness = degraded.clone(), torch.get_rng_state()
    output = prior.restore(degraded, phi, seeds=[0, 1, 2])
    assert output.shape == (len(degraded), 3, RESOLUTION, RESOLUTION)
    assert output.dtype == torch.float32
    assert output.isfinite().all()
    assert not output.requires_grad
    assert torch.equal(degraded, kept)
    assert torch.equal(randomness, torch.get_rng_state())


def test_row_i_of_restore_depends_on_row_i_and_its_seed_alone(prior, problem):
    degraded, phi = problem
    seeds = [7, 8, 9]
    together = prior.restore(degraded, phi, seeds=seeds)
    for i in range(3):
        rows = slice(i, i + 1)
        alone = prior.restore(degraded[rows], phi[rows], seeds=seeds[rows])
        # float32: other batch sizes round differently, and ten steps of Adam amplify it; still below one 8-bit level
        torch.testing.assert_close(alone[0], together[i], atol=5e-3, rtol=0)


def test_save_and_load_give_the_same_prior(method, person, tiny_domain, prior, problem, tmp_path):
    prior.save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} <= {".safetensors", ".json"}
    loaded = method.load(tmp_path, person, tiny_domain, settings=method.presets["smoke"])
    seeds = [0, 1, 2]
    assert torch.equal(loaded.restore(*problem, seeds=seeds), prior.restore(*problem, seeds=seeds))


def test_samples_repeat_by_seed_and_do_not_depend_on_how_many(prior):
    if not isinstance(prior, Samples):
        pytest.skip("does not sample")
    images = prior.sample(3, seed=0)
    assert images.shape[:2] == (3, 3)
    assert images.isfinite().all()
    torch.testing.assert_close(prior.sample(20, seed=0)[:3], images, atol=1e-4, rtol=0)  # rounding of other batch sizes
    assert not torch.allclose(prior.sample(3, seed=1), images)


def test_invert_repeats(prior, person):
    if not isinstance(prior, Inverts):
        pytest.skip("does not invert")
    a, b = (prior.invert(person.images[:2], seeds=[0, 1]) for _ in range(2))
    tensors = [codes(code) for code in (a, b)]
    assert torch.equal(*tensors)
    assert len(tensors[0]) == 2


def codes(code: object) -> torch.Tensor:
    """The numbers of an inversion, whatever else it carries."""
    if isinstance(code, torch.Tensor):
        return code
    return next(value for value in vars(code).values() if isinstance(value, torch.Tensor))


def test_edits_run_strengths_fastest_and_a_strength_of_zero_changes_nothing(prior, person, tiny_domain):
    if not isinstance(prior, Edits):
        pytest.skip("does not edit")
    direction = torch.randn(tiny_domain.generator.w_dim, generator=torch.Generator().manual_seed(0))
    prior = dataclasses.replace(prior, directions={"smile": direction})
    code = prior.invert(person.images[:2], seeds=[0, 1])
    edits = prior.edit(code, "smile", [0.0, 1.0, 0.0]).unflatten(0, (2, 3))
    assert edits.isfinite().all()
    torch.testing.assert_close(edits[:, 0], edits[:, 2], atol=1e-4, rtol=0)  # rounding of other places in a batch
    assert not torch.allclose(edits[:, 0], edits[:, 1])
    with pytest.raises(ValueError, match="unknown direction 'frown'"):
        prior.edit(code, "frown", [1.0])
