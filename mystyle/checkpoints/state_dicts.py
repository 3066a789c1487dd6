"""Published networks whose files are state dicts by torch.save: perceptual distances, FaceNet, Inception.

Nothing in a file is executed. Each reader takes the one file of ``files`` and raises CheckpointError if it is of
another network, or damaged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mystyle.checkpoints import containers, naming, native
from mystyle.checkpoints.encoders import counted, plain
from mystyle.checkpoints.selection import state_dict
from mystyle.checkpoints.weights import CheckpointError, few
from mystyle.networks.facenet import FaceNet
from mystyle.networks.inception import Inception
from mystyle.networks.lpips import LPIPS, Trunk
from mystyle.networks.stlpips import BINOMIAL, KERNEL, STLPIPS, BlurredConvolution

FIRST = "net.slice1.0"
CONVOLUTIONS = ("net.slice2.5", "net.slice3.9", "net.slice4.11", "net.slice5.13")
HEADS = tuple(f"lin{stage}.model.1.weight" for stage in range(5))
TRUNKS: Mapping[int, Trunk] = {11: "alex", 3: "vgg"}  # by the size of the first kernel


def read_stlpips(files: Mapping[str, Path]) -> STLPIPS:
    """ST-LPIPS from ``alex_shift_tolerant.pth`` of the wheel ``stlpips-pytorch``."""
    (path,) = files.values()
    with naming(path):
        found = without_blurs(read_tensors(path))
        convolutions = [f"{name}.{kind}" for name in (FIRST, *CONVOLUTIONS) for kind in ("weight", "bias")]
        require_these(found, [*convolutions, *HEADS, "scaling_layer.shift", "scaling_layer.scale"])
        if found[f"{FIRST}.weight"].shape[1:] != (3, KERNEL, KERNEL):
            raise CheckpointError(f"its first convolution has shape {list(found[f'{FIRST}.weight'].shape)}")
        weights = calibration(found)
        tensors = {
            **{f"first.{name}": kernel for name, kernel in BlurredConvolution.folded(found[f"{FIRST}.weight"]).items()},
            "first.bias": found[f"{FIRST}.bias"],
            **{f"convolutions.{i}.weight": found[f"{name}.weight"] for i, name in enumerate(CONVOLUTIONS)},
            **{f"convolutions.{i}.bias": found[f"{name}.bias"] for i, name in enumerate(CONVOLUTIONS)},
            **{name: found[f"scaling_layer.{name}"].flatten() for name in ("shift", "scale")},
            **{f"weights.{i}": w for i, w in enumerate(weights)},
        }
        return assembled(STLPIPS, tensors, widths=[len(w) for w in weights])


def read_lpips(files: Mapping[str, Path]) -> LPIPS:
    """LPIPS from torchvision's file of its trunk, AlexNet or VGG16; the weights of channels are in the package."""
    import lpips

    (path,) = files.values()
    with naming(path):
        found = read_tensors(path, lambda name: name.startswith("features."))
        kernel = found["features.0.weight"].shape[-1] if "features.0.weight" in found else 0
        if kernel not in TRUNKS:
            raise CheckpointError("is neither torchvision's AlexNet nor its VGG16")
        with torch.device("meta"):
            names = [name for name in LPIPS(TRUNKS[kernel]).network.state_dict() if name.startswith("trunk.")]
        sources = {name: "features." + name.split(".", 2)[2] for name in names}  # behind trunk.sliceN
        require_these(found, sources.values())
    heads = Path(lpips.__file__).parent / "weights" / "v0.1" / f"{TRUNKS[kernel]}.pth"
    with naming(heads):
        weights = calibration(read_tensors(heads))
    with naming(path):
        tensors = {name: found[source] for name, source in sources.items()}
        tensors |= {f"weights.{i}": w for i, w in enumerate(weights)}
        tensors |= {f"scaling.{k}": v for k, v in lpips.ScalingLayer().state_dict().items()}
        return assembled(LPIPS, tensors, trunk=TRUNKS[kernel])


def read_facenet(files: Mapping[str, Path]) -> FaceNet:
    """FaceNet from ``20180402-114759-vggface2.pt`` of ``facenet-pytorch``, without its classifier of 8,631 people."""
    (path,) = files.values()
    with naming(path):
        found = read_tensors(path, lambda name: not name.startswith("logits."))
        return assembled(FaceNet, counted(found))


def read_inception(files: Mapping[str, Path]) -> Inception:
    """Inception from ``pt_inception-2015-12-05-6726825d.pth`` of ``pytorch-fid``, without its classifier."""
    (path,) = files.values()
    with naming(path):
        found = counted(read_tensors(path, lambda name: not name.startswith("fc.")))
        with torch.device("meta"):
            sources = {name: name.replace(".block.", ".") for name in Inception().network.state_dict()}
        require_these(found, sources.values())
        return assembled(Inception, {name: found[source] for name, source in sources.items()})


def read_tensors(path: Path, wanted: Callable[[str], bool] = bool) -> dict[str, Tensor]:
    """The finite float tensors of a state dict whose names are ``wanted``, without the counters of batch norms."""
    data = containers.map_file(path)
    stored = state_dict(containers.unpack(data).value)
    return plain({name: value for name, value in stored.items() if wanted(name)}, len(data))


def assembled(kind: type[native.Network], tensors: Mapping[str, Tensor], **config: Any) -> native.Network:
    """A ``kind`` whose member ``network`` has these tensors, in eval mode and without gradients of its own."""
    named = {f"network.{name}": value for name, value in tensors.items()}
    return native.build(kind, native.NativeFile(kind.__name__, config, named))


def without_blurs(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Without the blurs, which the network has built in. Raises CheckpointError if one is not binomial."""
    row = torch.tensor(BINOMIAL)
    for name, value in tensors.items():
        if name.endswith(".filt") and not (
            value.shape[-2:] == (3, 3) and torch.equal(value, (row[:, None] * row).expand_as(value))
        ):
            raise CheckpointError(f"{name[:80]} is another blur than [1, 2, 1]")
    return {name: value for name, value in tensors.items() if not name.endswith(".filt")}


def calibration(found: Mapping[str, Tensor]) -> list[Tensor]:
    """The weights [c] of the stages' channels. Raises CheckpointError where one is negative: it is no distance then."""
    if missing := set(HEADS) - found.keys():
        raise CheckpointError(f"lacks {few(missing)}")
    if negative := [name for name in HEADS if (found[name] < 0).any()]:
        raise CheckpointError(f"has negative weights of channels: {few(negative)}")
    return [found[name].flatten() for name in HEADS]


def require_these(found: Mapping[str, Tensor], wanted: Iterable[str]) -> None:
    if missing := set(wanted) - found.keys():
        raise CheckpointError(f"lacks {few(missing)}")
    if unknown := found.keys() - set(wanted):
        raise CheckpointError(f"has {few(unknown)}, which this network does not have")
