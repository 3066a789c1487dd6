"""Verdicts on made-up values whose truth is known, with scipy as the oracle of every number."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.analysis.claims import Cells, Claim
from benchmarks.analysis.statistics import paired_p_values
from benchmarks.analysis.verdicts import by_person, verdicts

A, B = Cells("a", "score"), Cells("b", "score")
PEOPLE = tuple("pqrstuvw")


def claim(cells=(A, B), relation="greater", suite="toy", **more) -> Claim:
    return Claim("1 Toys", "Table 1", suite, "A is better", tuple(cells), relation, **more)


def values(*groups) -> pd.DataFrame:
    """Rows of results from (row, condition, {(person, photo): value}); a value may be a reason why there is none."""
    rows = [
        (row, "score", person, f"{person}/{photo}", f"{photo}-{condition}", 0, condition)
        + ((value, "done", "") if not isinstance(value, str) else (np.nan, "inapplicable", value))
        for row, condition, table in groups
        for (person, photo), value in table.items()
    ]
    columns = ["method", "metric", "person", "image", "case", "seed", "condition", "value", "status", "reason"]
    return pd.DataFrame(rows, columns=columns).assign(item=False)


def constant(number, people=PEOPLE):
    return {(person, "0"): float(number) for person in people}


def shifted(differences):
    """One value of B for each person, and that plus the person's difference for A."""
    base = constant(0.5)
    other = {key: base[key] + difference for key, difference in zip(base, differences, strict=False)}
    return values(("b", "", {key: base[key] for key in other}), ("a", "", other))


def verdict(results, one=None):
    (found,) = verdicts([one or claim()], {"toy": results})
    return found


def p_of_signs(differences) -> float:
    """scipy's exact test that the differences are symmetric about zero."""
    test = stats.permutation_test((differences,), np.sum, permutation_type="samples", n_resamples=np.inf)
    return float(test.pvalue)


D = np.array([0.11, 0.08, 0.14, 0.09, 0.12, 0.10, 0.07, 0.13])


# Numbers


def test_numbers_of_a_difference_are_those_of_scipy():
    d = D - 0.09
    found = verdict(shifted(d))
    assert found.means == pytest.approx((0.5 + d.mean(), 0.5)) and found.people == 8
    assert found.difference == pytest.approx(d.mean())
    assert found.interval == pytest.approx(stats.t.interval(0.95, 7, d.mean(), stats.sem(d)))
    assert found.p_value == pytest.approx(p_of_signs(d))


def test_people_weigh_alike_and_images_that_one_row_lacks_are_left_out():
    rng = np.random.default_rng(0)
    a = {(person, str(i)): rng.normal() for n, person in enumerate(PEOPLE) for i in range(2 + n)}
    b = {key: rng.normal() for key in a if key != ("w", "1")}
    found = by_person(claim(), values(("a", "", a), ("b", "", b)))
    for person in PEOPLE:
        both = [key for key in b if key[0] == person]
        assert found.loc[person, "difference"] == pytest.approx(np.mean([a[key] - b[key] for key in both]))


def test_a_number_is_what_a_lone_cell_is_compared_with():
    found = verdict(
        values(("a", "", {(p, "0"): 0.5 + d for p, d in zip(PEOPLE, D, strict=True)})), claim([A], number=0.5)
    )
    assert found.difference == pytest.approx(D.mean()) and found.word == "supported"


def test_other_conditions_are_paired_by_photo_and_several_are_pooled():
    near = {(person, str(i)): 1.0 + i for person in PEOPLE for i in range(3)}
    far = {key: value - 0.5 for key, value in near.items() if key[1] != "2"}  # one photo fails
    results = values(("a", "near", near), ("a", "far", far))
    cells = [Cells("a", "score", ("near",)), Cells("a", "score", ("far",))]
    assert by_person(claim(cells), results)["difference"].tolist() == pytest.approx([0.5] * 8)
    pooled = [Cells(row, "score", ("near", "far")) for row in "ab"]
    results = values(
        *(
            (row, condition, constant(n + 2 * (row == "a")))
            for row in "ab"
            for n, condition in enumerate(["near", "far"])
        )
    )
    assert by_person(claim(pooled), results)["difference"].tolist() == pytest.approx([2.0] * 8)


def test_samples_beside_photos_and_what_is_counted_otherwise_are_compared_by_person():
    samples = {(person, f"sample {i}"): i for person in PEOPLE for i in range(4)}
    photos = {(person, f"photo {i}"): i for person in PEOPLE for i in range(2)}
    results = values(("a", "", samples), ("b", "", photos))
    assert by_person(claim(), results)["difference"].tolist() == pytest.approx([1.0] * 8)
    clusters = values(("a", "", samples), ("b", "", dict.fromkeys(list(samples)[::3], 0))).assign(item=True)
    assert by_person(claim(), clusters)["difference"].tolist() == pytest.approx([1.5] * 8)


def test_a_trend_is_the_change_along_the_line_of_least_squares():
    rng = np.random.default_rng(1)
    tables = {level: {(person, "0"): rng.normal() for person in PEOPLE} for level in "1234"}
    results = values(*(("a", level, table) for level, table in tables.items()))
    rising = claim([Cells("a", "score", (level,)) for level in tables], "rises")
    found = by_person(rising, results)["difference"]
    for person in PEOPLE:
        slope = np.polyfit(range(4), [table[person, "0"] for table in tables.values()], 1)[0]
        assert found[person] == pytest.approx(3 * slope)


def test_a_correlation_is_of_a_persons_images_and_needs_enough_of_them():
    rng = np.random.default_rng(2)
    images = {(person, str(i)): rng.normal() for person in PEOPLE for i in range(6)}
    del images[PEOPLE[0], "5"], images[PEOPLE[0], "4"]  # too few are left
    cubes = {key: value**3 + 10 * PEOPLE.index(key[0]) for key, value in images.items()}  # people differ, and no rank
    results = values(("a", "", images), ("b", "", cubes))
    found = by_person(claim(relation="correlated"), results)["difference"]
    assert found.to_dict() == pytest.approx(dict.fromkeys(PEOPLE[1:], 1.0))
    turned = values(("a", "", images), ("b", "", {key: -value for key, value in cubes.items()}))
    assert verdict(turned, claim(relation="anticorrelated")).word == "supported"
    assert verdict(turned, claim(relation="correlated")).word == "contradicted"
    twice = pd.concat(
        [values(("a", "", few := {k: v for k, v in images.items() if k[1] in "012"}), ("b", "", few))] * 2
    )
    twice["seed"] = np.arange(len(twice)) // (len(twice) // 2)
    assert by_person(claim(relation="correlated"), twice).empty, "seeds make no photos"
    alike = values(("a", "", images), ("b", "", dict.fromkeys(images, 1.0)))
    assert (by_person(claim(relation="correlated"), alike)["difference"] == 0).all(), "nothing changes with it"
    few = {key: value for key, value in images.items() if key[1] in "0123"}
    nobody = verdict(values(("a", "", few), ("b", "", few)), claim(relation="correlated"))
    assert nobody.reason == "nobody has all that is compared"
    assert by_person(claim(relation="correlated"), values(("a", "", images))).empty, "one of the two is missing"
    samples = values(("a", "", images), ("b", "", cubes)).assign(item=True)
    assert by_person(claim(relation="correlated"), samples).empty, "samples are of no photo"


# The rule


@pytest.mark.parametrize(
    ("relation", "margin", "center", "word"),
    [
        ("greater", 0.0, 0.1, "supported"),
        ("greater", 0.0, -0.1, "contradicted"),
        ("greater", 0.0, 0.0, "underpowered"),
        ("greater", 0.3, 0.1, "contradicted"),
        ("greater", -0.1, 0.0, "supported"),
        ("less", 0.0, -0.1, "supported"),
        ("less", 0.0, 0.1, "contradicted"),
        ("less", -0.1, 0.0, "supported"),
        ("less", -0.1, 0.2, "contradicted"),
        ("equal", 0.05, 0.0, "supported"),
        ("equal", 0.05, 0.1, "contradicted"),
        ("equal", 0.05, -0.1, "contradicted"),
        ("equal", 0.05, 0.05, "underpowered"),
        ("equal", 0.01, 0.0, "underpowered"),
    ],
)
def test_known_truth(relation, margin, center, word):
    d = D - D.mean() + center
    found = verdict(shifted(d), claim(relation=relation, margin=margin))
    assert found.word == word
    ends = [end for end in found.claim.region if np.isfinite(end)]
    tests = [stats.ttest_1samp(d, end) for end in ends]
    inside = [(test.statistic > 0) == (end == found.claim.region[0]) for test, end in zip(tests, ends, strict=True)]
    if word == "supported":  # scipy's t test against every end agrees
        assert all(inside) and max(test.pvalue for test in tests) < 0.05
    if word == "contradicted":
        assert min(test.pvalue for test, ok in zip(tests, inside, strict=True) if not ok) < 0.05


def test_exchanging_a_and_b_exchanges_supported_and_contradicted():
    results = shifted(D)
    there, back = verdict(results), verdict(results, claim([B, A]))
    assert (there.word, back.word) == ("supported", "contradicted")
    assert back.difference == pytest.approx(-there.difference) and back.p_value == there.p_value


@pytest.mark.parametrize("people", [1, 2, 5, 6])
def test_no_verdict_on_fewer_than_six_people(people):
    found = verdict(shifted(D[:people]))
    assert found.word == ("supported" if people == 6 else "underpowered") and found.people == people
    assert np.isnan(found.p_value) == (people < 6)


def test_many_photos_do_not_stand_for_people():
    a = {(person, str(i)): 1.0 + 0.01 * i for person in PEOPLE[:3] for i in range(100)}
    assert verdict(values(("a", "", a), ("b", "", dict.fromkeys(a, 0.0)))).word == "underpowered"


def test_equal_values_of_everybody_decide_by_the_test_alone():
    found = verdict(shifted([0.25] * 8))
    assert found.word == "supported" and found.p_value == pytest.approx(2 / 2**8)
    assert verdict(shifted([0.0] * 8)).word == "underpowered"


# Families


def test_primary_claims_are_corrected_across_suites_and_the_others_within_theirs():
    rng = np.random.default_rng(2)
    tables = {name: 0.5 + 0.7 * rng.normal(size=8) for name in ("one", "two")}
    results = {name: shifted(d) for name, d in tables.items()}
    primary = verdicts([claim(suite=name, primary=True) for name in tables], results)
    together = paired_p_values(np.column_stack(list(tables.values())))
    assert [found.p_value for found in primary] == pytest.approx(together)
    single = [found.p_value for found in verdicts([claim(suite=name) for name in tables], results)]
    assert single == pytest.approx([p_of_signs(d) for d in tables.values()])
    assert all(alone <= corrected for alone, corrected in zip(single, together, strict=True))


def test_claims_about_too_few_people_cost_the_others_nothing():
    results = {"toy": shifted(D), "few": shifted(np.array([0.3, -0.2, 0.1, 0.4, -0.5]))}
    found = verdicts([claim(primary=True), claim(suite="few", primary=True)], results)
    assert found[0].p_value == pytest.approx(p_of_signs(D)) and found[1].word == "underpowered"


# What has no values


def test_what_has_no_values_is_not_testable_and_says_why():
    (missing,) = verdicts([claim(suite="other")], {"toy": shifted(D)})
    assert (missing.word, missing.reason) == ("not testable here", "the suite was not run")
    no_row = verdict(shifted(D), claim([A, Cells("c", "score")]))
    assert (no_row.word, no_row.reason) == ("not testable here", "no such row, metric or condition in this run")
    reason = "the domain has no discriminator"
    dash = values(("a", "", constant(1)), ("b", "", {(person, "0"): reason for person in PEOPLE}))
    assert verdict(dash).reason == reason
    apart = values(("a", "", constant(1, PEOPLE[:4])), ("b", "", constant(1, PEOPLE[4:])))
    assert verdict(apart).reason == "nobody has all that is compared"


@pytest.mark.parametrize(
    ("cells", "relation", "margin"),
    [((A, B, A), "greater", 0), ((A,), "rises", 0), ((A, B), "equal", 0), ((A,), "correlated", 0), ((), "less", 0)],
)
def test_claims_that_say_nothing_are_refused(cells, relation, margin):
    with pytest.raises(ValueError, match="A is better"):
        claim(cells, relation, margin=margin)
