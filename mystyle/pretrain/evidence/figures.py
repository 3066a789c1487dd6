"""The page's curves, as PNG: labelled, and readable in grey."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import norm
from torch import Tensor

from mystyle.pretrain.evidence.recognition import Roc

DPI = 100
DOTS = 1500  # at most, in a scatter plot; more would be a blot
FALSE_ACCEPTS = 1e-5  # where the axis of a ROC curve starts


def roc_curve(path: Path, curve: Roc) -> None:
    """True against false accepts, the latter on a logarithmic axis, with chance and the equal error rate."""
    figure = Figure(figsize=(5, 4), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    x = np.geomspace(FALSE_ACCEPTS, 1, 200)
    axes.plot(x, x, ":", color="0.6", label="chance")
    axes.plot(x, 1 - x, "--", color="0.6", label="false accepts = false rejects")
    # from where all pairs are accepted; a threshold without a false accept has no place on a logarithmic axis
    false = np.append(1.0, np.maximum(curve.false_accepts.numpy(), FALSE_ACCEPTS / 10))
    axes.step(
        false, np.append(1.0, curve.true_accepts.numpy()), "k-", where="pre", label=f"all pairs, AUC {curve.auc:.4f}"
    )
    e = curve.equal_error_rate
    axes.plot(e, 1 - e, "ko", label=f"equal error rate {e:.1%}")
    axes.set(xscale="log", xlim=(FALSE_ACCEPTS, 1), ylim=(0, 1.01))
    axes.set(xlabel="false accepts: share of pairs of two people", ylabel="true accepts: share of pairs of one person")
    axes.legend(loc="lower right", fontsize=8)
    figure.savefig(path)


def heatmaps(path: Path, directions: Mapping[str, Tensor]) -> None:
    """|d| of directions [num_ws, w_dim] over their largest entry, a panel each: layers down, dimensions across."""
    figure = Figure(figsize=(7, 1.2 * len(directions) + 0.5), dpi=DPI, layout="constrained")
    panels = figure.subplots(len(directions), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, d) in zip(panels, directions.items(), strict=True):
        size = d.detach().abs().cpu().numpy()
        shown = axes.imshow(size / max(size.max(), 1e-12), aspect="auto", cmap="Greys", vmin=0, vmax=1)
        axes.set_ylabel(name, fontsize=8)
        axes.tick_params(labelsize=7)
    figure.colorbar(shown, ax=panels)
    figure.supxlabel("dimension of the code", fontsize=9)
    figure.savefig(path)


def spaces(path: Path, pairs: Mapping[str, Tensor]) -> None:
    """Two coordinates [n, 2] of codes in each space: their histograms beside the normal distribution, and both."""
    figure = Figure(figsize=(2.6 * len(pairs), 6), dpi=DPI, layout="constrained")
    panels = figure.subplots(3, len(pairs), squeeze=False)
    for column, (name, codes) in zip(panels.T, pairs.items(), strict=True):
        values = codes.detach().cpu().numpy()
        for axes, x in zip(column, values.T, strict=False):
            axes.hist(x, bins=60, density=True, color="0.7")
            at = np.linspace(x.min(), x.max(), 200)
            axes.plot(at, norm.pdf(at, x.mean(), x.std()), "k-", linewidth=1)
            axes.set_yticks([])
        column[0].set_title(name, fontsize=9)
        column[2].hexbin(*values.T, gridsize=40, cmap="Greys", mincnt=1)
        for axes in column:
            axes.tick_params(labelsize=7)
    figure.savefig(path)


def scatter(
    path: Path, estimates: Mapping[str, Tensor], truths: Mapping[str, Tensor], units: Mapping[str, str]
) -> None:
    """Estimate against truth, a panel per attribute; the line is where both are equal."""
    columns = min(5, len(estimates))
    rows = -(-len(estimates) // columns)
    figure = Figure(figsize=(2.4 * columns, 2.5 * rows), dpi=DPI, layout="constrained")
    for i, (name, x) in enumerate(estimates.items()):
        y = truths[name]
        axes = figure.add_subplot(rows, columns, i + 1)
        ends = float(y.min()), float(y.max())
        axes.plot(ends, ends, "-", color="0.6", linewidth=1)
        axes.plot(y[:DOTS], x[:DOTS], "k.", markersize=2, alpha=0.4)
        axes.set_title(f"{name} [{units[name]}]" if name in units else name, fontsize=9)
        axes.tick_params(labelsize=7)
    figure.supxlabel("true", fontsize=9)
    figure.supylabel("estimated", fontsize=9)
    figure.savefig(path)
