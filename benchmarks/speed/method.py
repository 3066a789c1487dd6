"""The method's cost beside its official recipe: ``python -m benchmarks.speed --what mystyle``.

Three comparisons, each on the synthetic domain and in one process: tuning, inversion and inpainting of one person by
the released code's recipe, photo by photo, and by ours; sixteen images projected at once and one by one; and the
projection to P_beta by our solver and by a general one. The official recipe runs on our networks, so that what is
compared is the recipe.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import torch
from torch import Tensor

from benchmarks.engine.request import DATA
from datasets.folders import read_portraits
from datasets.masks import RULES, mask
from datasets.synthetic.people import VERSION, write_people
from mystyle.degradations import Identity, Inpainting
from mystyle.domains import load_domain
from mystyle.domains.domain import Domain
from mystyle.latents.anchors import Anchors, encode_anchors
from mystyle.latents.subspace import project_to_dilated_hull
from mystyle.memory import keep_freed_memory
from mystyle.prior import METHOD, MyStylePrior
from mystyle.projection import OFFICIAL_CODE, AlphaInversion, ProjectionSettings, project
from mystyle.tuning import OFFICIAL_CODE as OFFICIAL_TUNING
from mystyle.tuning import TuningSettings, tune
from mystyle.types import Image, Portraits

BETA = 0.02  # of inpainting; inversions take it too
LAYERS, ANCHORS = 18, 100  # of the hull's comparison: a 1024 px generator and the paper's usual set
AT_ONCE = 16

Result = TypeVar("Result")


def measure(person: str, photos: int, held_out: int, epochs: int, preset: str, device: str) -> dict[str, pd.DataFrame]:
    """The three comparisons by name, with the first ``photos`` of ``person`` to tune to and ``held_out`` to project.

    A figure is one run: tuning takes minutes.
    """
    keep_freed_memory()
    domain = load_domain("synthetic", device)
    train, test = album(person, domain)
    train, test = train[:photos], test[:held_out]
    return {
        "recipe": recipes(domain, train, test, epochs, preset),
        "projection": at_once(domain, train, test),
        "hull": hulls(domain),
    }


def album(person: str, domain: Domain) -> tuple[Portraits, Portraits]:
    """The person's photos to tune to and to project."""
    root = rendered((person,), domain)
    train, test = (read_portraits(root / person, split, domain.resolution) for split in ("train", "test"))
    return train, test


def rendered(names: Sequence[str], domain: Domain) -> Path:
    """The folder that holds these people, who are rendered if they are not there yet."""
    root = DATA / f"{domain.name}-{domain.resolution}-v{VERSION}"
    if missing := [name for name in names if not (root / name).exists()]:
        list(write_people(missing, root, domain.resolution, 1))
    return root


def recipes(domain: Domain, train: Portraits, test: Portraits, epochs: int, preset: str) -> pd.DataFrame:
    """Seconds and distances of the official recipe, with ``epochs`` in place of 1000, and of ``preset``."""
    ours = METHOD.presets[preset]
    assert ours.fit is not None and isinstance(ours.restore, ProjectionSettings)
    official = replace(OFFICIAL_TUNING, epochs=epochs)
    rows = [
        recipe("official, photo by photo", domain, train, test, official, replace(OFFICIAL_CODE, beta=BETA, batch=1)),
        recipe(f"ours, {preset}", domain, train, test, ours.fit, replace(ours.restore, beta=BETA)),
    ]
    return pd.DataFrame(rows)


def recipe(
    name: str, domain: Domain, train: Portraits, test: Portraits, tuning: TuningSettings, projection: ProjectionSettings
) -> dict[str, Any]:
    photos, held_out = train.images.to(domain.device), test.images.to(domain.device)
    distance = domain.perceptual.of_many
    anchors = encode_anchors(replace(train, images=photos), domain.encoder)
    tuned, tuning_time = timed(lambda: tune(domain.generator, anchors, photos, domain.perceptual, tuning, seed=0))
    rendered = MyStylePrior(tuned, anchors, domain.perceptual, METHOD.presets["quick"]).reconstructions()
    row: dict[str, Any] = {
        "recipe": name,
        "photos": len(train),
        "tuning_s": tuning_time,
        "training_distance": float(distance(rendered, photos).mean()),
    }
    for task, phi in (("inversion", Identity()), ("inpainting", holes(held_out))):
        given = (phi(held_out), phi, tuned, anchors, domain.perceptual, projection)
        found, row[f"{task}_s"] = timed(project, *given)
        row[f"{task}_distance"] = float(distance(phi.composite(found.images, held_out), held_out).mean())
    return row


def holes(images: Image) -> Inpainting:
    """Every kind of hole in turn."""
    rules = list(RULES)
    return Inpainting(torch.cat([mask(rules[i % len(rules)], images.shape[-1], i) for i in range(len(images))]))


def at_once(domain: Domain, train: Portraits, test: Portraits) -> pd.DataFrame:
    """``AT_ONCE`` images projected into the untuned prior together and one by one, and how far the results differ."""
    settings = METHOD.presets["quick"].restore
    assert isinstance(settings, ProjectionSettings)
    settings = replace(settings, beta=BETA, batch=AT_ONCE)
    anchors = encode_anchors(replace(train, images=train.images.to(domain.device)), domain.encoder)
    count = -(-AT_ONCE // len(test))
    images = torch.cat([test.images] * count)[:AT_ONCE].to(domain.device)
    phi = holes(images)
    degraded = phi(images)

    def run(rows: slice) -> AlphaInversion:
        return project(degraded[rows], phi[rows], domain.generator, anchors, domain.perceptual, settings)

    together, all_time = timed(run, slice(None))
    singles, one_time = timed(lambda: [run(slice(i, i + 1)) for i in range(AT_ONCE)])
    difference = (together.images - torch.cat([single.images for single in singles])).abs().mean(dim=(1, 2, 3))
    objective = torch.cat([single.losses[:, -1] for single in singles])
    relative = (together.losses[:, -1] / objective - 1).abs()
    row = {
        "images": AT_ONCE,
        "steps": settings.steps,
        "together_s": all_time,
        "one_by_one_s": one_time,
        "ratio": one_time / all_time,
        "mean_difference": float(difference.mean()),
        "largest_mean_difference_of_an_image": float(difference.max()),
        "relative_difference_of_objectives": float(relative.mean()),
        "largest_relative_difference_of_objectives": float(relative.max()),
    }
    return pd.DataFrame([row])


def hulls(domain: Domain) -> pd.DataFrame:
    """``LAYERS`` codes into P_beta of ``ANCHORS`` anchors by ``solvers``; the codes lie well outside."""
    draws = torch.Generator().manual_seed(0)
    z = torch.randn(ANCHORS + LAYERS, domain.generator.z_dim, generator=draws).to(domain.device)
    with torch.no_grad():
        w = domain.generator.mapping.w(z)
    anchors = Anchors(w[:ANCHORS].cpu(), tuple(map(str, range(ANCHORS))))
    codes = (anchors.codes.mean(dim=0) + 1.5 * (w[ANCHORS:].cpu() - anchors.codes.mean(dim=0))).double()
    exact = project_to_dilated_hull(codes, anchors, BETA)
    rows: list[dict[str, Any]] = []
    for name, solve in {"ours": project_to_dilated_hull, **general_solvers()}.items():
        solve(codes[:1], anchors, BETA)  # imports and plans
        alpha, seconds = timed(solve, codes, anchors, BETA)
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


def timed(job: Callable[..., Result], *arguments: Any) -> tuple[Result, float]:
    """The result and the seconds it took."""
    began = time.perf_counter()
    result = job(*arguments)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return result, time.perf_counter() - began
