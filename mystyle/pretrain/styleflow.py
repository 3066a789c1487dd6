"""StyleFlow's flow of a domain (``mystyle/editors/styleflow.py``): maximum likelihood of codes under what they show."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from mystyle.checkpoints import save_network
from mystyle.domains.domain import Domain
from mystyle.editors.attributes import BATCH, main_attributes, read_codes
from mystyle.editors.directions import sample_w
from mystyle.editors.styleflow import EDITOR, NETWORK, untrained
from mystyle.files import write_whole
from mystyle.inversion import Codes, SharedGenerator
from mystyle.pretrain.loop import Recipe, train
from mystyle.pretrain.settings import StyleFlowSettings
from mystyle.progress import report, showing
from mystyle.types import W


def read_pairs(domain: Domain, work: Path, samples: int, seed: int) -> tuple[W, Tensor]:
    """Codes [n, w_dim] and the reader's main attributes of their images [n, K], in deviations; kept in ``work``."""
    g, names = domain.generator, main_attributes(domain.reader)
    path = work / f"styleflow-{samples}-{seed}-{domain.w_name[:16]}.safetensors"
    if not path.is_file():
        w = sample_w(g, samples, seed)
        pairs = {"w": w.cpu(), "c": read_codes(w[:, None].expand(-1, g.num_ws, -1), domain, names).cpu()}
        work.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda partial: save_file(pairs, partial))
    pairs = load_file(path)
    return pairs["w"], pairs["c"]


class FlowRecipe(Recipe):
    """-log p(w | c) for each dimension of W."""

    def __init__(self, domain: Domain, w: W, c: Tensor, settings: StyleFlowSettings, seed: int):
        self.held_out = min(settings.held_out, len(w) // 10)
        super().__init__(len(w) - self.held_out, settings.batch, seed, settings.epochs)
        self.w, self.c, self.settings = w, c, settings
        self.network = untrained(domain, settings.hidden)
        self.network.first.mean.copy_(w.mean(dim=0))
        self.network.first.variance.copy_(w.var(dim=0))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.network.parameters(), lr=self.settings.rate)

    def loss(self, rows: Tensor) -> Tensor:
        """The mean of some pairs, with one probe for each."""
        w, c = self.w[rows].to(self.device), self.c[rows].to(self.device)
        return -self.network.log_density(w, c, torch.randn(1, *w.shape, device=self.device)).mean() / w.shape[1]

    def training_step(self, index: Tensor, batch_idx: int) -> Tensor:
        self.anneal(self.settings.rate, batch_idx)
        loss = self.loss(index.cpu() + self.held_out)
        self.log("nll", loss, prog_bar=True)
        return loss


def evaluate(recipe: FlowRecipe, domain: Domain, codes: int = 16) -> dict[str, float]:
    """Of codes that were not trained on: the loss, and what edits by one deviation change, in deviations.

    ``change_NAME`` is the mean change of what was edited, which 1 would be, ``other_NAME`` the mean absolute change of
    the other conditions.
    """
    network, names = recipe.network.eval(), recipe.network.attributes
    losses = [float(recipe.loss(rows).detach()) for rows in torch.arange(recipe.held_out).split(BATCH)]
    figures = {"nll": sum(losses) / len(losses)}
    ws = recipe.w[:codes, None].expand(-1, domain.generator.num_ws, -1).to(domain.device)
    free = Codes(ws=ws, renderer=SharedGenerator(domain.generator), rows=tuple(range(len(ws))))
    before = read_codes(free.ws, domain, names)
    for k, name in enumerate(names):
        edited = EDITOR.edited(free, name, [1.0], domain, network.double())
        change = read_codes(edited.ws, domain, names) - before
        figures[f"change_{name}"] = float(change[:, k].mean())
        others = [i for i in range(len(names)) if i != k]
        figures[f"other_{name}"] = float(change[:, others].abs().mean())
        report("evaluating edits", k + 1, len(names))
    return figures


def pretrain(domain: Domain, out: Path, work: Path, settings: StyleFlowSettings, seed: int) -> dict[str, float]:
    """Trains on samples of the domain's generator; writes ``styleflow.safetensors`` in float16, returns ``evaluate``'s.

    Raises ValueError for a reader of none of the main attributes.
    """
    if not main_attributes(domain.reader):
        raise ValueError(f"the reader of domain {domain.name} reads none of the main attributes")
    with showing():
        w, c = read_pairs(domain, work / "samples", settings.samples, seed)
    recipe = FlowRecipe(domain, w, c, settings, seed)
    train(recipe, work / "styleflow")
    recipe.network.cpu()
    save_network(recipe.network, out / NETWORK.file, torch.float16)
    with showing():
        return evaluate(recipe, domain)
