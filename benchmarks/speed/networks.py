"""The generator's speed beside that of its oracle, ``mystyle.networks.plain``, and without one optimisation at a time.

Every figure is measured in a process of its own, so that it starts with the same memory. Variants are measured in turn
and in rounds, so that a disturbance of a minute does not fall on one alone; factors are medians of the ratios within a
round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any
from unittest.mock import patch

import pandas as pd
import torch
import torch.nn.functional as F
from rich.console import Console
from rich.progress import track
from torch import Tensor
from torch.utils.benchmark import Timer
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.engine.provenance import peak_memory_mb, reset_peak_memory
from mystyle import roles
from mystyle.checkpoints import load_generator
from mystyle.domains import source
from mystyle.memory import keep_freed_memory
from mystyle.networks import plain, stylegan2
from mystyle.networks.stylegan2 import Generator, StyledConv, set_precision

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
    without: str = ""  # the optimisation that is removed, a key of CHOICES


@dataclass(frozen=True)
class Case:
    """One figure of the table."""

    size: int
    batch: int
    work: str  # one of PASSES
    variant: Variant
    device: str
    seconds: float


def variants(what: str, precisions: Sequence[str]) -> list[Variant]:
    """Of a comparison; the first is the one that factors are relative to."""
    if what == "networks":
        return [
            Variant("oracle", plain=True, keep_memory=False),
            Variant("oracle, memory kept", plain=True),
            Variant("fast, memory given back", keep_memory=False),
            Variant("fast"),
            *(Variant("fast", p) for p in precisions[1:]),
        ]
    return [
        variant
        for p in precisions
        for variant in (
            Variant("fast", p),
            Variant("memory given back", p, keep_memory=False),
            *(Variant(name, p, without=name) for name in CHOICES),
        )
    ]


def generator(size: int) -> Generator:
    """The shipped generator at its size, else one of the official widths, random and with noise."""
    if size == SHIPPED:
        return stylegan2.require_stylegan2(load_generator(source("synthetic").weights()["generator"]))
    torch.manual_seed(0)
    network = Generator(size, channel_base=32768 if size >= 512 else 16384).eval()
    for layer in styled_convs(network):
        torch.nn.init.constant_(layer.noise_strength, 0.1)
    return network


def styled_convs(g: Generator) -> list[StyledConv]:
    return [layer for layer in g.modules() if isinstance(layer, StyledConv)]


def measure(case: Case) -> dict[str, Any]:
    """Times ``case`` in this process: a row of the table of figures."""
    torch.backends.cudnn.allow_tf32 = False  # float32 means float32
    variant = case.variant
    if variant.keep_memory:
        keep_freed_memory()
    g = generator(case.size).to(case.device)
    seed = torch.Generator().manual_seed(0)
    ws = g.mapping(torch.randn(case.batch, g.z_dim, generator=seed).to(case.device)).detach()
    set_precision(g, getattr(torch, variant.precision))
    with CHOICES[variant.without](g) if variant.without else nullcontext():
        synthesis = (lambda ws: plain.synthesis(g, ws)) if variant.plain else g.synthesis
        step = make_step(case.work, g, synthesis, ws, frozen=variant.without != "weights not frozen")
        reset_peak_memory(case.device)
        seconds = seconds_of(step, case.seconds)
        memory = peak_memory_mb(case.device) or float("nan")
        with torch.no_grad():
            image = synthesis(ws)
    set_precision(g, torch.float32)
    with torch.no_grad():
        exact = plain.synthesis(g, ws)
    return {
        "size": case.size,
        "batch": case.batch,
        "pass": case.work,
        "variant": variant.name,
        "precision": variant.precision,
        "images_per_second": case.batch / seconds,
        "memory_gb": memory / 1e3,
        "gflops": count_work(g, case.batch)[case.work] / seconds / 1e9,
        "difference": ((image - exact).abs().max() / exact.abs().max()).item(),
    }


def make_step(
    work: str, g: roles.Generator, synthesis: Callable[[Tensor], Tensor], ws: Tensor, *, frozen: bool = True
) -> Callable[[], None]:
    """A function that does the pass once: synthesis alone, or with backward of the mean square."""
    trained = list(g.parameters())
    g.requires_grad_(work == "to_weights" or (work == "to_latent" and not frozen))
    codes = ws.clone().requires_grad_(work == "to_latent")

    def step() -> None:
        with torch.set_grad_enabled(work != "synthesis"):
            for tensor in (*trained, codes):
                tensor.grad = None
            image = synthesis(codes)
            if work != "synthesis":
                image.square().mean().backward()

    return step


def seconds_of(step: Callable[[], object], budget: float) -> float:
    """Median of the calls that fill ``budget`` seconds, after one that is not counted."""
    timer = Timer("step()", globals={"step": step}, num_threads=torch.get_num_threads())
    return timer.blocked_autorange(min_run_time=budget).median


def count_work(g: Generator, batch: int) -> dict[str, int]:
    """Floating point operations of convolutions and matrix products in every pass, counted without doing them."""
    with torch.device("meta"):
        shadow = Generator(**g.config)  # type: ignore[arg-type]
        ws = torch.empty(batch, g.num_ws, g.w_dim)
    work = {}
    for name in PASSES:
        with FlopCounterMode(display=False) as counter:
            make_step(name, shadow, shadow.synthesis, ws)()
        work[name] = counter.get_total_flops()
    return work


def peak_gflops(device: str, precision: str) -> float:
    """The measure of "of peak": the better of what a matrix product and a wide 3x3 convolution reach here."""
    n, n_images = (8192, 64) if device == "cuda" else (2048, 4)
    options: dict[str, Any] = dict(device=device, dtype=getattr(torch, precision))
    a = torch.randn(n, n, **options)
    x = torch.randn(n_images, 512, 32, 32, **options).contiguous(memory_format=torch.channels_last)
    weight = torch.randn(512, 512, 3, 3, **options).contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        product = 2 * n**3 / seconds_of(lambda: a @ a, 0.5)
        convolution = 2 * 9 * 512**2 * 32**2 * n_images / seconds_of(lambda: F.conv2d(x, weight, padding=1), 0.5)
    return max(product, convolution) / 1e9


def folded(layer: StyledConv, x: Tensor, weight: Tensor) -> Tensor:
    """``StyledConv.convolve`` with up-sampling and its low-pass as one transposed convolution with 6x6 kernels."""
    weight = weight.to(x.dtype)
    if not layer.up:
        return F.conv2d(x, weight, padding=1)
    o, i, *_ = weight.shape
    kernel = F.conv2d(weight.reshape(o * i, 1, 3, 3), (4 * layer.f[None, None]).to(x.dtype), padding=3)
    return F.conv_transpose2d(x, kernel.reshape(o, i, 6, 6).transpose(0, 1), stride=2, padding=2)


def batches_whole(g: Generator) -> AbstractContextManager[object]:
    stack = ExitStack()
    for layer in styled_convs(g):
        stack.enter_context(patch.object(layer, "large", False))
    return stack


CHOICES: dict[str, Callable[[Generator], AbstractContextManager[object]]] = {
    "channels outermost": lambda g: patch.object(stylegan2, "inner_channels", torch.Tensor.contiguous),
    "batches whole": batches_whole,
    "low-pass keeps its input": lambda g: patch.object(stylegan2.LowPass, "apply", stylegan2.lowpass),
    "up-sampling folded": lambda g: patch.object(StyledConv, "convolve", folded),
    "weights not frozen": lambda g: nullcontext(),  # only to the latent, see ``measure``
    "checkpointing": lambda g: patch.object(g.synthesis, "checkpointing", True),
    "compiled": lambda g: patch.object(g.synthesis, "forward", torch.compile(g.synthesis.forward)),
}


def has_bfloat16(device: str) -> bool:
    """Whether the device computes in bfloat16, instead of emulating it many times slower."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    instructions = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in instructions)


def in_new_process(case: Case) -> dict[str, Any]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, case).result()


def collect(cases: Sequence[Case], rounds: int) -> pd.DataFrame:
    """Rows of all cases, ``rounds`` times; one that fails is reported and left out."""
    console = Console(stderr=True)
    rows: list[dict[str, Any]] = []
    failed: set[Case] = set()
    for number, case in enumerate(track([*cases] * rounds, "measuring", console=console, transient=True)):
        if case in failed:
            continue
        try:
            rows.append({"round": number // len(cases), **in_new_process(case)})
        except Exception as error:  # one variant may need a compiler or more memory than there is
            failed.add(case)
            reason = str(error).strip().splitlines() or [type(error).__name__]
            console.print(f"{case.size} px, {case.variant.name}, {case.variant.precision}, {case.work}: {reason[0]}")
    return pd.DataFrame(rows)


def medians(rows: pd.DataFrame, first: str) -> pd.DataFrame:
    """Medians over the rounds; ``factor`` is the speed relative to that of variant ``first`` in the same round."""
    speed = rows["images_per_second"]
    reference = speed.where(rows["variant"].eq(first) & rows["precision"].eq("float32"))
    reference = reference.groupby([rows[key] for key in ("round", "size", "pass")]).transform("first")
    line = ["size", "batch", "pass", "variant", "precision"]
    found = rows.assign(factor=speed / reference).groupby(line, sort=False).median().drop(columns="round")
    return found.reset_index()


def compare(
    what: str, sizes: Sequence[int], batch: int | None, device: str, seconds: float, rounds: int
) -> pd.DataFrame:
    """A line for each size, pass and variant, with its share of the peak arithmetic of ``device``."""
    precisions = ["float32", "bfloat16"] if has_bfloat16(device) else ["float32"]
    if len(precisions) == 1:
        print("no bfloat16 here: float32 only")
    compared = variants(what, precisions)
    cases = [
        Case(size, batch or BATCHES[size], work, variant, device, seconds)
        for size in sizes
        for work in PASSES
        for variant in compared
    ]
    rows = collect(cases, rounds)
    if rows.empty:
        return rows
    found = medians(rows, compared[0].name)
    peaks = {p: peak_gflops(device, p) for p in precisions}
    return found.assign(of_peak=found["gflops"] / found["precision"].map(peaks))
