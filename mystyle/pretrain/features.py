"""The feature network: identities by a cosine-margin softmax (CosFace), attributes by regression, on one trunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from mystyle.checkpoints import save_network
from mystyle.perceptual import FeatureNetwork
from mystyle.pretrain.data import Album
from mystyle.pretrain.loop import Recipe, train

ATTRIBUTES = ("yaw", "pitch", "smile", "mouth_open", "age", "glasses", "beard", "hair_length", "skin_tone", "masculine")


@dataclass(frozen=True)
class FeatureSettings:
    epochs: int = 20  # of 200 batches
    batch: int = 64
    rate: float = 2e-3  # AdamW, one cosine
    scale: float = 24.0  # s of CosFace
    margin: float = 0.25  # m of CosFace
    attribute_weight: float = 10.0
    held_out: float = 0.08  # share of the identities kept for the figures in the card
    widths: Sequence[int] = (16, 32, 64, 128)
    attributes: Sequence[str] = ATTRIBUTES  # columns of the manifest; those that are missing are left out


def cosface(cosine: Tensor, target: Tensor, scale: float, margin: float) -> Tensor:
    """Softmax cross-entropy over s (cos - m [class is the target]) (Wang et al., 2018, Eq. 4)."""
    return F.cross_entropy(scale * (cosine - margin * F.one_hot(target, cosine.shape[1])), target)


class FeatureRecipe(Recipe):
    def __init__(self, album: Album, settings: FeatureSettings, seed: int):
        classes = int(album.identities.max()) + 1
        known = int(classes * (1 - settings.held_out))
        self.train_positions = (album.identities < known).nonzero().squeeze(1)
        self.test_positions = (album.identities >= known).nonzero().squeeze(1)
        super().__init__(len(self.train_positions), settings.batch, seed, settings.epochs)
        self.album, self.settings = album, settings
        names = [name for name in settings.attributes if name in album.parameters]
        columns = (
            torch.stack([album.parameters[name] for name in names], dim=1) if names else torch.zeros(len(album), 0)
        )
        mean, std = columns.mean(0), columns.std(0)
        self.targets = (columns - mean) / std
        moments = {name: (float(m), float(s)) for name, m, s in zip(names, mean, std, strict=True)}
        self.network = FeatureNetwork(album.resolution, settings.widths, attributes=moments)
        self.centres = nn.Parameter(torch.randn(known, self.network.embed.out_features))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=self.settings.rate, weight_decay=1e-3)

    def training_step(self, index: Tensor, batch_idx: int) -> Tensor:
        s = self.settings
        self.anneal(s.rate, batch_idx)
        index = self.train_positions[index.cpu()]
        images = self.album.batch(index).to(self.device)
        identity, attributes = self.network.heads(images)
        target = self.album.identities[index].to(self.device)
        loss_id = cosface(identity @ F.normalize(self.centres, dim=1).T, target, s.scale, s.margin)
        loss_attr = F.smooth_l1_loss(attributes, self.targets[index].to(self.device))
        self.log_dict({"identity": loss_id, "attributes": loss_attr}, prog_bar=True)
        return loss_id + s.attribute_weight * loss_attr


@torch.no_grad()
def evaluate(recipe: FeatureRecipe) -> dict[str, float]:
    """On identities never seen: verification AUC over all pairs, and mean absolute attribute errors in their units."""
    network = recipe.network.eval()
    album, positions = recipe.album, recipe.test_positions
    if len(positions) == 0:
        return {}
    embeddings, attributes = [], []
    for part in positions.split(256):
        identity, standard = network.heads(album.batch(part).to(recipe.device))
        embeddings.append(identity.cpu())
        attributes.append(standard.cpu())
    e = torch.cat(embeddings)
    same = album.identities[positions][:, None] == album.identities[positions]
    pairs = torch.triu(torch.ones_like(same), diagonal=1).bool()
    cosine = (e @ e.T)[pairs]
    figures = {
        "verification_auc": float(roc_auc_score(same[pairs].numpy(), cosine.numpy())),
        "cosine_same": float(cosine[same[pairs]].mean()),
        "cosine_other": float(cosine[~same[pairs]].mean()),
    }
    error = (torch.cat(attributes) - recipe.targets[positions]).abs().mean(0)
    for i, (name, (_, std)) in enumerate(network.config["attributes"].items()):
        figures[f"error_{name}"] = float(error[i] * std)
    return figures


def pretrain(album: Album, out: Path, work: Path, settings: FeatureSettings, seed: int) -> dict[str, float]:
    """Trains, writes ``out/features.safetensors`` in float16, and returns the figures of ``evaluate``."""
    recipe = FeatureRecipe(album, settings, seed)
    train(recipe, work / "features")
    figures = evaluate(recipe)
    save_network(recipe.network, out / "features.safetensors", torch.float16)
    return figures
