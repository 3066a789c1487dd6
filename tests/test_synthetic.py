"""The renderer: determinism, the split of identity and appearance, framing, and the folders of people."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import kstest

from datasets.folders import read_portraits
from datasets.splits import SYNTHETIC
from datasets.synthetic import album, people
from datasets.synthetic.geometry import Head, cast, rotation, surface_point
from datasets.synthetic.parameters import (
    APPEARANCE,
    IDENTITY,
    NAMES,
    PARAMETERS,
    album_scores,
    person_scores,
    values,
)
from datasets.synthetic.population import DISTANCE, population
from datasets.synthetic.renderer import frame, render


def scores(n=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return album_scores(*person_scores(generator), n, generator)


def column(name):
    return NAMES.index(name)


def test_the_table_is_sound():
    assert len(set(NAMES)) == len(NAMES)
    for p in PARAMETERS:
        assert p.low < p.high and p.unit and p.meaning and 0 <= p.habit < 1
    assert all(p.habit == 0 for p in IDENTITY)


def test_values_stay_in_range_and_follow_their_distributions():
    v = values(torch.randn(4000, len(PARAMETERS), generator=torch.Generator().manual_seed(0)))
    for p in PARAMETERS:
        x = v[p.name]
        assert p.low <= x.min() and x.max() <= p.high
        if p.distribution != "rare":
            shape = (0.0, 1.0) if p.distribution == "uniform" else (2.0, 2.0)
            t = ((x - p.low) / (p.high - p.low)).double().numpy()
            # 4000 true draws fail this with probability 1e-4, once in a few hundred runs over all parameters
            assert kstest(t, "uniform" if shape == (0.0, 1.0) else "beta", args=shape).pvalue > 1e-4, p.name
        else:
            # the share of the population with the trait; three standard errors of 4000 draws
            assert abs(float((x > p.low).float().mean()) - p.share) < 3 * math.sqrt(p.share * (1 - p.share) / 4000)


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


def test_same_scores_same_picture_whatever_the_batch():
    s = scores(3)
    together = render(s, 32)
    assert together.shape == (3, 3, 32, 32)
    assert together.min() >= -1 and together.max() <= 1 and together.std() > 0.1
    assert torch.equal(together, render(s, 32))
    # elementwise arithmetic only; a vectorised loop may round its tail differently
    torch.testing.assert_close(together, torch.cat([render(one, 32) for one in s.split(1)]), rtol=0, atol=2e-3)


def test_resolutions_show_the_same_picture():
    s = scores(2)
    small = render(s, 32)
    large = torch.nn.functional.avg_pool2d(render(s, 64), 2)
    assert (small - large).abs().mean() < 0.02  # edges are sampled at twice the density, areas agree


def test_every_parameter_changes_some_picture():
    """In one of several portraits: long hair hides ears, and the crop of a long face leaves no clothes."""
    bases = scores(3, seed=3)
    bases[:, column("masculine")] = 1.0  # so that a beard grows
    for name in ("glasses", "beard", "freckles", "mole_size", "mouth_open", "fringe", "lipstick"):
        bases[:, column(name)] = 2.0  # so that a rare trait is there to be taken away
    bases[:, column("hair_length")] = torch.tensor([-1.5, 0.0, 1.5])
    bases[:, column("chin_length")] = -2.0
    bases[:, column("ear_angle")] = 2.0
    bases[:, column("pitch")] = torch.tensor([2.0, 0.0, -2.0])
    moved = bases[:, None].repeat(1, len(PARAMETERS), 1)
    for i in range(len(PARAMETERS)):
        moved[:, i, i] -= 3 * torch.where(bases[:, i] > 0, 1, -1)
    pictures = render(moved.flatten(0, 1), 40).unflatten(0, (3, len(PARAMETERS)))
    difference = (pictures - render(bases, 40)[:, None]).abs().amax(dim=(0, 2, 3, 4))
    silent = [NAMES[i] for i in range(len(PARAMETERS)) if difference[i] < 1 / 127.5]  # one grey level
    assert not silent


def test_rotation_turns_the_face_to_the_named_side():
    zero, thirty = torch.zeros(1), torch.full((1,), 30.0)
    forward = torch.tensor([0.0, 0.0, 1.0])
    right = rotation(thirty, zero, zero)[0] @ forward
    up = rotation(zero, thirty, zero)[0] @ forward
    torch.testing.assert_close(right, torch.tensor([0.5, 0.0, math.sqrt(3) / 2]))
    torch.testing.assert_close(up, torch.tensor([0.0, 0.5, math.sqrt(3) / 2]))
    r = rotation(*(torch.randn(3, 5) * 20))
    torch.testing.assert_close(r @ r.transpose(1, 2), torch.eye(3).expand(5, 3, 3), atol=1e-6, rtol=0)


def test_rays_end_on_the_surface():
    p = {name: x[:, None] for name, x in values(scores(2)).items()}
    head = Head.bake(p)
    u, v = torch.linspace(-0.4, 0.4, 9).repeat(2, 1), torch.linspace(-0.4, 0.2, 9).repeat(2, 1)
    points = surface_point(head, u, v)
    origin = points * torch.tensor([1.0, 1.0, 0.0])
    t, closest = cast(head, origin, torch.tensor([0.0, 0.0, -1.0]).expand(2, 1, 3))
    assert closest.max() < 0.01  # a hundredth of the head, a fifth of a pixel at 64
    # the nearest hit is the point itself or something in front of it (the nose may hide what is beside it)
    assert (-t - points[..., 2]).min() > -0.02


def test_eyes_and_mouth_are_where_ffhq_puts_them():
    frontal = scores(6, seed=5)
    for name in ("yaw", "pitch", "tilt"):
        frontal[:, column(name)] = 0.0
    p = {name: x[:, None] for name, x in values(frontal).items()}
    head = Head.bake(p)
    turn = rotation(p["yaw"][:, 0], p["pitch"][:, 0], p["tilt"][:, 0])
    centre, half = frame(head, turn, p)
    u = torch.cat([-p["eye_distance"], p["eye_distance"], 0 * p["eye_distance"]], dim=1)
    v = torch.cat([0 * u[:, :1], 0 * u[:, :1], p["mouth_height"]], dim=1)
    points = (surface_point(head, u, v)[..., :2] - centre[:, None]) / half[:, None]
    left, right, mouth = ((points[:, i] * torch.tensor([1.0, -1.0]) + 1) / 2 for i in range(3))
    # the crop's side is 4 eye distances unless the mouth is far, so the eyes are at 3/8 and 5/8 or nearer the middle
    assert ((left[:, 0] > 0.374) & (left[:, 0] < 0.42)).all()
    assert ((right[:, 0] < 0.626) & (right[:, 0] > 0.58)).all()
    assert ((left[:, 1] > 0.45) & (left[:, 1] < 0.49)).all()
    assert ((mouth[:, 1] > 0.65) & (mouth[:, 1] < 0.78)).all()


def test_identities_of_the_population_keep_away_from_the_benchmark_s_people():
    known = torch.stack([people.identity_scores(person.name) for person in SYNTHETIC])
    assert torch.cdist(known, known).add(torch.eye(13) * 99).min() > DISTANCE
    for _, album_of in population(20, 2, seed=1):
        assert (known - album_of[0, : len(IDENTITY)]).norm(dim=1).min() >= DISTANCE


@pytest.fixture
def small_people(monkeypatch):
    """p06 with three train photos and two test photos, so that the tests are quick."""
    from datasets.splits import Person

    monkeypatch.setattr(people, "SYNTHETIC", (Person("p06", "Person 6", 3, 2),))


def test_a_person_is_written_once_and_read_by_the_reader_of_real_photos(tmp_path, small_people):
    folder = people.write_person("p06", tmp_path, 32)
    train, test = read_portraits(folder, "train", 32), read_portraits(folder, "test", 32)
    assert (len(train), len(test)) == (3, 2)
    table = pd.read_csv(folder / "manifest.csv")
    assert list(table.columns) == list(album.HEADER)
    assert list(table["split"]) == ["train"] * 3 + ["test"] * 2
    assert set(train.hashes) == set(table["sha256"][:3])
    assert set(NAMES) <= set(train.parameters)
    np.testing.assert_allclose(train.parameters["yaw"].numpy(), table["yaw"][:3], rtol=1e-5)
    before = (folder / "manifest.csv").stat().st_mtime_ns
    assert people.write_person("p06", tmp_path, 32) == folder
    assert (folder / "manifest.csv").stat().st_mtime_ns == before
    again = people.write_person("p06", tmp_path / "again", 32)
    assert (again / "manifest.csv").read_bytes() == (folder / "manifest.csv").read_bytes()


def test_an_interrupted_person_leaves_nothing(tmp_path, small_people, monkeypatch):
    def broken(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(people, "write_manifest", broken)
    with pytest.raises(KeyboardInterrupt):
        people.write_person("p06", tmp_path, 32)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_person_is_refused(tmp_path):
    with pytest.raises(KeyError, match="p14"):
        people.write_person("p14", tmp_path, 32)
