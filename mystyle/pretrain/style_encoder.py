"""pSp (Richardson et al., 2021) and e4e (Tov et al., 2021) for a domain, its generator frozen.

Photographs of many people, samples of the generator, or both are encoded, rendered and compared: MSE, the perceptual
distance, and identity as the W encoder's recipe reads it. e4e adds what keeps its codes near W: a penalty on the
offsets, a discriminator of single codes, and offsets that open one after the other.

Differences from the released code: Adam on a cosine in place of Ranger, constant noise maps in place of random ones, no
flips, and a discriminator that judges the codes of the same pass that the encoder then learns from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mystyle.adversarial import logistic_d, logistic_g, r1_penalty
from mystyle.checkpoints import save_network
from mystyle.digests import fingerprint
from mystyle.domains.domain import Domain
from mystyle.networks.encoder import Encoder
from mystyle.networks.style_encoder import Kind, StyleEncoder, StyleHeads
from mystyle.pretrain import loop
from mystyle.pretrain.data import Album
from mystyle.pretrain.encoder import InversionRecipe, evaluate
from mystyle.pretrain.settings import E4eSettings, StyleEncoderSettings
from mystyle.training import Game
from mystyle.types import Image, Unsupported, W, WPlus

EVALUATED = 256  # samples, where there are no photographs
EVALUATION_SEED = 5_000_011  # of theirs, added to the recipe's; batches have smaller ones


def w_encoder(domain: Domain) -> Encoder:
    """The domain's W encoder. Raises Unsupported where it has no trunk that could be shared."""
    encoder = domain.encoder
    while not isinstance(encoder, Encoder):
        if not hasattr(encoder, "encoder"):
            raise Unsupported(f"the encoder of domain {domain.name} has another trunk than mystyle.networks.encoder")
        encoder = encoder.encoder
    return encoder


def untrained(domain: Domain, kind: Kind, channels: int = 160, groups: int = 16) -> StyleHeads:
    """What training starts from. Raises Unsupported as ``w_encoder`` does."""
    encoder, num_ws = w_encoder(domain), domain.generator.num_ws
    own: dict[str, Any] = encoder.config
    return StyleHeads(kind, num_ws, channels=channels, groups=groups, encoder=fingerprint(encoder), **own)


class PspRecipe(InversionRecipe):
    """The losses of pSp. ``album`` may be None: then all images are the generator's."""

    kind: Kind = "psp"
    network: StyleHeads

    def __init__(self, domain: Domain, album: Album | None, settings: StyleEncoderSettings, seed: int):
        self.album = album
        if album is not None:
            self.train_positions, self.test_positions = album.hold_out(settings.held_out)
        n = settings.batch if album is None else len(self.train_positions)
        super().__init__(domain.generator, domain.perceptual, n, settings, seed)
        self.network = untrained(domain, self.kind, settings.channels, settings.groups)
        self.network.to(memory_format=torch.channels_last)
        self._trunk = (w_encoder(domain),)  # in a tuple: fixed, hence no part of a checkpoint

    @property
    def encoder(self) -> StyleEncoder:
        return StyleEncoder(self._trunk[0].to(self.device), self.network)

    def images(self, index: Tensor) -> Image:
        """A batch: samples of the generator, and photos at the rest of ``index``."""
        made = len(index) if self.album is None else round(self.settings.generated * len(index))
        parts = [self.samples(made)[1].clamp(-1, 1)] if made else []
        if self.album is not None:
            parts.append(self.album.batch(self.train_positions[index[made:].cpu()]).to(self.device))
        return torch.cat(parts)

    def codes(self, images: Image) -> WPlus:
        with self.in_precision():
            return self.encoder(images).float()

    def held_out(self) -> Iterator[Image]:
        if self.album is not None:
            yield from (self.album.batch(part) for part in self.test_positions.split(64))
            return
        torch.manual_seed(EVALUATION_SEED + self.seed)
        yield from (self.samples(32)[1].clamp(-1, 1) for _ in range(EVALUATED // 32))

    def image_losses(self, ws: WPlus, x: Image) -> dict[str, Tensor]:
        """Those of G(ws) against x, weighted."""
        s, y = self.settings, self.generator.synthesis(ws)
        with self.in_precision():
            distance, similarity = self.compare(y, x)
        return {
            "mse": s.mse_weight * (y - x).square().mean(),
            "perceptual": s.perceptual_weight * distance.mean(),
            "identity": s.identity_weight * (1 - similarity).mean(),
        }

    def training_step(self, index: Tensor, batch_idx: int) -> Tensor:
        self.anneal(self.settings.rate, batch_idx)
        x = self.images(index)
        losses = self.image_losses(self.codes(x), x)
        self.log_dict(losses, prog_bar=True)
        return torch.stack(list(losses.values())).sum()


class LatentDiscriminator(nn.Module):
    """D_W: codes [n, w_dim] to logits [n]; four linear layers."""

    def __init__(self, w_dim: int):
        super().__init__()
        hidden = [layer for _ in range(3) for layer in (nn.Linear(w_dim, w_dim), nn.LeakyReLU(0.2))]
        self.layers = nn.Sequential(*hidden, nn.Linear(w_dim, 1))

    def forward(self, w: W) -> Tensor:
        logits: Tensor = self.layers(w).squeeze(1)
        return logits


class CodePool(nn.Module):
    """The last codes that a discriminator was shown, so that it does not forget what the encoder has left behind."""

    codes: Tensor
    filled: Tensor

    def __init__(self, size: int, w_dim: int):
        super().__init__()
        self.register_buffer("codes", torch.zeros(size, w_dim))
        self.register_buffer("filled", torch.zeros([], dtype=torch.long))

    def exchange(self, w: W) -> W:
        """Each code of ``w`` [n, w_dim] itself, and kept while there is room; later as likely one that it replaces."""
        shown = []
        for code in w.detach():
            if self.filled < len(self.codes):
                self.codes[self.filled] = code
                self.filled += 1
            elif len(self.codes) and torch.rand([]) < 0.5:
                place = int(torch.randint(len(self.codes), []))
                code, self.codes[place] = self.codes[place].clone(), code
            shown.append(code)
        return torch.stack(shown)


def stage_at(progress: float, num_ws: int, settings: E4eSettings) -> int:
    """How many of Delta_1, Delta_2, ... are open after a share of the training."""
    opening = (settings.first_delta + settings.next_delta * i for i in range(num_ws - 1))
    return sum(progress >= share for share in opening)


def delta_norms(ws: WPlus, stage: int) -> Tensor:
    """L_d-reg = sum_i ||Delta_i||_2 of the open offsets, the mean over the batch."""
    norms: Tensor = torch.linalg.vector_norm(ws[:, 1 : stage + 1] - ws[:, :1], dim=2)
    return norms.sum(dim=1).mean()


class E4eRecipe(Game, PspRecipe):
    """The losses of e4e: pSp's, and those that keep every row of W+ near W."""

    kind: Kind = "e4e"
    stage = "e4e"
    settings: E4eSettings

    def __init__(self, domain: Domain, album: Album | None, settings: E4eSettings, seed: int):
        super().__init__(domain, album, settings, seed)
        w_dim = domain.generator.w_dim
        self.discriminator = LatentDiscriminator(w_dim)
        self.real, self.fake = CodePool(settings.pool, w_dim), CodePool(settings.pool, w_dim)

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        judge = torch.optim.Adam(self.discriminator.parameters(), lr=self.settings.discriminator_rate)
        return [super().configure_optimizers(), judge]

    def training_step(self, index: Tensor, batch_idx: int) -> None:  # type: ignore[override]
        s, network, step = self.settings, self.network, self.current_epoch * loop.BATCHES_PER_EPOCH + batch_idx
        self.anneal(s.rate, batch_idx)
        network.stage = stage_at(step / (self.epochs * loop.BATCHES_PER_EPOCH), network.num_ws, s)
        x = self.images(index)
        ws = self.codes(x)
        self.judge(ws, step)
        self.discriminator.requires_grad_(False)
        verdicts = self.discriminator(ws[:, : network.stage + 1].flatten(0, 1))
        losses = self.image_losses(ws, x) | {
            "delta": s.delta_weight * delta_norms(ws, network.stage),
            "adversarial": s.adversarial_weight * logistic_g(verdicts),
        }
        self.discriminator.requires_grad_(True)
        self.descend(self.optimizer_list()[0], torch.stack(list(losses.values())).sum(), step)
        self.log_dict(losses, prog_bar=True)

    def judge(self, ws: WPlus, step: int) -> None:
        """A step of the discriminator, on codes of the mapping network and an open row of each of ``ws``."""
        s, optimizer = self.settings, self.optimizer_list()[1]
        rows = torch.randint(self.network.stage + 1, [len(ws)])
        with torch.no_grad():
            w = self.generator.mapping.w(torch.randn(len(ws), self.generator.z_dim, device=self.device))
        real, fake = self.real.exchange(w), self.fake.exchange(ws[torch.arange(len(ws)), rows])
        loss = logistic_d(self.discriminator(real), self.discriminator(fake))
        self.descend(optimizer, loss, step)
        if step % s.r1_every == 0:
            penalty = r1_penalty(lambda x: self.discriminator(x.flatten(1)), real[:, :, None, None])
            self.descend(optimizer, s.gamma / 2 * penalty * s.r1_every, step)
        self.log("d", loss, prog_bar=True)


RECIPES: dict[Kind, Callable[..., PspRecipe]] = {"psp": PspRecipe, "e4e": E4eRecipe}


def pretrain(
    kind: Kind, domain: Domain, album: Album | None, out: Path, work: Path, settings: StyleEncoderSettings, seed: int
) -> dict[str, float]:
    """Trains, writes ``KIND.safetensors`` to ``out`` in float16 and returns ``evaluate``'s.

    Raises ValueError if photographs and generator differ in size.
    """
    if album is not None and album.resolution != domain.resolution:
        raise ValueError(f"the generator makes {domain.resolution} px, the photos have {album.resolution} px")
    recipe = RECIPES[kind](domain, album, settings, seed)
    loop.train(recipe, work / kind)
    recipe.network.stage = recipe.network.num_ws - 1
    figures = evaluate(recipe)
    save_network(recipe.network, out / f"{kind}.safetensors", torch.float16)
    return figures
