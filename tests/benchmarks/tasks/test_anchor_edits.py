"""Edits of anchors: the same codes in the untuned and in a tuned generator."""

from __future__ import annotations

import copy
from dataclasses import replace
from types import SimpleNamespace

import torch
from bench_toys import person_of
from tiny import load_tiny_domain

from benchmarks.api.registry import METHODS
from benchmarks.suites.directions import ATTRIBUTES, SUITE, parts
from benchmarks.tasks.anchor_edits import AnchorEdits
from benchmarks.tasks.through_editor import INVERTED
from datasets.folders import read_portraits


def test_anchors_are_moved_along_the_direction_in_whatever_generator(people_root):
    domain, person = load_tiny_domain("cpu"), person_of(people_root / "alice")
    photos = read_portraits(people_root / "alice", "train", 32)
    method = METHODS.load("untuned")
    prior = method.fit(photos, domain, seed=0, settings=method.presets["smoke"])
    task = AnchorEdits("ganspace")
    cases = [task.case(person, i, "pca00", strength, 0) for i in (2, 0) for strength in (0.0, 3.0)]

    tuned = copy.deepcopy(prior.generator)
    with torch.no_grad():
        for weight in tuned.parameters():
            weight.mul_(1.01)
    for generator in (prior.generator, tuned):
        own = replace(prior, generator=generator)
        found = task.solve(own, task.problem(photos, cases), cases, SimpleNamespace(domain=domain))
        row = [own.anchors.names.index(person.train[i].file) for i in (2, 2, 0, 0)]
        w = own.anchors.codes[row][:, None].expand(-1, generator.num_ws, -1)
        plain = generator.synthesis(w, noise="const")
        torch.testing.assert_close(found.images[::2], plain[::2], rtol=0, atol=1e-5)  # one by one, or together
        assert not torch.allclose(found.images[1::2], plain[1::2], atol=1e-3)
        read = domain.judge.attributes(plain.clamp(-1, 1))
        for name, values in read.items():
            torch.testing.assert_close(found.facts[INVERTED + name], values, rtol=0, atol=1e-4)


def test_the_suite_edits_the_same_anchors_both_ways(people_root):
    person = person_of(people_root / "alice")
    found = parts(person, [person], SUITE.presets["smoke"], 0)
    assert [part.condition for part in found] == list(ATTRIBUTES)
    images = {tuple(case.image for case in part.cases) for part in found}
    assert len(images) == 1 and len(set(*images)) == 2
    for part in found:
        assert [case.edits[0] for case in part.cases] == [(part.condition, -2.0), (part.condition, 2.0)] * 2
