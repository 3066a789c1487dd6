"""The renderer: determinism, the split of identity and appearance, framing, and the folders of people."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import PIL.Image
import pytest
import torch
from scipy.stats import beta, kstest, uniform

from datasets.folders import read_portraits
from datasets.splits import SYNTHETIC, Person
from datasets.synthetic import album, people
from datasets.synthetic.__main__ import MARK, gallery, parameters, sweep
from datasets.synthetic.geometry import Head, frame, landmarks, rotation
from datasets.synthetic.hair import hair_colour
from datasets.synthetic.mesh import grid_faces, project, rasterise
from datasets.synthetic.parameters import (
    APPEARANCE,
    COMMON,
    FAMILIES,
    IDENTITY,
    NAMES,
    PARAMETERS,
    album_scores,
    markdown,
    person_scores,
    quantile,
    score_at,
    values,
)
from datasets.synthetic.population import DISTANCE, population, write_population
from datasets.synthetic.renderer import render

CARD = Path(__file__).resolve().parents[2] / "datasets" / "synthetic" / "README.md"


def scores(n=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return album_scores(*person_scores(generator), n, generator)


def column(name):
    return NAMES.index(name)


def portraits(n=1, seed=0, **fixed):
    """Scores of n people's photos with some parameters put at a share of their range."""
    generator = torch.Generator().manual_seed(seed)
    s = torch.cat([album_scores(*person_scores(generator), 1, generator) for _ in range(n)])
    for name, t in fixed.items():
        s[:, column(name)] = score_at(PARAMETERS[column(name)], t)
    return s


def numbers(s):
    """The parameters of one row of scores."""
    return {name: float(x) for name, x in values(s[None]).items()}


def turn_of(p):
    return rotation(*(torch.tensor([p[k]]) for k in ("yaw", "pitch", "tilt")))[0]


def changed(s, name, resolution=64):
    """Where images change when one parameter goes from its lowest to its highest value: [n, r, r]."""
    low, high = s.clone(), s.clone()
    low[:, column(name)] = score_at(PARAMETERS[column(name)], 0)
    high[:, column(name)] = score_at(PARAMETERS[column(name)], 1)
    return (render(low, resolution) - render(high, resolution)).abs().sum(1)


def centroid(weights):
    """x and y in fractions of the image [2] of weights [h, w]."""
    h, w = weights.shape
    x, y = (torch.arange(w) + 0.5) / w, (torch.arange(h) + 0.5) / h
    return torch.stack([(weights.sum(0) * x).sum(), (weights.sum(1) * y).sum()]) / weights.sum()


def test_the_table_is_sound():
    assert len(set(NAMES)) == len(NAMES)
    for p in PARAMETERS:
        assert p.low < p.high and p.unit and p.meaning and 0 <= p.habit < 1
    assert all(p.habit == 0 for p in IDENTITY)
    assert len(FAMILIES["narrow"]) <= 100  # they are coordinates of the generator's z, which has more


def test_the_card_holds_the_table():
    """``python -m datasets.synthetic parameters --card datasets/synthetic/README.md`` writes it."""
    assert markdown() in CARD.read_text()


def test_a_score_for_every_place_in_the_range():
    for p in PARAMETERS:
        for t in (0.1, 0.5, 0.9):
            u = torch.special.ndtr(score_at(p, t).double())
            assert float(quantile(p, u)) == pytest.approx(p.low + t * (p.high - p.low), abs=1e-3 * (p.high - p.low))


def test_values_stay_in_range_and_follow_their_distributions():
    v = values(torch.randn(4000, len(PARAMETERS), generator=torch.Generator().manual_seed(0)))
    for p in PARAMETERS:
        x = v[p.name]
        assert p.low <= x.min() and x.max() <= p.high
        if p.distribution not in ("rare", "either"):
            t = ((x - p.low) / (p.high - p.low)).double().numpy()
            law = {
                "uniform": uniform.cdf,
                "bell": beta(2, 2).cdf,
                "early": lambda t: 1 - (1 - t**1.5) ** 4,
            }[p.distribution]
            # 4000 true draws fail this with probability 1e-4, once in a few hundred runs over all parameters
            assert kstest(t, law).pvalue > 1e-4, p.name
        else:
            # the share of the population with the trait, half of it on each side where there are two; four standard
            # errors of 4000 draws, which one of a hundred sparse traits misses once in 150 runs
            ends = (p.high,) if p.distribution == "rare" else (p.low, p.high)
            for end in ends:
                share = p.share / len(ends)
                error = math.sqrt(share * (1 - share) / 4000)
                assert abs(float((x / end > 0).float().mean()) - share) < 4 * error, p.name


def test_identity_is_constant_in_an_album_and_appearance_is_not():
    v = values(scores(20))
    assert all(v[p.name].max() == v[p.name].min() for p in IDENTITY)
    assert all(v[p.name].std() > 0 for p in APPEARANCE if p.distribution != "rare")


def test_habits_make_albums_narrow_without_changing_the_population():
    generator = torch.Generator().manual_seed(0)
    albums = [album_scores(*person_scores(generator), 30, generator) for _ in range(200)]
    age = torch.stack(albums)[:, :, column("age")]
    h = next(p.habit for p in APPEARANCE if p.name == "age")
    # variance within an album is 1 - h, over the population 1; 200 albums give both to a few percent
    assert float(age.var(dim=1).mean()) == pytest.approx(1 - h, rel=0.1)
    assert float(age.var()) == pytest.approx(1, rel=0.2)


def test_same_scores_same_image_whatever_the_batch():
    s = scores(3)
    together = render(s, 32)
    assert together.shape == (3, 3, 32, 32)
    assert together.min() >= -1 and together.max() <= 1 and together.std() > 0.1
    assert torch.equal(together, render(s, 32))
    assert torch.equal(together, torch.cat([render(one, 32) for one in s.split(1)]))


def test_resolutions_show_the_same_image():
    s = portraits(3)
    small = render(s, 64)
    large = torch.nn.functional.avg_pool2d(render(s, 128), 2)
    # edges and strands are sampled at another density, areas agree: 3 of 255 grey levels in the mean
    assert (small - large).abs().mean() < 0.025


@pytest.mark.slow
def test_every_parameter_changes_some_image():
    """In one of several portraits: long hair hides ears, only the masculine grow beards, the feminine wear make-up."""
    bases = portraits(3, seed=3, masculine=0.8, skin_tone=0.2)
    for name in (
        "glasses",
        "beard",
        "freckles",
        "mole_size",
        "mouth_open",
        "lipstick",
        "eye_shadow",
        "blush",
        "brow_knit",
        "scar_size",
        "spot_size",
        "stain_size",
        "vitiligo",
        "forelock",
    ):
        bases[:, column(name)] = 2.0  # so that a rare trait is there to be taken away
    for name in ("fringe", "hair_tied"):
        bases[:, column(name)] = -2.0
    bases[:, column("masculine")] = torch.tensor([1.0, 1.0, -1.0])
    bases[:, column("hair_length")] = torch.tensor([-1.0, 0.5, 2.0])
    bases[:, column("age")] = torch.tensor([2.0, 0.0, -1.0])
    bases[:, column("neckline")] = torch.tensor([-1.0, 0.3, 2.0])
    bases[:, column("background_scene")] = 1.0
    bases[:, column("smile")] = torch.tensor([1.5, 1.5, -2.0])  # own smiles show in two, a frown in the third
    images, places = render(bases, 24), torch.special.ndtr(bases)
    silent = []
    for i, p in enumerate(PARAMETERS):
        for base, image, place in zip(bases, images, places[:, i], strict=True):
            moved = base.clone()
            moved[i] = score_at(p, 0.05 if place > 0.5 else 0.95)
            if (render(moved[None], 24)[0] - image).abs().max() > 2 / 127.5:  # two grey levels
                break
        else:
            silent.append(p.name)
    assert not silent


def test_the_z_buffer_shows_the_nearest_triangle_once_per_sample():
    """Two squares over a grid of 8 samples a side: the nearer one hides a quarter of the other."""
    square = torch.tensor([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0], [6.0, 6.0]])
    xy = torch.cat([square, square + 2])
    faces = torch.cat([grid_faces(2, 2), grid_faces(2, 2) + 4])
    depth = torch.cat([torch.zeros(4), torch.ones(4)])
    found = rasterise(xy, depth, faces, 8)
    assert len(found.sample.unique()) == len(found.sample) == 36 + 36 - 16
    assert int((found.face >= 2).sum()) == 36
    x, y = found.sample % 8 + 0.5, found.sample // 8 + 0.5
    place = (found.weights[..., None] * xy[faces[found.face]]).sum(1)
    torch.testing.assert_close(place, torch.stack([x, y], 1))


def test_rotation_turns_the_face_to_the_named_side():
    zero, thirty = torch.zeros(1), torch.full((1,), 30.0)
    forward = torch.tensor([0.0, 0.0, 1.0])
    right = rotation(thirty, zero, zero)[0] @ forward
    up = rotation(zero, thirty, zero)[0] @ forward
    torch.testing.assert_close(right, torch.tensor([0.5, 0.0, math.sqrt(3) / 2]))
    torch.testing.assert_close(up, torch.tensor([0.0, 0.5, math.sqrt(3) / 2]))
    r = rotation(*(torch.randn(3, 5) * 20))
    torch.testing.assert_close(r @ r.transpose(1, 2), torch.eye(3).expand(5, 3, 3), atol=1e-6, rtol=0)


POSES = [(0.5, 0.5, 0.5), (0.95, 0.5, 0.5), (0.05, 0.3, 0.5), (0.5, 0.9, 0.9), (0.6, 0.1, 0.2)]


@pytest.mark.parametrize(("yaw", "pitch", "tilt"), POSES)
def test_eyes_and_mouth_are_where_ffhq_puts_them(yaw, pitch, tilt):
    """By the rule itself: the crop's side is 4 eye distances, or 3.6 times eyes to mouth where that is more."""
    for s in portraits(6, seed=5, yaw=yaw, pitch=pitch, tilt=tilt):
        p = numbers(s)
        head = Head.build(p)
        centre, half = frame(head, turn_of(p), p)
        places = (project(landmarks(head, p) @ turn_of(p).T) - centre) / half * torch.tensor([0.5, -0.5]) + 0.5
        eyes, mouth = places[:2].mean(0), places[2]
        distance = float((places[1] - places[0]).norm())
        assert distance < 0.2501 and float((mouth - eyes).norm()) < 0.2778
        assert distance > 0.2499 or float((mouth - eyes).norm()) > 0.2777
        # the middle of the crop is a tenth of the way from the eyes to the mouth
        torch.testing.assert_close(eyes + 0.1 * (mouth - eyes), torch.full((2,), 0.5), atol=1e-3, rtol=0)
        assert 0.47 < float(eyes[1]) < 0.485 and 0.64 < float(mouth[1]) < 0.7501


@pytest.mark.parametrize("yaw", [0.5, 0.9, 0.1])
def test_rendered_eyes_and_lips_are_at_the_landmarks(yaw):
    """Found by what changes when the iris or the lipstick does; within 4 % of the image's side."""
    still = dict(
        masculine=0.2,
        skin_tone=0.1,
        glasses=0.0,
        fringe=0.0,
        smile=0.25,
        mouth_open=0.0,
        gaze_x=yaw,
        gaze_y=0.5,
        eye_open=0.8,
    )
    s = portraits(2, seed=8, yaw=yaw, pitch=0.5, tilt=0.5, **still, beard=0.0)
    irises, lips = changed(s, "iris_hue"), changed(s, "lipstick")
    for i in range(len(s)):
        p = numbers(s[i])
        head = Head.build(p)
        centre, half = frame(head, turn_of(p), p)
        places = (project(landmarks(head, p) @ turn_of(p).T) - centre) / half * torch.tensor([0.5, -0.5]) + 0.5
        assert (centroid(irises[i]) - places[:2].mean(0)).abs().max() < 0.04
        assert (centroid(lips[i]) - places[2]).abs().max() < 0.04


def test_the_nose_points_to_the_side_that_yaw_and_pitch_name():
    for name, axis, sign in (("yaw", 0, 1), ("pitch", 1, -1)):
        place = {}
        for t in (0.1, 0.9):
            p = numbers(portraits(1, seed=4, **{"yaw": 0.5, "pitch": 0.5, "tilt": 0.5, name: t})[0])
            head = Head.build(p)
            centre, half = frame(head, turn_of(p), p)
            tip = head.points.flatten(0, 1)[head.points[..., 2].argmax()]
            place[t] = ((project(tip @ turn_of(p).T) - centre) / half)[axis] * (1 if axis == 0 else -1)
        assert sign * (place[0.9] - place[0.1]) > 0.1


def test_age_greys_the_hair_and_leaves_the_young_their_colour():
    p = numbers(portraits(1, hair_hue=0.5, skin_tone=0.1)[0])
    spread = {age: hair_colour({**p, "age": age}) for age in (20.0, 35.0, 50.0, 75.0)}
    assert torch.equal(spread[20.0], spread[35.0])
    saturation = {age: float(1 - c.min() / c.max()) for age, c in spread.items()}
    assert saturation[20.0] > saturation[50.0] > saturation[75.0]
    assert saturation[75.0] < 0.15 and float(spread[75.0].mean()) > 0.3


def test_grids_show_people_and_sweeps(tmp_path):
    gallery(tmp_path / "gallery.png", rows=2, columns=3, resolution=16)
    sweep(tmp_path / "sweep.png", "smile", rows=1, columns=4, resolution=16)
    assert PIL.Image.open(tmp_path / "gallery.png").size == (48, 32)
    assert PIL.Image.open(tmp_path / "sweep.png").size == (64, 16)
    with pytest.raises(ValueError, match="smirk"):
        sweep(tmp_path / "no.png", "smirk")


def test_the_card_s_table_is_replaced_between_its_marks(tmp_path):
    card = tmp_path / "card.md"
    card.write_text(f"before\n{MARK}\nold\n{MARK}\nafter\n")
    parameters(card)
    assert card.read_text() == f"before\n{MARK}\n\n{markdown()}\n{MARK}\nafter\n"


def test_identities_of_the_population_keep_away_from_the_benchmark_s_people():
    """In what both families have; so all the more in the identity as a whole."""
    known = torch.stack([people.identity_scores(person.name)[: len(COMMON)] for person in SYNTHETIC])
    assert torch.cdist(known, known).add(torch.eye(13) * 99).min() > DISTANCE
    for family in FAMILIES:
        for _, album_of in population(20, 2, seed=1, family=family):
            assert (known - album_of[0, : len(COMMON)]).norm(dim=1).min() >= DISTANCE


@pytest.fixture
def small_people(monkeypatch):
    """p06 with three train photos, two test photos and one extra, so that the tests are quick."""
    monkeypatch.setattr(people, "SYNTHETIC", (Person("p06", "Person 6", 3, 2),))
    monkeypatch.setattr(people, "HELD_OUT", 3)


def test_everybody_has_the_paper_s_sets_and_twenty_held_out_photos():
    for person in SYNTHETIC:
        sizes = people.set_sizes(person)
        assert (sizes["train"], sizes["test"]) == (person.train, person.test)
        assert sizes["test"] + sizes.get("extra", 0) == people.HELD_OUT
    assert "extra" not in people.set_sizes(Person("p99", "Person 99", 5, people.HELD_OUT))


def test_a_person_is_written_once_and_read_by_the_reader_of_real_photos(tmp_path, small_people):
    folder = people.write_person("p06", tmp_path, 32)
    train, test, extra = (read_portraits(folder, split, 32) for split in ("train", "test", "extra"))
    assert (len(train), len(test), len(extra)) == (3, 2, 1)
    table = pd.read_csv(folder / "manifest.csv")
    assert list(table.columns) == list(album.header("wide"))
    assert list(table["split"]) == ["train"] * 3 + ["test"] * 2 + ["extra"]
    assert table["sha256"].is_unique  # no photo of one set is in another
    assert set(train.hashes) == set(table["sha256"][:3])
    assert set(NAMES) <= set(train.parameters)
    np.testing.assert_allclose(train.parameters["yaw"].numpy(), table["yaw"][:3], rtol=1e-5)
    before = (folder / "manifest.csv").stat().st_mtime_ns
    assert people.write_person("p06", tmp_path, 32) == folder
    assert (folder / "manifest.csv").stat().st_mtime_ns == before
    again = people.write_person("p06", tmp_path / "again", 32)
    assert (again / "manifest.csv").read_bytes() == (folder / "manifest.csv").read_bytes()


@pytest.mark.slow
def test_workers_write_what_one_process_writes(tmp_path):
    """The pool starts fresh processes, so nothing is patched here: a few photos of a population, not a whole person."""
    for workers in (1, 2):
        done = list(write_population(tmp_path / str(workers), 10, 1, 16, seed=0, workers=workers, family="wide"))
        assert done == [8, 10]
    manifests = [(tmp_path / str(workers) / "manifest.csv").read_bytes() for workers in (1, 2)]
    assert manifests[0] == manifests[1]


def test_an_interrupted_person_leaves_nothing(tmp_path, small_people, monkeypatch):
    def broken(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(people, "write_manifest", broken)
    with pytest.raises(KeyboardInterrupt):
        people.write_person("p06", tmp_path, 32)
    assert list(tmp_path.iterdir()) == []


def test_settings_are_chosen_on_people_who_are_not_in_the_benchmark(tmp_path, monkeypatch):
    monkeypatch.setattr(people, "DEVELOPMENT", (2, 2))
    monkeypatch.setattr(people, "HELD_OUT", 2)
    folder = people.write_person("d01", tmp_path, 16)
    sizes = [len(read_portraits(folder, split, 16)) for split in ("train", "test")]
    assert sizes == [2, 2] and not (folder / "extra").exists()
    others = [person.name for person in SYNTHETIC] + list(people.strangers(3)) + ["d02"]
    mine = people.identity_scores("d01")
    assert min((people.identity_scores(name) - mine).abs().max() for name in others) > 0.5


def test_an_unknown_person_is_refused_before_anything_is_rendered(tmp_path):
    with pytest.raises(KeyError, match="p14"):
        people.write_person("p14", tmp_path, 32)
    with pytest.raises(KeyError, match="p14"):
        next(people.write_people(["p01", "p14"], tmp_path, 32, workers=2))
    assert list(tmp_path.iterdir()) == []
