"""The files of the domain ``ffhq`` under their official names and in their formats, of small random networks of 64 px.

FaceNet's and AlexNet's have their real sizes, which their packages fix.
"""

from __future__ import annotations

from pathlib import Path

import torch
from encoder_files import encoder_checkpoint, lively, official_tensors, small_arcface, small_encoder, small_generator
from facenet_pytorch import InceptionResnetV1
from torchvision.models import alexnet
from weight_files import dumps, nvidia_module, nvidia_pickle, randomised, torch_save, write

from mystyle.networks.stylegan2 import Discriminator

ENCODER, ARCFACE = "faces_w_encoder.pt", "recognition_arcface_ir_se50.pth"


def write_official(folder: Path, resolution: int = 64) -> None:
    """Writes them all but Inception's, which no role of the domain has."""
    generator = small_generator(resolution)
    with torch.no_grad():  # its codes are offsets from the mean code of the generator, whose scale is W's
        generator.mapping.w_avg.copy_(generator.mapping.w(torch.randn(256, 16)).mean(0))
    discriminator = randomised(Discriminator(resolution, channel_base=512, channel_max=16), 1)
    networks = nvidia_pickle(nvidia_module(generator), nvidia_module(discriminator))
    write(folder / "ffhq.pkl", dumps(networks))
    encoder = small_encoder("e4e", num_ws=generator.num_ws)
    write(folder / ENCODER, torch_save(encoder_checkpoint(encoder, generator)))
    write(folder / ARCFACE, torch_save(official_tensors(small_arcface())))
    with torch.device("meta"):
        trunk, judge = alexnet().features, InceptionResnetV1(pretrained=None)
    trunk = lively(trunk.to_empty(device="cpu"))
    write(folder / "alexnet-owt-7be5be79.pth", torch_save({f"features.{k}": v for k, v in trunk.state_dict().items()}))
    judge = lively(judge.to_empty(device="cpu"))
    write(folder / "20180402-114759-vggface2.pt", torch_save(judge.state_dict()))
