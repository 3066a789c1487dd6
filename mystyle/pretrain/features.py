"""The feature networks: identities by a cosine-margin softmax (CosFace), attributes by regression, on one trunk.

``features``, which measures, learns identities and attributes. ``perceptual``, which losses look through, is another
network, trained to read every parameter of an image, so that no training or projection minimises a distance in the
network that evaluates it.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mystyle.checkpoints import save_network
from mystyle.networks.features import FeatureNetwork
from mystyle.pretrain.data import Album
from mystyle.pretrain.evidence.recognition import roc
from mystyle.pretrain.loop import Recipe, train
from mystyle.pretrain.settings import FeatureSettings


def cosface(cosine: Tensor, target: Tensor, scale: float, margin: float) -> Tensor:
    """Softmax cross-entropy over s (cos - m [class is the target]) (Wang et al., 2018, Eq. 4)."""
    return F.cross_entropy(scale * (cosine - margin * F.one_hot(target, cosine.shape[1])), target)


class FeatureRecipe(Recipe):
    def __init__(self, album: Album, settings: FeatureSettings, seed: int):
        self.train_positions, self.test_positions = album.hold_out(settings.held_out)
        super().__init__(len(self.train_positions), settings.batch, seed, settings.epochs)
        self.album, self.settings = album, settings
        wanted = album.parameters if settings.attributes is None else settings.attributes
        names = [name for name in wanted if name in album.parameters and album.parameters[name].std() > 0]
        if not names and not settings.identity_weight:
            raise ValueError("nothing to learn: no parameters in the manifest, and --settings.identity_weight is 0")
        columns = torch.stack([album.parameters[name] for name in names], 1) if names else torch.zeros(len(album), 0)
        mean, std = columns.mean(0), columns.std(0)
        self.targets = (columns - mean) / std
        moments = {name: (float(m), float(s)) for name, m, s in zip(names, mean, std, strict=True)}
        self.network = FeatureNetwork(album.resolution, settings.widths, attributes=moments)
        self.network.to(memory_format=torch.channels_last)
        people = int(album.identities[self.train_positions].max()) + 1
        self.centres = nn.Parameter(torch.randn(people, self.network.embed.out_features))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=self.settings.rate, weight_decay=1e-3)

    def training_step(self, index: Tensor, batch_idx: int) -> Tensor:
        s = self.settings
        self.anneal(s.rate, batch_idx)
        index = self.train_positions[index.cpu()]
        images = self.album.batch(index).to(self.device)
        identity, attributes = self.network.heads(images)
        target = self.album.identities[index].to(self.device)
        losses = {}
        if s.identity_weight:
            with torch.autocast(self.device.type, enabled=False):  # the scale would blow half precision's steps up
                cosine = F.normalize(identity.float(), dim=1) @ F.normalize(self.centres, dim=1).T
                losses["identity"] = s.identity_weight * cosface(cosine, target, s.scale, s.margin)
        if self.targets.shape[1]:
            error = F.smooth_l1_loss(attributes.float(), self.targets[index].to(self.device))
            losses["attributes"] = s.attribute_weight * error
        self.log_dict(losses, prog_bar=True)
        return torch.stack(list(losses.values())).sum()


@torch.no_grad()
def discriminate(recipe: FeatureRecipe) -> None:
    """Replaces the identity embedding by Fisher's linear discriminants of the deep features, centred.

    CosFace shapes the features. What of them separates people, against what varies within a person, is then a matter of
    two covariances, which can be estimated better than the embedding is trained.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    network, album, positions = recipe.network.eval(), recipe.album, recipe.train_positions
    deep = torch.cat([network.deep(album.batch(part).to(recipe.device)).cpu() for part in positions.split(64)])
    people = album.identities[positions].numpy()
    count = min(recipe.settings.discriminants, deep.shape[1], len(set(people.tolist())) - 1)
    fisher = LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.01).fit(deep.double().numpy(), people)
    axes = torch.from_numpy(fisher.scalings_[:, :count]).T
    embed = nn.Linear(deep.shape[1], count)
    embed.weight.copy_(axes)
    embed.bias.copy_(-axes @ deep.double().mean(dim=0))
    network.embed = embed.to(recipe.device)
    network.config["embedding"] = count


@torch.no_grad()
def evaluate(recipe: FeatureRecipe) -> dict[str, float]:
    """On identities never seen: verification over all pairs, and mean absolute attribute errors in their units."""
    network = recipe.network.eval()
    album, positions = recipe.album, recipe.test_positions
    if len(positions) == 0:
        return {}
    embeddings, attributes = [], []
    for part in positions.split(256):
        identity, standard = network.heads(album.batch(part).to(recipe.device))
        embeddings.append(identity.cpu())
        attributes.append(standard.cpu())
    figures: dict[str, float] = {}
    same = album.identities[positions].bincount()
    if recipe.settings.identity_weight and (same > 1).any() and (same > 0).sum() > 1:
        curve = roc(torch.cat(embeddings), album.identities[positions])
        figures |= {"verification_auc": curve.auc, "equal_error_rate": curve.equal_error_rate}
    error = (torch.cat(attributes) - recipe.targets[positions]).abs().mean(0)
    for i, (name, (_, std)) in enumerate(network.config["attributes"].items()):
        figures[f"error_{name}"] = float(error[i] * std)
    return figures


def pretrain(
    album: Album, out: Path, work: Path, settings: FeatureSettings, seed: int, role: str = "features"
) -> dict[str, float]:
    """Trains, writes ``out/ROLE.safetensors`` in float16 with its batch norms folded in, and returns ``evaluate``'s.

    Raises ValueError where the settings leave nothing to learn.
    """
    recipe = FeatureRecipe(album, settings, seed)
    train(recipe, work / role, settings.precision)
    if settings.identity_weight and settings.discriminants:
        discriminate(recipe)
    figures = evaluate(recipe)
    save_network(recipe.network.folded(), out / f"{role}.safetensors", torch.float16)
    return figures
