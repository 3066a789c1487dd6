"""Laws of alpha space, and Eq. 3, 4, 7 and B.1 against NumPy written from the paper."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta as beta_distribution
from scipy.stats import kstest

from mystyle.latents.anchors import Anchors, encode_anchors
from mystyle.latents.subspace import (
    AlphaCode,
    SamplingSettings,
    constrain,
    dilation,
    sample,
    sample_a0,
    sample_dirichlet,
    sample_hit_and_run,
    softmax_coordinates,
    to_w,
    unconstrained_centre,
)
from mystyle.types import Portraits

N, W_DIM = 7, 5


@pytest.fixture
def anchors() -> Anchors:
    codes = torch.randn(N, W_DIM, generator=torch.Generator().manual_seed(0))
    return Anchors(codes, tuple(f"{i}.png" for i in range(N)))


def rows(seed: int, *shape: int, scale: float = 1.0) -> torch.Tensor:
    """Random coordinates in float64, in which the laws hold to 1e-12."""
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def numpy_constrain(alpha: np.ndarray, beta: float, s: float) -> np.ndarray:
    """Eq. 7 as printed, in a form that does not overflow: log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)."""
    x = s * (alpha + beta)
    return (np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))) / s - beta


seeds = st.integers(0, 2**31 - 1)
betas = st.floats(0, 0.5)


@settings(max_examples=50, deadline=None)
@given(seed=seeds, beta=betas, scale=st.floats(1e-3, 10), sharpness=st.sampled_from([1.0, 100.0, 1000.0]))
def test_constrain_is_equation_7_and_its_entries_exceed_minus_beta(seed, beta, scale, sharpness):
    alpha = rows(seed, 3, N, scale=scale)
    constrained = constrain(alpha, beta, sharpness, normalize=False)
    # torch's softplus is linear beyond s x = 20, where it is off by e^-20 / s = 2e-9 / s at most
    np.testing.assert_allclose(constrained, numpy_constrain(alpha.numpy(), beta, sharpness), atol=1e-8)
    assert (constrained >= -beta).all()  # > in exact arithmetic; equal where softplus underflows


@settings(max_examples=50, deadline=None)
@given(seed=seeds, beta=betas, centre=st.floats(0, 2 / N), scale=st.floats(1e-3, 0.05))
def test_normalised_rows_are_in_the_dilated_set_of_beta_over_their_sum(seed, beta, centre, scale):
    alpha = centre + rows(seed, 3, N, scale=scale)
    constrained = constrain(alpha, beta, normalize=False)
    total = constrained.sum(dim=-1, keepdim=True)
    if not (total > 1e-3).all():  # an all-negative row has no barycentric coordinates
        return
    result = constrain(alpha, beta)
    np.testing.assert_allclose(result.sum(dim=-1), 1, atol=1e-9)  # Eq. 3, float64 with sums down to 1e-3
    assert (result >= -beta / total - 1e-12).all()  # the exact bound after division


def test_bound_may_be_exceeded_after_division_where_the_sum_is_below_one():
    alpha = torch.full((1, N), -1.0, dtype=torch.float64)
    alpha[0, 0] = 0.5
    result = constrain(alpha, beta=0.02)
    assert result.min() == pytest.approx(-0.02 / (0.5 - 0.02 * (N - 1)), rel=1e-9)


def test_unbounded_coordinates_are_only_normalised():
    alpha = 1 / N + rows(1, 4, N, scale=0.1)
    torch.testing.assert_close(constrain(alpha, None), alpha / alpha.sum(dim=-1, keepdim=True))
    assert constrain(alpha, None, normalize=False) is alpha


@settings(max_examples=50, deadline=None)
@given(seed=seeds, beta=betas, scale=st.floats(1e-3, 10))
def test_softmax_coordinates_are_in_the_dilated_set_and_reach_all_of_it(seed, beta, scale):
    u = rows(seed, 3, N, scale=scale)
    alpha = softmax_coordinates(u, beta)
    np.testing.assert_allclose(alpha.sum(dim=-1), 1, atol=1e-12)  # Eq. 3, float64
    assert (alpha >= -beta - 1e-15).all()
    share = (alpha + beta) / (1 + N * beta)  # any interior point has numbers u that give it
    np.testing.assert_allclose(softmax_coordinates(share.clamp_min(1e-300).log(), beta), alpha, atol=1e-12)


@given(beta=betas, count=st.integers(2, 300))
def test_centre_stays_the_centre(beta, count):
    centre = torch.full((count,), 1 / count, dtype=torch.float64)
    torch.testing.assert_close(constrain(centre, beta), centre)


@pytest.mark.parametrize("beta", [0.0, 0.02, 0.05, 1.0, None])
@pytest.mark.parametrize("count", [2, 10, 192, 5000])
@pytest.mark.parametrize("sharpness", [1.0, 100.0])
def test_equation_7_gives_the_centre_from_its_unrestricted_coordinate(beta, count, sharpness):
    raw = torch.full((count,), unconstrained_centre(count, beta, sharpness), dtype=torch.float64)
    alpha = constrain(raw, beta, sharpness, normalize=False)
    # float64; torch's softplus is linear beyond s x = 20, where it is off by e^-20 / s = 2e-9 / s at most
    np.testing.assert_allclose(alpha, 1 / count, rtol=1e-12, atol=2.1e-9 / sharpness)


def test_negative_beta_is_refused():
    with pytest.raises(ValueError, match="beta must be >= 0"):
        constrain(torch.zeros(3), -0.1)


def test_one_hot_returns_its_anchor(anchors):
    assert torch.equal(to_w(torch.eye(N), anchors), anchors.codes)


def test_to_w_is_equation_4_for_every_layer(anchors):
    alpha = constrain(1 / N + rows(2, 2, 4, N, scale=0.1), 0.02).float()
    m = anchors.codes.numpy().T  # anchors along the columns
    expected = np.stack([[m @ layer for layer in image] for image in alpha.numpy()])
    np.testing.assert_allclose(to_w(alpha, anchors), expected, rtol=1e-5, atol=1e-6)  # float32 sums of 7 terms


@given(seed=seeds)
def test_permuting_anchors_permutes_alpha_only(seed):
    order = torch.randperm(N, generator=torch.Generator().manual_seed(seed)).tolist()
    codes = rows(0, N, W_DIM)
    anchors, permuted = (Anchors(c, tuple(map(str, i))) for c, i in ((codes, range(N)), (codes[order], order)))
    alpha = rows(seed, 3, N, scale=0.1)
    torch.testing.assert_close(constrain(alpha, 0.02)[:, order], constrain(alpha[:, order], 0.02))
    torch.testing.assert_close(to_w(alpha, anchors), to_w(alpha[:, order], permuted))
    assert permuted.hash != anchors.hash or order == list(range(N))


def test_dilation_is_zero_inside_and_the_least_beta_outside():
    alpha = torch.tensor([[0.2, 0.3, 0.5], [0.0, 0.0, 1.0], [-0.25, 0.5, 0.75]])
    np.testing.assert_allclose(dilation(alpha), [0, 0, 0.25])


@settings(max_examples=30, deadline=None)
@given(seed=seeds, count=st.integers(1, 40))
def test_p0_samples_are_convex_combinations_of_at_most_three_anchors(seed, count):
    alpha = sample_a0(count, 16, torch.Generator().manual_seed(seed))
    torch.testing.assert_close(alpha.sum(dim=1), torch.ones(16))
    assert (dilation(alpha) == 0).all()  # hence in A_beta for every beta
    assert ((alpha > 0).sum(dim=1) <= 3).all()
    if count >= 3:
        assert (alpha > 0).sum(dim=1).float().mean() > 2.9  # a scalar of exactly 0 has probability 2^-24


def test_p0_has_the_distribution_of_b1():
    """Normalised uniforms, not a flat Dirichlet: the mean of the largest weight is .523 (.611 for a Dirichlet)."""
    alpha = sample_a0(20, 20_000, torch.Generator().manual_seed(0))
    u = np.random.default_rng(0).random((20_000, 3))
    expected = (u / u.sum(axis=1, keepdims=True)).max(axis=1).mean()
    assert alpha.amax(dim=1).mean().item() == pytest.approx(expected, abs=0.004)  # 4 standard errors of each mean
    share = (alpha > 0).float().mean(dim=0)
    np.testing.assert_allclose(share, 3 / 20, atol=0.011)  # 4 standard errors: anchors are drawn uniformly


def test_first_samples_do_not_depend_on_how_many_are_drawn():
    few, many = (sample_a0(N, n, torch.Generator().manual_seed(3)) for n in (2, 50))
    assert torch.equal(few, many[:2])


@pytest.mark.parametrize("beta", [0.0, 0.05])
def test_dirichlet_samples_are_uniform_in_the_dilated_set(beta):
    """A coordinate of the uniform distribution on a simplex is Beta(1, N - 1), magnified."""
    alpha = sample_dirichlet(N, 5000, torch.Generator().manual_seed(0), beta)
    np.testing.assert_allclose(alpha.sum(dim=1), 1, atol=1e-12)
    assert (alpha >= -beta).all()
    share = (alpha[:, 2] + beta) / (1 + N * beta)
    assert kstest(share.numpy(), beta_distribution(1, N - 1).cdf).pvalue > 0.01


def test_a_small_concentration_gives_few_anchors_a_share():
    few, many = (sample_dirichlet(50, 500, torch.Generator().manual_seed(1), concentration=c) for c in (0.04, 1.0))
    used = [float((1 / a.square().sum(dim=1)).mean()) for a in (few, many)]  # effective number of anchors
    assert 1.5 < used[0] < 4 and used[1] > 20


@pytest.mark.parametrize("beta", [0.0, 0.1])
def test_hit_and_run_approaches_the_uniform_distribution_of_the_dilated_set(anchors, beta):
    alpha = sample_hit_and_run(N, 3000, torch.Generator().manual_seed(2), beta, sweeps=20)
    np.testing.assert_allclose(alpha.sum(dim=1), 1, atol=1e-6)
    assert (alpha >= -beta - 1e-9).all()
    for i in range(N):
        share = (alpha[:, i] + beta) / (1 + N * beta)
        assert kstest(share.numpy(), beta_distribution(1, N - 1).cdf).pvalue > 1e-3  # of 14 draws of p values


def test_hit_and_run_without_a_jump_is_b1():
    alpha = sample_hit_and_run(N, 5, torch.Generator().manual_seed(3), sweeps=0)
    torch.testing.assert_close(alpha.float(), sample_a0(N, 5, torch.Generator().manual_seed(3)))


def test_sweeps_lead_from_three_anchors_to_many():
    draws = [sample_hit_and_run(100, 500, torch.Generator().manual_seed(5), sweeps=s) for s in (0, 1, 10)]
    used = [float((1 / a.square().sum(dim=1)).mean()) for a in draws]  # effective number of anchors
    assert used[0] < 3 < 5 < used[1] < 20 < 40 < used[2] < 60  # uniform: about half of a hundred


@pytest.mark.parametrize(
    "settings", [SamplingSettings(), SamplingSettings("dirichlet", 0.1), SamplingSettings("hit_and_run")]
)
def test_every_way_of_sampling_stays_in_its_set(anchors, settings):
    alpha = sample(anchors, 50, torch.Generator().manual_seed(6), settings)
    assert alpha.dtype == torch.float32 and alpha.shape == (50, N)
    torch.testing.assert_close(alpha.sum(dim=1), torch.ones(50), atol=1e-5, rtol=0)  # float32 sums
    assert (alpha >= -settings.beta - 1e-6).all()


def test_b1_knows_the_hull_alone(anchors):
    with pytest.raises(ValueError, match=r"B\.1 samples the hull itself"):
        sample(anchors, 1, torch.Generator(), SamplingSettings(beta=0.1))


def anchors_of(count: int, dim: int) -> Anchors:
    codes = torch.randn(count, dim, generator=torch.Generator().manual_seed(4))
    return Anchors(codes, tuple(map(str, range(count))))


def test_a_code_survives_the_disk_and_remembers_its_anchors(anchors, tmp_path):
    code = AlphaCode(torch.rand(2, 3, N), anchors.hash)
    code.save(tmp_path / "c.safetensors", key="k")
    loaded = AlphaCode.load(tmp_path / "c.safetensors")
    assert torch.equal(loaded.alpha, code.alpha) and loaded.anchors == anchors.hash
    assert torch.equal(code[1:].alpha, code.alpha[1:])


def test_anchors_survive_the_disk_and_notice_a_change(anchors, tmp_path):
    anchors.save(tmp_path / "a.safetensors")
    loaded = Anchors.load(tmp_path / "a.safetensors")
    assert torch.equal(loaded.codes, anchors.codes)
    assert (loaded.names, loaded.hash) == (anchors.names, anchors.hash)
    raw = bytearray((tmp_path / "a.safetensors").read_bytes())
    raw[-1] ^= 1
    (tmp_path / "b.safetensors").write_bytes(raw)
    with pytest.raises(ValueError, match="do not match the stored hash"):
        Anchors.load(tmp_path / "b.safetensors")


def test_anchors_hash_depends_on_codes_names_and_order(anchors):
    others = [
        Anchors(anchors.codes + 1e-6, anchors.names),
        Anchors(anchors.codes, anchors.names[::-1]),
        Anchors(anchors.codes.flip(0), anchors.names[::-1]),
    ]
    assert len({anchors.hash, *(other.hash for other in others)}) == 4


def test_anchors_need_a_name_for_every_code():
    with pytest.raises(ValueError, match="for 2 names"):
        Anchors(torch.zeros(3, 4), ("a", "b"))


def test_encoding_keeps_the_order_of_the_photos_whatever_the_batch():
    images = torch.randn(5, 3, 4, 4)
    names = tuple("edcba")
    portraits = Portraits("p", images, names, names)
    for batch in (1, 2, 5):
        anchors = encode_anchors(portraits, lambda x: x.flatten(1), batch)
        assert torch.equal(anchors.codes, images.flatten(1))
        assert anchors.names == names
