"""The method on somebody's own images: what ``python -m mystyle`` does, folders in and folders out.

A prior is a folder: generator.safetensors, anchors.safetensors, prior.json (what it was made of), a card and a sheet.
Every result is a PNG with its code beside it; the metadata of the code's file name what it was made of, so that the
same command after an interruption does only what is missing.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from mystyle import domains
from mystyle.degradations import Downsampling, Identity, Inpainting
from mystyle.domains import load_domain
from mystyle.domains.domain import Domain
from mystyle.editing import EditSettings, edit
from mystyle.editors.directions import save_directions
from mystyle.files import printable, require_regular, sha256, write_whole
from mystyle.latents.anchors import Anchors, encode_anchors, read_anchors
from mystyle.latents.subspace import AlphaCode, SamplingSettings, sample
from mystyle.latents.vectors import SUFFIXES
from mystyle.pivots import optimise_anchors
from mystyle.plugins import EDITORS
from mystyle.prior import METHOD, MyStylePrior, Settings, read_prior
from mystyle.progress import showing
from mystyle.projection import AlphaInversion
from mystyle.tuning import TuningSettings, tune
from mystyle.types import Degradation, Image, Portraits
from mystyle.workbench.albums import PERSON, curated, raw, without_a_face
from mystyle.workbench.images import images_of, read_mask, read_portraits, read_small, write_image
from mystyle.workbench.outputs import claim, read_json
from mystyle.workbench.sheets import grid, labelled_grid

FEW = 10  # photos, below which a prior can hardly be more than they are
SHOWN = 24  # rows of a contact sheet at most
LABEL = 10  # characters of a name beside its row: the end, in which photos of an album differ
SHEET, TABLE = "sheet.png", "results.csv"
GENERATOR, ANCHORS, CHECKPOINT = "generator.safetensors", "anchors.safetensors", "tuning.ckpt"
PRIOR, CARD = "prior.json", "README.md"


def tune_photos(
    photos: Path,
    out: Path,
    domain: str,
    preset: str,
    epochs: int | None,
    anchors: str,
    check_faces: bool,
    least_pixels: float | None,
    seed: int,
    device: str,
) -> None:
    """Tunes a prior to the portraits in ``photos``, or to those that are made of it if it is a raw album.

    Raises ValueError before the first step if anything is wrong.
    """
    preset_settings = settings_of(domain, preset)
    fit = preset_settings.fit or TuningSettings()
    if epochs is not None:
        require("epochs", epochs, 1)
        fit = replace(fit, epochs=epochs)
    require("seed", seed, 0)
    d = load_domain(domain, device)
    own = [GENERATOR, ANCHORS, PRIOR, CARD, SHEET, CHECKPOINT]
    if raw(photos, domain, d.resolution, device):
        own.append(PERSON)
        claim(out, "tune", own, photos)
        with showing():
            photos = curated(photos, out / PERSON, d.resolution, least_pixels, device)
    portraits = read_portraits(photos, d.resolution)
    if len(portraits) < 2:
        raise ValueError(f"{photos}: one photo only; a prior is what several photos of a person have in common")
    if len(portraits) < FEW:
        print(f"{len(portraits)} photos are few; the papers take 50 to 200, and {FEW} at the least")
    if check_faces and (strange := without_a_face(portraits, d)):
        names = ", ".join(strange)
        raise ValueError(
            f"{photos}: no face found in {names}; remove them, align them as FFHQ is, or use --check_faces false"
        )
    given = read_anchors(Path(anchors), portraits.files, d.generator.w_dim) if is_folder(anchors) else None

    made_of = {
        "domain": domain,
        "weights": dict(d.weights),
        "photos": dict(zip(portraits.files, portraits.hashes, strict=True)),
        "anchors": given.hash if given else anchors,
        "settings": asdict(fit),
        "seed": seed,
    }
    if (out / PRIOR).is_file():
        if read_json(out / PRIOR, {"made_of": dict})["made_of"] != json.loads(json.dumps(made_of)):
            raise ValueError(f"--out {out}: holds a prior of other photos or settings; choose another folder")
        print(f"{out} is tuned already; nothing to do")
        return
    claim(out, "tune", own, None if PERSON in own else photos)

    began = time.perf_counter()
    images = portraits.images.to(d.device)
    with showing():
        if given is not None:
            codes = Anchors(given.codes.to(d.device), given.names)
        elif anchors == "optimise":
            codes = optimise_anchors(replace(portraits, images=images), d.generator, d.perceptual, seed=seed)
        else:
            codes = encode_anchors(replace(portraits, images=images), d.encoder)
        checkpoint = out / CHECKPOINT
        generator = tune(d.generator, codes, images, d.perceptual, fit, seed=seed, checkpoint=checkpoint)
    prior = MyStylePrior(generator, codes, d.perceptual, preset_settings)
    before, after = (replace(prior, generator=g).reconstructions() for g in (d.generator, generator))
    figures = {
        "photos": len(codes),
        "rank": codes.rank,
        "condition": codes.condition if codes.rank == len(codes) else None,
        "perceptual_before": float(d.perceptual.of_many(before, images).mean()),
        "perceptual_after": float(d.perceptual.of_many(after, images).mean()),
        "seconds": round(time.perf_counter() - began, 1),
    }
    prior.save(out)
    sheet(out / SHEET, portraits.files, ["photo", "before", "tuned"], [images, before, after])
    card = CARD_TEXT.format(
        name=printable(portraits.person),
        preset=preset,
        domain=domain,
        figures="\n".join(f"| {k} | {v} |" for k, v in figures.items()),
    )
    write_whole(out / CARD, lambda path: path.write_text(card, encoding="utf-8"))
    content = {"made_of": made_of, "preset": preset, "figures": figures, "generator": sha256(out / GENERATOR)}
    write_whole(out / PRIOR, lambda path: path.write_text(json.dumps(content, indent=2) + "\n"))
    checkpoint.unlink(missing_ok=True)
    print(
        f"{out}: {len(codes)} anchors of rank {codes.rank}, perceptual distance {figures['perceptual_before']:.3f} "
        f"before and {figures['perceptual_after']:.3f} after, {figures['seconds']:.0f} s"
    )


def settings_of(domain: str, preset: str) -> Settings:
    """MyStyle's settings of a preset on a domain. Raises DomainError for an unknown domain."""
    settings: Settings = domains.source(domain).settings(preset, METHOD.presets[preset])
    return settings


@dataclass(frozen=True)
class Bench:
    """A prior that was read from its folder, and what decides a result besides the image."""

    prior: MyStylePrior
    domain: Domain
    key: dict[str, Any]

    @classmethod
    def read(cls, folder: Path, preset: str, device: str, steps: int | None = None, **restore: Any) -> Bench:
        """Raises ValueError if ``folder`` is no finished prior or was changed, or if a setting is out of range."""
        for flag, value, least in (("steps", steps, 1), ("beta", restore.get("beta"), 0)):
            if value is not None:
                require(flag, value, least)
        if not all((folder / name).is_file() for name in (PRIOR, GENERATOR, ANCHORS)):
            there = "not finished; run its tune command again" if folder.is_dir() else "not there"
            raise ValueError(f"{folder}: the prior is {there}")
        content = read_json(folder / PRIOR, {"made_of": dict, "generator": str})
        if sha256(folder / GENERATOR) != content["generator"]:
            raise ValueError(f"{folder / GENERATOR}: is not the generator that {PRIOR} names; tune the person again")
        made_for = str(content["made_of"].get("domain"))
        settings = settings_of(made_for, preset)
        changes = restore if steps is None else {**restore, "steps": steps}
        settings = replace(settings, restore=replace(settings.restore, **changes))
        domain = load_domain(made_for, device)
        try:
            prior = read_prior(folder, domain, settings)
        except SafetensorError as error:
            raise ValueError(f"{folder}: cannot be read ({error}); tune the person again") from error
        return cls(prior, domain, {"generator": content["generator"], "anchors": prior.anchors.hash})

    def key_of(self, **more: Any) -> str:
        """Names a result by all that decides it."""
        settings = asdict(self.prior.settings.restore)
        text = json.dumps({**self.key, "settings": settings, **more}, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def sample_prior(folder: Path, out: Path, n: int, settings: SamplingSettings, seed: int, device: str) -> None:
    """Writes n random images of the prior with their codes. Raises ValueError if the flags do not fit."""
    require("n", n, 1)
    require("seed", seed, 0)
    if settings.way == "b1" and settings.beta:
        raise ValueError("--beta: B.1 samples the hull itself; use --way dirichlet or hit_and_run to go beyond")
    bench = Bench.read(folder, "quick", device)
    prior, draws = bench.prior, torch.Generator().manual_seed(seed)
    alpha = sample(prior.anchors, n, draws, settings)
    claim(out, "sample", [*results(f"{i:04d}" for i in range(n)), SHEET])
    images = prior.render(alpha[:, None])
    for i, (image, a) in enumerate(zip(images, alpha, strict=True)):
        write_image(out / f"{i:04d}.png", image)
        code = AlphaCode(a.expand(1, prior.generator.num_ws, -1), prior.anchors.hash)
        write_code(out / f"{i:04d}.safetensors", code)
    write_whole(out / SHEET, lambda path: grid(path, images.cpu(), 8))
    print(f"{out}: {n} samples")


def invert_images(source: Path, out: Path, bench: Bench) -> Restored:
    """Projects clean portraits into the prior."""
    portraits = read_portraits(source, bench.domain.resolution)
    claim(out, "invert", [*results(stems(portraits)), TABLE, SHEET], source)
    inverted = restore(bench, portraits, Identity(), out, [{"task": "invert"}] * len(portraits))
    finish(out, [inverted])
    return inverted


def inpaint_images(source: Path, mask: Path, out: Path, blend: Literal["hard", "poisson"], bench: Bench) -> None:
    """Fills the hole of ``mask``: one for all images, or a folder with one of each image's name."""
    portraits = read_portraits(source, bench.domain.resolution)
    files = [mask] * len(portraits) if mask.is_file() else masks_of(mask, portraits.files)
    masks = torch.cat([read_mask(file, bench.domain.resolution) for file in files])
    hashes = [sha256(file) for file in files]
    claim(out, "inpaint", [*results(stems(portraits)), TABLE, SHEET], source)
    phi = Inpainting(masks, blend)
    degraded = replace(portraits, images=phi(portraits.images))
    tasks = [{"task": "inpaint", "mask": digest, "blend": blend} for digest in hashes]
    finish(out, [restore(bench, degraded, phi, out, tasks)])


def masks_of(folder: Path, names: Sequence[str]) -> list[Path]:
    """The masks in ``folder`` by the images' names. Raises ValueError naming every image that has none."""
    masks = {path.stem: path for path in images_of(folder)}
    if missing := [name for name in names if Path(name).stem not in masks]:
        raise ValueError(f"--mask {folder}: no mask for {', '.join(missing)}")
    return [masks[Path(name).stem] for name in names]


def upscale_images(source: Path, out: Path, keep_background: bool, bench: Bench) -> None:
    """Enlarges small portraits to the domain's resolution, by the factor that each of them needs."""
    resolution, parts = bench.domain.resolution, []
    sizes = read_small(source, resolution)
    claim(out, "upscale", [*results(name for small in sizes for name in stems(small)), TABLE, SHEET], source)
    for portraits in sizes:
        phi = Downsampling(resolution / portraits.images.shape[-1], keep_background)
        tasks = [{"task": "upscale", **asdict(phi)}] * len(portraits)
        parts.append(restore(bench, portraits, phi, out, tasks))
    finish(out, parts)


@dataclass(frozen=True)
class Restored:
    """Images of one size that lie in the output folder now."""

    names: list[str]
    given: Image
    outputs: Image


def restore(
    bench: Bench, portraits: Portraits, degradation: Degradation, out: Path, tasks: Sequence[dict[str, Any]]
) -> Restored:
    """Projects the images that are not there yet, a batch at a time, and writes each result whole.

    ``tasks[i]`` is what decides result i besides its image, the prior and the settings.
    """
    prior, count = bench.prior, len(portraits)
    keys = [bench.key_of(image=digest, **task) for digest, task in zip(portraits.hashes, tasks, strict=True)]
    names = stems(portraits)
    missing = [i for i in range(count) if not is_made(out / f"{names[i]}.safetensors", keys[i])]
    if len(missing) < count:
        print(f"{out}: {count - len(missing)} of {count} are there already")
    with showing():
        for batch in batches(missing, prior.settings.restore.batch):
            given, phi = portraits.images[batch].to(bench.domain.device), degradation[batch]
            result = prior.project(given, phi)
            assert isinstance(result, AlphaInversion)
            outputs = phi.composite(result.images, given)
            for row, i in enumerate(batch):
                write_image(out / f"{names[i]}.png", outputs[row])
                code, loss = result.code[row : row + 1], final(result.losses[row])
                facts = {"key": keys[i], "dilation": f"{float(result.dilation[row]):.6f}", "loss": f"{loss:.6f}"}
                write_code(out / f"{names[i]}.safetensors", code, **facts)
    done = [read_portraits(out / f"{name}.png", bench.domain.resolution).images for name in names]
    return Restored(names, portraits.images, torch.cat(done))


def finish(out: Path, parts: Sequence[Restored]) -> None:
    """Writes the table and the contact sheet of what was restored."""
    names = [name for part in parts for name in part.names]
    facts = [facts_of(out / f"{name}.safetensors") for name in names]
    columns = ("dilation", "loss")
    rows = [{"image": n, **{c: f[c] for c in columns}} for n, f in zip(names, facts, strict=True)]
    write_table(out / TABLE, rows)
    size = parts[0].outputs.shape[-1]
    given = torch.cat([torch.nn.functional.interpolate(part.given, (size, size)) for part in parts])
    sheet(out / SHEET, names, ["given", "result"], [given, torch.cat([part.outputs for part in parts])])
    print(f"{out}: {len(names)} images")


def edit_images(
    source: Path, direction: str, out: Path, strengths: Sequence[float], settings: EditSettings, bench: Bench
) -> None:
    """Inverts portraits, where that is not done yet, and walks along ``direction``."""
    if not strengths:
        raise ValueError("--strengths: name one at least")
    for strength in strengths:
        require("strengths", strength)
    prior, editor = bench.prior, EDITORS.load("vector" if Path(direction).suffix in SUFFIXES else "interfacegan")
    try:
        vector = editor.direction(direction, bench.domain)
    except ValueError as error:
        raise ValueError(f"--direction {direction}: {error}") from error
    portraits = read_portraits(source, bench.domain.resolution)
    edited = [f"{name}_{strength:+g}" for name in stems(portraits) for strength in strengths]
    claim(out, "edit", [*results(edited), "inversions", "edits.csv", SHEET], source)
    inversions = out / "inversions"
    inverted = invert_images(source, inversions, bench)
    names = inverted.names
    codes = [AlphaCode.load(inversions / f"{name}.safetensors", bench.domain.device) for name in names]
    code = AlphaCode(torch.cat([c.alpha for c in codes]), prior.anchors.hash)
    edits = edit(code, vector, strengths, prior.anchors, settings)
    images = prior.render(edits.code.alpha)
    rows = []
    for i, name in enumerate(names):
        for j, strength in enumerate(strengths):
            k, title = i * len(strengths) + j, f"{name}_{strength:+g}"
            write_image(out / f"{title}.png", images[k])
            write_code(out / f"{title}.safetensors", edits.code[k : k + 1])
            rows.append(
                {
                    "image": name,
                    "strength": strength,
                    "applied": f"{float(edits.theta[i, j]):.4f}",
                    "dilation": f"{float(edits.dilation[i, j]):.6f}",
                    "low": f"{float(edits.endpoints[i, 0]):.4f}",
                    "high": f"{float(edits.endpoints[i, 1]):.4f}",
                }
            )
    write_table(out / "edits.csv", rows)
    columns = images.unflatten(0, (len(names), len(strengths))).unbind(1)
    sheet(out / "sheet.png", names, ["photo", *(f"{s:+g}" for s in strengths)], [inverted.given, *columns])
    print(
        f"{out}: {len(names)} images, {len(strengths)} strengths of {direction}; "
        f"the anchors express {edits.cosine:.2f} of it (cosine)"
    )


FEWEST = 40  # samples of which directions can be told


def find_directions(out: Path, domain: str, way: str, samples: int, count: int, seed: int, device: str) -> None:
    """Finds directions in a domain's generator and writes them as one file."""
    for flag, value, least in (("samples", samples, FEWEST), ("count", count, 1), ("seed", seed, 0)):
        require(flag, value, least)
    if out.suffix != ".safetensors":
        raise ValueError(f"--out {out}: the file's suffix is .safetensors")
    if out.exists() and not {"names", "generator"} <= facts_of(out).keys():
        raise ValueError(f"--out {out}: is there and holds no directions; choose another file")
    out.parent.mkdir(parents=True, exist_ok=True)
    with showing():
        d = load_domain(domain, device)
        found = EDITORS.load(way).find(d, samples, count, seed)
    write_whole(out, lambda path: save_directions(path, found, d.w_name))
    print(f"{out}: {len(found)} directions: {', '.join(found)}")


CARD_TEXT = """# A personal prior: {name}

The generator of the domain `{domain}`, tuned to photos of one person (MyStyle, section 3.1), with the anchors
that span the person's part of its latent space. Made with `python -m mystyle tune`, preset `{preset}`; `prior.json` has
the photos' hashes and every setting.

| | |
|---|---|
{figures}

It generates images of this person that were never taken. Keep it as carefully as the photos, label published images
as generated, and do not use it to deceive or to identify anybody.
"""


def require(flag: str, value: float, least: float = -math.inf) -> None:
    """Raises ValueError that names the flag unless its value is a finite number that torch can take as an integer."""
    if not (least <= value and abs(value) < 2**63):
        limit = f"at least {least}" if value < least else "a finite number below 2^63"
        raise ValueError(f"--{flag} {value}: must be {limit}")


def stems(portraits: Portraits) -> list[str]:
    """The names of the photos without suffix, by which their results are called."""
    return [Path(name).stem for name in portraits.files]


def results(names: Iterable[str]) -> list[str]:
    """The files of the results of these names: each its PNG and its code."""
    return [f"{name}{suffix}" for name in names for suffix in (".png", ".safetensors")]


def is_folder(anchors: str) -> bool:
    """Whether ``--anchors`` names a folder of codes. Raises ValueError if it is neither that nor a way to make them."""
    if anchors in ("encode", "optimise"):
        return False
    if not Path(anchors).is_dir():
        raise ValueError(f"--anchors {anchors}: is neither encode, optimise, nor a folder with a code for every photo")
    return True


def batches(items: Sequence[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def final(losses: Tensor) -> float:
    """The last objective of an image; what follows its stop is NaN."""
    return float(losses[~losses.isnan()][-1])


def is_made(path: Path, key: str) -> bool:
    """Whether image and code are there and are the result that ``key`` names."""
    return path.with_suffix(".png").is_file() and facts_of(path).get("key") == key


def facts_of(path: Path) -> dict[str, str]:
    """The metadata of a file of codes; none of a missing or damaged one."""
    try:
        require_regular(path)
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (OSError, SafetensorError):
        return {}


def write_code(path: Path, code: AlphaCode, **facts: str) -> None:
    write_whole(path, lambda partial: code.save(partial, **facts))


def write_table(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    def write(partial: Path) -> None:
        with partial.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            table = csv.DictWriter(file, list(rows[0]))
            table.writeheader()
            table.writerows(rows)

    write_whole(path, write)


def sheet(path: Path, names: Sequence[str], columns: Sequence[str], images: Sequence[Image]) -> None:
    """A contact sheet: a row per image, a column per kind."""
    cells = torch.stack([part[:SHOWN].cpu() for part in images], dim=1).flatten(0, 1)
    ends = [printable(name if len(name) <= LABEL else f"…{name[1 - LABEL :]}") for name in names[:SHOWN]]
    write_whole(path, lambda partial: labelled_grid(partial, cells, ends, columns))
