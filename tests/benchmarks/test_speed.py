"""The speed benchmark: what it measures is what it says, and a choice that was taken away comes back."""

import contextlib

import pandas as pd
import pytest
import torch

from benchmarks import speed
from mystyle.networks import stylegan2
from mystyle.networks.stylegan2 import Generator, StyledConv


@pytest.fixture
def tiny(monkeypatch):
    def generator(size):
        torch.manual_seed(0)
        return Generator(size, 8, 16, channel_base=256, channel_max=8, mapping_layers=1)

    monkeypatch.setattr(speed, "generator", generator)
    return generator


def case(variant, **changes):
    options = dict(size=32, batch=2, variant=variant, work="synthesis", device="cpu", seconds=0, compare=True)
    return speed.Case(**{**options, **changes})


@pytest.mark.parametrize("work", speed.PASSES)
@pytest.mark.parametrize("variant", speed.networks(half=False), ids=lambda v: v.name)
def test_every_variant_has_a_figure_for_every_pass(variant, work, tiny, monkeypatch):
    monkeypatch.setattr("mystyle.memory.keep_freed_memory", lambda: True)  # would hold for the rest of the tests
    row = speed.measure(case(variant, work=work))
    assert row["pass"] == work
    assert row["images_per_second"] > 0 and row["gflops"] > 0 and row["peak_memory_gb"] > 0
    assert row["difference"] == 0 if variant.plain else row["difference"] < 1e-4


@pytest.mark.parametrize("name", sorted(set(speed.CHOICES) - {"compiled"}))  # compiling takes half a minute
def test_a_choice_taken_away_changes_no_picture_and_comes_back(name, tiny):
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


def test_the_best_round_counts_and_is_compared_with_the_first_variant():
    rows = pd.DataFrame(
        {"size": 64, "variant": v, "precision": "float32", "pass": "synthesis", "images_per_second": s}
        for v, s in [("plain", 10.0), ("fast", 25.0), ("plain", 8.0), ("fast", 30.0)]
    )
    best = speed.best(rows)
    assert best[["variant", "images_per_second", "times_first"]].values.tolist() == [
        ["plain", 10.0, 1.0],
        ["fast", 30.0, 3.0],
    ]


def test_a_variant_that_fails_is_told_and_the_others_go_on(monkeypatch, capsys):
    def measured(given):
        if given.variant.name == "broken":
            raise RuntimeError("no compiler found\nand more")
        return {"variant": given.variant.name}

    monkeypatch.setattr(speed, "in_new_process", measured)
    rows = speed.collect([case(speed.Variant("broken")), case(speed.Variant("fine"))], rounds=2)
    assert rows["variant"].tolist() == ["fine", "fine"]
    assert capsys.readouterr().err.count("no compiler found") == 1


def test_the_command_prints_a_table_and_writes_its_figures(tiny, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(speed, "in_new_process", speed.measure)  # the tiny generator lives in this process
    monkeypatch.setattr("mystyle.memory.keep_freed_memory", lambda: True)
    monkeypatch.setattr(speed, "has_bfloat16", lambda device: False)
    monkeypatch.setattr(speed, "peak_gflops", lambda device, precision: 100.0)
    out = tmp_path / "speed.csv"
    assert speed.main(["--sizes", "64", "--batch", "1", "--device", "cpu", "--seconds", "0", "--rounds", "1",
                       "--out", str(out)]) == 0  # fmt: skip
    printed = capsys.readouterr().out
    assert "plain, memory kept" in printed and "float32 only" in printed
    figures = pd.read_csv(out)
    assert len(figures) == len(speed.networks(half=False)) * len(speed.PASSES)
    assert figures["times_first"].iloc[0] == 1


def test_unknown_sizes_are_refused(capsys):
    with pytest.raises(SystemExit) as end, contextlib.redirect_stdout(None):
        speed.main(["--sizes", "63"])
    assert end.value.code == 2
    assert "63" in capsys.readouterr().err
