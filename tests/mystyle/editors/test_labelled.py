"""Labels of directions: the choice on constructed effects, and what the reader sees of the edits."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mystyle.domains.domain import Domain, InMemory
from mystyle.editors.attributes import MAIN, layers_of, main_attributes, read_codes
from mystyle.editors.directions import sample_w
from mystyle.editors.ganspace import EDITOR as GANSPACE
from mystyle.editors.ganspace_labelled import EDITOR
from mystyle.editors.labelled import label, ranges
from mystyle.inversion import Codes, SharedGenerator


@pytest.fixture(scope="module")
def domain(tiny_domain) -> Domain:
    domain = replace(tiny_domain, fits=InMemory())
    settings = {"base": GANSPACE.version}
    domain.fitted(EDITOR.name, EDITOR.version, settings, lambda: EDITOR.find(domain, codes=4))
    return domain


def effects(*rows: list[float]) -> torch.Tensor:
    """Alike for two codes: [candidates, 2, K]."""
    return torch.tensor(rows)[:, None].expand(-1, 2, -1)


def test_the_change_times_its_share_decides():
    strong, pure, weak = [2.0, 2.0, 2.0], [1.5, 0.0, 0.1], [0.01, 0.0, 0.0]
    # 4 / 3.46 = 1.15, 2.25 / 1.503 = 1.497, 0.01
    assert label(effects(strong, pure, weak), 1).tolist() == [1]
    assert label(effects(strong, weak), 1).tolist() == [0], "what does next to nothing is no edit, however pure"
    assert label(effects([-1.5, 0.0, 0.1], strong), 1).tolist() == [0], "the sign is free"


def test_effects_that_differ_in_sign_between_codes_are_none():
    turning = torch.tensor([[[2.0, 0.0], [-2.0, 0.0]]])
    assert label(torch.cat([turning, effects([0.5, 0.0])]), 1).tolist() == [1]


def test_no_candidate_serves_two_attributes():
    both, first, second = [2.0, 2.0], [1.0, 0.0], [0.0, 0.5]
    # 4 / 2.83 for either attribute of the first; the others 1 and 0.5: 1.41 + 1 beats 1.41 + 0.5
    assert label(effects(both, first, second), 2).tolist() == [1, 0]


@pytest.mark.parametrize("num_ws", [8, 12, 14, 18])
def test_ranges_are_all_layers_and_cut_them_in_thirds_and_sixths(num_ws):
    found = ranges(num_ws)
    assert found[0] == range(num_ws) and len(found) == 10
    for parts in (found[1:4], found[4:]):
        assert [layer for part in parts for layer in part] == list(range(num_ws))


def test_published_layers_are_scaled_to_the_generator():
    assert [layers_of("age", n) for n in (18, 12, 9)] == [range(4, 8), range(2, 6), range(2, 4)]
    for name in MAIN:
        assert list(layers_of(name, 18)) == list(range(MAIN[name][0], MAIN[name][1] + 1))
        assert all(len(layers_of(name, n)) and layers_of(name, n)[-1] < n for n in (8, 10, 12, 14, 16))


def test_the_reader_reads_more_of_what_is_added(domain):
    g = domain.generator
    ws = sample_w(g, 4, seed=0)[:, None].expand(-1, g.num_ws, -1)
    codes = Codes(ws=ws, renderer=SharedGenerator(g), rows=tuple(range(4)))
    for k, attribute in enumerate(main_attributes(domain.reader)):
        edited = EDITOR.apply(codes, attribute, [-1.0, 1.0], domain).ws
        less, more = read_codes(edited, domain, main_attributes(domain.reader))[:, k].unflatten(0, (4, 2)).mean(dim=0)
        assert more > less, "on the codes that the label was found on"


def test_the_direction_is_the_base_s_in_the_label_s_layers(domain):
    number, first, last, sign = EDITOR.labels(domain)["smile"].tolist()
    name = f"{list(GANSPACE.directions(domain))[number]}:{first}-{last}"
    assert torch.equal(EDITOR.direction("smile", domain), sign * GANSPACE.direction(name, domain))
    outside = [i for i in range(domain.generator.num_ws) if not first <= i <= last]
    assert not EDITOR.direction("smile", domain)[outside].any()
