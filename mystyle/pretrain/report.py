"""The evidence page of a domain's networks: measurements on people that none of them was trained on."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from mystyle import expanded
from mystyle.checkpoints import sha256
from mystyle.degradations import Identity
from mystyle.domains.domain import Domain, DomainError
from mystyle.domains.synthetic import WeightFolder
from mystyle.latents.paths import EPSILON, Interpolation, lerp, path_lengths, slerp, steps, trimmed
from mystyle.latents.pnorm import pnorm_of, to_p
from mystyle.latents.statistics import latent_statistics
from mystyle.networks.two_branch import resized, tapped
from mystyle.pretrain.data import Album, read_album
from mystyle.pretrain.evidence import figures as draw
from mystyle.pretrain.evidence.distributions import K, fid, kid, precision_recall
from mystyle.pretrain.evidence.page import UNITS, write_page
from mystyle.pretrain.evidence.recognition import regression, roc
from mystyle.pretrain.evidence.spaces import shape
from mystyle.pretrain.settings import ATTRIBUTES
from mystyle.progress import report
from mystyle.projection import LatentProjectionSettings, project_latent
from mystyle.types import Image, W, as_written
from mystyle.workbench import sheets

SHOWN = 64  # images in a grid, eight by eight
ROWS = 4  # of interpolations in each space
STEPS = 9  # from one end of an interpolation to the other
PANELS = len(ATTRIBUTES)  # in the figure; the table has all
PEOPLE_SHOWN = 8  # rows of the figure of inversions
BATCH = 32
LEAST = 2 * (K + 1)  # images in each set that is compared: k neighbours for each, and some choice
CODES = 10_000  # whose distribution is shown
WHITENING = 100_000  # codes that P-norm is fitted to
PATHS = 10  # times fewer than images: their mean needs no ten thousand


@dataclass(frozen=True)
class Evidence:
    """One run of the command: what it looks at, and what it has found so far."""

    domain: Domain
    album: Album
    out: Path
    samples: int
    inversions: int
    steps: int
    seed: int
    figures: dict[str, Any] = field(default_factory=dict)

    def draws(self, part: int) -> torch.Generator:
        """The random numbers of one part of the page; they do not depend on what other parts drew."""
        return torch.Generator().manual_seed(1000 * self.seed + part)

    def z(self, n: int, part: int) -> Tensor:
        """[n, z_dim] standard normal, drawn on the CPU so that every device has the same."""
        return torch.randn(n, self.domain.generator.z_dim, generator=self.draws(part)).to(self.domain.device)

    def photos(self, rows: Tensor | slice) -> Image:
        """Held-out portraits on the networks' device."""
        return self.album.batch(rows).to(self.domain.device)

    def generate(self, z: Tensor) -> Image:
        return self.domain.generator.synthesis(self.domain.generator.mapping(z))

    def render(self, w: W) -> Image:
        """One code [n, w_dim] for all layers."""
        return self.domain.generator.synthesis(w[:, None].expand(-1, self.domain.generator.num_ws, -1))

    def identity(self, images: Image) -> Tensor:
        return self.domain.judge.identity_of(self.domain.judge.deep(images))

    @contextmanager
    def part(self, name: str) -> Iterator[dict[str, Any]]:
        """A section of ``figures``; its seconds are kept."""
        start = time.perf_counter()
        yield self.figures.setdefault(name, {})
        self.figures.setdefault("seconds", {})[name] = round(time.perf_counter() - start, 1)


def make_report(data: Path, weights: Path, out: Path, samples: int, inversions: int, steps: int, seed: int) -> None:
    """Writes the page into ``out``: README.md, figures.json and the PNG figures.

    Raises ValueError naming the flag where the arguments cannot be used, before anything is computed or written.
    """
    least_values = (
        ("--samples", samples, LEAST),
        ("--inversions", inversions, 2),
        ("--steps", steps, 1),
        ("--seed", seed, 0),
    )
    for flag, number, least in least_values:
        if number < least:
            raise ValueError(f"{flag} {number}: must be at least {least}")
    domain = read_weights(weights)
    album = read_held_out(data, domain)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"--out {out}: {error.strerror}") from error
    evidence = Evidence(domain, album, out, samples, inversions, steps, seed)
    evidence.figures.update(
        settings={"samples": samples, "inversions": inversions, "steps": steps, "seed": seed},
        data={
            "images": len(album),
            "people": len(album.identities.unique()),
            "resolution": album.resolution,
            "manifest": sha256(data / "manifest.csv"),
        },
        weights=dict(domain.weights),
        machine=f"{platform.machine()}, {os.cpu_count()} cores, {domain.device}",
        torch=torch.__version__,
    )
    with torch.no_grad():
        distribution(evidence)
        spaces(evidence)
        paths(evidence)
        faces = recognition(evidence)
        inversion(evidence, faces)
        if domain.file(expanded.FILE):
            two_branches(evidence)
    (out / "figures.json").write_text(json.dumps(evidence.figures, indent=2, allow_nan=False) + "\n")
    write_page(out / "README.md", evidence.figures)


def read_weights(weights: Path) -> Domain:
    """The networks in a folder, on the GPU if there is one. Raises ValueError naming every file that does not serve."""
    folder = WeightFolder(weights.resolve().name, weights)
    try:
        return folder.load("cuda" if torch.cuda.is_available() else "cpu")
    except DomainError as error:
        raise ValueError(f"--weights {weights}: {error}") from error


def read_held_out(data: Path, domain: Domain) -> Album:
    """The held-out portraits. Raises ValueError where the folder lacks what one of the measurements needs."""
    try:
        columns = pd.read_csv(data / "manifest.csv", nrows=0).columns
        if missing := [c for c in ("file", "identity", *domain.judge.moments) if c not in columns]:
            raise ValueError(f"manifest.csv has no column {', '.join(missing)}")
        album = read_album(data)
        if album.resolution != domain.resolution:
            raise ValueError(f"images of {album.resolution} px; the networks are made for {domain.resolution} px")
        photos = album.identities.bincount()
        if photos.sort().values[: len(photos) // 2].sum() < LEAST or (photos > 1).sum() < 2:
            raise ValueError(
                f"{len(album)} images of {len(photos)} people are too few: any half of the people must have {LEAST}, "
                "and two people more than one"
            )
    except (ValueError, TypeError, OSError) as error:
        reason = str(error).removeprefix(f"--data {data}: ")
        raise ValueError(f"--data {data}: {reason}") from error
    return album


def distribution(e: Evidence) -> None:
    """Samples beside held-out portraits: two grids; FID, KID, precision and recall in the ``deep`` features.

    A finite set is never quite like another of the same population, so that the same numbers are given for two halves
    of the held-out set with no person in common, and for the samples against the same half at the same size.
    """
    judge = e.domain.judge
    with e.part("distribution") as found:
        people = shuffled(e.album.identities.unique(), e.draws(0))
        first, second = (in_turns(e.album.identities, part) for part in people.tensor_split(2))
        everyone = in_turns(e.album.identities, people)
        n = min(e.samples, len(everyone))
        half = min(n, len(first), len(second))

        z = e.z(max(n, SHOWN), part=1)
        samples = in_batches("samples", n, lambda rows: judge.deep(as_written(e.generate(z[rows]))))
        whitened = pnorm_of(e.domain, WHITENING)
        v = torch.randn(n, e.domain.generator.w_dim, generator=e.draws(5)).to(z)
        of_pnorm = in_batches(
            "samples of P-norm", n, lambda rows: judge.deep(as_written(e.render(whitened.codes(v[rows]))))
        )
        real = in_batches("portraits", len(e.album), lambda rows: judge.deep(e.photos(rows)))
        sheets.grid(e.out / "samples.png", as_written(e.generate(z[:SHOWN])).cpu(), 8)
        sheets.grid(e.out / "portraits.png", e.photos(everyone[:SHOWN]).cpu(), 8)

        a, b = first[:half], second[:half]
        target = everyone[:n], real[everyone[:n]]
        compared = {
            "samples against held-out": (samples, *target),
            "samples of P-norm against held-out": (of_pnorm, *target),
        }
        if half < n:
            compared["samples against one half"] = (samples[:half], a, real[a])
        compared["other half against that half"] = (real[b], a, real[a])
        for i, (name, (fake, rows, portraits)) in enumerate(compared.items()):
            report("distributions", i, len(compared))
            kid_mean, kid_std = kid(portraits, fake, subset=min(1000, len(rows) // 2), seed=e.seed)
            precision, recall = precision_recall(portraits, fake)
            found[name] = {
                "n": len(rows),
                "people": len(e.album.identities[rows].unique()),
                "fid": fid(portraits, fake),
                "kid": kid_mean,
                "kid_std_over_subsets": kid_std,
                "precision": precision,
                "recall": recall,
            }
        report("distributions", len(compared), len(compared))


def spaces(e: Evidence) -> None:
    """Random codes in W, P and P-norm: how like a normal sample they are, and Figure 1 of II2S."""
    with e.part("spaces") as found:
        w = e.domain.generator.mapping.w(e.z(CODES, part=6))
        codes = {"W": w, "P": to_p(w), "P-norm": pnorm_of(e.domain, WHITENING)(w)}
        found |= {name: shape(x) for name, x in codes.items()}
        pair = torch.randperm(w.shape[1], generator=e.draws(7))[:2].tolist()
        draw.spaces(e.out / "spaces.png", {name: x[:, pair] for name, x in codes.items()})


def paths(e: Evidence) -> None:
    """Perceptual path length in W and Z, and a figure of the way from one sample to another in both."""

    def codes(z: Tensor) -> W:
        return in_batches("codes", len(z), lambda rows: e.domain.generator.mapping.w(z[rows]))

    def measure(
        name: str, render: Callable[[Tensor], Image], a: Tensor, b: Tensor, t: Tensor, interpolate: Interpolation
    ) -> None:
        perceptual = e.domain.perceptual
        lengths = in_batches(
            f"paths in {name}", len(t), lambda i: path_lengths(render, perceptual, a[i], b[i], t[i], interpolate)
        )
        kept = trimmed(lengths)
        found[name] = {
            "mean": kept.mean().item(),
            "median": lengths.median().item(),
            "n": len(lengths),
            "kept": len(kept),
            "epsilon": EPSILON,
        }

    with e.part("path_length") as found:
        n = max(e.samples // PATHS, ROWS)
        z1, z2 = e.z(2 * n, part=2).tensor_split(2)
        t = torch.rand(n, generator=e.draws(3)).to(z1)
        w1, w2 = (codes(z) for z in (z1, z2))
        measure("W, t = 0", e.render, w1, w2, torch.zeros_like(t), lerp)
        measure("W, t uniform", e.render, w1, w2, t, lerp)
        measure("Z, t uniform", e.generate, z1, z2, t, slerp)

        in_w = e.render(steps(w1[:ROWS], w2[:ROWS], lerp, STEPS).flatten(0, 1))
        in_z = e.generate(steps(z1[:ROWS], z2[:ROWS], slerp, STEPS).flatten(0, 1))
        names = [f"{space}, {i + 1}" for space in "WZ" for i in range(ROWS)]
        columns = [f"t = {i / (STEPS - 1):.3g}" for i in range(STEPS)]
        sheets.labelled_grid(e.out / "interpolations.png", as_written(torch.cat([in_w, in_z])).cpu(), names, columns)


def recognition(e: Evidence) -> Tensor:
    """Verification over all pairs and the error of every attribute; returns the identity embeddings [n, e]."""
    with e.part("verification") as found:
        faces = in_batches("recognition", len(e.album), lambda rows: e.identity(e.photos(rows)))
        identities = e.album.identities.to(e.domain.device)
        curve = roc(faces, identities)
        draw.roc_curve(e.out / "roc.png", curve)
        found |= {
            "auc": curve.auc,
            "equal_error_rate": curve.equal_error_rate,
            "true_accepts_at_0.1%": curve.true_accepts_at(1e-3),
            "pairs_of_one_person": len(curve.true_accepts),
            "pairs_of_two_people": curve.others,
        }
    with e.part("attributes") as found:
        reader = e.domain.judge
        names = sorted(reader.moments, key=lambda name: name not in ATTRIBUTES)  # those of the figure first

        def read(rows: slice) -> Tensor:
            values = reader.attributes(e.photos(rows))
            return torch.stack([values[name] for name in names], dim=1)

        if names:
            columns = in_batches("attributes", len(e.album), read).cpu().unbind(1)
            estimates = dict(zip(names, columns, strict=True))
            found |= {name: regression(x, e.album.parameters[name]) for name, x in estimates.items()}
            shown = dict(list(estimates.items())[:PANELS])
            draw.scatter(e.out / "attributes.png", shown, e.album.parameters, UNITS)
    return faces


def inversion(e: Evidence, faces: Tensor) -> None:
    """One photo each of as many people, found in W by the encoder and by descent, and in W+ by descent.

    Each result is compared with the photo it was made from, and its identity also with the person's other photos:
    that similarity has a ceiling, the photo's own. The descent does not use the network that measures identity.
    """
    g, identities = e.domain.generator, e.album.identities
    with e.part("inversion") as found:
        several = shuffled((identities.bincount() > 1).nonzero().squeeze(1), e.draws(4))
        rows = in_turns(identities, several)[: min(e.inversions, len(several))]
        target = e.photos(rows)
        statistics = latent_statistics(g)

        def descend(settings: LatentProjectionSettings) -> Image:
            seeds = [1000 * e.seed + i for i in range(len(rows))]
            return project_latent(target, Identity(), g, e.domain.perceptual, statistics, settings, seeds=seeds).images

        results = {
            "W, encoder": in_batches("encoder", len(rows), lambda i: e.render(e.domain.encoder(target[i]))),
            "W, descent": descend(LatentProjectionSettings(steps=e.steps, space="w")),
            "W+, descent": descend(LatentProjectionSettings(steps=e.steps, space="w+")),
        }
        results = {name: as_written(images) for name, images in results.items()}

        others = other_photos(faces, identities, rows)
        own = faces[rows]
        found |= {"n": len(rows), "steps": e.steps, "results": {}}
        found["photo to the person's others"] = spread((own * others).sum(1))
        found["photo to other people"] = spread((own @ own.T)[~torch.eye(len(rows), dtype=torch.bool)])
        for name, images in results.items():
            embedding = e.identity(images)
            found["results"][name] = {
                "mse": spread((images - target).square().mean(dim=(1, 2, 3))),
                "perceptual": spread(e.domain.perceptual(images, target)),
                "identity": spread((embedding * own).sum(1)),
                "identity_to_others": spread((embedding * others).sum(1)),
            }
        shown = torch.stack([target, *results.values()], dim=1)[:PEOPLE_SHOWN]
        sheets.labelled_grid(
            e.out / "inversions.png",
            shown.flatten(0, 1).cpu(),
            [f"person {i + 1}" for i in range(len(shown))],
            ["photo", *results],
        )


def two_branches(e: Evidence) -> None:
    """The expanded latent space: its directions, and where a photo's content is kept (Figures 3 and 4 of its paper)."""
    g, network = e.domain.generator, expanded.network_of(e.domain)
    with e.part("two_branches") as found:
        found["zeros"] = network.zeros()
        draw.heatmaps(e.out / "directions.png", dict(zip(network.attributes, network.d_sty, strict=True)))

        photo = e.photos(slice(0, 1))
        encoder = expanded.encoder_of(e.domain)
        w, _ = encoder.codes_and_maps(photo)
        renderer = expanded.Expanded(network, encoder, tapped(g), photo, w)
        edited = torch.cat([w, w + network.d_sty])
        rows = [0] * len(edited)
        images = torch.cat([renderer.synthesis(edited, noise="const"), renderer(edited, rows)])
        edit, refined = as_written(images).tensor_split(2)
        maps = [resized(m, e.domain.resolution) * 2 - 1 for m in renderer.relevance(edited, rows).values()]
        columns = [photo.expand_as(edit), edit, refined, *(m.expand_as(edit) for m in maps)]
        sheets.labelled_grid(
            e.out / "relevance.png",
            torch.stack(columns, dim=1).flatten(0, 1).cpu(),
            ["no edit", *network.attributes],
            ["photo", "styles", "refined", *(f"m, {r} px" for r in network.resolutions)],
        )


def shuffled(people: Tensor, draws: torch.Generator) -> Tensor:
    return people[torch.randperm(len(people), generator=draws)]


def in_turns(identities: Tensor, people: Tensor) -> Tensor:
    """Positions of the photos of ``people``: everybody's first photo, then everybody's second, ...

    The first n of them show as many people as n photos can.
    """
    turns = zip_longest(*((identities == person).nonzero().squeeze(1).tolist() for person in people))
    return torch.tensor([position for turn in turns for position in turn if position is not None])


def other_photos(faces: Tensor, identities: Tensor, rows: Tensor) -> Tensor:
    """The mean embedding of the person's other photos, for each photo in ``rows``: [n, e] to [m, e].

    It is not normalised, so that the product with an embedding is the mean cosine.
    """
    means = []
    for row in rows:
        others = identities == identities[row]
        others[row] = False
        means.append(faces[others.to(faces.device)].mean(dim=0))
    return torch.stack(means)


def in_batches(stage: str, n: int, job: Callable[[slice], Tensor]) -> Tensor:
    """``job`` on 0..n in slices, put together, with its progress."""
    parts = []
    for start in range(0, n, BATCH):
        parts.append(job(slice(start, min(start + BATCH, n))))
        report(stage, min(start + BATCH, n), n)
    return torch.cat(parts)


def spread(values: Tensor) -> dict[str, float]:
    """Mean and standard deviation (of the population) of [n]."""
    return {"mean": values.mean().item(), "std": values.std(correction=0).item()}
