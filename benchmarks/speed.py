"""How fast things are: ``python -m benchmarks.speed [--what networks|choices|mystyle|diversity] [--sizes 64 256]``.

``networks`` sets the generator's fast path beside the plain one at several sizes; ``choices`` takes the fast path's
choices away one at a time; ``mystyle`` compares the method with its official recipe (``benchmarks.method_speed``);
``diversity`` times the metric of ten thousand pictures (``benchmarks.set_speed``). Every figure of the first two is
measured in a process of its own, so that it starts with the same memory, and is the best of several runs: on a
machine that does other things too, the fastest run is the least disturbed one.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

    from mystyle.networks.stylegan2 import Generator

PASSES = ("synthesis", "to_latent", "to_weights")
BATCHES = {64: 16, 128: 8, 256: 4, 512: 2, 1024: 1}
SHIPPED = 128  # px; the other sizes have the official widths


@dataclass(frozen=True)
class Variant:
    """One way to run the generator."""

    name: str
    precision: str = "float32"
    plain: bool = False
    keep_memory: bool = True
    without: str = ""  # the choice that is taken away, a key of CHOICES


@dataclass(frozen=True)
class Case:
    """One figure of the table."""

    size: int
    batch: int
    variant: Variant
    work: str  # one of PASSES
    device: str
    seconds: float  # to spend on each pass at least
    compare: bool  # with the plain path in float32


def networks(half: bool) -> list[Variant]:
    """The fast path against the plain one; the first is what the others are compared with."""
    variants = [
        Variant("plain", plain=True, keep_memory=False),
        Variant("plain, memory kept", plain=True),
        Variant("fast, memory given back", keep_memory=False),
        Variant("fast"),
    ]
    if half:
        variants += [
            Variant("plain", "bfloat16", plain=True, keep_memory=False),
            Variant("fast", "bfloat16"),
        ]
    return variants


def choices(half: bool) -> list[Variant]:
    """The fast path, and the fast path without one of its choices each, in every precision."""
    return [
        variant
        for precision in (["float32", "bfloat16"] if half else ["float32"])
        for variant in (
            Variant("fast", precision),
            Variant("memory given back", precision, keep_memory=False),
            *(Variant(name, precision, without=name) for name in CHOICES),
        )
    ]


def generator(size: int) -> Generator:
    """The shipped generator at its size, else one of the official widths, random and with noise."""
    import torch

    if size == SHIPPED:
        from mystyle.checkpoints import load_generator
        from mystyle.domains import source

        return load_generator(source("synthetic").weights()["generator"])
    from mystyle.networks.stylegan2 import Generator, StyledConv

    torch.manual_seed(0)
    network = Generator(size, channel_base=32768 if size >= 512 else 16384).eval()
    for layer in network.modules():
        if isinstance(layer, StyledConv):
            torch.nn.init.constant_(layer.noise_strength, 0.1)
    return network


def measure(case: Case) -> dict[str, Any]:
    """Times ``case`` in this process: a row of the table of figures."""
    import torch

    from benchmarks.engine.provenance import peak_memory_mb, reset_peak_memory
    from mystyle.memory import keep_freed_memory
    from mystyle.networks import plain
    from mystyle.networks.stylegan2 import set_precision

    torch.backends.cudnn.allow_tf32 = False  # float32 means float32
    if case.variant.keep_memory:
        keep_freed_memory()
    g = generator(case.size).to(case.device)
    seed = torch.Generator().manual_seed(0)
    ws = g.mapping(torch.randn(case.batch, g.z_dim, generator=seed).to(case.device)).detach()
    set_precision(g, getattr(torch, case.variant.precision))
    with CHOICES[case.variant.without](g) if case.variant.without else contextlib.nullcontext():
        synthesis = (lambda ws: plain.synthesis(g, ws)) if case.variant.plain else g.synthesis
        step = make_step(case.work, g, synthesis, ws, frozen=case.variant.without != "weights not frozen")
        reset_peak_memory(case.device)
        seconds = best_time(step, case.seconds, case.device)
        row = {
            "size": case.size,
            "batch": case.batch,
            "variant": case.variant.name,
            "precision": case.variant.precision,
            "pass": case.work,
            "images_per_second": case.batch / seconds,
            "peak_memory_gb": (peak_memory_mb(case.device) or float("nan")) / 1e3,
            "gflops": count_work(g, case.batch)[case.work] / seconds / 1e9,
        }
        if case.compare:
            with torch.no_grad():
                image = synthesis(ws)
                set_precision(g, torch.float32)
                exact = plain.synthesis(g, ws)
            row["difference"] = ((image - exact).abs().max() / exact.abs().max()).item()
    return row


def make_step(
    name: str, g: Generator, synthesis: Callable[[Tensor], Tensor], ws: Tensor, *, frozen: bool = True
) -> Callable[[], None]:
    """A function that does the pass once: synthesis alone, or with backward of the mean square."""
    import torch

    g.requires_grad_(name == "to_weights" or (name == "to_latent" and not frozen))
    if name == "synthesis":
        return torch.no_grad()(lambda: synthesis(ws))
    codes = ws.clone().requires_grad_(name == "to_latent")

    def step() -> None:
        g.zero_grad()
        codes.grad = None
        synthesis(codes).square().mean().backward()

    return step


def best_time(step: Callable[[], object], budget: float, device: str) -> float:
    """Seconds of the fastest of the calls that fill ``budget`` seconds, at least one, after one that is not counted."""
    import torch

    def timed() -> float:
        began = time.perf_counter()
        step()
        if device.startswith("cuda"):
            torch.cuda.synchronize(device)
        return time.perf_counter() - began

    timed()  # the first call plans kernels
    times = [timed()]
    while sum(times) < budget:
        times.append(timed())
    return min(times)


def count_work(g: Generator, batch: int) -> dict[str, int]:
    """Floating point operations of convolutions and matrix products in every pass, counted without doing them."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"):
        shadow = type(g)(**g.config)
        ws = torch.empty(batch, g.num_ws, g.w_dim)
    work = {}
    for name in PASSES:
        with FlopCounterMode(display=False) as counter:
            make_step(name, shadow, shadow.synthesis, ws)()
        work[name] = counter.get_total_flops()
    return work


def peak_gflops(device: str, precision: str) -> float:
    """The measure of "of peak": the better of what a matrix product and a wide 3x3 convolution reach here."""
    import torch
    import torch.nn.functional as F

    on_gpu = device.startswith("cuda")
    options: dict[str, Any] = dict(device=device, dtype=getattr(torch, precision))
    n = 8192 if on_gpu else 2048
    a, n_images = torch.randn(n, n, **options), 64 if on_gpu else 4
    x = torch.randn(n_images, 512, 32, 32, **options).contiguous(memory_format=torch.channels_last)
    weight = torch.randn(512, 512, 3, 3, **options).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        product = 2 * n**3 / best_time(lambda: a @ a, 0.5, device)
        convolution = 2 * 9 * 512**2 * 32**2 * n_images / best_time(lambda: F.conv2d(x, weight, padding=1), 0.5, device)
    return max(product, convolution) / 1e9


@contextlib.contextmanager
def replaced(target: Any, name: str, value: Any) -> Iterator[None]:
    old = getattr(target, name)
    setattr(target, name, value)
    try:
        yield
    finally:
        setattr(target, name, old)


def outer_channels(_: Generator) -> contextlib.AbstractContextManager[None]:
    from mystyle.networks import stylegan2

    return replaced(stylegan2, "inner_channels", lambda x: x.contiguous())


@contextlib.contextmanager
def batches_whole(g: Generator) -> Iterator[None]:
    for layer in g.modules():
        if hasattr(layer, "large"):
            layer.large = False
    yield


def lowpass_remembers(_: Generator) -> contextlib.AbstractContextManager[None]:
    from mystyle.networks import stylegan2

    return replaced(stylegan2.LowPass, "apply", staticmethod(stylegan2.lowpass))


def upsampling_folded(_: Generator) -> contextlib.AbstractContextManager[None]:
    """Up-sampling and its low-pass as one transposed convolution with 6x6 kernels."""
    import torch.nn.functional as F

    from mystyle.networks.stylegan2 import StyledConv

    two_steps = StyledConv.convolve

    def convolve(layer: StyledConv, x: Tensor, weight: Tensor) -> Tensor:
        if not layer.up:
            return two_steps(layer, x, weight)
        o, i, *_ = weight.shape
        kernel = F.conv2d(weight.reshape(o * i, 1, 3, 3), 4 * layer.f[None, None], padding=3).reshape(o, i, 6, 6)
        return F.conv_transpose2d(x, kernel.to(x.dtype).transpose(0, 1), stride=2, padding=2)

    return replaced(StyledConv, "convolve", convolve)


@contextlib.contextmanager
def weights_trained(_: Generator) -> Iterator[None]:
    """``measure`` leaves the weights' gradients on while only the latent's is wanted."""
    yield


@contextlib.contextmanager
def recomputed(g: Generator) -> Iterator[None]:
    g.set_checkpointing(True)
    yield


def compiled(g: Generator) -> contextlib.AbstractContextManager[None]:
    import torch

    return replaced(g.synthesis, "forward", torch.compile(g.synthesis.forward))


CHOICES: dict[str, Callable[[Generator], contextlib.AbstractContextManager[None]]] = {
    "channels outermost": outer_channels,
    "batches whole": batches_whole,
    "low-pass keeps its input": lowpass_remembers,
    "up-sampling folded": upsampling_folded,
    "weights not frozen": weights_trained,
    "checkpointing": recomputed,
    "compiled": compiled,
}


def has_bfloat16(device: str) -> bool:
    """Whether the device computes in bfloat16, instead of emulating it many times slower."""
    import torch

    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    instructions = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in instructions)


def in_new_process(case: Case) -> dict[str, Any]:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, case).result()


def collect(cases: Sequence[Case], rounds: int) -> pd.DataFrame:
    """Measures all cases ``rounds`` times, telling the console which; one that fails is told and left out.

    Rounds and not repetitions, so that a disturbance of a minute does not fall on one variant alone.
    """
    import pandas as pd
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    rows: list[dict[str, Any]] = []
    failed: set[Case] = set()
    for case in track([*cases] * rounds, "measuring", console=console, transient=True):
        if case in failed:
            continue
        try:
            rows.append(in_new_process(case))
        except Exception as error:  # one variant may need a compiler or more memory than there is
            failed.add(case)
            reason = str(error).strip().splitlines() or [type(error).__name__]
            console.print(f"{case.size} px, {case.variant.name} ({case.variant.precision}), {case.work}: {reason[0]}")
    return pd.DataFrame(rows)


def best(rows: pd.DataFrame) -> pd.DataFrame:
    """The fastest round of each line, and ``times_first``: its speed over that of the size's first line."""
    line = ["size", "variant", "precision", "pass"]
    kept = rows.loc[rows.groupby(line, sort=False)["images_per_second"].idxmax()]
    first = kept.groupby(["size", "pass"])["images_per_second"].transform("first")
    return kept.assign(times_first=kept["images_per_second"] / first)


def show(rows: pd.DataFrame, peaks: dict[str, float]) -> None:
    """The table: a line per variant, and for each pass images per second, the ratio to the first line, and peak memory.

    Then the last pass's share of the machine's peak arithmetic, and the largest difference of the images to those of
    the plain path in float32, relative to their largest value.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for title in ("px", "batch", "variant", "precision"):
        table.add_column(title, no_wrap=True)
    for name in PASSES:
        table.add_column(name.replace("_", " ") + "\nimg/s", justify="right", no_wrap=True)
        table.add_column("\n×", justify="right", no_wrap=True)
        table.add_column("\nGB", justify="right", no_wrap=True)
    table.add_column("of\npeak", justify="right", no_wrap=True)
    table.add_column("off\nplain", justify="right", no_wrap=True)
    for size, of_size in rows.groupby("size"):
        for (variant, precision), line in of_size.groupby(["variant", "precision"], sort=False):
            cells: list[str] = []
            share = "–"
            for row in line.set_index("pass").reindex(list(PASSES)).itertuples():  # a pass that failed is NaN
                speed = row.images_per_second
                cells += (
                    ["–"] * 3
                    if speed != speed
                    else [
                        f"{speed:.0f}" if speed >= 100 else f"{speed:.3g}",
                        f"{row.times_first:.2f}",
                        f"{row.peak_memory_gb:.1f}",
                    ]
                )
                share = "–" if speed != speed else f"{100 * row.gflops / peaks[precision]:.0f} %"
            cells += [share, f"{line['difference'].max():.0e}" if "difference" in line else ""]
            table.add_row(str(size), str(line["batch"].iloc[0]), variant, precision, *cells)
        table.add_section()
    Console(width=None if sys.stdout.isatty() else 150).print(table)


@dataclass(frozen=True)
class Options:
    """The command line.

    Args:
        what: networks compares fast and plain, choices takes the fast path's choices away one at a time, mystyle
            compares our recipe of tuning and projecting with the official one, diversity times that metric
        sizes: in pixels; 128 is the shipped generator, the others have the official widths
        batch: images at a time, 16, 8, 4, 2 and 1 at 64, 128, 256, 512 and 1024 px unless given
        device: where to compute; auto takes the GPU if there is one
        seconds: to spend on each pass of each round at least
        rounds: of which the best counts
        person: of mystyle, whose photos
        photos: of mystyle, to tune to; of diversity, reference photos
        held_out: of mystyle, photos to invert and to inpaint
        passes: of mystyle, of the official recipe; 1000 in the released code
        preset: of mystyle, our recipe
        out: a CSV file for the figures
    """

    what: Literal["networks", "choices", "mystyle", "diversity"] = "networks"
    sizes: tuple[int, ...] = (64, 128, 256, 1024)
    batch: int | None = None
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seconds: float = 2.0
    rounds: int = 2
    person: str = "p03"
    photos: int = 12
    held_out: int = 5
    passes: int = 1000
    preset: str = "quick"
    out: Path | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns the exit status."""
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(prog="python -m benchmarks.speed", description=__doc__.split("\n\n")[0])
    parser.add_class_arguments(Options, as_group=False, skip={"sizes"})
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 256, 1024], choices=sorted(BATCHES))
    parsed = parser.parse_args(arguments)
    options = Options(**{**parsed.as_dict(), "sizes": tuple(parsed.sizes)})

    import torch

    from benchmarks.engine.provenance import hardware

    device = options.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    half = has_bfloat16(device)
    print(f"{hardware(device)}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    if options.what == "mystyle":
        from benchmarks import method_speed
        from mystyle.memory import keep_freed_memory

        keep_freed_memory()
        o = options
        method_speed.run(o.person, o.photos, o.held_out, o.passes, o.preset, device, o.out)
        return 0
    if options.what == "diversity":
        from benchmarks import set_speed

        set_speed.run(options.photos, device)
        return 0
    if not half:
        print("no bfloat16 here: float32 only")
    variants = {"networks": networks, "choices": choices}[options.what](half)
    cases = [
        Case(size, options.batch or BATCHES[size], variant, work, device, options.seconds, options.what == "networks")
        for size in options.sizes
        for variant in variants
        for work in PASSES
    ]
    rows = collect(cases, options.rounds)
    if rows.empty:
        return 1
    rows = best(rows)
    peaks = {precision: peak_gflops(device, precision) for precision in rows["precision"].unique()}
    show(rows, peaks)
    print("peak:", ", ".join(f"{precision} {rate:.0f} GFLOP/s" for precision, rate in peaks.items()))
    if options.out:
        rows.to_csv(options.out, index=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
