"""Between the warm start and the adversarial stage: the generator against critics of the perceptual network's maps.

A warm start leaves textures at their mean, which a StyleGAN2 discriminator detects only after hundreds of thousands of
images. Small critics on the features of a trained network do within minutes (Sauer et al., "Projected GANs Converge
Faster", 2021; without their random projections): one for every stage of the network, with a logit for every patch. They
serve this stage alone and are discarded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from mystyle.adversarial import logistic_d, logistic_g
from mystyle.networks.features import PerceptualDistance
from mystyle.networks.stylegan2 import Generator
from mystyle.pretrain.data import Album
from mystyle.pretrain.loop import GameRecipe
from mystyle.pretrain.settings import GeneratorSettings

WIDTH = 48
MEASURED_ON = 512  # images


class Critics(nn.Module):
    """Patch logits from each of the maps, whose channels are standardised by their moments over ``real``."""

    def __init__(self, maps: Sequence[Tensor]):
        super().__init__()
        self.heads = nn.ModuleList()
        for i, x in enumerate(maps):
            self.register_buffer(f"mean{i}", x.mean(dim=(0, 2, 3), keepdim=True))
            self.register_buffer(f"std{i}", x.std(dim=(0, 2, 3), keepdim=True) + 1e-3)
            convolutions = (
                nn.Conv2d(x.shape[1], WIDTH, 3, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(WIDTH, WIDTH, 3, 2, 1),
                nn.LeakyReLU(0.2), nn.Conv2d(WIDTH, 1, 3, padding=1),
            )  # fmt: skip
            self.heads.append(nn.Sequential(*convolutions))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        return [
            head((x - self.get_buffer(f"mean{i}")) / self.get_buffer(f"std{i}"))
            for i, (head, x) in enumerate(zip(self.heads, maps, strict=True))
        ]


class SharpeningRecipe(GameRecipe):
    """Logistic losses of generator and critics; half of the fakes keep the pair loss, so that W keeps its meaning."""

    stage = "sharpening"

    def __init__(
        self, generator: Generator, album: Album, z: Tensor, perceptual: PerceptualDistance,
        settings: GeneratorSettings, seed: int,
    ):  # fmt: skip
        super().__init__(generator, album, settings, seed, settings.sharp_epochs)
        self.z = z
        self._perceptual = (perceptual,)  # in a tuple: fixed, hence no part of the trained module
        with torch.no_grad():
            self.critics = Critics(perceptual.network.maps(album.batch(torch.arange(min(MEASURED_ON, len(album))))))

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        return [
            torch.optim.Adam(self.generator.parameters(), self.settings.sharp_rate, betas=(0.0, 0.99)),
            torch.optim.Adam(self.critics.parameters(), 2e-3, betas=(0.5, 0.99)),
        ]

    def training_step(self, index: Tensor, batch_idx: int) -> None:
        (perceptual,), (opt_g, opt_c) = self._perceptual, self.optimizer_list()
        index = index.cpu()
        real = self.album.batch(index).to(self.device)
        half = len(real) // 2
        paired = self.generator.mapping(self.z[index[:half]].to(self.device))
        fake = self.generator.synthesis(torch.cat([paired, self.codes(len(real) - half)]), noise="random")
        with torch.no_grad():
            real_maps = perceptual.network.maps(real)
        fake_maps = perceptual.network.maps(fake)

        for_real = self.critics(real_maps)
        for_fake = self.critics([x.detach() for x in fake_maps])
        loss_c = mean(logistic_d(a, b) for a, b in zip(for_real, for_fake, strict=True))
        self.descend(opt_c, loss_c, self.global_step)

        self.critics.requires_grad_(False)
        loss_g = mean(logistic_g(logits) for logits in self.critics(fake_maps))
        pixels = (fake[:half] - real[:half]).abs().mean()
        pair = (
            pixels
            + perceptual.between(
                *(perceptual.features_of([x[:half] for x in maps]) for maps in (fake_maps, real_maps))
            ).mean()
        )
        self.descend(opt_g, loss_g + self.settings.pair_weight * pair, self.global_step)
        self.critics.requires_grad_(True)
        self.log_dict({"critics": loss_c, "g": loss_g, "pair": pair}, prog_bar=True)
        self.move_average(len(real))


def mean(values: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(values)).mean()
