"""Metrics of whole sets of images against loops, NumPy and SciPy, and on sets whose answer is known."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from evaluations import evaluation_of, noise, rounded, with_outputs
from scipy.linalg import sqrtm
from scipy.stats import mannwhitneyu

from benchmarks.api.registry import METRICS
from benchmarks.api.task import Inapplicable
from benchmarks.metrics.copying import blur_to
from benchmarks.metrics.manifolds import covered
from benchmarks.metrics.neighbours import mean_pair_distance, nearest
from benchmarks.metrics.sharpness import edges
from datasets.folders import read_portraits
from mystyle.degradations import Blur

ROUNDING = 1e-5  # of float32 sums of thousands of numbers of unit size


def compute(name, evaluation):
    return METRICS.load(name).compute(evaluation)


@pytest.fixture(scope="module")
def evaluation(tiny_domain, people_root):
    """Forty samples near alice's five reference photos, more near some than near others."""
    train, test = (read_portraits(people_root / "alice", split, 32) for split in ("train", "test"))
    which = torch.tensor([0] * 20 + [1] * 12 + [3] * 7 + [4])
    outputs = rounded(train.images[which] + 0.15 * noise(40))
    return evaluation_of(outputs, sources=[None] * 40, train=train, held_out=test, domain=tiny_domain)


def distances(evaluation, a, b):
    """Every distance [len(a), len(b)] by the network itself, pair by pair."""
    d = evaluation.domain.perceptual
    return torch.stack([torch.cat([d(x[None], y[None]) for y in b]) for x in a]).detach().numpy()


def test_the_embedding_turns_distances_into_euclidean_ones(tiny_domain):
    a, b = noise(4), noise(4, seed=1)
    e, f = (tiny_domain.perceptual.embedding(x) for x in (a, b))
    torch.testing.assert_close((e - f).square().sum(dim=1), tiny_domain.perceptual(a, b), atol=ROUNDING, rtol=0)


def test_neighbours_are_those_of_all_pairs(evaluation):
    found = nearest(evaluation, evaluation.pixels, evaluation.train.images)
    d = distances(evaluation, evaluation.outputs, evaluation.train.images)
    assert found.photo.tolist() == d.argmin(axis=1).tolist()
    assert found.distance.numpy() == pytest.approx(d.min(axis=1), abs=ROUNDING)
    assert found.count.tolist() == np.bincount(d.argmin(axis=1), minlength=5).tolist()


def test_diversity_is_the_mean_over_all_pairs_of_each_cluster(evaluation):
    cluster = distances(evaluation, evaluation.outputs, evaluation.train.images).argmin(axis=1)
    own = distances(evaluation, evaluation.outputs, evaluation.outputs)
    expected = {}
    for k, file in enumerate(evaluation.train.files):
        pairs = [own[i, j] for i, j in combinations(np.flatnonzero(cluster == k), 2)]
        if pairs:  # a cluster of one has no pair, and is left out
            expected[f"cluster of {file}"] = np.mean(pairs)
    found = compute("diversity", evaluation)
    assert found == pytest.approx(expected, abs=ROUNDING) and len(found) < 5
    assert compute("diversity_x10", evaluation) == pytest.approx({k: 10 * v for k, v in expected.items()}, abs=1e-4)


def test_equal_images_have_no_diversity(evaluation):
    same = with_outputs(evaluation, evaluation.outputs[:1].expand(40, -1, -1, -1))
    assert list(compute("diversity", same).values()) == pytest.approx([0], abs=ROUNDING)
    assert compute("pair_distance", same) == pytest.approx({"all outputs": 0}, abs=ROUNDING)


def test_pair_distance_and_diversity_of_the_set(evaluation):
    for name, images in (("pair_distance", evaluation.outputs), ("set_diversity", evaluation.train.images)):
        d = distances(evaluation, images, images)
        pairs = [d[i, j] for i, j in combinations(range(len(images)), 2)]
        assert list(compute(name, evaluation).values()) == pytest.approx([np.mean(pairs)], abs=ROUNDING)
    with pytest.raises(Inapplicable, match="two images"):
        mean_pair_distance(evaluation, evaluation.pixels[:1])


def distances_to_photos(evaluation, images):
    return distances(evaluation, images, evaluation.train.images).min(axis=1)


def test_copies_are_found(evaluation):
    copies = with_outputs(evaluation, evaluation.train.images[[0, 1, 2, 3] * 10])
    assert compute("copy_distance", copies).max() < 1e-3  # float32 differences of sums of unit size, over 0.02
    assert compute("copy_rate", copies) == {"against held-out photos": 1.0}


def test_copying_is_measured_beside_new_photos(evaluation):
    sharper = with_outputs(evaluation, evaluation.outputs)  # noise is sharper than photos, which stay as they are
    ours, new = (distances_to_photos(evaluation, x) for x in (evaluation.outputs, evaluation.held_out.images))
    assert compute("copy_distance", sharper).numpy() == pytest.approx(ours / new.mean(), rel=1e-3)
    auc = mannwhitneyu(new, ours).statistic / (len(ours) * len(new))
    assert compute("copy_rate", sharper)["against held-out photos"] == pytest.approx(auc, abs=1e-3)  # near ties


def test_new_photos_are_the_norm(evaluation):
    for name in ("copy_distance", "copy_rate"):
        found = compute(name, with_outputs(evaluation, evaluation.held_out.images))
        mean = found.mean().item() if isinstance(found, torch.Tensor) else next(iter(found.values()))
        assert mean == pytest.approx(METRICS.load(name).norm, abs=1e-3)  # blurs by less than a hundredth of a pixel


def test_more_samples_are_no_more_evidence_and_few_photos_are_enough(evaluation):
    once = compute("copy_rate", evaluation)
    twice = replace(evaluation, pixels=evaluation.pixels.repeat(2, 1, 1, 1), cases=evaluation.cases * 2, memory={})
    assert compute("copy_rate", twice) == pytest.approx(once)
    alone = [replace(evaluation, held_out=evaluation.held_out[[i]], memory={}) for i in range(3)]
    rates = [compute("copy_rate", one)["against held-out photos"] for one in alone]
    assert np.mean(rates) == pytest.approx(once["against held-out photos"])  # unbiased, however few they are


def test_blurred_new_photos_are_no_copies(evaluation):
    """As they are, they lie nearer to the reference photos than sharp new photos do."""
    blurred = rounded(Blur(2.0)(evaluation.held_out.images))
    as_they_are = distances_to_photos(evaluation, blurred) / distances_to_photos(evaluation, evaluation.held_out.images)
    found = compute("copy_distance", with_outputs(evaluation, blurred))
    assert abs(found.mean().item() - 1) < 0.1 < abs(as_they_are.mean() - 1)


def test_the_blur_is_that_of_the_outputs(evaluation):
    photos = evaluation.train.images
    assert blur_to(photos, float(edges(Blur(1.3)(photos)).mean())) == pytest.approx(
        1.3, abs=0.01
    )  # 2 px / 2^12, float32
    assert blur_to(photos, 2 * float(edges(photos).mean())) == 0


def features_of(evaluation):
    return evaluation.deep("outputs").double().numpy(), evaluation.deep("train").double().numpy()


def test_fid_by_its_formula(evaluation):
    fake, real = features_of(evaluation)
    a, b = np.cov(fake.T), np.cov(real.T)
    expected = ((fake.mean(0) - real.mean(0)) ** 2).sum() + np.trace(a + b - 2 * np.real(sqrtm(a @ b)))
    # singular covariances: their square root is known to about the root of float64's precision
    assert compute("fid", evaluation) == pytest.approx({"all outputs": max(expected, 0)}, abs=1e-4)


def test_kid_by_its_formula(evaluation):
    fake, real = features_of(evaluation)
    n, d = real.shape

    def kernel(x, y):
        return (x @ y.T / d + 1) ** 3

    def mmd(x):
        inner = sum((kernel(s, s).sum() - np.trace(kernel(s, s))) / (n * (n - 1)) for s in (x, real))
        return inner - 2 * kernel(x, real).mean()

    expected = {f"group {g}": mmd(fake[g * n : (g + 1) * n]) for g in range(8)}
    assert compute("kid", evaluation) == pytest.approx(expected, abs=1e-4)  # float32 features to the third power


def test_manifolds_against_loops():
    rng = np.random.default_rng(0)
    points, centres = rng.normal(size=(30, 4)), rng.normal(size=(12, 4))
    radius = [sorted(np.linalg.norm(centres - c, axis=1))[3] for c in centres]
    expected = [any(np.linalg.norm(p - c) <= r for c, r in zip(centres, radius, strict=True)) for p in points]
    assert covered(torch.from_numpy(points), torch.from_numpy(centres)).tolist() == expected


def test_precision_and_recall_of_known_sets(evaluation):
    photos = with_outputs(evaluation, evaluation.train.images[[0, 1, 2, 3, 4] * 8])
    assert compute("precision", photos).min() == 1 and set(compute("recall", photos).values()) == {1.0}
    strangers = with_outputs(evaluation, evaluation.outputs)
    far = {"deep": 100 + evaluation.deep("outputs")}
    strangers.memory[("deep", "outputs")] = far["deep"]
    assert compute("precision", strangers).max() == 0 and set(compute("recall", strangers).values()) == {0.0}


def test_recall_looks_at_as_many_outputs_as_there_are_photos(evaluation):
    more = compute("recall", evaluation)
    first = evaluation.pixels[:5]
    fewer = replace(evaluation, pixels=first, cases=evaluation.cases[:5], memory={})
    assert more == compute("recall", fewer) and tuple(more) == evaluation.train.files


def test_sharpness_falls_with_blur_and_is_one_for_the_photos(evaluation):
    photos = with_outputs(evaluation, evaluation.train.images)
    assert compute("sharpness", photos).mean() == pytest.approx(1, abs=ROUNDING)
    blurred = torch.nn.functional.avg_pool2d(evaluation.train.images, 3, 1, 1)
    assert (compute("sharpness", with_outputs(evaluation, blurred)) < compute("sharpness", photos)).all()


def test_what_was_computed_of_photos_is_kept_and_of_outputs_is_not_taken_for_others(evaluation):
    memory = {}
    first = replace(evaluation, memory=memory)
    first.deep("train")
    assert len(memory) == 1
    other = replace(evaluation, train=evaluation.train[:3], memory=memory)
    assert len(other.deep("train")) == 3 and len(memory) == 2
    assert first.deep("train") is first.deep("train")
