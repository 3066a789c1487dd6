"""Metrics of the filled hole: distances and fidelity inside it, and the seam around it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from evaluations import evaluation_of, rounded

from benchmarks.api.registry import METRICS
from benchmarks.api.task import Inapplicable
from benchmarks.metrics.seam import border_jump
from mystyle.networks.features import PerceptualDistance

N = 32


def evaluation(outputs, clean, mask, domain=None):
    return evaluation_of(outputs, clean, mask, domain=domain)


def seam(outputs, clean, mask):
    return METRICS.load("seam").compute(evaluation(outputs, clean, mask))


@pytest.fixture
def mask():
    m = torch.ones(1, 1, N, N)
    m[..., 10:20, 8:24] = 0
    return m


@pytest.fixture
def clean():
    return rounded(torch.rand(1, 3, N, N, generator=torch.Generator().manual_seed(0)) * 2 - 1)


# Distance in the hole


def test_distance_is_zero_for_the_photo_and_sees_the_hole_alone(tiny_domain, mask, clean):
    compute = METRICS.load("hole_distance").compute
    assert compute(evaluation(clean, clean, mask, tiny_domain)).item() == 0
    filled = rounded(clean * mask)
    expected = tiny_domain.perceptual.map(filled, clean)[0, 0].numpy()[(mask == 0)[0, 0].numpy()].mean()
    distance = compute(evaluation(filled, clean, mask, tiny_domain)).item()
    assert distance == pytest.approx(expected, rel=1e-5)  # float32 sums


def test_distance_grows_with_the_change(tiny_domain, mask, clean):
    compute = METRICS.load("hole_distance").compute
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1)) * (1 - mask)
    distance = [compute(evaluation(clean + k * noise, clean, mask, tiny_domain)).item() for k in (0.05, 0.2, 0.8)]
    assert 0 < distance[0] < distance[1] < distance[2]


# Seam


def jump_by_hand(image, mask):
    """The definition as loops over rows and columns of the 8-bit grey image."""
    rgb = np.clip(np.rint((image[0].numpy() + 1) * 127.5), 0, 255)
    grey = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
    known = mask[0, 0].numpy() > 0.5
    jumps = []
    for g, k in ((grey, known), (grey.T, known.T)):
        for i in range(N):
            for j in range(1, N - 2):
                if k[i, j] != k[i, j + 1]:
                    a, b, c, d = g[i, j - 1 : j + 3]
                    jumps.append(abs((c - b) - ((b - a) + (d - c)) / 2))
    return np.mean(jumps)


def test_jump_against_the_definition(clean, mask):
    assert border_jump(clean, mask).item() == pytest.approx(jump_by_hand(clean, mask), abs=1e-3)  # float32 grey levels


def test_the_photo_has_no_seam(clean, mask):
    assert seam(clean, clean, mask).item() == 0


@pytest.mark.parametrize("levels", [4, 40])
def test_a_hole_that_is_too_bright_has_a_seam_of_that_step(mask, levels):
    grey = torch.zeros(1, 3, N, N)
    brighter = grey + (1 - mask) * levels / 127.5
    # Across the border the step is s and beside it 0, so J = s; 8-bit rounding moves it by half a level at most.
    assert seam(brighter, grey, mask).item() == pytest.approx(levels, abs=0.51)


def test_a_smooth_ramp_through_the_border_is_no_seam(mask):
    ramp = torch.linspace(-1, 1, N).expand(1, 3, N, N).contiguous()
    assert seam(ramp, torch.zeros_like(ramp), mask).item() < 1  # rounding to 8 bits leaves half a level of either sign


def test_an_edge_of_the_photo_along_the_border_is_not_the_methods_fault(mask):
    edge = (1 - mask).expand(1, 3, N, N) * 0.5
    assert seam(edge, edge, mask).item() == 0
    assert seam(torch.zeros_like(edge), edge, mask).item() == 0  # smoother than the photo counts as no seam


def test_seams_far_from_the_border_are_not_seen(clean, mask):
    changed = clean.clone()
    changed[..., 14:16, 14:18] = 1  # the hole's inside, more than two pixels from its border
    changed[..., :4, :] = 1
    assert seam(changed, clean, mask).item() == 0


def test_each_image_has_its_own_border(clean):
    masks = torch.ones(2, 1, N, N)
    masks[0, :, 4:10, 4:10] = 0
    masks[1, :, 15:30, 10:20] = 0
    both = border_jump(clean.repeat(2, 1, 1, 1), masks)
    assert both.tolist() == pytest.approx([border_jump(clean, masks[i : i + 1]).item() for i in range(2)])


def test_no_border_no_number(clean):
    assert seam(clean, clean, torch.ones(1, 1, N, N)).isnan().all()


# Fidelity in the hole


def test_fidelity_in_the_hole_sees_the_hole_alone(tiny_domain, mask, clean):
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    filled = rounded((clean + 0.2 * noise * (1 - mask)).clamp(-1, 1))
    found = evaluation(filled, clean, mask, tiny_domain)
    hidden = (mask == 0)[0, 0].numpy()
    x, y = (images[0].numpy().astype(np.float64)[:, hidden] for images in (found.outputs, clean))
    psnr = 10 * np.log10(4 / ((x - y) ** 2).mean())
    assert METRICS.load("hole_psnr").compute(found).item() == pytest.approx(psnr, abs=1e-3)  # dB, of float32 means
    whole = METRICS.load("psnr").compute(found).item()
    assert whole == pytest.approx(psnr - 10 * np.log10(hidden.mean()), abs=1e-3)  # all errors lie in the hole
    assert METRICS.load("hole_psnr").compute(evaluation(clean, clean, mask, tiny_domain)).item() == 100


def test_similarity_in_the_hole_is_the_map_of_ssim_there(tiny_domain, clean):
    from torchmetrics.functional.image import structural_similarity_index_measure as ssim

    masks = torch.ones(2, 1, N, N)
    masks[0, :, 4:10, 4:10] = 0
    masks[1, :, 15:30, 10:20] = 0
    pairs = clean.repeat(2, 1, 1, 1)
    filled = rounded((pairs + 0.3 * torch.randn(pairs.shape, generator=torch.Generator().manual_seed(2))).clamp(-1, 1))
    _, full = ssim((filled + 1) / 2, (pairs + 1) / 2, data_range=1.0, return_full_image=True)
    expected = [full[i][:, masks[i, 0] == 0].mean().item() for i in range(2)]
    found = METRICS.load("hole_ssim").compute(evaluation(filled, pairs, masks, tiny_domain))
    assert found.tolist() == pytest.approx(expected, abs=1e-5)  # float32 sums


def test_the_judges_distance_is_its_own_and_needs_stages(tiny_domain, mask, clean):
    metric = METRICS.load("hole_distance_judge")
    filled = rounded(clean * mask)
    expected = PerceptualDistance(tiny_domain.judge).map(filled, clean)[0, 0].detach()[mask[0, 0] == 0].mean().item()
    assert metric.compute(evaluation(filled, clean, mask, tiny_domain)).item() == pytest.approx(expected, rel=1e-5)
    assert metric.compute(evaluation(clean, clean, mask, tiny_domain)).item() == 0
    recogniser = replace(tiny_domain, judge=object())
    with pytest.raises(Inapplicable, match="no perceptual network that no loss uses"):
        metric.compute(evaluation(filled, clean, mask, recogniser))
