"""What the method costs beside its official recipe: ``python -m benchmarks.speed --what mystyle``.

Three comparisons, each on the synthetic domain and in one process: tuning, inversion and inpainting of one person by
the released code's recipe, photo by photo, and by ours; sixteen images projected at once and one by one; and the
projection to P_beta by our solver and by a general one. The official recipe runs on our networks, so that what is
compared is the recipe.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from torch import Tensor

from mystyle.degradations import Identity, Inpainting
from mystyle.domains import load_domain
from mystyle.domains.domain import Domain
from mystyle.latents.anchors import Anchors, encode_anchors
from mystyle.latents.subspace import project_to_dilated_hull
from mystyle.prior import METHOD, MyStylePrior
from mystyle.projection import OFFICIAL_CODE, AlphaProjection, ProjectionSettings, project
from mystyle.tuning import OFFICIAL_CODE as OFFICIAL_TUNING
from mystyle.tuning import TuningSettings, tune
from mystyle.types import Degradation, Image, Portraits

if TYPE_CHECKING:
    from rich.table import Table

BETA = 0.02  # of inpainting; inversions take it too
LAYERS, ANCHORS = 18, 100  # of the hull's comparison: a 1024 px generator and the paper's usual set
AT_ONCE = 16


def measure(person: str, photos: int, held_out: int, passes: int, preset: str, device: str) -> dict[str, pd.DataFrame]:
    """The three comparisons by name, with the first ``photos`` of ``person`` to tune to and ``held_out`` to project."""
    domain = load_domain("synthetic", device)
    train, test = album(person, domain)
    train, test = train[:photos], test[:held_out]
    return {
        "recipe": recipes(domain, train, test, passes, preset),
        "projection": at_once(domain, train, test),
        "hull": hulls(domain),
    }


def album(person: str, domain: Domain) -> tuple[Portraits, Portraits]:
    """The person's photos, drawn if they are not there yet."""
    from benchmarks.engine.request import DATA
    from datasets.folders import read_portraits
    from datasets.synthetic.people import VERSION, write_people

    root = DATA / f"{domain.name}-{domain.resolution}-v{VERSION}"
    if not (root / person).exists():
        list(write_people((person,), root, domain.resolution, 1))
    return tuple(read_portraits(root / person, split, domain.resolution) for split in ("train", "test"))


def recipes(domain: Domain, train: Portraits, test: Portraits, passes: int, preset: str) -> pd.DataFrame:
    """Seconds and distances of the official recipe, with ``passes`` in place of 1000, and of ``preset``."""
    ours = METHOD.presets[preset]
    official = replace(OFFICIAL_TUNING, passes=passes)
    rows = [
        recipe("official, photo by photo", domain, train, test, official, replace(OFFICIAL_CODE, beta=BETA, batch=1)),
        recipe(f"ours, {preset}", domain, train, test, ours.fit, replace(ours.restore, beta=BETA)),
    ]
    return pd.DataFrame(rows)


def recipe(
    name: str, domain: Domain, train: Portraits, test: Portraits, tuning: TuningSettings, projection: ProjectionSettings
) -> dict[str, Any]:
    photos, held_out = train.images.to(domain.device), test.images.to(domain.device)
    anchors = encode_anchors(replace(train, images=photos), domain.encoder)
    tuned, tuning_time = timed(
        lambda: tune(domain.generator, anchors, photos, domain.perceptual, tuning, seed=0), domain.device
    )
    rendered = MyStylePrior(tuned, anchors, domain.perceptual, METHOD.presets["quick"]).reconstructions()
    row: dict[str, Any] = {
        "recipe": name,
        "photos": len(train),
        "tuning_s": tuning_time,
        "training_distance": float(domain.perceptual.of_many(rendered, photos).mean()),
    }
    for task, phi in (("inversion", Identity()), ("inpainting", holes(held_out))):
        result, seconds = timed(
            lambda phi=phi: project(phi(held_out), phi, tuned, anchors, domain.perceptual, projection).images,
            domain.device,
        )
        row |= {
            f"{task}_s": seconds,
            f"{task}_distance": float(domain.perceptual.of_many(phi.composite(result, held_out), held_out).mean()),
        }
    return row


def holes(images: Image) -> Inpainting:
    """Every kind of hole in turn."""
    from datasets.masks import RULES, mask

    rules = list(RULES)
    return Inpainting(torch.cat([mask(rules[i % len(rules)], images.shape[-1], i) for i in range(len(images))]))


def at_once(domain: Domain, train: Portraits, test: Portraits) -> pd.DataFrame:
    """``AT_ONCE`` images projected into the untuned prior together and one by one, and how far the results differ."""
    settings = replace(METHOD.presets["quick"].restore, beta=BETA, batch=AT_ONCE)
    anchors = encode_anchors(replace(train, images=train.images.to(domain.device)), domain.encoder)
    count = -(-AT_ONCE // len(test))
    images = torch.cat([test.images] * count)[:AT_ONCE].to(domain.device)
    phi: Degradation = holes(images)
    degraded = phi(images)

    def run(rows: slice) -> AlphaProjection:
        return project(degraded[rows], phi[rows], domain.generator, anchors, domain.perceptual, settings)

    together, all_time = timed(lambda: run(slice(None)), domain.device)
    singles, one_time = timed(lambda: [run(slice(i, i + 1)) for i in range(AT_ONCE)], domain.device)
    difference = (together.images - torch.cat([single.images for single in singles])).abs()
    objective = torch.cat([single.losses[:, -1] for single in singles])
    relative = (together.losses[:, -1] / objective - 1).abs()
    return pd.DataFrame(
        [
            {
                "images": AT_ONCE,
                "steps": settings.steps,
                "together_s": all_time,
                "one_by_one_s": one_time,
                "ratio": one_time / all_time,
                "mean_difference": float(difference.mean()),
                "largest_mean_difference_of_an_image": float(difference.mean(dim=(1, 2, 3)).max()),
                "relative_difference_of_objectives": float(relative.mean()),
                "largest_relative_difference_of_objectives": float(relative.max()),
            }
        ]
    )


def hulls(domain: Domain) -> pd.DataFrame:
    """``LAYERS`` codes into P_beta of ``ANCHORS`` anchors by ``solvers``; the codes lie well outside."""
    draws = torch.Generator().manual_seed(0)
    z = torch.randn(ANCHORS + LAYERS, domain.generator.z_dim, generator=draws).to(domain.device)
    with torch.no_grad():
        w = domain.generator.mapping.w(z)
    anchors = Anchors(w[:ANCHORS].cpu(), tuple(map(str, range(ANCHORS))))
    codes = (anchors.codes.mean(dim=0) + 1.5 * (w[ANCHORS:].cpu() - anchors.codes.mean(dim=0))).double()
    exact = project_to_dilated_hull(codes, anchors, BETA)
    rows = []
    for name, solve in {"ours": project_to_dilated_hull, **general_solvers()}.items():
        solve(codes[:1], anchors, BETA)  # imports and plans
        alpha, seconds = timed(lambda solve=solve: solve(codes, anchors, BETA), torch.device("cpu"))
        away, least = ((a @ anchors.codes.double() - codes).norm(dim=1) for a in (alpha, exact))
        rows.append(
            {
                "solver": name,
                "seconds": seconds,
                "times_ours": seconds / rows[0]["seconds"] if rows else 1.0,
                "difference": float((alpha - exact).abs().max()),
                "excess_distance": float((away - least).max()),
                "least_alpha": float(alpha.min()),
            }
        )
    return pd.DataFrame(rows)


def general_solvers() -> dict[str, Callable[[Tensor, Anchors, float], Tensor]]:
    """SciPy's general solver, layer by layer, and CVXPY as the official code calls it, where it is installed."""
    import importlib.util

    solvers: dict[str, Callable[[Tensor, Anchors, float], Tensor]] = {"SciPy SLSQP": slsqp}
    if importlib.util.find_spec("cvxpy"):
        solvers["CVXPY, all layers jointly"] = cvxpy_jointly
    return solvers


def slsqp(codes: Tensor, anchors: Anchors, beta: float) -> Tensor:
    """argmin ||M alpha - w||^2 over A_beta for each code, by sequential least squares programming."""
    import numpy as np
    from scipy.optimize import LinearConstraint, minimize

    m, n = anchors.codes.double().numpy(), len(anchors)
    gram = m @ m.T
    rows = []
    for w in codes.numpy():
        inner = m @ w
        result = minimize(
            lambda a, inner=inner: 0.5 * a @ gram @ a - a @ inner,
            np.full(n, 1 / n),
            jac=lambda a, inner=inner: gram @ a - inner,
            bounds=[(-beta, None)] * n,
            constraints=[LinearConstraint(np.ones((1, n)), 1, 1)],
            method="SLSQP",
            options={"ftol": 1e-12, "maxiter": 1000},
        )
        rows.append(result.x)
    return torch.from_numpy(np.stack(rows))


def cvxpy_jointly(codes: Tensor, anchors: Anchors, beta: float) -> Tensor:
    """The same program for all codes in one, with CVXPY's default solver."""
    import cvxpy

    m = anchors.codes.double().numpy()
    alpha = cvxpy.Variable((len(codes), len(anchors)))
    objective = cvxpy.Minimize(0.5 * cvxpy.sum_squares(alpha @ m - codes.numpy()))
    cvxpy.Problem(objective, [cvxpy.sum(alpha, axis=1) == 1, alpha >= -beta]).solve()
    return torch.from_numpy(alpha.value)


def timed(job: Callable[[], Any], device: torch.device) -> tuple[Any, float]:
    """The result and the seconds it took."""
    began = time.perf_counter()
    result = job()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return result, time.perf_counter() - began


def table(title: str, rows: pd.DataFrame) -> Table:
    """A comparison for the console, a line per figure and a column per case."""
    from rich import box
    from rich.table import Table

    shown = Table(title=title, box=box.SIMPLE_HEAD)
    shown.add_column("")
    head = rows.columns[0]
    texts = rows[head].dtype == object
    for value in rows[head]:
        shown.add_column(str(value) if texts else f"{value} {head}", justify="right")
    for name in rows.columns[1:]:
        values = (f"{value:.3g}" if isinstance(value, float) else str(value) for value in rows[name])
        shown.add_row(name.replace("_", " "), *values)
    return shown


def run(person: str, photos: int, held_out: int, passes: int, preset: str, device: str, out: Path | None) -> None:
    """Measures, shows, and writes ``out`` with all figures, a column each."""
    from rich.console import Console

    console = Console()
    found = measure(person, photos, held_out, passes, preset, device)
    for name, rows in found.items():
        console.print(table(name, rows))
    if out:
        pd.concat(found, names=["comparison", "row"]).to_csv(out)
