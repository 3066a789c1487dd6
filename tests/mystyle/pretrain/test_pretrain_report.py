"""The page of evidence: every measure against another way to compute it, and the command on small networks."""

import csv
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.linalg import sqrtm
from scipy.stats import spearmanr
from sklearn.metrics import r2_score, roc_auc_score, roc_curve
from tiny import write_weights

from mystyle.latents.paths import lerp, path_lengths, slerp, steps, trimmed
from mystyle.pretrain import __main__ as commands
from mystyle.pretrain.data import Album
from mystyle.pretrain.evidence import distributions, recognition
from mystyle.pretrain.evidence.distributions import fid, kid, precision_recall
from mystyle.pretrain.evidence.page import two_branches as section
from mystyle.pretrain.evidence.page import write_page
from mystyle.pretrain.evidence.recognition import regression, roc
from mystyle.pretrain.evidence.spaces import shape
from mystyle.pretrain.report import Evidence, in_turns, other_photos, two_branches
from mystyle.types import from_uint8
from mystyle.workbench.sheets import mosaic


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_fid_is_the_frechet_distance_of_the_two_gaussians():
    x, y = normal(200, 6), 1.5 * normal(150, 6, seed=1) @ normal(6, 6, seed=2) + 0.3
    m, c = zip(*((z.numpy().mean(0), np.cov(z.numpy().T)) for z in (x, y)), strict=True)
    expected = ((m[0] - m[1]) ** 2).sum() + np.trace(c[0] + c[1] - 2 * sqrtm(c[0] @ c[1]).real)
    assert fid(x, y) == pytest.approx(expected, rel=1e-6)
    assert fid(x, x + 2) == pytest.approx(6 * 4, rel=1e-6)  # equal covariances: the shift alone
    assert fid(x, x) == pytest.approx(0, abs=1e-6)


def test_fid_bears_features_that_are_always_zero():
    x, y = normal(50, 4).relu(), normal(50, 4, seed=1).relu()
    dead = torch.zeros(50, 3)
    assert fid(torch.cat([x, dead], 1), torch.cat([y, dead], 1)) == pytest.approx(fid(x, y), rel=1e-5)


def test_kid_is_the_unbiased_mmd_of_the_double_loop():
    x, y = normal(12, 5), normal(12, 5, seed=1) + 0.5

    def k(a, b):
        return (float(a @ b) / 5 + 1) ** 3

    n = range(12)
    within = sum(k(z[i], z[j]) for z in (x, y) for i in n for j in n if i != j) / (12 * 11)
    between = sum(k(x[i], y[j]) for i in n for j in n) / 12**2
    mean, std = kid(x, y, subset=12, subsets=2)
    assert mean == pytest.approx(within - 2 * between, rel=1e-9) and std == pytest.approx(0, abs=1e-9)


def test_kid_depends_on_its_seed_and_leaves_the_global_one_alone():
    x, y = normal(40, 5), normal(40, 5, seed=1)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    assert kid(x, y, 10, seed=1) == kid(x, y, 10, seed=1) != kid(x, y, 10, seed=2)
    assert torch.equal(before, torch.get_rng_state())


def test_precision_and_recall_equal_brute_force(monkeypatch):
    monkeypatch.setattr(distributions, "BLOCK", 7)  # sets of more than one block
    real, fake = normal(30, 2).numpy(), 0.7 * normal(25, 2, seed=1).numpy() + 1.2

    def share(points, manifold, k=3):
        inside = 0
        for p in points:
            radii = [sorted(np.linalg.norm(m - q) for q in manifold)[k] for m in manifold]  # [0] is the point itself
            inside += any(np.linalg.norm(p - m) <= r for m, r in zip(manifold, radii, strict=True))
        return inside / len(points)

    got = precision_recall(torch.from_numpy(real), torch.from_numpy(fake))
    assert got == pytest.approx((share(fake, real), share(real, fake))) and 0 < min(got) < max(got) < 1


def test_laws_of_precision_and_recall():
    x = normal(40, 3).float()
    assert precision_recall(x, x[torch.randperm(40)]) == (1, 1)
    assert precision_recall(x, x + 100) == (0, 0)
    precision, recall = precision_recall(x, x[:1].repeat(40, 1))  # one good image, repeated
    assert precision == 1 and recall == pytest.approx(1 / 40)


def test_path_length_of_a_linear_generator_is_known():
    """|G(b) - G(a)|^2 for each path in G(w) = A w, at any t and epsilon, and 2 |A|_F^2 on average over normal codes."""
    matrix = normal(12, 5, seed=9)
    a, b, t = normal(4000, 5), normal(4000, 5, seed=1), torch.linspace(0, 1, 4000, dtype=torch.float64)
    lengths = path_lengths(lambda w: w @ matrix.T, lambda x, y: (x - y).square().sum(1), a, b, t)
    torch.testing.assert_close(lengths, ((b - a) @ matrix.T).square().sum(1), rtol=1e-6, atol=0)
    assert lengths.mean() == pytest.approx(2 * float(matrix.square().sum()), rel=0.05)


def test_path_length_on_a_great_circle_is_the_squared_angle():
    a, b = torch.tensor([[2.0, 0, 0]]), torch.tensor([[0, 3.0, 0]])
    length = path_lengths(lambda z: z, lambda x, y: (x - y).square().sum(1), a, b, torch.tensor([0.3]), slerp)
    assert length.item() == pytest.approx((math.pi / 2) ** 2, rel=1e-3)  # t in float32, epsilon 1e-4


def test_ends_and_middles_of_interpolations():
    a, b = normal(3, 8), normal(3, 8, seed=1)
    line, circle = steps(a, b, lerp, 5), steps(a, b, slerp, 5)
    torch.testing.assert_close(line[:, [0, 2, 4]], torch.stack([a, (a + b) / 2, b], 1))
    torch.testing.assert_close(circle.norm(dim=2), torch.ones(3, 5, dtype=torch.float64))
    torch.testing.assert_close(circle[:, -1], b / b.norm(dim=1, keepdim=True))
    angles = (circle[:, 1:] * circle[:, :-1]).sum(2).acos()
    torch.testing.assert_close(angles, angles[:, :1].expand(3, 4))


def test_trimming_drops_one_percent_at_either_end():
    kept = trimmed(torch.randperm(1000, generator=torch.Generator().manual_seed(0)).float())
    assert (kept.min(), kept.max(), len(kept)) == (9, 990, 982)


def test_verification_equals_scikit_learn(monkeypatch):
    monkeypatch.setattr(recognition, "BLOCK", 11)
    who = torch.arange(60) % 12
    e = torch.nn.functional.normalize(normal(12, 6)[who] + 1.2 * normal(60, 6, seed=1), dim=1)
    i, j = torch.triu_indices(60, 60, 1)
    alike, cosine = (who[i] == who[j]).numpy(), (e[i] * e[j]).sum(1).numpy()
    curve = roc(e, who)
    assert curve.auc == pytest.approx(roc_auc_score(alike, cosine), abs=1e-9)
    assert (len(curve.true_accepts), curve.others) == (alike.sum(), (~alike).sum())
    false, true, _ = roc_curve(alike, cosine, drop_intermediate=False)
    equal = np.abs(false - (1 - true)).argmin()
    assert curve.equal_error_rate == pytest.approx((false[equal] + 1 - true[equal]) / 2, abs=1 / alike.sum())
    assert 0.05 < curve.equal_error_rate < 0.45
    for x in (0.01, 0.1, 0.5):
        assert curve.true_accepts_at(x) == pytest.approx(true[false <= x].max())


def test_perfect_verification_has_no_error():
    who = torch.arange(12) % 3
    curve = roc(torch.eye(3)[who], who)
    assert (curve.auc, curve.equal_error_rate, curve.true_accepts_at(0)) == (1, 0, 1)


def test_regression_errors_equal_scikit_learn_and_scipy():
    y = normal(50)
    x = y + 0.5 * normal(50, seed=1)
    got = regression(x, y)
    assert got["mae"] == pytest.approx((x - y).abs().mean())
    assert got["r2"] == pytest.approx(r2_score(y, x)) and got["rank_correlation"] == pytest.approx(spearmanr(x, y)[0])
    constant = regression(x, torch.ones(50))
    assert constant["r2"] is None and constant["rank_correlation"] is None and constant["mae_of_median"] == 0


def test_the_shape_of_codes_is_that_of_known_distributions():
    draws = np.random.default_rng(0)
    normal = torch.from_numpy(draws.normal(size=(100_000, 3)))
    found = shape(normal)
    assert found["outliers"] == pytest.approx(0.0455, abs=0.002)  # three standard errors of 300,000 draws
    assert all(found[name] == pytest.approx(0, abs=0.03) for name in ("skewness", "excess_kurtosis", "correlation"))
    skewed = torch.from_numpy(draws.exponential(size=(100_000, 2)) * [1, -5])
    found = shape(skewed)  # of both signs
    assert found["skewness"] == pytest.approx(2, rel=0.1) and found["excess_kurtosis"] == pytest.approx(6, rel=0.3)
    assert shape(normal[:, :1] * torch.tensor([1.0, -2.0]))["correlation"] == pytest.approx(1)


def test_photos_in_turns_show_as_many_people_as_they_can():
    identities = torch.tensor([0, 0, 0, 1, 2, 2])
    assert in_turns(identities, torch.tensor([2, 0, 1])).tolist() == [4, 0, 3, 5, 1, 2]
    assert in_turns(identities, torch.tensor([0, 2])).tolist() == [0, 4, 1, 5, 2]


def test_the_similarity_to_other_photos_leaves_the_photo_itself_out():
    faces, identities = normal(6, 4), torch.tensor([0, 0, 0, 1, 1, 2])
    got = other_photos(faces, identities, torch.tensor([1, 4]))
    torch.testing.assert_close(got, torch.stack([(faces[0] + faces[2]) / 2, faces[3]]))


@pytest.mark.parametrize("size", [64, 128])
def test_a_grid_is_row_by_row_at_128_dots_each_and_ends_in_white(size):
    images = from_uint8(torch.arange(5, dtype=torch.uint8).view(5, 1, 1, 1).expand(5, 3, size, size))
    image = mosaic(images, 3)
    assert image.shape == (256, 384, 3) and (image[:128, 128:256] == 1).all() and (image[128:, 128:256] == 4).all()
    assert (image[128:, 256:] == 255).all()


@pytest.fixture(scope="module")
def weights(tmp_path_factory, tiny_domain):
    return write_weights(tiny_domain, tmp_path_factory.mktemp("weights"))


def draw_album(folder, resolution=32, columns=("yaw", "smile"), images=24):
    """Four photos a person: a tint of the person's, and a bar whose place and brightness are yaw and smile."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    rows = []
    for i in range(images):
        yaw, smile = rng.uniform(-20, 20), rng.uniform(0, 1)
        image = np.full((resolution, resolution, 3), 30, dtype=np.uint8) + np.uint8(30 * (i // 4)) // np.uint8(
            [1, 2, 3]
        )
        place = resolution // 2 + round(yaw / 2)
        image[:, place - 2 : place + 2] = round(255 * smile)
        Image.fromarray(image).save(folder / f"{i:02d}.png")
        values = {"yaw": yaw, "smile": smile}
        rows.append([f"{i:02d}.png", "", "train", f"id{i // 4}", *(values[name] for name in columns)])
    with open(folder / "manifest.csv", "w", newline="") as file:
        csv.writer(file).writerows([["file", "sha256", "split", "identity", *columns], *rows])
    return folder


@pytest.fixture(scope="module")
def held_out(tmp_path_factory):
    return draw_album(tmp_path_factory.mktemp("held_out"))


FIGURES = {"samples", "portraits", "spaces", "interpolations", "inversions", "roc", "attributes"}


def numbers(x):
    if isinstance(x, dict):
        return [number for value in x.values() for number in numbers(value)]
    return [x] if isinstance(x, int | float) else []


@pytest.mark.slow
def test_the_command_writes_the_page_twice_with_the_same_numbers(held_out, weights, tmp_path, monkeypatch):
    found = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        torch.rand(7)  # the global generator's state does not matter
        commands.report(held_out, weights, tmp_path / name, samples=20, inversions=9, steps=3, seed=seed)
        found.append(json.loads((tmp_path / name / "figures.json").read_text()))
    assert all(math.isfinite(x) for x in numbers(found[0])) and len(numbers(found[0])) > 60
    seconds = [f.pop("seconds") for f in found]
    assert set(seconds[0]) == {"distribution", "spaces", "path_length", "verification", "attributes", "inversion"}
    assert found[0] == found[1] != found[2]

    out = tmp_path / "a"
    assert {path.name for path in out.iterdir()} == {"README.md", "figures.json"} | {f"{x}.png" for x in FIGURES}
    page = (out / "README.md").read_text()
    assert set(re.findall(r"\((\w+)\.png\)", page)) == FIGURES
    assert Image.open(out / "samples.png").size == (8 * 128, 8 * 128)
    assert Image.open(out / "portraits.png").size == (8 * 128, 3 * 128)  # there are 24
    assert "6 people for the inversions instead of the 9" in page  # and 20 samples were there
    assert [r["n"] for r in found[0]["distribution"].values()] == [20, 20, 12, 12]
    assert found[0]["verification"]["pairs_of_one_person"] == 6 * 6
    assert found[0]["data"]["people"] == 6 and set(found[0]["attributes"]) == {"yaw", "smile"}


def test_the_page_of_the_repository_is_that_of_its_figures(tmp_path):
    folder = Path(__file__).parents[3] / "docs" / "evidence"
    write_page(tmp_path / "README.md", json.loads((folder / "figures.json").read_text()))
    assert (tmp_path / "README.md").read_text() == (folder / "README.md").read_text()


def test_what_cannot_be_used_is_refused_by_its_flag_before_anything_is_written(held_out, weights, tmp_path):
    out = tmp_path / "out"

    def refused(message, data=held_out, weights=weights, samples=20, inversions=2, seed=0, out=out):
        with pytest.raises(ValueError, match=rf"^{message}"):
            commands.report(data, weights, out, samples, inversions, seed=seed)
        assert not out.is_dir()

    refused("--samples 3: must be at least", samples=3)
    refused("--inversions 1: must be at least 2", inversions=1)
    refused("--seed -1: must be at least 0", seed=-1)
    refused(r"--weights [\s\S]*generator\.safetensors[\s\S]*features\.safetensors", weights=tmp_path)
    refused(r"--data .*manifest\.csv", data=tmp_path)
    refused(r"--data .* has no column smile", data=draw_album(tmp_path / "mute", columns=("yaw",)))
    refused(r"--data .* 64 px; the networks are made for 32 px", data=draw_album(tmp_path / "large", resolution=64))
    refused(r"--data .*: 4 images of 1 people are too few", data=draw_album(tmp_path / "few", images=4))
    broken = draw_album(tmp_path / "broken")
    (broken / "07.png").unlink()
    refused(r"--data .*07\.png", data=broken)
    (tmp_path / "file").touch()
    refused("--out .*file: File exists", out=tmp_path / "file")


def test_the_two_branches_are_shown_where_their_network_is(tiny_domain, tmp_path):
    album = Album((255 * torch.rand(2, 3, 32, 32)).to(torch.uint8), torch.arange(2), {})
    evidence = Evidence(tiny_domain, album, tmp_path, 0, 0, 0, 0)
    two_branches(evidence)
    shares = evidence.figures["two_branches"]["zeros"]
    assert set(shares) == {"smile"} and 0 <= shares["smile"] < 0.1  # untrained: nothing is sparse
    columns = ("photo", "styles", "refined", *(f"m, {r} px" for r in (4, 8, 16, 32)))
    width, height = Image.open(tmp_path / "relevance.png").size
    assert width > 128 * len(columns) and height > 128 * 2
    page = section(evidence.figures)
    assert set(re.findall(r"\((\w+)\.png\)", page)) == {path.stem for path in tmp_path.glob("*.png")}
