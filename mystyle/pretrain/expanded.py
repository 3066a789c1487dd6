"""Training of the two branches of the expanded latent space (Yin et al., 2022, section 3.3), one after the other.

First the style branch by L_edit (Eq. 10), then the content branch by L_refine (Eq. 11), on the directions found; the
paper sums both (Eq. 12), but no gradient of Eq. 10 reaches the content branch, and through Eq. 8 alone one of Eq. 11
would reach the directions. Generator, encoder and all networks of losses are the domain's and stay as they are.

Where the text leaves something open, we choose:

- s_k is -1, 0 or 1, not 0 for a third of the attributes, and y_k is 0, F's own share for the photo, or 1.
- L_2 and L_align are means over pixels and channels, as everywhere in the project, L_lpips and L_id look through
  ``perceptual``, c_k is read by ``reader``.
- L_align has a weight of 100. With 1, refined edits please the classifier by false colours, as the paper shows them
  without this loss (its Figure 10); the printed sum of squares would be a weight of 49,000 at 128 px.
- L_spa is the sum that is printed, over as many numbers as there are layers and coordinates, whatever these are worth:
  with a weight of 1 no coordinate of the synthetic domain leaves zero, where the largest gradient of 10 L_cls is 0.2.
- optimiser (Adam), rates, steps and batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from mystyle.checkpoints import save_network
from mystyle.classifier import AttributeClassifier, targets
from mystyle.domains.domain import Domain
from mystyle.expanded import CodesAndMaps, encoder_of
from mystyle.identity_loss import similarity
from mystyle.networks.styled import StyledSynthesis
from mystyle.networks.two_branch import TwoBranch, features_of, fused, tapped, untrained
from mystyle.precision import computing_in
from mystyle.pretrain.data import Album
from mystyle.pretrain.loop import Recipe, train
from mystyle.pretrain.settings import ExpandedSettings
from mystyle.pretrain.strangers import samples
from mystyle.progress import report
from mystyle.types import Image, WPlus, to_uint8

BATCH = 16  # images at a time without gradients
MEASURED = 128  # images held out for the figures, at most


def sparsity(d: Tensor) -> Tensor:
    """Eq. 3: sum_k ||d_k||_1 of directions [K, L, w_dim]."""
    return d.abs().sum()


def alignment(edit: Image, source: Image, refined: Image, x: Image) -> Tensor:
    """Eq. 8: what the refinement changes of the photo is what the edit changes of the inversion."""
    return ((edit - source) - (refined - x)).square().mean()


def classification(logits: Tensor, y: Tensor) -> Tensor:
    """Eq. 9, of logits and labels [n, K] in [0, 1]."""
    return F.binary_cross_entropy_with_logits(logits, y)


def draw_attributes(n: int, count: int, share: float, device: torch.device) -> Tensor:
    """s [n, K] of -1, 0 and 1; ``share`` of them are not 0."""
    sign = 2 * torch.randint(0, 2, (n, count), device=device).float() - 1
    return sign * (torch.rand(n, count, device=device) < share)


class BranchRecipe(Recipe):
    """What both branches' trainings share: photos, their codes and labels, and weighted losses."""

    def __init__(
        self, network: TwoBranch, domain: Domain, album: Album, settings: ExpandedSettings, seed: int, epochs: int
    ):
        self.train_positions, self.test_positions = album.hold_out(settings.held_out)
        super().__init__(len(self.train_positions), settings.batch, seed, epochs)
        self.network, self.album, self.settings, self.domain = network, album, settings, domain
        # in a tuple: fixed, hence no part of a checkpoint
        self._fixed = tapped(domain.generator), encoder_of(domain)
        self.classifier = AttributeClassifier(domain.reader, network.attributes)

    @property
    def synthesis(self) -> StyledSynthesis[Any]:
        return self._fixed[0]

    @property
    def encoder(self) -> CodesAndMaps:
        return self._fixed[1]

    def photos(self, index: Tensor) -> Image:
        return self.album.batch(self.train_positions[index.cpu()]).to(self.domain.device)

    @torch.no_grad()
    def labels(self, x: Image, s: Tensor) -> Tensor:
        """y [n, K] of photos that are to be edited by s."""
        return targets(self.classifier.logits(x).float(), s)

    def total(self, losses: Mapping[str, Tensor]) -> Tensor:
        self.log_dict(dict(losses), prog_bar=True)
        return torch.stack(list(losses.values())).sum()


class StyleRecipe(BranchRecipe):
    """The directions d_k^sty, by L_edit."""

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam([self.network.d_sty], lr=self.settings.style_rate)

    def training_step(self, index: Tensor, batch_idx: int) -> Tensor:
        self.anneal(self.settings.style_rate, batch_idx)
        x = self.photos(index)
        s = draw_attributes(len(x), len(self.network.attributes), self.settings.edited, x.device)
        with torch.no_grad(), self.in_precision():
            w = self.encoder.codes_and_maps(x)[0].float()
        return self.total(self.losses(x, w, s))

    def losses(self, x: Image, w: WPlus, s: Tensor) -> dict[str, Tensor]:
        """The terms of Eq. 10, weighted, for photos, their codes w^p and s."""
        c, perceptual = self.settings, self.domain.perceptual
        edit = self.synthesis(w + self.network.style_direction(s), noise="const")  # Eq. 2
        with self.in_precision():
            with torch.no_grad():
                features, deep = perceptual.features(x), perceptual.network.deep(x)
            distance = perceptual.to_target(edit, features)
            likeness = similarity(perceptual.network, edit, deep)
            logits = self.classifier.logits(edit)
            y = self.labels(x, s)
        return {
            "l2": c.l2_weight * (edit - x).square().mean(),
            "perceptual": c.perceptual_weight * distance.float().mean(),
            "identity": c.identity_weight * (1 - likeness.float()).mean(),
            "class": c.class_weight * classification(logits.float(), y),
            "sparsity": c.sparsity_weight * sparsity(self.network.d_sty),
        }


class ContentRecipe(BranchRecipe):
    """The content directions, A and H, by L_refine; the style branch stays as it is."""

    def configure_optimizers(self) -> torch.optim.Optimizer:
        self.network.d_sty.requires_grad_(False)
        trained = [p for p in self.network.parameters() if p.requires_grad]
        return torch.optim.Adam(trained, lr=self.settings.content_rate)

    def training_step(self, index: Tensor, batch_idx: int) -> Tensor:
        self.anneal(self.settings.content_rate, batch_idx)
        x = self.photos(index)
        s = draw_attributes(len(x), len(self.network.attributes), self.settings.edited, x.device)
        with torch.no_grad(), self.in_precision():
            w, maps = self.encoder.codes_and_maps(x)
        return self.total(self.losses(x, w.float(), maps, s))

    def losses(self, x: Image, w: WPlus, maps: list[Tensor], s: Tensor) -> dict[str, Tensor]:
        """The terms of Eq. 11, weighted, for photos, what the encoder makes of them, and s."""
        c, n = self.settings, self.network
        edited = w + n.style_direction(s).detach()
        with torch.no_grad():
            source, before = features_of(self.synthesis, w)
            edit, after = features_of(self.synthesis, edited)
        with self.in_precision():
            m, content = n.relevance(before, after), n.content(maps, s)
        refined = fused(self.synthesis, edited, m, content)
        with self.in_precision():
            logits, y = self.classifier.logits(refined), self.labels(x, s)
        return {
            "refined_l2": c.refined_l2_weight * (refined - x).square().mean(),
            "refined_class": c.refined_class_weight * classification(logits.float(), y),
            "alignment": c.alignment_weight * alignment(edit, source, refined, x),
        }


@torch.no_grad()
def evaluate(recipe: BranchRecipe) -> dict[str, float]:
    """On images that were not trained on: how near reconstructions are, and what single edits do to F and to them."""
    g, domain = recipe.synthesis, recipe.domain
    n = recipe.network.eval().to(domain.device)
    count = len(n.attributes)
    rows = []
    for part in recipe.test_positions[:MEASURED].split(BATCH):
        x = recipe.album.batch(part).to(domain.device)
        w, maps = recipe.encoder.codes_and_maps(x)
        s = torch.zeros(len(x), count, device=x.device)
        before = recipe.classifier.logits(x)
        plain, refined = g(w, noise="const"), n.refine(g, w, w, s, maps)
        k = torch.arange(len(x), device=x.device) % count  # an attribute each, turned to its other side
        s[range(len(x)), k] = -before[range(len(x)), k].sign()
        edited = w + n.style_direction(s)
        edit, refined_edit = g(edited, noise="const"), n.refine(g, w, edited, s, maps)
        row = []
        for image in (plain, refined, edit, refined_edit):
            image = image.clamp(-1, 1)
            turned = (recipe.classifier.logits(image)[range(len(x)), k] * s[range(len(x)), k] > 0).float()
            row += [(image - x).square().mean(dim=(1, 2, 3)), domain.perceptual(image, x), turned]
        rows.append(torch.stack(row, dim=1).cpu())
    if not rows:
        return {}
    images = ("inverted", "refined", "edit", "refined_edit")
    names = [f"{image}_{what}" for image in images for what in ("mse", "perceptual", "turned")]
    figures = dict(zip(names, torch.cat(rows).mean(dim=0).tolist(), strict=True))
    return figures | {f"zeros_{name}": share for name, share in n.zeros().items()}


def sampled(domain: Domain, count: int, seed: int) -> Album:
    """``count`` samples of the domain's generator as an album, each a person of its own."""
    parts: list[Tensor] = []
    for part in samples(domain, count, seed):
        parts.append(to_uint8(part).cpu())
        report("samples", sum(map(len, parts)), count)
    return Album(torch.cat(parts), torch.arange(count), {})


def pretrain(
    domain: Domain, album: Album, file: Path, work: Path, settings: ExpandedSettings, seed: int
) -> dict[str, float]:
    """Trains both branches, writes the network to ``file`` in float16, returns ``evaluate``'s figures.

    Raises ValueError for attributes that the domain's reader does not read, and for images of another size.
    """
    if album.resolution != domain.resolution:
        raise ValueError(f"--data: images of {album.resolution} px, domain {domain.name} has {domain.resolution}")
    _, maps = encoder_of(domain).codes_and_maps(album.batch(slice(0, 1)).to(domain.device))
    network = untrained(domain.generator, maps, settings.attributes, settings.width, settings.layers).to(domain.device)
    half = settings.precision == "bf16-mixed"
    with computing_in("bfloat16" if half else "float32", domain.generator):
        style = StyleRecipe(network, domain, album, settings, seed, settings.style_epochs)
        train(style, work / "style")
        content = ContentRecipe(network, domain, album, settings, seed, settings.content_epochs)
        if settings.content_epochs:
            train(content, work / "content")
    figures = evaluate(content)
    save_network(network, file, torch.float16)
    return figures
