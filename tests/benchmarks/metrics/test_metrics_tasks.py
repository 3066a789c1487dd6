"""Metrics of single images that a task has: consistency with the input, edits, dilation, traits, whose identity."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from evaluations import evaluation_of, noise, rounded, with_outputs
from scipy.ndimage import gaussian_filter

from benchmarks.api.registry import METRICS
from benchmarks.api.task import Inapplicable, Problem
from benchmarks.tasks.editing import Editing
from datasets.folders import read_portraits
from mystyle.degradations import Downsampling, Identity
from mystyle.types import Portraits


def compute(name, evaluation):
    return METRICS.load(name).compute(evaluation)


@pytest.fixture(scope="module")
def photos(people_root):
    return {name: read_portraits(people_root / name, "train", 32) for name in ("alice", "bob")}


def test_an_image_that_explains_its_input_is_consistent(tiny_domain):
    clean, phi = rounded(noise(2)), Downsampling(4)
    problem = Problem(clean, None, phi(clean), phi)
    evaluation = replace(evaluation_of(clean, domain=tiny_domain), problem=problem)
    assert compute("consistency", evaluation).max() < 1e-3  # float32 means, in levels
    lighter = with_outputs(evaluation, rounded(clean * 0.5))
    expected = 127.5 * (phi(rounded(clean * 0.5)) - phi(clean)).square().flatten(1).mean(1).sqrt()
    torch.testing.assert_close(compute("consistency", lighter), expected)


def test_fidelity_to_the_photo_pixel_by_pixel(tiny_domain):
    clean = rounded(noise(3))
    outputs = rounded(torch.cat([clean[:1], clean[1:2] * 0.9, clean[2:] + 0.3 * noise(1, seed=5)]))
    evaluation = evaluation_of(outputs, clean, domain=tiny_domain)
    x, y = ((images.numpy().astype(np.float64) + 1) / 2 for images in (evaluation.outputs, clean))

    expected = [100.0, *(-10 * np.log10(((x - y) ** 2).mean((1, 2, 3))[1:]))]
    assert compute("psnr", evaluation).numpy() == pytest.approx(expected, abs=1e-3)  # dB, of float32 means

    def window(a):  # Wang et al.'s, by another library
        return gaussian_filter(a, sigma=1.5, radius=5, mode="mirror", axes=(2, 3))

    mx, my = window(x), window(y)
    vx, vy, cov = window(x * x) - mx**2, window(y * y) - my**2, window(x * y) - mx * my
    map_ = (2 * mx * my + 0.01**2) * (2 * cov + 0.03**2) / ((mx**2 + my**2 + 0.01**2) * (vx + vy + 0.03**2))
    assert compute("ssim", evaluation).numpy() == pytest.approx(map_.mean((1, 2, 3)), abs=1e-5)  # variances in float32


def test_squared_errors_are_the_signal_to_noise_ratio_s(tiny_domain):
    clean = rounded(noise(2))
    evaluation = evaluation_of(rounded(0.8 * clean), clean, domain=tiny_domain)
    error = compute("mse", evaluation)
    torch.testing.assert_close(compute("psnr", evaluation), 10 * torch.log10(4 / error))  # of a range of 2


def test_structure_at_five_scales_is_that_of_reduced_images(tiny_domain):
    """The last scale's luminance and every scale's contrast and structure, by their formula, on averages of 2 x 2."""
    clean = rounded(noise(2, size=176))
    outputs = rounded(clean + 0.3 * noise(2, size=176, seed=5))
    weights = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)

    def parts(x, y):
        window = partial(gaussian_filter, sigma=1.5, radius=5, mode="mirror", axes=(2, 3))
        inner = np.s_[:, :, 5:-5, 5:-5]  # where the window is inside the image
        mx, my = window(x), window(y)
        vx, vy, cov = window(x * x) - mx**2, window(y * y) - my**2, window(x * y) - mx * my
        structure = (2 * cov + 0.03**2) / (vx + vy + 0.03**2)
        luminance = (2 * mx * my + 0.01**2) / (mx**2 + my**2 + 0.01**2)
        return (luminance * structure)[inner].mean((1, 2, 3)), structure[inner].mean((1, 2, 3))

    x, y = ((images.numpy().astype(np.float64) + 1) / 2 for images in (outputs, clean))
    expected = np.ones(2)
    for weight in weights[:-1]:
        expected *= parts(x, y)[1] ** weight
        x, y = (a.reshape(*a.shape[:2], a.shape[2] // 2, 2, a.shape[3] // 2, 2).mean((3, 5)) for a in (x, y))
    expected *= parts(x, y)[0] ** weights[-1]
    found = compute("ms_ssim", evaluation_of(outputs, clean, domain=tiny_domain))
    assert found.numpy() == pytest.approx(1 - expected, abs=5e-4)  # variances in float32, of few pixels
    with pytest.raises(Inapplicable, match="161 pixels"):
        compute("ms_ssim", evaluation_of(rounded(noise(1)), rounded(noise(1)), domain=tiny_domain))


def test_identity_of_the_photo_is_one_for_the_photo_itself(tiny_domain, photos):
    clean = photos["alice"].images[:3]
    same = compute("identity_photo", evaluation_of(clean, clean, domain=tiny_domain))
    torch.testing.assert_close(same, torch.ones(3))
    turned = compute("identity_photo", evaluation_of(clean[[1, 2, 0]], clean, domain=tiny_domain))
    judge = tiny_domain.judge
    with torch.no_grad():
        e = judge.identity_of(judge.deep(clean))
    torch.testing.assert_close(turned, (e[[1, 2, 0]] * e).sum(dim=1))


def test_fidelity_needs_a_photo(tiny_domain):
    for name in ("psnr", "ssim", "mse", "identity_photo"):
        with pytest.raises(Inapplicable, match="no photo"):
            compute(name, replace(evaluation_of(noise(1), domain=tiny_domain), problem=Problem()))


def test_where_known_pixels_are_put_back_or_nothing_was_given_there_is_nothing_to_explain(tiny_domain):
    clean, mask = rounded(noise(2)), torch.ones(1, 1, 32, 32)
    mask[..., 8:16, 8:16] = 0
    filled = clean * mask + (1 - mask)
    with pytest.raises(Inapplicable, match="put back"):
        compute("consistency", evaluation_of(filled, clean, mask, domain=tiny_domain))
    with pytest.raises(Inapplicable, match="no input"):
        compute("consistency", evaluation_of(filled, domain=tiny_domain))


FACTS = (
    "code_distance",
    "code_outliers",
    "in_domain_identity",
    "in_domain_mse",
    "in_domain_perceptual",
    "tuning_steps",
)


@pytest.mark.parametrize("name", FACTS)
def test_what_a_solution_tells_of_each_image_is_given_as_it_is(name):
    facts = {name: torch.tensor([0.0, 0.5, 1.0])}
    assert compute(name, evaluation_of(noise(3), facts=facts)) is facts[name]
    with pytest.raises(Inapplicable):
        compute(name, evaluation_of(noise(3)))


def test_the_displacement_of_anchors_is_one_number_of_the_prior():
    facts = {"anchor_displacement": torch.full((3,), 0.25)}
    assert compute("anchor_displacement", evaluation_of(noise(3), facts=facts)) == {"anchors": 0.25}
    with pytest.raises(Inapplicable, match="no trained anchors"):
        compute("anchor_displacement", evaluation_of(noise(3)))


def test_dilation_and_the_bound():
    facts = {"dilation": torch.tensor([0.0, 0.0191, 0.02]), "bound": torch.full((3,), 0.02)}
    evaluation = evaluation_of(noise(3), facts=facts)
    assert compute("dilation", evaluation) is facts["dilation"]
    assert compute("at_bound", evaluation).tolist() == [0, 1, 1]
    for bound in (torch.inf, 0.0):
        with pytest.raises(Inapplicable, match="no bound"):
            compute("at_bound", replace(evaluation, facts=facts | {"bound": torch.full((3,), bound)}))
    for name in ("dilation", "at_bound"):
        with pytest.raises(Inapplicable, match="no coordinates"):
            compute(name, evaluation_of(noise(3)))


def test_whose_identity(tiny_domain, photos):
    alice, bob = photos["alice"], photos["bob"]
    evaluation = evaluation_of(bob.images[:2], bob.images[:2], train=alice, subject=bob, domain=tiny_domain)
    swapped = replace(evaluation, train=bob, subject=alice, memory={})
    for subject, prior in (("maps_subject", "maps_train"), ("identity_subject", "identity")):
        assert torch.equal(compute(subject, evaluation), compute(prior, swapped))
        assert torch.equal(compute(prior, evaluation), compute(subject, swapped))
    assert compute("maps_subject", evaluation).min() > 1 - 1e-5  # bob's own photos
    typical = compute("typicality", replace(evaluation, train=bob, memory={}))
    assert (typical <= compute("maps_subject", evaluation) + 1e-6).all(), "a mean is no more than the largest"


def edits(tiny_domain, outputs, clean, wanted, attribute="smile"):
    """Edits of one photo, with the attributes that a network of random weights happens to read."""
    evaluation = evaluation_of(outputs, domain=tiny_domain)
    cases = tuple(
        replace(case, dose=dose, image="test/0.png") for case, dose in zip(evaluation.cases, wanted, strict=True)
    )
    task = Editing(attribute, wanted)
    return replace(evaluation, task=task, cases=cases, problem=Problem(clean, None, clean, Identity()))


def test_edits_are_measured_by_what_is_read(tiny_domain):
    outputs, clean = rounded(noise(3)), rounded(noise(1, seed=1)).expand(3, -1, -1, -1)
    read = {name: values.numpy() for name, values in tiny_domain.judge.attributes(outputs).items()}
    before = {name: values.numpy() for name, values in tiny_domain.judge.attributes(clean).items()}
    _, std = tiny_domain.judge.moments["smile"]
    wanted = (0.0, 0.4, 0.8)
    evaluation = edits(tiny_domain, outputs, clean, wanted)
    error = np.abs(read["smile"] - np.array(wanted)) / std
    assert compute("edit_error", evaluation).detach().numpy() == pytest.approx(error, abs=1e-4)
    (reach,) = compute("edit_reach", evaluation).values()
    assert reach == pytest.approx((read["smile"].max() - read["smile"].min()) / 0.8, abs=1e-4)
    leaked = np.abs(read["yaw"] - before["yaw"]) / tiny_domain.judge.moments["yaw"][1]
    assert compute("leakage", evaluation).detach().numpy() == pytest.approx(leaked, abs=1e-4)


def test_what_is_not_edited_or_not_read_has_no_edit_error(tiny_domain):
    for name in ("edit_error", "edit_reach", "leakage"):
        with pytest.raises(Inapplicable, match="no attribute was edited"):
            compute(name, evaluation_of(noise(1), domain=tiny_domain))
        with pytest.raises(Inapplicable, match="no attribute was edited"):
            compute(name, edits(tiny_domain, noise(1), noise(1), (0.0,), "beard"))


def test_traits_that_all_photos_share_are_the_true_ones(tiny_domain, photos):
    alice = photos["alice"]
    known = {"smile": torch.full((5,), 0.35), "yaw": torch.linspace(-9, 9, 5), "brow": torch.ones(5)}
    rendered = Portraits("alice", alice.images, alice.files, alice.hashes, known)
    outputs = rounded(noise(3))
    read = tiny_domain.judge.attributes(outputs)["smile"].detach().numpy()
    found = compute("true_identity", evaluation_of(outputs, train=rendered, domain=tiny_domain)).detach().numpy()
    _, std = tiny_domain.judge.moments["smile"]
    assert found == pytest.approx(np.abs(read - 0.35) / std, abs=1e-4)  # yaw varies, brow is not read
    with pytest.raises(Inapplicable, match="not known"):
        compute("true_identity", evaluation_of(outputs, train=alice, domain=tiny_domain))
