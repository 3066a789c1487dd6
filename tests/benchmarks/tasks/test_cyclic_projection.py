"""Cycles: projection, edit, projection of the written edit, the way back; everybody's photos at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
import torch

from benchmarks.api.task import Person
from benchmarks.tasks.cyclic_projection import CyclicProjection
from benchmarks.tasks.inversion import Inversion as InversionTask
from datasets.folders import Photo
from mystyle.domains.domain import InMemory
from mystyle.inversion import Inversion, SharedGenerator
from mystyle.plugins import EDITORS
from mystyle.types import Portraits, Unsupported, from_uint8, to_uint8


@dataclass
class Plain:
    """A prior whose codes are linear in the mean colours of an image; it counts what it is asked."""

    domain: object
    seen: list[tuple[torch.Tensor, tuple[int, ...]]] = field(default_factory=list)

    def invert(self, images, *, seeds):
        self.seen.append((images, tuple(seeds)))
        g = self.domain.generator
        w = g.mapping.w_avg + images.mean(dim=(2, 3)) @ torch.ones(3, g.w_dim)
        ws = w[:, None].repeat(1, g.num_ws, 1)
        renderer = SharedGenerator(g)
        return Inversion.of(renderer, ws, renderer(ws), torch.zeros(len(ws), 0))


@dataclass
class NoCache:
    domain: object

    def invert(self, prior, images, seeds):
        return prior.invert(images, seeds=seeds)


@pytest.fixture(scope="module")
def domain(tiny_domain):
    return replace(tiny_domain, fits=InMemory())


def person(name, files=("test/0.png",)):
    return Person(name, None, (), tuple(Photo(None, file, "0" * 64) for file in files))


def photos(own, *guests):
    """The held-out photos of a job, as the worker joins them."""
    files = ("test/0.png", *(f"{guest}/test/0.png" for guest in guests))
    seeds = [sum(map(ord, name)) for name in (own, *guests)]
    images = torch.cat([torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(s)) * 2 - 1 for s in seeds])
    return Portraits(own, images, files, tuple(str(seed) for seed in seeds))


def solved(domain, own="b", guests=("a", "c"), **changes):
    task = replace(CyclicProjection("smile", seed=7), **changes)
    cases = task.cases(person(own), 0, "smile")
    prior = Plain(domain)
    problem = task.problem(photos(own, *guests), cases)
    return task, cases, prior, task.solve(prior, problem, cases, NoCache(domain))


def test_the_three_images_are_the_cycle_s(domain):
    task, _, _, output = solved(domain, guests=())
    prior, n = Plain(domain), EDITORS.load("interfacegan").directions(domain)["smile"]
    p = prior.invert(photos("b").images, seeds=[0])
    edit = p.renderer(p.ws + task.strength * n)
    again = prior.invert(from_uint8(to_uint8(edit)), seeds=[0])
    cyc = again.renderer(again.ws - task.strength * n)
    torch.testing.assert_close(output.images, torch.cat([p.images, edit, cyc]), rtol=0, atol=1e-5)
    read = domain.judge.attributes(p.images.clamp(-1, 1))["smile"]
    torch.testing.assert_close(output.facts["inverted_smile"], read.expand(3))


def test_cases_are_a_chain_with_the_seed_of_the_photo_s_inversion():
    one, two, three = CyclicProjection("smile", 1.5, seed=3).cases(person("b"), 0, "smile")
    assert (one.of, two.of, three.of) == ("", one.name, two.name)
    assert (one.edits, two.edits) == ((), (("smile", 1.5),))
    assert three.edits == (("smile", 1.5), ("smile", -1.5))
    inverted = InversionTask().case(person("b"), 0, 3)
    assert {one.seed, two.seed, three.seed} == {inverted.seed}


def test_guests_descend_beside_and_everybody_s_job_asks_for_the_same(domain):
    """Both projections of all photos, in one order, with the seeds of their own jobs: the caches answer the others."""
    _, cases, mine, output = solved(domain, "b", ("a", "c"))
    _, others, theirs, _ = solved(domain, "c", ("a", "b"))
    assert [len(images) for images, _ in mine.seen] == [3, 3]
    for (x, seeds), (y, other_seeds) in zip(mine.seen, theirs.seen, strict=True):
        assert torch.equal(x, y) and seeds == other_seeds
    assert mine.seen[0][1][1] == cases[0].seed and mine.seen[0][1][2] == others[0].seed
    _, _, _, alone = solved(domain, "b", ())
    torch.testing.assert_close(output.images, alone.images, rtol=0, atol=1e-4)  # batches of other sizes


def test_attributes_that_the_editor_does_not_know_are_dashes(domain):
    with pytest.raises(Unsupported, match="unknown direction 'masculine'"):
        solved(domain, guests=(), attribute="masculine")
