"""The speed benchmark: each figure measures what its column names, and a removed optimisation is restored."""

import contextlib

import pandas as pd
import pytest
import torch

from benchmarks.api.registry import METHODS
from benchmarks.speed import diversity, inversions, method, photographs
from benchmarks.speed import networks as speed
from benchmarks.speed.__main__ import Options, main
from datasets.folders import read_portraits
from datasets.splits import SYNTHETIC
from mystyle.latents.anchors import encode_anchors
from mystyle.networks import stylegan2
from mystyle.networks.stylegan2 import Generator, StyledConv
from mystyle.prior import METHOD
from mystyle.types import Portraits


@pytest.fixture
def tiny(monkeypatch):
    def generator(size):
        torch.manual_seed(0)
        return Generator(size, 8, 16, channel_base=256, channel_max=8, mapping_layers=1)

    monkeypatch.setattr(speed, "generator", generator)
    return generator


def case(variant, **changes):
    options = dict(size=32, batch=2, variant=variant, work="synthesis", device="cpu", seconds=0)
    return speed.Case(**{**options, **changes})


@pytest.mark.parametrize("work", speed.PASSES)
@pytest.mark.parametrize(
    "variant", speed.variants("networks", ["float32", "bfloat16"]), ids=lambda v: f"{v.name} {v.precision}"
)
def test_every_variant_has_a_figure_for_every_pass(variant, work, tiny, monkeypatch):
    monkeypatch.setattr(speed, "keep_freed_memory", lambda: True)  # would hold for the rest of the tests
    row = speed.measure(case(variant, work=work))
    assert row["pass"] == work
    assert row["images_per_second"] > 0 and row["gflops"] > 0 and row["memory_gb"] > 0
    if variant.plain:
        assert row["difference"] == 0
    else:  # float32 sums in another order; bfloat16 rounds at 2^-8, a dozen layers in a row
        assert 0 < row["difference"] < (1e-4 if variant.precision == "float32" else 0.1)


@pytest.mark.parametrize("name", sorted(set(speed.CHOICES) - {"compiled"}))  # compiling takes half a minute
def test_a_removed_optimisation_changes_no_image_and_is_restored(name, tiny):
    g = tiny(32)
    before = (stylegan2.inner_channels, StyledConv.convolve, stylegan2.LowPass.apply)
    ws = g.mapping(torch.randn(2, 8))
    with torch.no_grad():
        with speed.CHOICES[name](g):
            without = g.synthesis(ws)
        # float32 sums in another order
        torch.testing.assert_close(without, g.synthesis(ws), rtol=1e-4, atol=1e-4)
    assert before == (stylegan2.inner_channels, StyledConv.convolve, stylegan2.LowPass.apply)


def test_the_passes_differ_in_what_gets_a_gradient(tiny):
    g = tiny(32)
    ws = g.mapping(torch.randn(2, 8)).detach()
    speed.make_step("to_latent", g, g.synthesis, ws)()
    assert all(p.grad is None for p in g.parameters())
    speed.make_step("to_weights", g, g.synthesis, ws)()
    assert all(p.grad is not None for p in g.synthesis.parameters())
    speed.make_step("synthesis", g, g.synthesis, ws)()


def test_work_is_counted_exactly():
    """By hand, for one block at 4 px: a 3x3 convolution, RGB's product, two affine maps and the demodulation's."""
    g = Generator(4, 8, 16, channel_base=20, channel_max=8, mapping_layers=1)
    convolution, rgb, affine, demodulation = 9 * 5 * 5 * 16, 3 * 5 * 16, 2 * 16 * 5, 5 * 5
    work = speed.count_work(g, batch=3)
    assert work["synthesis"] == 2 * 3 * (convolution + rgb + affine + demodulation)
    assert work["synthesis"] < work["to_latent"] < work["to_weights"] < 3.2 * work["synthesis"]


def test_medians_over_rounds_and_factors_within_them():
    rows = pd.DataFrame(
        {"round": k, "size": 64, "batch": 1, "pass": "synthesis", "variant": v, "precision": "float32",
         "images_per_second": s}
        for k, speeds in enumerate([(10.0, 30.0), (2.0, 8.0), (8.0, 40.0)])
        for v, s in zip(["oracle", "fast"], speeds, strict=True)
    )  # fmt: skip
    found = speed.medians(rows, "oracle")
    assert found[["variant", "images_per_second", "factor"]].values.tolist() == [["oracle", 8, 1], ["fast", 30, 4]]
    assert speed.medians(rows[rows["variant"] == "fast"], "oracle")["factor"].isna().all()  # nothing to compare with


def test_a_variant_that_fails_is_reported_and_the_others_go_on(monkeypatch, capsys):
    def measured(given):
        if given.variant.name == "broken":
            raise RuntimeError("no compiler found\nand more")
        return {"variant": given.variant.name}

    monkeypatch.setattr(speed, "in_new_process", measured)
    rows = speed.collect([case(speed.Variant("broken")), case(speed.Variant("fine"))], rounds=2)
    assert rows["variant"].tolist() == ["fine", "fine"]
    assert capsys.readouterr().err.count("no compiler found") == 1


@pytest.mark.slow
def test_the_command_prints_a_table_and_writes_its_figures(tiny, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(speed, "in_new_process", speed.measure)  # the tiny generator lives in this process
    monkeypatch.setattr(speed, "keep_freed_memory", lambda: True)
    monkeypatch.setattr(speed, "has_bfloat16", lambda device: False)
    monkeypatch.setattr(speed, "peak_gflops", lambda device, precision: 100.0)
    out = tmp_path / "speed.csv"
    assert main(["--sizes", "64", "--batch", "1", "--device", "cpu", "--seconds", "0", "--rounds", "1",
                       "--out", str(out)]) == 0  # fmt: skip
    printed = capsys.readouterr().out
    assert "oracle, memory kept" in printed and "float32 only" in printed
    figures = pd.read_csv(out)
    assert len(figures) == len(speed.variants("networks", ["float32"])) * len(speed.PASSES)
    assert (figures.loc[figures["variant"] == "oracle", "factor"] == 1).all()
    assert (figures["of_peak"] == figures["gflops"] / 100).all()


@pytest.mark.parametrize("arguments", [["--sizes", "63"], ["--out", "/nowhere/63/speed.csv"], ["--what", "63"]])
def test_unusable_arguments_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as end, contextlib.redirect_stdout(None):
        main(arguments)
    assert end.value.code == 2
    assert "63" in capsys.readouterr().err


@pytest.mark.slow
def test_diversity_by_embeddings_is_diversity_by_pairs(monkeypatch):
    monkeypatch.setattr(diversity, "MANY", 100)
    rows = diversity.measure(10, "cpu")
    assert rows["images"].tolist() == [100, 60, 60] and rows["photos"].tolist() == [10, 8, 8]
    assert rows["largest_difference"].iloc[-1] < 1e-4  # of distances near 1, summed in another order in float32


def test_the_method_is_measured_on_somebody_outside_the_benchmark():
    assert Options().person not in {person.name for person in SYNTHETIC}


def test_the_solver_of_the_hull_is_the_general_ones():
    w = torch.randn(30, 16, generator=torch.Generator().manual_seed(0))
    anchors = method.Anchors(w[:20], tuple(map(str, range(20))))
    codes = 3 * w[20:].double()
    expected = method.project_to_dilated_hull(codes, anchors, 0.02)
    for solve in method.general_solvers().values():
        # the general solvers stop at their own tolerance
        torch.testing.assert_close(solve(codes, anchors, 0.02), expected, atol=1e-3, rtol=0)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_photographs_are_timed_on_every_pass_of_a_generator(precision, monkeypatch):
    monkeypatch.setattr(photographs, "keep_freed_memory", lambda: True)  # would hold for the rest of the tests
    monkeypatch.setitem(photographs.BATCHES, 16, 2)
    case = photographs.Figure("MobileStyleGAN", 16, precision, "cpu", 0)
    row = photographs.passes(case)
    assert row["batch"] == 2 and row["memory_gb"] > 0
    assert all(row[f"{name}_s"] > 0 for name in speed.PASSES)


def test_a_longer_tuning_is_nearer_to_its_photos(tiny_domain, people_root):
    train, test = (read_portraits(people_root / "alice", split, 32) for split in ("train", "test"))
    anchors = encode_anchors(train, tiny_domain.encoder)
    settings = METHOD.presets["smoke"]
    rows = [photographs.length(n, tiny_domain, anchors, train.images, test.images, settings) for n in (0, 30)]
    assert rows[0]["seconds"] == 0 < rows[1]["seconds"]
    assert rows[1]["inversion_distance"] < rows[0]["inversion_distance"]
    assert all(-1 <= row[f"{task}_identity"] <= 1 for row in rows for task in ("inversion", "inpainting"))


@pytest.mark.parametrize("name", ["domain_wplus", "pulse", "magec_off"])
def test_inversions_are_timed_beside_the_same_one_by_one(name, tiny_domain):
    method = METHODS.load(name)
    x = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    prior = method.fit(Portraits("nobody", x[:0], (), ()), tiny_domain, seed=0, settings=method.presets["smoke"])
    row = inversions.compared(prior, x)
    assert row["ratio"] == row["one_by_one_s"] / row["together_s"] > 0
    # ten steps of a descent multiply the rounding of sums in another order, 1e-6
    assert row["difference"] < 1e-3 and row["difference_of_objectives"] < 1e-3
    other = prior.invert(x.flip(0), seeds=range(6))
    assert inversions.differences(other, [prior.invert(x[:1], seeds=[0])])["difference"] > 1e-2
