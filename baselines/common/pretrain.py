"""Networks of methods that belong to a domain: ``python -m baselines.common.pretrain METHOD POPULATION``.

They are trained before any person arrives, on the population that the domain's own networks were trained on, and are
written beside those: first by their content loss alone, then in the adversarial game. A run that was stopped goes on
from its checkpoint in ``--work``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from mystyle.progress import status_of


def pretrain(
    method: str,
    data: Path,
    warm_epochs: int = 30,
    epochs: int = 8,
    precision: Literal["float32", "bfloat16"] = "float32",
    domain: str = "synthetic",
    out: Path | None = None,
    work: Path = Path("checkpoints"),
    seed: int = 0,
):
    """Trains the network of ``method`` on images of many people.

    Args:
        method: comodgan or gpen
        data: folder of images, as written by python -m datasets.synthetic population
        warm_epochs: of 200 batches, without the adversary
        epochs: of 200 batches, of the game
        precision: of activations; bfloat16 pays where the processor has it
        domain: whose generator and discriminator it starts from
        out: folder for the weight file and a JSON file of what made it; the domain's own unless given
        work: folder for the checkpoint
        seed: of initialisation, order, masks and noise
    """
    import importlib
    import json
    from dataclasses import asdict, replace

    import torch
    from torch.utils.data import DataLoader, TensorDataset

    from baselines.common.conditional import warm_start
    from mystyle.checkpoints import save_network
    from mystyle.domains import load_domain, source
    from mystyle.files import write_whole
    from mystyle.memory import keep_freed_memory
    from mystyle.pretrain.data import read_album
    from mystyle.pretrain.loop import BATCHES_PER_EPOCH
    from mystyle.progress import showing
    from mystyle.training import train
    from mystyle.tuning import EpochShuffleSampler

    keep_freed_memory()
    try:
        (network,) = importlib.import_module(f"baselines.{method}").METHOD.networks
        settings = replace(network.settings, precision=precision)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{method} has no network of the domain to train") from error
    album, d = read_album(data), load_domain(domain)
    out = out or source(domain).weights()["generator"].parent
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    game = network.game(network.untrained(d), d, settings, seed)
    order = EpochShuffleSampler(len(album), seed, BATCHES_PER_EPOCH * settings.batch)
    batches = DataLoader(TensorDataset(album.images), settings.batch, sampler=order)
    work.mkdir(parents=True, exist_ok=True)
    checkpoint = work / f"{method}.ckpt"
    with showing():
        if warm_epochs and not checkpoint.is_file():
            warm, stage = work / f"{method}-warm.ckpt", f"{method}, warm start"
            warm_start(game, batches, stage=stage, epochs=warm_epochs, device=d.device, checkpoint=warm)
        train(game, batches, stage=method, epochs=epochs, device=d.device, checkpoint=checkpoint)
    file = out / network.file
    save_network(game.average, file, torch.float16)
    done = {"method": method, "seed": seed, "warm_epochs": warm_epochs, "epochs": epochs, "settings": asdict(settings)}
    done |= {"data": {"images": len(album)}, "torch": torch.__version__}
    text = json.dumps(done, indent=2) + "\n"
    write_whole(file.with_suffix(".json"), lambda partial: partial.write_text(text))
    print(f"{file}: {epochs * BATCHES_PER_EPOCH} steps, losses of the last: {game.losses}")


def main(arguments: list[str] | None = None) -> int:
    """The command; returns the exit status, see ``mystyle.progress.status_of``."""
    from jsonargparse import auto_cli

    name = "baselines.common.pretrain"
    return status_of(
        name,
        lambda: auto_cli(pretrain, args=arguments, prog=f"python -m {name}"),
        "the same command goes on from its last checkpoint",
    )


if __name__ == "__main__":
    sys.exit(main())
