"""What tuning does to random codes, and the rows of suites: laws, and formulas on the tiny domain."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch
from bench_toys import person_of

from baselines.ii2s import METHOD as II2S
from baselines.pti import METHOD as PTI
from benchmarks.api.seeds import item_seed
from benchmarks.suites import latent_regularisers, tuning_locality
from benchmarks.tasks.inversion import Inversion as InversionTask
from benchmarks.tasks.style_mixing import StyleMixing
from benchmarks.tasks.tuned_inversion import TunedInversion
from datasets.folders import read_portraits
from mystyle.inversion import Inversion, SharedGenerator


@dataclass(frozen=True)
class Inverting:
    """A prior whose inversion of photo k is random code k, and a job's resources; counts inversions."""

    domain: object
    asked: list

    def invert(self, prior, images, seeds):
        self.asked.append(tuple(seeds))
        g = self.domain.generator
        z = torch.cat([torch.randn(1, g.z_dim, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
        renderer, ws = SharedGenerator(g), g.mapping(z)
        return Inversion.of(renderer, ws, renderer(ws), torch.empty(len(ws), 0))


@pytest.fixture
def resources(tiny_domain):
    return Inverting(tiny_domain, [])


@pytest.fixture(scope="module")
def alice(people_root):
    return person_of(people_root / "alice"), read_portraits(people_root / "alice", "test", 32)


def test_every_pair_of_five_photos_comes_once_with_two_neighbours(alice):
    person, _ = alice
    person = replace(person, held_out=tuple(replace(person.held_out[0], file=f"test/{i}.png") for i in range(5)))
    cases = StyleMixing().cases((person,), [(person, i) for i in (3, 1, 0, 4, 2)], "mix", 0, neighbours=2)
    assert len({frozenset((case.photo, case.other)) for case in cases}) == len({case.name for case in cases}) == 10
    assert {case.seed for case in cases} == {InversionTask().case(person, i, 0).seed for i in range(5)}


def test_rows_of_the_suite_regularise_as_they_say():
    paper = II2S.presets["paper"]
    rows = {row.name: row.change(paper, None).restore for row in latent_regularisers.SUITE.methods}
    told = {name: (s.clip, s.radius, s.penalty) for name, s in rows.items()}
    assert told["free"] == told["fast"] == (None, None, 0.0)
    assert (told["clip_2"], told["project_5"], told["l2_1e-07"]) == (
        (2.0, None, 0.0),
        (None, 5.0, 0.0),
        (None, None, 1e-7),
    )
    assert len(set(told.values())) == 16
    assert rows["fast"].schedule(0, 10) == pytest.approx(0.1) and rows["free"].schedule(0, 10) == 0.01
    quick = latent_regularisers.SUITE.methods[0].change(II2S.presets["quick"], None).restore
    assert quick.schedule.peak == pytest.approx(0.5)


def test_rows_of_the_suite_are_the_ablation_s():
    paper = PTI.presets["paper"]
    rows = {row.name: row.change(paper, None) for row in tuning_locality.SUITE.methods if row != "pti"}
    assert {s.tuning.stop_below for s in rows.values()} == {0.0}
    assert [rows[name].pivot.space for name in ("pivot_w", "pivot_wplus")] == ["w", "w+"]
    joint = [(rows[name].start, rows[name].pivot_rate) for name in ("pivot_mean", "pivot_random", "joint_mean")]
    assert joint == [("mean", 0.0), ("random", 0.0), ("mean", 0.01)]
    distances = [s.locality.distance for s in rows.values() if s.locality]
    assert distances == pytest.approx([alpha / 18**0.5 / 9.06 for alpha in (8, 30, 60, 120, 30)], abs=0.005)
    assert [name for name, s in rows.items() if s.together == "in turn"] == ["together", "together_alpha_30"]


def test_random_codes_of_a_generator_that_is_not_tuned_stay(alice, resources):
    person, photos = alice
    task = TunedInversion(codes=3)
    cases = tuple(task.case(person, i, 0) for i in range(2))
    facts = task.solve(None, task.problem(photos, cases), cases, resources).facts
    assert facts["in_domain_mse"].tolist() == [0.0, 0.0]
    torch.testing.assert_close(facts["in_domain_perceptual"], torch.zeros(2), atol=1e-6, rtol=0)  # a difference of ones
    torch.testing.assert_close(facts["in_domain_identity"], torch.ones(2))


def test_random_codes_are_compared_in_each_photo_s_generator(alice, tiny_domain):
    """By the formulas, with codes drawn anew; not with those that the inversion itself draws."""
    person, photos = alice
    task = TunedInversion(codes=3)
    cases = tuple(task.case(person, i, 0) for i in range(2))
    settings = replace(PTI.presets["smoke"], start="mean")
    prior = PTI.fit(photos[:0], tiny_domain, seed=0, settings=settings)
    found = prior.invert(photos.images[:2], seeds=[case.seed for case in cases])

    class Given:
        domain = tiny_domain

        def invert(self, prior, images, seeds):
            return found

    facts = task.solve(prior, task.problem(photos, cases), cases, Given()).facts
    for i, case in enumerate(cases):
        seed = item_seed("random codes", case.seed)
        z = torch.randn(3, tiny_domain.generator.z_dim, generator=torch.Generator().manual_seed(seed))
        x, y = (g(z, noise="const").clamp(-1, 1) for g in (tiny_domain.generator, found.renderer.generators[i]))
        assert float(facts["in_domain_mse"][i]) == pytest.approx(float((x - y).square().mean()), rel=1e-3)
        assert float(facts["in_domain_perceptual"][i]) == pytest.approx(
            float(tiny_domain.perceptual(x, y).mean()), rel=1e-2, abs=1e-6
        )
        judge = tiny_domain.judge
        cosine = (judge.identity_of(judge.deep(x)) * judge.identity_of(judge.deep(y))).sum(dim=1).mean()
        assert float(facts["in_domain_identity"][i]) == pytest.approx(float(cosine), abs=1e-5)
    assert facts["tuning_steps"].tolist() == [5, 5]
