"""Edits of inverted photos and codes of two photos, on a renderer that is linear, so that all images are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from bench_toys import person_of
from torch import Tensor

from benchmarks.api.registry import EDITORS
from benchmarks.api.task import Case, Inapplicable, Problem
from benchmarks.tasks.coordinate import Coordinate
from benchmarks.tasks.edits import Edits
from benchmarks.tasks.interpolation import Interpolation
from benchmarks.tasks.path_length import PathLength
from benchmarks.tasks.same_magnitude import SameMagnitude
from benchmarks.tasks.style_mixing import StyleMixing
from mystyle.degradations import Identity
from mystyle.inversion import Inversion
from mystyle.latents.pnorm import pnorm_of

N, LAYERS, WIDTH = 3, 8, 64
SCALE = 0.02  # so that images stay within [-1, 1], where the judge's clamp changes nothing


@dataclass(frozen=True)
class Linear:
    """Image [3, 32, 32] number i of a code is SCALE times its numbers, with i added in what is left of the pixels."""

    def tensors(self) -> dict[str, Tensor]:
        return {}

    def __call__(self, ws: Tensor, rows: Any) -> Tensor:
        images = torch.zeros(len(ws), 3 * 32 * 32)
        images[:, : LAYERS * WIDTH] = SCALE * ws.flatten(1)
        images[:, -1] = torch.tensor(rows, dtype=torch.float32)
        return images.unflatten(1, (3, 32, 32))


def codes_of(images: Tensor) -> Tensor:
    return images.flatten(1)[:, : LAYERS * WIDTH].unflatten(1, (LAYERS, WIDTH)) / SCALE


@pytest.fixture(scope="module")
def ws(tiny_domain) -> Tensor:
    """Codes of W+: every layer has one of its own."""
    z = torch.randn(N * LAYERS, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return tiny_domain.generator.mapping.w(z).unflatten(0, (N, LAYERS))


@pytest.fixture
def solve(ws, tiny_domain):
    """Cases of a task solved with those inversions; images and facts. ``more`` are fields of the domain."""

    def solved(task, cases, **more):
        found = Inversion.of(Linear(), ws, Linear()(ws, range(N)), torch.zeros(N, 1))
        photos = torch.zeros(len(cases), 3, 32, 32)

        def invert(prior, images, seeds):
            assert len(images) == len(seeds) == N
            return found

        resources = SimpleNamespace(domain=replace(tiny_domain, **more), invert=invert)
        output = task.solve(None, Problem(degraded=photos, degradation=Identity()), cases, resources)
        images = output.images if isinstance(output.images, Tensor) else torch.cat(list(output.images))
        return images, output.facts

    return solved


def cases_of(doses, **fields) -> tuple[Case, ...]:
    """A case per photo and dose."""
    each = [(i, k, dose) for i in range(N) for k, dose in enumerate(doses)]
    return tuple(Case(f"{i}-{k}", f"photo {i}", i, photo=i, dose=dose, **fields) for i, k, dose in each)


@pytest.fixture(scope="module")
def directions(tiny_domain) -> dict[str, Tensor]:
    return EDITORS.load("ganspace").directions(tiny_domain)


# The linear renderer's images have codes of about 1 / SCALE times float32's precision
CLOSE = {"atol": 1e-4, "rtol": 1e-4}


def test_edits_in_sequence_add_up(solve, ws, directions):
    both = (("pca00", 1.0), ("pca03:0-2", -0.5))
    images, facts = solve(Edits("ganspace"), cases_of([None], edits=both))
    expected = ws + directions["pca00"]
    expected[:, :3] -= 0.5 * directions["pca03"]
    torch.testing.assert_close(codes_of(images), expected, **CLOSE)
    assert images[:, -1, -1, -1].tolist() == [0, 1, 2], "each is rendered by what belongs to its photo"
    assert facts == {}, "the judge reads no component"


def test_single_edits_of_an_attribute_are_one_call(solve, ws, directions, monkeypatch):
    """Whatever their photos and strengths are; sequences go one by one."""
    ganspace = type(EDITORS.load("ganspace"))
    apply, calls = ganspace.apply, []

    def counted(self, codes, attribute, strengths, domain):
        calls.append((attribute, tuple(strengths)))
        return apply(self, codes, attribute, strengths, domain)

    monkeypatch.setattr(ganspace, "apply", counted)
    wanted = [(0, "pca03", -1.0), (1, "pca00", 2.0), (2, "pca03", 0.5), (0, "pca03", 0.5)]
    cases = [Case(f"{n}", f"photo {k}", k, photo=k, edits=((name, by),)) for n, (k, name, by) in enumerate(wanted)]
    images, _ = solve(Edits("ganspace"), cases)
    assert sorted(calls) == [("pca00", (2.0,)), ("pca03", (-1.0, 0.5))]
    expected = torch.stack([ws[k] + by * directions[name] for k, name, by in wanted])
    torch.testing.assert_close(codes_of(images), expected, **CLOSE)
    assert images[:, -1, -1, -1].tolist() == [0, 1, 2, 0]


def test_what_is_read_of_the_inversion_is_told(solve, ws, tiny_domain, monkeypatch):
    n = torch.randn(WIDTH, generator=torch.Generator().manual_seed(1))
    monkeypatch.setattr(type(EDITORS.load("ganspace")), "directions", lambda self, domain: {"yaw": n})
    _, facts = solve(Edits("ganspace"), cases_of([None], edits=(("yaw", 1.0),)))
    read = tiny_domain.judge.attributes(Linear()(ws, range(N)).clamp(-1, 1))["yaw"]
    torch.testing.assert_close(facts["inverted_yaw"], read)


def test_a_coordinate_is_set_whatever_it_was(solve, ws, directions, tiny_domain):
    images, _ = solve(Coordinate("pca01", "ganspace"), cases_of([-2.0, 0.0, 2.0]))
    n, mean = directions["pca01"], tiny_domain.generator.mapping.w_avg
    edited = codes_of(images)
    there = ((edited - mean) @ n / n.square().sum()).mean(dim=1)
    torch.testing.assert_close(there, torch.tensor([-2.0, 0.0, 2.0]).repeat(N), **CLOSE)
    shift = edited - ws.repeat_interleave(3, dim=0)
    torch.testing.assert_close(shift, shift.mean(dim=1, keepdim=True).expand_as(shift), **CLOSE)  # alike in all layers


@pytest.fixture(scope="module")
def linear_judge(directions):
    """Reads 10 times the coordinate of the first layer along a component, as the attribute of that name."""
    n = directions["pca00"]

    def attributes(images: Tensor) -> dict[str, Tensor]:
        return {"pca00": 10 * (codes_of(images)[:, 0] @ n) / n.square().sum()}

    return SimpleNamespace(moments={"pca00": (0.0, 1.0)}, attributes=attributes)


def test_the_same_change_is_found_for_every_code(solve, ws, linear_judge):
    task = SameMagnitude("pca00", gallery=17, reach=4.0, editor="ganspace")
    images, facts = solve(task, cases_of([-5.0, 10.0, 1000.0]), judge=linear_judge)
    before = linear_judge.attributes(Linear()(ws, range(N)))["pca00"].repeat_interleave(3)
    torch.testing.assert_close(facts["inverted_pca00"], before)
    change = (linear_judge.attributes(images)["pca00"] - before).unflatten(0, (N, 3))
    step = 10 * 2 * (8 / 16) / 16  # of the second round, in the attribute's unit
    wanted = torch.tensor([-5.0, 10.0, 40.0])  # and the largest strength where that is not enough
    assert ((change - wanted).abs() <= step / 2 + 1e-3).all()


def test_a_change_that_the_judge_does_not_read_is_a_dash(solve):
    with pytest.raises(Inapplicable, match="does not read pca00"):
        solve(SameMagnitude("pca00", editor="ganspace"), cases_of([5.0]))


# Path lengths


def test_path_lengths_of_a_linear_renderer_are_squared_distances(solve, ws, tiny_domain):
    """|SCALE (b - a)|^2 at any epsilon, of the codes b that the case's seed draws."""
    task = PathLength(paths=4)
    cases = tuple(replace(case, seed=7 + i) for i, case in enumerate(cases_of([None])))

    def distance(a: Tensor, b: Tensor) -> Tensor:
        return (a.double() - b.double()).flatten(1).square().sum(dim=1)

    _, facts = solve(task, cases, perceptual=distance)
    for i, case in enumerate(cases):
        z = torch.randn(4, 1 + LAYERS, 16, generator=torch.Generator().manual_seed(case.seed))
        with torch.no_grad():
            b = tiny_domain.generator.mapping.w(z.flatten(0, 1)).unflatten(0, (4, 1 + LAYERS))
        alike = SCALE**2 * (b[:, :1] - ws[i]).square().sum(dim=(1, 2)).mean()
        each = SCALE**2 * (b[:, 1:] - ws[i]).square().sum(dim=(1, 2)).mean()
        # steps of 1e-4 of codes in float32
        torch.testing.assert_close(facts["path_length"][i].float(), alike, rtol=1e-2, atol=0)
        torch.testing.assert_close(facts["path_length_all"][i].float(), each, rtol=1e-2, atol=0)


# Two photos


@pytest.fixture(scope="module")
def alice(people_root):
    return person_of(people_root / "alice")


@pytest.fixture(scope="module")
def bob(people_root):
    return person_of(people_root / "bob")


def pairs(task, *people):
    photos = [(person, i) for person in people for i in range(N)]
    return task.cases(people, photos, "pair", 0)


def test_every_photo_is_once_the_first_and_once_the_second(alice, bob):
    cases = pairs(StyleMixing(), alice, bob)
    first, second = [case.photo for case in cases], [case.other for case in cases]
    assert sorted(first) == sorted(second) == list(range(2 * N))
    followed, at = [], 0
    for _ in cases:
        followed.append(at)
        at = second[first.index(at)]
    assert sorted(followed) == list(range(2 * N)) and at == 0, "one ring of all"
    assert {case.image for case in cases if case.photo >= N} == {f"bob/{file}" for file in bob.files}
    again = pairs(StyleMixing(), bob, alice)
    assert {case.image: case.seed for case in cases} == {case.image: case.seed for case in again}


def test_interpolations_are_straight_and_even(solve, ws, alice):
    task = Interpolation("w+", count=5)
    cases = pairs(task, alice)
    images, _ = solve(task, cases)
    first = list(dict.fromkeys(case.photo for case in cases))  # inverted in this order
    for image, case in zip(codes_of(images), cases, strict=True):
        a, b = ws[first.index(case.photo)], ws[first.index(case.other)]
        torch.testing.assert_close(image, a + case.dose * (b - a), **CLOSE)
    assert [case.dose for case in cases[:5]] == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6])
    assert images[:, -1, -1, -1].tolist() == [first.index(case.photo) for case in cases]


def test_straight_in_p_norm_is_not_straight_in_w(solve, ws, alice, tiny_domain):
    task = Interpolation("p-norm+", count=1, whitening=2000)
    cases = pairs(task, alice)
    images, _ = solve(task, cases)
    first = [case.photo for case in cases]
    a, b = ws, ws[[first.index(case.other) for case in cases]]
    space = pnorm_of(tiny_domain, 2000)
    # coordinates of the least components are large numbers; they are compared in the codes that they give
    torch.testing.assert_close(codes_of(images), space.codes((space(a) + space(b)) / 2), atol=1e-3, rtol=1e-3)
    assert not torch.allclose(codes_of(images), (a + b) / 2, atol=1e-2)


@pytest.mark.parametrize("layers, content", [(18, 7), (16, 6), (12, 5), (8, 3)])
def test_the_first_seven_of_eighteen_layers_are_the_first_photo_s(layers, content, tiny_domain):
    a, b = torch.zeros(2, layers, 4), torch.ones(2, layers, 4)
    mixed = StyleMixing().joined(a, b, [None, None], tiny_domain)
    assert mixed[..., 0].tolist() == [[0] * content + [1] * (layers - content)] * 2
