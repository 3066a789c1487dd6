"""Claims of identity (accepted, rank 1, same pose) and distances to real photos, on embeddings that are known."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from evaluations import evaluation_of, noise
from scipy.stats import wasserstein_distance

from benchmarks.api.registry import METRICS
from benchmarks.api.task import Inapplicable, Problem
from benchmarks.metrics.identity_shift import others_similarity
from mystyle.strangers import FILE, read_strangers, write_strangers
from mystyle.types import Portraits, Unsupported

SIZE = 4  # px: images are vectors of 48 numbers here, the first of which is the yaw


class Pixels(torch.nn.Module):
    """A judge whose features are the pixels, whose identity is their direction, and whose yaw is the first of them."""

    moments = {"yaw": (0.0, 1.0)}  # noqa: RUF012

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def deep(self, images):
        return images.flatten(1)

    def identity_of(self, deep):
        return F.normalize(deep[:, 1:], dim=1)

    def regress(self, deep):
        return deep[:, :1]


def domain(folder, strangers=None):
    found = SimpleNamespace(name="pixels", judge=Pixels(), device=torch.device("cpu"), file=lambda name: None)
    if strangers is not None:
        write_strangers(folder / FILE, F.normalize(strangers, dim=1), found.judge, "random")
        found.file = lambda name: folder / name
    return found


def portraits(images):
    names = tuple(f"{i}.png" for i in range(len(images)))
    return Portraits("alice", images, names, tuple(f"{images[i].sum()}" for i in range(len(images))))


def compute(name, evaluation):
    return METRICS.load(name).compute(evaluation)


@pytest.fixture
def evaluation(tmp_path):
    """Photos about one direction, and 3,000 strangers all around."""
    mean = noise(1, SIZE, seed=9)
    train, held_out, outputs = ((mean + 0.5 * noise(n, SIZE, seed=n)).clamp(-1, 1) for n in (12, 5, 7))
    people = torch.randn(3000, 3 * SIZE**2 - 1, generator=torch.Generator().manual_seed(0))
    return evaluation_of(
        outputs, sources=[None] * 7, train=portraits(train), held_out=portraits(held_out),
        domain=domain(tmp_path, people),
    )  # fmt: skip


def outputs_at(evaluation, directions):
    """The same with outputs whose embeddings point there, to 8 bits."""
    images = torch.cat([torch.zeros(len(directions), 1), directions], dim=1).unflatten(1, (3, SIZE, SIZE))
    scaled = images / images.abs().amax(dim=(1, 2, 3), keepdim=True)
    found = evaluation_of(scaled, sources=[None] * len(scaled), train=evaluation.train, held_out=evaluation.held_out)
    return replace(found, domain=evaluation.domain)


def template(evaluation):
    return F.normalize(evaluation.identity("train").mean(dim=0), dim=0)


def test_one_stranger_in_a_thousand_is_accepted_and_photos_are(evaluation):
    people = read_strangers(evaluation.domain)
    scores = people @ template(evaluation)
    best = scores.argsort(descending=True)
    assert compute("accepted", outputs_at(evaluation, people[best[:6]])).tolist() == [1, 1, 1, 0, 0, 0]
    assert compute("accepted", replace(evaluation, pixels=evaluation.pixels)).min() == 1


def test_acceptance_does_not_reward_the_average_face(evaluation):
    photos = outputs_at(evaluation, evaluation.identity("held_out"))
    average = outputs_at(evaluation, template(evaluation)[None])
    assert compute("identity", average).min() > compute("identity", photos).max()
    assert compute("accepted", average).tolist() == [1] and compute("accepted", photos).tolist() == [1] * 5


def test_rank_one_is_lost_to_the_nearest_stranger(evaluation):
    people = read_strangers(evaluation.domain)
    between = torch.stack([torch.lerp(template(evaluation), people[0], t) for t in (0.0, 0.4, 0.6, 1.0)])
    assert compute("identity_rank", outputs_at(evaluation, between)).tolist() == [1, 1, 0, 0]


def test_a_person_without_reference_photos_is_who_is_in_the_photo(evaluation):
    nobody = portraits(torch.zeros(0, 3, SIZE, SIZE))
    clean = evaluation.held_out.images
    stranger = replace(evaluation, train=nobody, problem=Problem(clean), pixels=evaluation.pixels[:5], memory={})
    wrong = replace(stranger, problem=Problem(-clean), memory={})
    for name in ("accepted", "identity_rank"):
        assert compute(name, stranger).min() == 1 and compute(name, wrong).max() == 0


@pytest.mark.parametrize("name", ["accepted", "identity_rank"])
def test_without_strangers_of_this_judge_there_is_a_dash(evaluation, tmp_path, name):
    with pytest.raises(Inapplicable, match=r"no identities of strangers \(strangers.safetensors\)"):
        compute(name, replace(evaluation, domain=domain(tmp_path), memory={}))
    other = domain(tmp_path, torch.randn(3, 47))
    other.judge.weight.data.fill_(1)
    with pytest.raises(Inapplicable, match="are of another judge"):
        compute(name, replace(evaluation, domain=other, memory={}))
    with pytest.raises(Unsupported):
        read_strangers(other)


def test_a_thousandth_needs_a_thousand(evaluation, tmp_path):
    few = domain(tmp_path, torch.randn(999, 47, generator=torch.Generator().manual_seed(0)))
    with pytest.raises(Inapplicable, match="999 strangers are too few"):
        compute("accepted", replace(evaluation, domain=few, memory={}))
    assert compute("identity_rank", replace(evaluation, domain=few, memory={})).min() == 1


def test_strangers_come_back_as_they_were_written(tmp_path):
    people = F.normalize(torch.randn(9, 47, generator=torch.Generator().manual_seed(1)), dim=1)
    torch.testing.assert_close(read_strangers(domain(tmp_path, people)), people, atol=1e-3, rtol=0)  # float16


def test_same_pose_is_that_of_the_nearest_photos(evaluation):
    yaw, turns = (x[:, 0, 0, 0].numpy() for x in (evaluation.outputs, evaluation.train.images))
    cosine = (evaluation.identity("outputs") @ evaluation.identity("train").T).numpy()
    expected = [row[np.argsort(abs(turns - y))[:5]].mean() for row, y in zip(cosine, yaw, strict=True)]
    assert compute("identity_pose", evaluation).numpy() == pytest.approx(expected, abs=1e-5)
    evaluation.domain.judge.moments = {}
    with pytest.raises(Inapplicable, match="yaw"):
        compute("identity_pose", replace(evaluation, memory={}))


def test_a_face_between_the_poses_wins_no_identity_beside_photos_of_its_pose(evaluation):
    """Identity turns with the yaw; the frontal mean is nearest to the template of all poses, but a profile is right."""
    turns = torch.linspace(-1, 1, 21)
    plane = torch.eye(47)[:2]
    embeddings = torch.cos(0.9 * turns)[:, None] * plane[0] + torch.sin(0.9 * turns)[:, None] * plane[1]
    photos = torch.cat([turns[:, None], embeddings], dim=1).unflatten(1, (3, SIZE, SIZE))
    shown = photos[[20, 10]]
    found = evaluation_of(shown, sources=[None] * 2, train=portraits(photos), domain=evaluation.domain)
    profile, frontal = compute("identity", found).tolist()
    assert frontal - profile > 0.3
    profile, frontal = compute("identity_pose", found).tolist()
    assert abs(frontal - profile) < 0.02  # the five nearest to the last pose are all on one side of it


@pytest.mark.parametrize("name", ["identity_shift", "maps_shift"])
def test_shifts_are_wassersteins_distance_to_the_photos(evaluation, name):
    score = {"identity_shift": "identity", "maps_shift": "maps_train"}[name]
    of = {who: compute(score, replace(evaluation, pixels=evaluation.pixels)) for who in ("outputs",)}
    photos = evaluation_of(evaluation.held_out.images, sources=[None] * 5, train=evaluation.train)
    real = compute(score, replace(photos, domain=evaluation.domain))
    restored = replace(evaluation, problem=Problem(evaluation.held_out.images), memory={})
    expected = wasserstein_distance(of["outputs"].numpy(), real.numpy())
    assert compute(name, restored)["all outputs"] == pytest.approx(expected, abs=0.01)  # 8-bit photos
    if name == "identity_shift":  # samples are set beside the reference photos, too
        real = torch.cat([others_similarity(evaluation.identity("train")), real])
        expected = wasserstein_distance(of["outputs"].numpy(), real.numpy())
    assert compute(name, evaluation)["all outputs"] == pytest.approx(expected, abs=0.01)


def test_shifts_count_from_both_sides_and_see_a_narrow_spread(evaluation):
    people = evaluation.identity("train")
    middle, strangers = template(evaluation), read_strangers(evaluation.domain)[:12]
    real = compute("identity_shift", outputs_at(evaluation, people))["all outputs"]
    above = compute("identity_shift", outputs_at(evaluation, middle.expand(12, -1)))["all outputs"]
    below = compute("identity_shift", outputs_at(evaluation, strangers))["all outputs"]
    assert real < above < below
    ordinary = people[(others_similarity(people) - others_similarity(people).mean()).abs().argmin()]
    assert compute("identity_shift", outputs_at(evaluation, ordinary.expand(12, -1)))["all outputs"] > real


def test_each_photo_is_compared_with_the_template_of_the_others():
    e = F.normalize(torch.randn(6, 5, generator=torch.Generator().manual_seed(3)), dim=1)
    expected = [float(e[i] @ F.normalize(e[[j for j in range(6) if j != i]].mean(0), dim=0)) for i in range(6)]
    assert others_similarity(e).tolist() == pytest.approx(expected, abs=1e-5)
    with pytest.raises(Inapplicable, match="two reference photos"):
        others_similarity(e[:1])
